"""What a seed file may say, and how a fault in it is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from innkeeper.emulator.seed import Seed, SeedRefused
from innkeeper.errors import InnkeeperError

MANIFEST = {
    "display_information": {"display_name": "Porter"},
    "oauth_information": {"usage": "USER_OPERATION"},
}
PEOPLE = [{"users": [{"name": "Dana", "id": "u_dana", "role": "admin"}]}]


def _document(**changes: Any) -> dict[str, Any]:
    return {"accounts": PEOPLE, "apps": [{"manifest": MANIFEST}], **changes}


def test_reads_a_manifest_as_zoom_exports_it() -> None:
    seed = Seed.parse(_document(apps=[{"manifest": {"manifest": MANIFEST, "app_id": "x"}}]))
    assert seed.manifests[0].display_information.display_name == "Porter"


def test_reads_a_manifest_from_a_file_beside_the_seed(tmp_path: Path) -> None:
    (tmp_path / "porter.json").write_text(json.dumps(MANIFEST))
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(_document(apps=[{"manifest": "./porter.json"}])))
    assert not Seed.read(path).manifests[0].admin_managed


FAULTS = [
    pytest.param([], "$", "expected `object`", "Correct", id="no-object"),
    pytest.param({}, "$", "missing required field `accounts`", "Add `accounts`", id="missing"),
    pytest.param(_document(accounts=[]), "$.accounts", "length >= 1", "Correct", id="nobody"),
    pytest.param(_document(app=[]), "$", "unknown field `app`", "Known there are", id="unknown"),
    pytest.param(
        _document(accounts=[{"users": [{"name": "A", "role": "boss"}]}]),
        "$.accounts[0].users[0].role",
        "'boss'",
        "Write admin or member",
        id="role",
    ),
    pytest.param(
        _document(accounts=[{"users": [{"nam": "A"}]}]),
        "$.accounts[0].users[0]",
        "`nam`",
        "Known there are name, id, email, role",
        id="misspelt",
    ),
    pytest.param(
        _document(rules={"decline": "shout"}),
        "$.rules.decline",
        "'shout'",
        "redirect or stay",
        id="rule",
    ),
    pytest.param(
        _document(rules={"preset": "lax"}),
        "$.rules.preset",
        "'lax'",
        "zoom, rfc or paranoid",
        id="preset",
    ),
    pytest.param(
        _document(rules={"declined": "stay"}),
        "$.rules.declined",
        "no rule",
        "Known are: preset, decline",
        id="unknown-rule",
    ),
    pytest.param(
        _document(rules={"refresh_days": 0}),
        "$.rules.refresh_days",
        "0 is no value",
        "whole number from 1",
        id="rule-bounds",
    ),
    pytest.param(
        _document(apps=[{"manifest": {}}]),
        "$.apps[0].manifest",
        "`display_information`",
        "Marketplace",
        id="manifest",
    ),
    pytest.param(
        _document(apps=[{"manifest": MANIFEST | {"oauth_information": {"usage": "ACCOUNT"}}}]),
        "$.apps[0].manifest.oauth_information.usage",
        "ACCOUNT",
        "Marketplace",
        id="usage",
    ),
    pytest.param(
        _document(apps=[{"manifest": MANIFEST, "client_id": "a:b"}]),
        "$.apps[0].client_id",
        "matching regex",
        "Correct",
        id="client-id",
    ),
    pytest.param(
        _document(apps=[{"manifest": MANIFEST, "environment": "prod"}]),
        "$.apps[0].environment",
        "'prod'",
        "development or production",
        id="environment",
    ),
    pytest.param(
        _document(apps=[{"manifest": MANIFEST, "disabled": "yes"}]),
        "$.apps[0].disabled",
        "expected `bool`",
        "Write true or false",
        id="flag",
    ),
    pytest.param(
        _document(accounts=[{**PEOPLE[0], "approved_apps": "all"}]),
        "$.accounts[0].approved_apps",
        "expected `array`",
        "Correct",
        id="approved",
    ),
    pytest.param(_document(seed="42"), "$.seed", "got `str`", "Correct", id="seed"),
]


@pytest.mark.parametrize(("document", "path", "why", "fix"), FAULTS)
def test_names_the_place_what_is_wrong_and_what_to_do(
    document: Any, path: str, why: str, fix: str
) -> None:
    with pytest.raises(SeedRefused) as refused:
        Seed.parse(document, file="seed.json")
    assert (refused.value.file, refused.value.path) == ("seed.json", path)
    assert why in refused.value.why
    assert fix in refused.value.fix
    assert str(refused.value).startswith(f"seed.json, at {path}: ")
    assert isinstance(refused.value, InnkeeperError)
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"accounts": [\n {"users":\n ]}', "no JSON (line 3"),
        (b"", "no JSON"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"accounts": "\xff"}', "no JSON"),
        (b"[" * 100 + b"]" * 100, "too_deep"),
    ],
)
def test_says_where_json_breaks_off(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "seed.json"
    path.write_bytes(content)
    with pytest.raises(SeedRefused) as refused:
        Seed.read(path)
    assert refused.value.file == str(path)
    assert why in refused.value.why


def test_says_that_a_file_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SeedRefused, match=r"nowhere\.json, at \$: cannot be read"):
        Seed.read(tmp_path / "nowhere.json")
    with pytest.raises(SeedRefused, match=r"lost\.json, at \$: cannot be read"):
        Seed.parse(_document(apps=[{"manifest": "lost.json"}]), folder=tmp_path)


def test_the_default_seed_can_be_read() -> None:
    assert [user.name for user in Seed.default().document.accounts[0].users] == [
        "Ana Keller",
        "Ben Okafor",
        "Chiara Rossi",
    ]
