"""How do events reach an app? Signed, delivered, tried again, and written down."""
