"""The one public log: what was done to every vote, in an order that nobody can change later without it showing."""
