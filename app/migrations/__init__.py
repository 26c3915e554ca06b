"""How the tables came to be, step by step, on both databases, forwards and back."""
