"""The house around the record: people, doors, letters, clocks."""
