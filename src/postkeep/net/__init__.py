"""The one way out: every connection to a stranger is opened here, after its address was judged."""
