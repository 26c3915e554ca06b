"""Measurements, each beside its limit or its peer in the same run: the machine's mood must not decide."""
