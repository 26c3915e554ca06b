"""Telling people that a ballot was cast in their name, without telling anybody when they voted (docs/adr/0024)."""
