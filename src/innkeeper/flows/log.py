"""Where do the flows tell what they do? To whatever they are given; a structlog logger is one."""

from typing import Protocol


class Log(Protocol):
    """Takes an event's name and its facts, of which none is a secret or names a person."""

    def info(self, event: str, **words: object) -> None:
        """Tell what went well."""
        ...

    def warning(self, event: str, **words: object) -> None:
        """Tell what somebody should look at."""
        ...

    def error(self, event: str, **words: object) -> None:
        """Tell what went wrong."""
        ...
