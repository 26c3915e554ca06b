"""Sign-in by a provider that the organisation trusts (OpenID Connect), and the ballot of whoever came that way."""
