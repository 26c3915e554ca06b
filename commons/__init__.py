"""The ground: what every other room stands on, and nothing of ours beneath it."""
