"""The functions the predecessors' scripts call, by their old names, over one library opened on the first call."""
