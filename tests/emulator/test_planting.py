"""How a world grows from a seed."""

from typing import Any

import pytest

from innkeeper.emulator.planting import manifest_notes, plant
from innkeeper.emulator.seed import Seed, SeedRefused
from innkeeper.emulator.world import World

URLS = {
    "development_redirect_uri": "http://127.0.0.1:9000/cb",
    "production_redirect_uri": "https://bot.example/cb",
    "oauth_allow_list": ["https://bot.example", "http://127.0.0.1:9000/cb"],
}
COMMAND = {
    "command": "/porter",
    "command_hints": [{"usage_hint": "carry", "description": "Carry it"}],
    "development_message_url": "http://127.0.0.1:9000/events",
    "production_message_url": "https://bot.example/events",
}


def _seed(*, oauth: Any = None, command: Any = None, installs: Any = (), **app: Any) -> Seed:
    manifest: dict[str, Any] = {
        "display_information": {"display_name": "Porter", "description": "Carries."},
        "oauth_information": {"usage": "USER_OPERATION", **URLS, **(oauth or {})},
        "features": {
            "team_chat_subscription": {"enable": True, "slash_command": COMMAND | (command or {})}
        },
    }
    return Seed.parse(
        {
            "accounts": [
                {
                    "id": "acc",
                    "users": [
                        {"id": "u_dana", "name": "Dana Ek", "role": "admin"},
                        {"id": "u_emil", "name": "Emil"},
                    ],
                    "channels": [{"id": "lobby", "name": "lobby"}],
                }
            ],
            "apps": [{"manifest": manifest, "client_id": "porter", **app}],
            "installs": list(installs),
        }
    )


def _planted(seed: Seed) -> World:
    world = World(seed=1)
    plant(seed, world)
    return world


def test_makes_up_what_is_left_out() -> None:
    world = _planted(Seed.default())
    (app,) = world.apps.values()
    assert app.client_secret.startswith("emu_")
    assert app.secret_token.startswith("emu_")
    assert app.client_secret != app.secret_token
    assert app.bot_jid.startswith("v1")
    assert app.bot_jid.endswith("@xmpp.zoom.us")
    assert (app.management, app.environment, app.welcome.mode) == (
        "admin",
        "development",
        "dynamic",
    )
    assert [user.role for user in world.users()] == ["admin", "member", "member"]
    assert [channel.name for channel in world.channels()] == ["general", "kitchen"]


def test_keeps_what_is_given() -> None:
    world = _planted(
        _seed(
            client_secret="s" * 20,
            secret_token="t" * 20,
            bot_jid="v1porter@xmpp.zoom.us",
            account="acc",
            endpoints={"bot": "http://127.0.0.1:9001/x", "deauthorization": "http://127.0.0.1/d"},
        )
    )
    app = world.apps["porter"]
    assert (app.client_secret, app.secret_token) == ("s" * 20, "t" * 20)
    assert app.bot_jid == "v1porter@xmpp.zoom.us"
    assert app.bot_endpoint == "http://127.0.0.1:9001/x"
    assert app.deauthorization_endpoint == "http://127.0.0.1/d"
    dana = world.users()[0]
    assert (dana.jid, dana.email) == ("u_dana@xmpp.zoom.us", "dana.ek@example.com")
    assert world.channels()[0].jid == "lobby@conference.xmpp.zoom.us"


@pytest.mark.parametrize(
    ("environment", "redirect", "endpoint"),
    [
        ("development", "http://127.0.0.1:9000/cb", "http://127.0.0.1:9000/events"),
        ("production", "https://bot.example/cb", "https://bot.example/events"),
    ],
)
def test_takes_the_addresses_of_its_environment(
    environment: str, redirect: str, endpoint: str
) -> None:
    app = _planted(_seed(environment=environment)).apps["porter"]
    assert app.redirect_uri == redirect
    assert len(app.redirect_uris) == len(set(app.redirect_uris))
    assert "https://bot.example" in app.redirect_uris
    assert app.bot_endpoint == endpoint
    assert (app.command, app.command_hints) == ("porter", [("carry", "Carry it")])


@pytest.mark.parametrize(
    ("command", "mode"),
    [
        ({"sender_type": "zoom"}, "default"),
        ({"sender_type": "zoom", "welcome_msg": {"title": "Hi", "body": ""}}, "static"),
        ({"sender_type": "app"}, "dynamic"),
    ],
)
def test_reads_who_welcomes(command: dict[str, Any], mode: str) -> None:
    assert _planted(_seed(command=command)).apps["porter"].welcome.mode == mode


def test_takes_an_app_without_a_chat_subscription() -> None:
    manifest = {
        "display_information": {"display_name": "Quiet"},
        "oauth_information": {"usage": "ADMIN_MANAGEMENT"},
    }
    accounts = [{"users": [{"name": "Dana"}]}]
    (app,) = _planted(
        Seed.parse({"accounts": accounts, "apps": [{"manifest": manifest}]})
    ).apps.values()
    assert (app.command, app.bot_endpoint, app.redirect_uris, app.scopes) == ("", "", [], [])
    assert app.welcome.mode == "default"


def test_adds_the_chatbot_scope_only_where_an_admin_manages() -> None:
    admin = _planted(_seed(oauth={"usage": "ADMIN_MANAGEMENT"})).apps["porter"]
    user = _planted(_seed(oauth={"scopes": [{"scope": "imchat:userapp"}]})).apps["porter"]
    assert (admin.scopes, manifest_notes(admin)) == (["imchat:bot"], [])
    assert (user.scopes, manifest_notes(user)) == (["imchat:userapp"], [])


