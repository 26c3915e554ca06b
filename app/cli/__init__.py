"""The command `khma`: one file a command family."""
