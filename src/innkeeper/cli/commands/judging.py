"""What can be typed to know whether something is right? It ends with 3 where it is not."""

from datetime import datetime
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import click

from innkeeper.cli.commands import options
from innkeeper.cli.commands.listing import Noun

Environment = Literal["development", "production"]

_ENVIRONMENTS: Final[tuple[Environment, ...]] = ("development", "production")
_environment = click.option(
    "--environment",
    type=click.Choice(_ENVIRONMENTS),
    default="production",
    help="Whose addresses are meant.",
)


@click.command()
@options.bot_file
@click.option("--deploy", is_flag=True, help="Tell also what does not do for serving people.")
@click.option(
    "--review", metavar="URL", help="Ask the app that runs there as a reviewer of Zoom's."
)
@options.as_json
def check(bot: Path, *, deploy: bool, review: str | None, as_json: bool) -> int:
    """Tell what is wrong with your bot: settings, handlers, tables that no step purges."""
    if review is not None:
        if not review.startswith(("https://", "http://")) or not urlsplit(review).hostname:
            why = "it is no address; use one like https://bot.example.com"
            raise click.BadParameter(why, param_hint="'--review'")
        from innkeeper.cli.review import review as ask  # noqa: PLC0415  # --help loads no client

        return ask(review, as_json=as_json)
    from innkeeper.cli.check import check as look  # noqa: PLC0415

    return look(bot, as_json=as_json, deploy=deploy)


@click.command()
@click.option("--body", type=options.FILE, required=True, help="The body's exact bytes.")
@click.option("--headers", type=options.FILE, required=True, help="Its headers, one a line.")
@click.option(
    "--at",
    metavar="TIME",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    help="When it came, such as 2026-11-27T09:30:00+00:00; now if omitted.",
)
@options.as_json
def verify(body: Path, headers: Path, *, at: datetime | None, as_json: bool) -> int:
    """Tell whether Zoom signed a delivery that was saved, or why it is refused."""
    from innkeeper.cli.verify import verify as look  # noqa: PLC0415

    return look(body, headers, at=at, as_json=as_json)


@click.group(cls=Noun)
def manifest() -> None:
    """What Zoom's manifest of the app must say."""


@manifest.command("show")
@options.bot_file
@_environment
def manifest_show(bot: Path, *, environment: Environment) -> None:
    """Print what your bot and its settings need in the manifest; send nothing."""
    from innkeeper.cli.manifest import show  # noqa: PLC0415

    show(bot, environment=environment)


@manifest.command("diff")
@click.argument("file", type=options.FILE, help="The manifest that Zoom exported.")
@options.bot_file
@_environment
@options.as_json
def manifest_diff(file: Path, bot: Path, *, environment: Environment, as_json: bool) -> int:
    """Tell where Zoom's manifest disagrees with your bot and its settings; change neither."""
    from innkeeper.cli.manifest import diff  # noqa: PLC0415

    return diff(file, bot, environment=environment, as_json=as_json)
