"""A small invented town, built through the same doors as a real one, for showing and for checking."""
