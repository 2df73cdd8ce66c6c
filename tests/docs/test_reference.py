"""What can be looked up is complete, and nothing is described that is not there."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route

import innkeeper
from innkeeper import environment, web
from innkeeper.bot import contexts
from innkeeper.cli.commands import command_line
from innkeeper.emulator import Emulator
from innkeeper.emulator.marketplace.listing import AppChange
from innkeeper.emulator.seed import AccountSeed, AppSeed, EndpointsSeed, UserSeed
from innkeeper.errors import ZOOM_CODES
from innkeeper.net.outbound import AsgiTransport
from innkeeper.store.records import EventState
from innkeeper.ui.cards import PAINTERS
from innkeeper.ui.texts import ENGLISH
from innkeeper.wire import (
    blocks,
    building,
    events,
    lossless,
    messages,
    payloads,
    revising,
    signature,
)
from tests.docs import cards_section, emulated_page, pages_page, rules_page
from tests.docs.blocks import ROOT
from tests.house.test_errors import ERRORS

FOLDER = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text("utf-8")


def coded(text: str) -> set[str]:
    """List what stands between backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


# settings


def settings_read() -> set[str]:
    return set(re.findall(r'"((?:ZOOM|INNKEEPER)_[A-Z0-9_]+)"', inspect.getsource(environment)))


def test_every_setting_is_described_and_no_other():
    described = set(
        re.findall(r"^\| `((?:ZOOM|INNKEEPER)_\w+)` \|", page("settings"), re.MULTILINE)
    )

    assert settings_read() == described
    assert "INNKEEPER_PUBLIC_URL" in described


# errors


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__qualname__)
def test_every_error_is_described_with_its_code(kind: Any):
    in_a_table = rf"^\| `{kind.__qualname__}` \| `{kind.code}` \|"
    in_a_sentence = rf"`{kind.__qualname__}`\)|`{kind.__qualname__}` \(`{kind.code}`\)"

    assert re.search(f"{in_a_table}|{in_a_sentence}", page("errors"), re.MULTILINE)
    assert kind.code in coded(page("errors"))


def test_every_code_that_a_page_or_an_answer_shows_is_described():
    source = inspect.getsource(web)
    shown = {
        *re.findall(r'"error":"(\w+)"', source),
        *(key.split(".")[1] for key in ENGLISH if re.fullmatch(r"problem\.\w+\.title", key)),
    }

    assert "state_unknown" in shown
    assert "body_too_large" in shown
    assert shown - coded(page("errors")) == set()


def test_every_reason_for_a_refusal_or_a_quarantine_is_described():
    refusals = set(re.findall(r'SignatureRefused\("(\w+)"\)', inspect.getsource(signature)))
    quarantine = {
        reason
        for module in (lossless, events)
        for reason in re.findall(r'BodyRefused\("(\w+)"\)', inspect.getsource(module))
    }

    assert refusals
    assert quarantine
    assert (refusals | quarantine) - coded(page("errors")) == set()


def test_every_code_of_zooms_that_we_explain_is_described():
    rows = [f"| {code} | {meaning} | {fix} |" for code, (meaning, fix) in ZOOM_CODES.items()]

    assert [row for row in rows if row not in page("errors")] == []


# commands


def commands(command: Any, *names: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, *names, name)
    else:
        yield " ".join(names), command


COMMANDS = list(commands(command_line, "innkeeper"))


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_is_described_with_its_options(name: str, command: Any):
    found = re.search(
        rf"^## `{name}\b[^`]*`\n(?P<text>.*?)(?=^## |\Z)", page("cli"), re.MULTILINE | re.DOTALL
    )
    options = {
        option.opts[0] for option in command.params if option.param_type_name == "option"
    } - {"--help"}

    assert found
    assert options <= coded(found["text"])


def test_no_command_is_described_that_is_not_there():
    described = re.findall(r"^## `(innkeeper(?: [a-z-]+)+)", page("cli"), re.MULTILINE)

    assert sorted(described) == sorted(name for name, _ in COMMANDS)


# events


@pytest.mark.parametrize("name", payloads.PAYLOADS)
def test_every_event_is_described_with_its_struct(name: str):
    assert f"| `{name}` | `{payloads.PAYLOADS[name].__name__}` |" in page("events")


@pytest.mark.parametrize("kind", sorted(set(payloads.PAYLOADS.values()), key=lambda k: k.__name__))
def test_every_field_of_an_event_is_described(kind: Any):
    assert set(kind.__struct_fields__) - coded(page("events")) == set()


def test_every_other_event_and_every_state_is_described():
    described = coded(page("events"))

    assert {f"{prefix}*" for prefix in payloads.ACTIVITY_PREFIXES} <= described
    assert {"ChatActivity", "UnknownEvent"} <= described
    assert {state.value for state in EventState} <= described


