"""Zoom's Marketplace API: manifests, drafts, and the rotation of a client secret."""

import json
from typing import Any

import pytest

from innkeeper.emulator.marketplace.api import OVERLAP
from innkeeper.net.outbound import Response
from tests.emulator.marketplace.test_manifests import document
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio

APPS = "/v2/marketplace/apps"


class Developer(Visit):
    """Somebody whose app may manage apps."""

    async def begin(self) -> "Developer":
        self.app.scopes += ["marketplace:read:app", "marketplace:write:app"]
        self.access = (await self.tokens())["access_token"]
        return self

    async def call(self, method: str, path: str = "", body: Any = None) -> Response:
        raw = b"" if body is None else json.dumps(body).encode()
        bearer = {"authorization": f"Bearer {self.access}"}
        return await self.ask(method, f"{APPS}{path}", body=raw, headers=bearer)

    async def made(self) -> str:
        answer = await self.call("POST", "", {"manifest": document()})
        assert answer.status == 201
        app_id: str = read(answer)["app_id"]
        return app_id


@pytest.mark.parametrize("body", [{"manifest": document()}, document()])
async def test_validates_a_manifest_wrapped_or_bare(body: Any) -> None:
    developer = await Developer().begin()
    answer = await developer.call("POST", "/manifest/validate", body)
    assert answer.status == 200
    assert read(answer) == {"ok": True, "error": "", "errors": None}


@pytest.mark.parametrize("body", [None, [], {"manifest": {}}, document(display_information={})])
async def test_answers_200_also_to_a_manifest_that_is_wrong(body: Any) -> None:
    developer = await Developer().begin()
    answer = await developer.call("POST", "/manifest/validate", body)
    assert (answer.status, read(answer)["error"]) == (200, "invalid_manifest")
    assert set(read(answer)["errors"][0]) == {"setting", "message"}


async def test_makes_shows_changes_and_deletes_an_app() -> None:
    developer = await Developer().begin()
    app_id = await developer.made()
    shown = read(await developer.call("GET", f"/{app_id}/manifest"))
    assert set(shown) == {"manifest"}
    changed = shown["manifest"] | {"display_information": {"display_name": "Page"}}
    assert (await developer.call("PUT", f"/{app_id}/manifest", changed)).status == 204
    assert developer.world.apps[app_id].name == "Page"
    developer.world.install(developer.world.apps[app_id], developer.ben)
    assert (await developer.call("DELETE", f"/{app_id}")).status == 200
    assert app_id not in developer.world.apps
    assert {each.client_id for each in developer.world.installations.values()} == {
        developer.app.client_id
    }


async def test_drops_keys_that_zoom_does_not_know() -> None:
    developer = await Developer().begin()
    answer = await developer.call("POST", "", {"manifest": document(colour="red")})
    shown = read(await developer.call("GET", f"/{read(answer)['app_id']}/manifest"))
    assert "colour" not in shown["manifest"]


async def test_refuses_a_faulty_manifest_and_changes_nothing() -> None:
    developer = await Developer().begin()
    app_id = await developer.made()
    for method, path in (("POST", ""), ("PUT", f"/{app_id}/manifest")):
        refused = await developer.call(method, path, document(display_information={}))
        assert (refused.status, read(refused)["error"]) == (400, "invalid_manifest")
        assert refused.headers["x-emulator-refused"] == "manifest.faulty"
    assert developer.world.apps[app_id].name == "Porter"


async def test_changes_only_a_draft_of_the_same_account() -> None:
    developer = await Developer().begin()
    app_id = await developer.made()
    app = developer.world.apps[app_id]
    app.environment = "production"
    refused = await developer.call("PUT", f"/{app_id}/manifest", document())
    assert (refused.status, read(refused)["code"]) == (404, 1500)
    app.account_id = "elsewhere"
    for method, path in (
        ("GET", f"/{app_id}/manifest"),
        ("DELETE", f"/{app_id}"),
        ("POST", f"/{app_id}/rotate_client_secret"),
        ("GET", "/nobody/manifest"),
    ):
        assert (await developer.call(method, path)).status == 404
    assert app_id in developer.world.apps


async def test_both_secrets_are_good_until_the_old_one_is_revoked() -> None:
    visit = await Developer().begin()
    old = visit.basic()
    rotated = read(await visit.call("POST", f"/{visit.app.client_id}/rotate_client_secret"))
    assert rotated["new_secret"] == visit.app.client_secret
    grant = {"grant_type": "client_credentials"}
    for headers in (old, visit.basic()):
        assert (await visit.token(grant, headers=headers)).status == 200
    await visit.zoom.advance(OVERLAP.total_seconds())
    assert (await visit.token(grant, headers=old)).status == 400
    assert (await visit.token(grant)).status == 200


async def test_the_old_secret_ends_when_the_call_says_so() -> None:
    visit = await Developer().begin()
    body = {"revoke_old_secret_time": "2026-03-02T09:01:00Z"}
    path = f"/{visit.app.client_id}/rotate_client_secret"
    assert read(await visit.call("POST", path, body))["revoke_old_secret_time"].startswith(
        "2026-03-02T09:01:00"
    )
    for odd in ({"revoke_old_secret_time": 7}, {"revoke_old_secret_time": "2026-03-02T09:01:00"}):
        assert read(await visit.call("POST", path, odd))["revoke_old_secret_time"].startswith(
            "2026-03-03T09:00:00"
        )


async def test_wants_a_token_with_the_scope() -> None:
    visit = Visit()
    calls = [
        ("POST", f"{APPS}/manifest/validate"),
        ("POST", APPS),
        ("DELETE", f"{APPS}/x"),
        ("GET", f"{APPS}/x/manifest"),
        ("PUT", f"{APPS}/x/manifest"),
        ("POST", f"{APPS}/x/rotate_client_secret"),
    ]
    access = (await visit.tokens())["access_token"]
    for method, path in calls:
        assert (await visit.ask(method, path)).status == 401
        bearer = {"authorization": f"Bearer {access}"}
        refused = await visit.ask(method, path, headers=bearer)
        assert (refused.status, refused.headers["x-emulator-refused"]) == (400, "token.scope")
