"""The servers that are measured, each in a process of its own, pinned to one core."""

import asyncio
import hashlib
import hmac
import json
import os
import sys
from pathlib import Path

import uvicorn

from innkeeper.app import App
from innkeeper.bot.contexts import Command
from innkeeper.cli.foreground import look_for_garbage_rarely, run_until_done, until_stopped
from innkeeper.ids import Jid
from innkeeper.net.serving import bind, serving
from innkeeper.secret import Secret
from innkeeper.settings import Management, Settings
from innkeeper.store.seal import KeyRing

SECRET = "bench-secret-token-0001"
ROBOT = "v1bench@xmpp.zoom.us"
REPLY = "Two more towels are on their way to room 7."
RIVET_SDK = Path(__file__).parents[1] / "tests/foreign/node/node_modules/@zoom/rivet"


async def bare(scope, receive, send):
    """Check the same MAC, answer 200, and do nothing else."""
    body = (await receive())["body"]
    headers = dict(scope["headers"])
    message = b"v0:" + headers[b"x-zm-request-timestamp"] + b":" + body
    made = b"v0=" + hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest().encode()
    good = hmac.compare_digest(made, headers[b"x-zm-signature"])
    answer = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    status = 200 if good else 401
    await send({"type": "http.response.start", "status": status, "headers": answer})
    await send({"type": "http.response.body", "body": b"{}"})


def bolt():
    """Slack's Bolt as its documentation has it under ASGI, with one listener that does nothing."""
    # ruff: noqa: PLC0415  # it need not be here
    from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult

    async def authorize():
        return AuthorizeResult(
            enterprise_id=None, team_id="T0BENCH01", bot_user_id="U0BOT0001", bot_token="xoxb-bench"
        )

    app = AsyncApp(signing_secret=SECRET, authorize=authorize)

    @app.event("message")
    async def nothing() -> None: ...

    return AsyncSlackRequestHandler(app)


def one_command(wait_seconds: float = 0, answer: str | None = None) -> App:
    """Make an app whose one command does nothing, or waits, or answers."""
    app = App("Bench")

    @app.command()
    async def nothing(ctx: Command) -> str | None:
        if wait_seconds:
            await asyncio.sleep(wait_seconds)
        return answer

    return app


def bot(
    directory: Path,
    port: int,
    wait_seconds: float = 0,
    *,
    keys: str = "",
    management: Management = "admin",
    zoom: str = "",
) -> App:
    """Make a bot whose one command does nothing, or waits; with Zoom's address it replies."""
    app = one_command(wait_seconds, REPLY if zoom else None)
    app.configure(
        Settings(
            client_id="bench-client",
            client_secret=Secret("bench-client-secret-1"),
            bot_jid=Jid(ROBOT),
            secret_tokens=(Secret(SECRET),),
            management=management,
            public_url=f"http://127.0.0.1:{port}",
            keys=KeyRing.parse(keys or KeyRing.generate()),
            database=directory / "bench.db",
            vault=directory / "bench.vault.db",
            **({"oauth_url": zoom, "api_url": zoom} if zoom else {}),
        )
    )
    return app


def main(  # what it is told, each by its name
    kind: str, port: int, *, directory: Path, core: int, keys: str = "", zoom: str = ""
) -> None:
    """Serve until told to stop."""
    os.sched_setaffinity(0, {core})
    name, _, wait = kind.partition(" ")
    if name in {"bare", "bolt"}:
        look_for_garbage_rarely()
        app = bare if name == "bare" else bolt()
        uvicorn.run(
            app, port=port, log_config=None, access_log=False, server_header=False, lifespan="off"
        )
    elif name == "users":  # each has an installation of their own
        run_until_done(serve(bot(directory, port, keys=keys, management="user"), port))
    elif name == "rivet":
        script = str(Path(__file__).with_name("rivet.mjs"))
        os.execvp("node", ["node", script, str(port), SECRET, zoom, REPLY])  # noqa: S606, S607
    else:
        run_until_done(serve(bot(directory, port, float(wait or 0), zoom=zoom), port))


async def serve(app: App, port: int) -> None:
    """Serve as `innkeeper run` does."""
    async with app, serving(app, bind("127.0.0.1", port), intake=app.intake):
        await until_stopped()


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    settings["directory"] = Path(settings["directory"])
    main(**settings)
