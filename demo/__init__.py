"""A small invented world, served on the loopback, that shows postkeep at work: `python -m demo`."""
