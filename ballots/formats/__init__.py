"""Ballot files: reading the votes that others have published, and writing ours so that others can count them."""
