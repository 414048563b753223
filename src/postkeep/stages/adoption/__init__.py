"""What a predecessor's rows mean: the part of an upgrade that reads platforms' JSON. Its plans are pure."""
