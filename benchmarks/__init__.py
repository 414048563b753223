"""Measurements of what postkeep promises about speed and memory; none of them is part of the test suite."""
