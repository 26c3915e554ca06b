"""Rules about who may vote, as data: written on the rule card, read strictly, judged from a few facts."""
