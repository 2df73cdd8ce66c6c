"""How does Zoom fail on purpose? Rules that somebody gave, and what each does to an exchange."""
