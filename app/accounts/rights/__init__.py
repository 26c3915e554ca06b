"""What people may do about what is kept of them: see it, correct it, have it erased; and what goes by time."""
