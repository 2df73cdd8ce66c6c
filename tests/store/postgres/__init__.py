"""The PostgreSQL store and vault: what is theirs alone."""
