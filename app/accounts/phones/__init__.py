"""A telephone number, added by a message that its owner sends to us; nothing is ever sent to it."""
