"""Who may do more than a citizen: roles, given and ended by two people, never by one for themselves."""
