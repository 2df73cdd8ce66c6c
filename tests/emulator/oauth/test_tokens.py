"""oauth_checks V and D-3: which tokens live, and that the dead stay dead."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from innkeeper.emulator.oauth.tokens import issue
from innkeeper.net.outbound import Response
from tests.emulator.visit import Visit, hidden, read

INVALID = {"code": 124, "message": "Invalid access token."}


@pytest.fixture
def visit() -> Visit:
    return Visit()


@pytest.mark.anyio
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_takes_the_scheme_in_any_case(visit: Visit, scheme: str) -> None:
    """V12."""
    token = (await visit.tokens())["access_token"]
    answer = await visit.ask("GET", "/v2/users/me", headers={"authorization": f"{scheme} {token}"})
    assert answer.status == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Bearer wrong", id="V02"),
        pytest.param("Bearer ", id="V02-empty"),
        pytest.param("Bearer", id="V02-alone"),
        pytest.param("Basic abc", id="V02-basic"),
        pytest.param("Bearer \x00\xff", id="V02-bytes"),
        pytest.param(None, id="V02-missing"),
    ],
)
async def test_refuses_what_is_no_token(visit: Visit, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    refused = await visit.ask("GET", "/v2/users/me", headers=headers)
    assert (refused.status, read(refused)) == (401, INVALID)
    assert refused.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.anyio
async def test_an_access_token_lives_for_an_hour(visit: Visit) -> None:
    """V03."""
    token = (await visit.tokens())["access_token"]
    await visit.zoom.advance(3599)
    assert (await visit.me(token)).status == 200
    await visit.zoom.advance(1)
    refused = await visit.me(token)
    assert (refused.status, read(refused)) == (401, INVALID)
    assert refused.headers["x-emulator-refused"] == "token.expired"


@pytest.mark.anyio
async def test_takes_no_token_from_the_query(visit: Visit) -> None:
    """V11."""
    token = (await visit.tokens())["access_token"]
    refused = await visit.ask("GET", f"/v2/users/me?access_token={token}")
    assert refused.status == 401
    assert "not supported as query parameter string" in read(refused)["message"]


@pytest.mark.anyio
async def test_takes_no_refresh_token(visit: Visit) -> None:
    assert (await visit.me((await visit.tokens())["refresh_token"])).status == 401


def test_tokens_look_like_jwts_and_say_nothing(visit: Visit) -> None:
    first, second = (
        issue(visit.world, visit.app, "user", account_id="a", scopes=[], user_id="u")
        for _ in range(2)
    )
    assert first.access.count(".") == 2
    assert len({first.access, first.refresh, second.access, second.refresh}) == 4
    assert first.access not in repr(first)
    assert str(first.refresh) not in repr(first)


class Lifetimes(RuleBasedStateMachine):
    """D-3: whatever is done in whatever order, nothing is given twice and nothing revives."""

    codes = Bundle("codes")
    devices = Bundle("devices")
    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self.visit = Visit()
        self.visit.app.management = "user"
        self.visit.app.use_on_device = True
        self.dead: set[str] = set()

    def teardown(self) -> None:
        self._runner.close()

    def _run(self, awaited: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(awaited)

    def _outcome(self, value: str, answer: Response) -> list[dict[str, str]]:
        """A code or refresh token was tried: it may work once, and is dead ever after."""
        if answer.status == 200:
            assert value not in self.dead
        self.dead.add(value)
        return [read(answer)] if answer.status == 200 else []

    @initialize(
        earlier=st.sampled_from(["authorize", "exchange"]),
        reuse=st.sampled_from(["refuse", "revoke_family"]),
        old=st.sampled_from(["lives", "dies"]),
    )
    def choose_rules(self, earlier: Any, reuse: Any, old: Any) -> None:
        rules = self.visit.world.rules
        rules.earlier_tokens, rules.refresh_reuse, rules.refreshed_access = earlier, reuse, old

    @rule(target=codes, who=st.integers(0, 1))
    def authorize(self, who: int) -> str:
        return str(self._run(self.visit.code(user=self.visit.world.users()[who])))

    @rule(target=tokens, code=codes)
    def exchange(self, code: str) -> Any:
        given = self._outcome(code, self._run(self.visit.exchange(code)))
        return multiple(*given)

    @rule(target=devices, allowed_by=st.sampled_from([0, 1, None]))
    def begin_on_a_device(self, allowed_by: int | None) -> str:
        given = self.visit.ask("POST", "/oauth/devicecode", headers=self.visit.basic())
        device = str(read(self._run(given))["device_code"])
        if allowed_by is not None:
            self.decide_on_a_device(device, allowed_by, "allow")
        return device

    @rule(device=devices, who=st.integers(0, 1), decision=st.sampled_from(["allow", "decline"]))
    def decide(self, device: str, who: int, decision: str) -> None:
        self.decide_on_a_device(device, who, decision)

    def decide_on_a_device(self, device: str, who: int, decision: str) -> None:
        """Answer the question; where the code is over, there is none and nothing happens."""
        record = self.visit.world.devices[device]
        path = f"/oauth/device/complete/{record.user_code}"
        shown = self._run(self.visit.ask("GET", path))
        if record.decision != "waiting" or device in self.dead:
            assert shown.status == 400
        if shown.status == 200:
            user = self.visit.world.users()[who].id
            form = {"request": hidden(shown, "request"), "user": user, "decision": decision}
            self._run(self.visit.ask("POST", path, form=form))
            assert record.decision != "waiting"

    @rule(target=tokens, device=devices)
    def poll(self, device: str) -> Any:
        """Ask for a device's tokens; that nobody decided yet ends nothing."""
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        answer = self._run(self.visit.token({"grant_type": grant, "device_code": device}))
        if answer.status != 200 and read(answer)["error"] in {"authorization_pending", "slow_down"}:
            assert device not in self.dead
            return multiple()
        return multiple(*self._outcome(device, answer))

    @rule(target=tokens, token=tokens)
    def refresh(self, token: dict[str, str]) -> Any:
        value = token["refresh_token"]
        given = self._outcome(value, self._run(self.visit.refresh(value)))
        return multiple(*given)

    @rule(token=consumes(tokens), which=st.sampled_from(["access_token", "refresh_token"]))
    def revoke(self, token: dict[str, str], which: str) -> None:
        form = {"token": token[which]}
        self._run(self.visit.ask("POST", "/oauth/revoke", form=form, headers=self.visit.basic()))
        self.dead.update((token["access_token"], token["refresh_token"]))

    @rule()
    def remove(self) -> None:
        world = self.visit.world
        for installation in list(world.installations.values()):
            self._run(self.visit.zoom.remove_app(installation.id))
        self._all_is_over()

    @rule()
    def withdraw_the_approval(self) -> None:
        """An admin withdraws it and gives it again: what was, stays over."""
        path = f"/_emulator/accounts/{self.visit.app.account_id}"
        for wanted in (b'{"approval_required": true}', b'{"approval_required": false}'):
            assert self._run(self.visit.ask("PATCH", path, body=wanted)).status == 200
        self._all_is_over()

    def _all_is_over(self) -> None:
        world = self.visit.world
        for token in world.tokens:
            self.dead.update((token.access, token.refresh or token.access))
        self.dead.update(world.codes)
        self.dead.update(
            device.code for device in world.devices.values() if device.decision == "allowed"
        )

    @rule(seconds=st.sampled_from([1, 299, 300, 3600, 7_775_000]))
    def wait(self, seconds: int) -> None:
        self._run(self.visit.zoom.advance(seconds))

    @invariant()
    def the_dead_stay_dead(self) -> None:
        for token in self.visit.world.tokens:
            status = self._run(self.visit.me(token.access)).status
            if token.access in self.dead:
                assert status == 401
            elif status == 401:
                self.dead.add(token.access)

    @invariant()
    def at_most_one_refresh_token_lives_for_each_user(self) -> None:
        living = [
            token.user_id
            for token in self.visit.world.tokens
            if not token.revoked and not token.refreshed
        ]
        assert len(living) == len(set(living))


@pytest.mark.slow
class TestLifetimes(Lifetimes.TestCase):  # type: ignore[misc,name-defined]  # made at runtime
    settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
