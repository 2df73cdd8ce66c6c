"""Whatever comes in from outside: nothing that was not foreseen happens."""
