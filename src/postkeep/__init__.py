"""postkeep keeps the posts you follow: every picture, every number over time, proven."""

__version__ = "0.1.0"
