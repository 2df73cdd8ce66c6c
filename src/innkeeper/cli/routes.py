"""What does a bot answer to? Its handlers as a list, or the one that takes a text."""

from pathlib import Path
from typing import Any

import click

from innkeeper.bot.matching import Found
from innkeeper.bot.reactions import Reaction
from innkeeper.bot.table import Table
from innkeeper.bot.words import WordsRefused, plain, read_words
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.codes import DONE, FOUND_A_FAULT
from innkeeper.cli.printing import print_columns, print_json
from innkeeper.clock import SystemClock


def list_routes(path: Path, *, as_json: bool) -> None:
    """Print a bot's handlers, in the order of their registration."""
    routes = load_bot(path).routes()
    if as_json:
        print_json([route._asdict() for route in routes])
        return
    rows = [
        (f"@app.{route.decorator}", route.usage, route.handler, f"{route.file}:{route.line}")
        for route in routes
    ]
    print_columns(rows)
    if not routes:
        click.echo(f"{path} has no handlers yet.", err=True)


def explain_text(path: Path, text: str, *, as_json: bool) -> int:
    """Tell which command takes a text, why, and what its words are read as."""
    table = Table(load_bot(path))
    found = table.commands.find(text)
    if found is None:
        told: dict[str, Any] = {"text": text, "takes": None, "why": _nobody(table)}
    else:
        told = {"text": text, **_taken(table, found)}
    if as_json:
        print_json(told)
    else:
        print_columns([(name, _written(value)) for name, value in told.items()])
    return DONE if told["takes"] and "refused" not in told else FOUND_A_FAULT


def _taken(table: Table, found: Found[Reaction]) -> dict[str, Any]:
    call, reaction = found.target.call, found.target
    told: dict[str, Any] = {
        "takes": reaction.route,
        "handler": str(call.origin),
        "why": _why(table, found),
    }
    if call.words:
        today = SystemClock().now().date()
        try:
            values = read_words(call.words, found.rest, today)
        except WordsRefused as refusal:
            return told | {"refused": str(refusal), "usage": reaction.usage}
        for word in call.words:
            told[word.name] = [*map(str, values)] if word.rest else str(values.pop(0))
    elif found.rest:
        told["args"] = found.rest.split()
    return told


def _why(table: Table, found: Found[Reaction]) -> str:
    """Tell by which rule it was this one."""
    commands = [each for each in table.reactions if each[0].kind == "command"]
    keys = [registration.key for registration, reaction in commands if reaction is found.target]
    key = plain(keys[0])
    others = [plain(registration.key) for registration, _ in commands]
    shorter = [each for each in others if each and key.startswith(f"{each} ")]
    why = f"it begins with `{key}`" if key else "it begins with no command's own words"
    if shorter:
        why += f", which is more than `{max(shorter, key=len)}`"
    if others.count(key) > 1:
        more = "which is for the one with typed words" if found.rest else "and nothing else"
        why += f", and has more behind, {more}" if found.rest else f", {more}"
    return why


def _nobody(table: Table) -> str:
    known = [route.key for route in table.routes() if route.decorator == "command"]
    named = ", ".join(f"`{key}`" for key in dict.fromkeys(known)) or "no command at all"
    return f"its first word begins none of {named}, and there is no @app.command()"


def _written(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # of words
