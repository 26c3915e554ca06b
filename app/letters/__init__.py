"""Letters: written down in the transaction they speak of, sent afterwards, and their fate kept visible."""
