"""Who lives in the emulated Zoom."""

import pytest

from innkeeper.emulator.world import World
from tests.emulator.visit import START, Visit


@pytest.fixture
def visit() -> Visit:
    return Visit()


def test_finds_people_apps_and_accounts(visit: Visit) -> None:
    world = visit.world
    assert world.user(visit.ana.id) is visit.ana
    assert world.user_by_jid(visit.ana.jid.upper()) is visit.ana
    assert world.account(visit.ana.account_id) is world.accounts[0]
    assert world.app_by_robot(visit.app.bot_jid) is visit.app
    assert world.user("nobody") is None
    assert world.user_by_jid("nobody@xmpp.zoom.us") is None
    assert world.account("nowhere") is None
    assert world.app_by_robot("v1nobody@xmpp.zoom.us") is None


def test_splits_a_name(visit: Visit) -> None:
    visit.ana.name = "Ana Maria Keller"
    assert (visit.ana.first_name, visit.ana.last_name) == ("Ana", "Maria Keller")
    visit.ben.name = "Ben"
    assert (visit.ben.first_name, visit.ben.last_name) == ("Ben", "")


def test_an_admins_installation_serves_the_whole_account(visit: Visit) -> None:
    installation = visit.world.install(visit.app, visit.ana)
    assert visit.world.installation_for(visit.app, visit.ben) is installation
    visit.ben.account_id = "another"
    assert visit.world.installation_for(visit.app, visit.ben) is None


def test_a_users_installation_serves_her_alone(visit: Visit) -> None:
    visit.app.management = "user"
    installation = visit.world.install(visit.app, visit.ana)
    assert visit.world.installation_for(visit.app, visit.ana) is installation
    assert visit.world.installation_for(visit.app, visit.ben) is None
    assert visit.world.installation_for(visit.second_app(), visit.ana) is None


def test_authorizing_again_keeps_the_installation_and_moves_its_time(visit: Visit) -> None:
    first = visit.world.install(visit.app, visit.ana)
    visit.clock.advance(60)
    again = visit.world.install(visit.app, visit.ana)
    assert again.id == first.id
    assert (again.authorized_at - START).total_seconds() == 60


def test_prints_no_secret(visit: Visit) -> None:
    shown = repr(visit.app)
    assert visit.app.client_secret not in shown
    assert visit.app.secret_token not in shown


def test_draws_what_nobody_can_guess_unless_it_is_seeded() -> None:
    assert World().new_secret() != World().new_secret()
    assert World(seed=1).new_secret() == World(seed=1).new_secret()
    assert World(seed=1).new_secret().startswith("emu_")
