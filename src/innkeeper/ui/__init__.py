"""How does it look? Views become pages, cards become HTML and plain text."""
