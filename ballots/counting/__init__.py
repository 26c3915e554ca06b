"""Counting: from a pile of ballots to an order of places, with the proof of it. Pure: no files, clocks or databases."""
