"""Who is at the door: accounts, passwords, sessions, and how often someone may try."""
