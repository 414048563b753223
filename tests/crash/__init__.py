"""Processes that die at any moment, and what the next run makes of what they left."""
