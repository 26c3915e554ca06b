"""Pictures: taken in, stripped of everything but what can be seen, and kept."""
