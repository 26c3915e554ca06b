"""What the tests of this folder use: a running house, on both databases."""

from tests.plumbing.house import town

__all__ = ["town"]
