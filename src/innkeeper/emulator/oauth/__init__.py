"""Who may do what? Consent, codes, tokens, and every check on the way."""
