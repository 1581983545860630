"""Blind restoration from strong edges: the method `sparse_edges` and its steps."""
