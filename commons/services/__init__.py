"""What the organisation offers: the catalogue of services that people vote on, rate and ask about."""
