"""Print runs: slips with codes, asked for by one person, released by another, shown once, and counted."""
