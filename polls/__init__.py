"""What is asked: questions, their options, and the rule card that is fixed before anyone answers."""
