"""What does a bot's author touch? Handlers, what they are given, and what they answer."""
