"""Votes open to all: a roll of its own for each, which holds whoever asked to take part (adr/0022)."""
