"""The list of those who may vote, in its simple form: lines from a file, and codes on paper slips."""
