"""A Django site with the bot below /zoom."""
