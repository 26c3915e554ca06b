"""What is answered: ballots, how they are read, and how they are counted."""
