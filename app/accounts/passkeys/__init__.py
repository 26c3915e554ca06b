"""Passkeys: a key in somebody's phone or computer that signs a question of ours, once it knows its owner."""
