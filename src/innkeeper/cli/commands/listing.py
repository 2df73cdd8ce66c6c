"""How is it listed what can be typed? Whole sentences, in the order in which commands are told."""

from collections.abc import Mapping, Sequence
from typing import Any

import click


class Noun(click.Group):
    """What commands are about: `innkeeper keys` of `innkeeper keys new`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's
        """List them as they stand in the code."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """Write what each does."""
        self.write("Commands", list(self.commands.values()), formatter)

    def write(
        self, title: str, commands: Sequence[click.Command], formatter: click.HelpFormatter
    ) -> None:
        """Write what some do, below a title: a line that is too long is broken, not cut off."""
        width = max(map(len, self.commands))
        with formatter.section(title):
            formatter.write_dl(
                [
                    ((each.name or "").ljust(width), each.get_short_help_str(limit=1_000))
                    for each in commands
                ]
            )


class Line(Noun):
    """The whole command line, listed by what it is good for.

    Args:
        sections: Titles, and what stands below each.
    """

    def __init__(
        self, *args: Any, sections: Mapping[str, Sequence[click.Command]], **others: Any
    ) -> None:
        super().__init__(*args, **others)
        self.sections = sections
        for commands in sections.values():
            for each in commands:
                self.add_command(each)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """Write what each does, section by section, all in the same columns."""
        for title, commands in self.sections.items():
            self.write(title, commands, formatter)
