"""Real servers on the loopback interface for the tests."""
