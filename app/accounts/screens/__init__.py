"""Second screens of a counter: joined by a code, handed one person's ballot at a time (docs/adr/0026)."""
