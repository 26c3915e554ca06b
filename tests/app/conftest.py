"""What tests of the app ask for: a running town on either database, and one behind https."""

from tests.plumbing.house import one_town, places, secure_town, town

__all__ = ["one_town", "places", "secure_town", "town"]