def test_notes_a_chatbot_scope_that_zoom_would_not_validate() -> None:
    app = _planted(_seed(oauth={"scopes": [{"scope": "imchat:bot"}]})).apps["porter"]
    (note,) = manifest_notes(app)
    assert "only under ADMIN_MANAGEMENT" in note


def test_plants_installations_that_stand() -> None:
    world = _planted(_seed(installs=[{"app": "porter", "user": "u_emil"}]))
    (installation,) = world.installations.values()
    assert (installation.user_id, installation.account_id) == ("u_emil", "acc")


ACCOUNT = {"id": "acc", "users": [{"id": "u_dana", "name": "Dana"}]}
TWINS = {"id": "two", "users": [{"id": "U_DANA", "name": "Dana"}]}


@pytest.mark.parametrize(
    ("document", "path", "why"),
    [
        pytest.param({"accounts": [ACCOUNT, ACCOUNT]}, "$.accounts[1].id", "taken", id="account"),
        pytest.param(
            {"accounts": [ACCOUNT, TWINS]}, "$.accounts[1].users[0].id", "case", id="user"
        ),
        pytest.param(
            {"accounts": [ACCOUNT | {"channels": [{"id": "c", "name": "a"}] * 2}]},
            "$.accounts[0].channels[1].id",
            "taken",
            id="channel",
        ),
    ],
)
def test_refuses_people_who_cannot_be_told_apart(document: Any, path: str, why: str) -> None:
    with pytest.raises(SeedRefused) as refused:
        _planted(Seed.parse(document))
    assert refused.value.path == path
    assert why in refused.value.why


@pytest.mark.parametrize(
    ("app", "path", "fix"),
    [
        pytest.param({"account": "nowhere"}, "$.apps[0].account", "Known are: acc", id="account"),
        pytest.param(
            {"installs": [{"app": "x", "user": "u_emil"}]},
            "$.installs[0].app",
            "Known are: porter",
            id="app",
        ),
        pytest.param(
            {"installs": [{"app": "porter", "user": "x"}]},
            "$.installs[0].user",
            "Known are: u_dana, u_emil",
            id="user",
        ),
        pytest.param(
            {"installs": [{"app": "porter", "user": "u_emil"}] * 2},
            "$.installs[1]",
            "Remove one",
            id="twice",
        ),
        pytest.param(
            {
                "oauth": {"usage": "ADMIN_MANAGEMENT"},
                "installs": [{"app": "porter", "user": "u_emil"}],
            },
            "$.installs[0].user",
            "Name an admin",
            id="member",
        ),
    ],
)
def test_refuses_what_contradicts_itself(app: Any, path: str, fix: str) -> None:
    with pytest.raises(SeedRefused) as refused:
        _planted(_seed(**app))
    assert refused.value.path == path
    assert fix in refused.value.fix


@pytest.mark.parametrize("key", ["client_id", "bot_jid"])
def test_refuses_two_apps_of_one_name(key: str) -> None:
    manifest = _seed().manifests[0].raw
    value = {"client_id": "one", "bot_jid": "v1one@xmpp.zoom.us"}[key]
    document = {
        "accounts": [ACCOUNT],
        "apps": [{"manifest": manifest, key: value}, {"manifest": manifest, key: value}],
    }
    with pytest.raises(SeedRefused) as refused:
        _planted(Seed.parse(document))
    assert refused.value.path == f"$.apps[1].{key}"


def test_gives_each_world_rules_of_its_own() -> None:
    seed = Seed.default()
    first, second = _planted(seed), _planted(seed)
    first.rules.decline = "stay"
    assert second.rules.decline == "redirect"


def test_sets_what_a_manifest_does_not_hold() -> None:
    plain = _planted(_seed()).apps["porter"]
    assert (plain.use_on_device, plain.disabled, plain.public_client_id) == (False, False, "")
    app = _planted(_seed(use_on_device=True, disabled=True, public_client_id="porter_pub")).apps[
        "porter"
    ]
    assert (app.use_on_device, app.disabled, app.public_client_id) == (True, True, "porter_pub")


def _approving(**account: Any) -> Seed:
    document = _seed().document
    accounts = [{"id": "acc", "users": [{"id": "u_dana", "name": "Dana"}], **account}]
    apps = [{"manifest": _seed().manifests[0].raw, "client_id": "porter"}]
    return Seed.parse({"accounts": accounts, "apps": apps, "rules": document.rules})


def test_says_which_apps_an_account_approved() -> None:
    (open_to_all,) = _planted(_approving()).accounts
    (closed,) = _planted(_approving(approval_required=True)).accounts
    (some,) = _planted(_approving(approval_required=True, approved_apps=["porter"])).accounts
    approves = [each.approves("porter") for each in (open_to_all, closed, some)]
    assert approves == [True, False, True]


def test_refuses_an_approval_of_nothing() -> None:
    with pytest.raises(SeedRefused) as refused:
        _planted(_approving(approved_apps=["porter", "sweeper"]))
    assert refused.value.path == "$.accounts[0].approved_apps[1]"
    assert refused.value.fix == "Known are: porter."


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ({"client_id": "one", "public_client_id": "one"}, {}, "$.apps[0].public_client_id"),
        (
            {"client_id": "one", "public_client_id": "pub"},
            {"client_id": "two", "public_client_id": "pub"},
            "$.apps[1].public_client_id",
        ),
        (
            {"client_id": "one", "public_client_id": "pub"},
            {"client_id": "pub"},
            "$.apps[1].client_id",
        ),
    ],
)
def test_refuses_two_clients_of_one_id(first: Any, second: Any, path: str) -> None:
    manifest = _seed().manifests[0].raw
    apps = [{"manifest": manifest, **each} for each in (first, second)]
    with pytest.raises(SeedRefused) as refused:
        _planted(Seed.parse({"accounts": [ACCOUNT], "apps": apps}))
    assert refused.value.path == path
