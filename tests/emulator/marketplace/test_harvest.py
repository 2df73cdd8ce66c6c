"""What is here now can be written as a seed, and grows into the same again."""

import dataclasses
import json
from typing import Any

import pytest

from innkeeper.emulator.marketplace.harvest import harvest
from innkeeper.emulator.planting import plant
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.world import World
from tests.emulator.visit import BOT, Visit, read

pytestmark = pytest.mark.anyio


def regrown(document: Any) -> World:
    world = World(seed=1)
    plant(Seed.parse(json.loads(json.dumps(document))), world)
    return world


def facts(world: World) -> Any:
    """List what a seed holds of a world."""
    apps = [dataclasses.replace(each, consent_version=1) for each in world.apps.values()]
    people = [dataclasses.replace(each, member_id="") for each in world.users()]
    accounts = [
        (each.id, each.name, each.plan, each.approval_required, each.approved_apps)
        for each in world.accounts
    ]
    installs = [(each.client_id, each.user_id) for each in world.installations.values()]
    return apps, people, accounts, world.channels(), installs, world.rules


async def test_what_was_changed_by_hand_grows_again() -> None:
    visit = Visit()
    await visit.code()
    change = {
        "name": "Porter",
        "redirect_uris": [f"{BOT}/other", f"{BOT}/"],
        "deauthorization_endpoint": f"{BOT}/bye",
        "environment": "production",
        "scopes": ["imchat:bot", "user:read:email"],
        "welcome": {"mode": "static", "title": "Hi", "body": "there"},
        "use_on_device": True,
        "disabled": True,
        "public_client_id": "porter_pub",
    }
    path = f"/_emulator/apps/{visit.app.client_id}"
    answer = await visit.ask("PATCH", path, body=json.dumps(change).encode())
    assert answer.status == 200, answer.body
    account = visit.world.accounts[0]
    account.approval_required, account.approved_apps = True, [visit.app.client_id]
    account.plan = "pro"
    visit.world.rules.decline = "stay"

    document = read(await visit.ask("GET", "/_emulator/seed"))
    grown = regrown(document)

    assert facts(grown)[1:] == facts(visit.world)[1:]
    ((app,), (original,)) = facts(grown)[0], facts(visit.world)[0]
    assert dataclasses.replace(app, manifest=original.manifest) == original
    assert harvest(grown) == document, "and gives the same seed"
    assert document["rules"] == {"decline": "stay"}


def test_the_default_seed_grows_into_itself() -> None:
    world = World(seed=7)
    plant(Seed.default(), world)

    assert harvest(regrown(harvest(world))) == harvest(world)
