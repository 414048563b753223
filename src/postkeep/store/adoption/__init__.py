"""The steps by which a predecessor's database becomes one of ours, each inside the caller's one transaction."""
