"""What is found: results, the files a stranger can recount them from, and the program that does."""
