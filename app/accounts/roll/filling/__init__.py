"""Bringing a list into a roll: a short one at once, a long one slice by slice beside everything else."""