# cards in raw JSON


def test_every_element_is_described_as_the_emulator_draws_it():
    assert set(cards_section.SAMPLES) == set(PAINTERS) == set(blocks.BLOCKS)
    assert set(cards_section.DEEDS) <= set(PAINTERS)
    assert all(painter.__doc__ for painter in PAINTERS.values())
    fix = "run python -m tests.docs.cards_section"
    assert cards_section.section() in page("cards"), fix


# cards and contexts


@pytest.mark.parametrize("name", blocks.BLOCKS)
def test_every_element_of_a_card_is_described_with_its_fields(name: str):
    kind = blocks.BLOCKS[name]
    row = re.search(rf"^\| `{name}` \|.*$", page("cards"), re.MULTILINE)

    assert row
    assert f"`{kind.__name__}`" in row[0]
    assert set(kind.__struct_encode_fields__) - {"raw"} <= coded(row[0])


def test_every_step_of_building_a_card_is_described():
    kinds = (messages.Card, building.Building, revising.Revising)
    steps = {name for kind in kinds for name in vars(kind) if not name.startswith("_")}
    fields = {"head", "body", "settings", "markdown", "raw", "check"}

    assert all(f".{name}(" in page("cards") for name in steps - fields)


CONTEXTS = sorted(
    {
        kind
        for kind in vars(contexts).values()
        if isinstance(kind, type) and kind.__module__ == contexts.__name__
    }
    & {getattr(innkeeper, name) for name in innkeeper.__all__},
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", [*CONTEXTS, innkeeper.State], ids=lambda kind: kind.__name__)
def test_every_member_of_a_context_is_described(kind: Any):
    members = {member for member in vars(kind) if not member.startswith("_")}
    described = page("contexts")

    assert f"`{kind.__name__}`" in described
    assert [each for each in members if not re.search(rf"\b{each}\b", described)] == []


@pytest.mark.parametrize("kind", [innkeeper.App, innkeeper.Router])
def test_every_decorator_and_method_is_described(kind: Any):
    members = {member for member in vars(kind) if not member.startswith("_")} - {
        "worker",
        "family",
        "intake",
    }

    assert [each for each in members if f"app.{each}" not in page("handlers")] == []


# addresses


def paths() -> list[str]:
    emulator = Emulator(transport=AsgiTransport())
    inner: Any = emulator.app
    while not hasattr(inner, "routes"):
        inner = inner._app
    return sorted({route.path for route in inner.routes if isinstance(route, Route)})


PAGES_OWN = ("/static/", "/chat/", "/signout", "/v2/{")
"""What only pages and their forms call, and what answers for everything not emulated."""


@pytest.mark.parametrize("path", paths())
def test_every_address_of_the_emulator_is_described(path: str):
    by_a_form = path.startswith("/marketplace/") and not path.endswith(("local-test", "client_id}"))
    if path.startswith(PAGES_OWN) or path.endswith("/redeliver") or by_a_form:
        return
    described = page("control-api") if path.startswith("/_emulator") else page("addresses")

    assert re.search(rf"{re.escape(path)}[`?]", described)


def test_every_address_of_the_app_is_described():
    routes = re.findall(r'Route\("([^"]+)"', inspect.getsource(web))
    found = {route.replace(":path", "") for route in routes} | web.WEBHOOKS

    assert "/install" in found
    assert all(re.search(rf"{re.escape(path)}`", page("addresses")) for path in found)


def test_every_lever_of_the_control_api_is_described():
    described = coded(page("control-api"))

    assert set(AppChange.__struct_fields__) <= described
    for part in (AccountSeed, UserSeed, AppSeed, EndpointsSeed):
        assert set(part.__struct_fields__) <= described


def test_every_switch_and_check_of_the_emulator_is_described():
    assert rules_page.PLACE.read_text("utf-8") == rules_page.page(), (
        "run `python -m tests.docs.rules_page`"
    )


def test_what_is_emulated_is_described_as_the_table_has_it():
    assert emulated_page.PLACE.read_text("utf-8") == emulated_page.page(), (
        "run `python -m tests.docs.emulated_page`"
    )


# pages


def test_every_text_of_the_pages_is_described_as_the_table_has_it():
    assert pages_page.PLACE.read_text("utf-8") == pages_page.page(), (
        "run `python -m tests.docs.pages_page`"
    )


def test_every_colour_that_is_promised_is_there():
    sheet = (ROOT / "src/innkeeper/ui/static/app.css").read_text("utf-8")

    assert [name for name in pages_page.COLOURS if f"--{name}:" not in sheet] == []
