"""The SQLite store and the vault: what is theirs alone."""
