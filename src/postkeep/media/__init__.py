"""Media on this disk: what bytes are, how large a picture they hold, and the cache that keeps them."""
