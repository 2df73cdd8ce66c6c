"""One suite; every store must pass it."""
