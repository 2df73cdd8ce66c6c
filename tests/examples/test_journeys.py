"""The same bot goes the same way behind every server and framework: from consent to receipt."""

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from innkeeper.cli.walk import Walk
from innkeeper.emulator import Emulator
from innkeeper.local import local_settings
from innkeeper.net.outbound import HttpTransport
from innkeeper.settings import Settings
from tests.cli.commands import Running, free_ports, running

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

EXAMPLES = Path(__file__).parents[2] / "examples"


def uvicorn(app: str, port: int) -> list[str]:
    return ["-W", "error::ResourceWarning", "-m", "uvicorn", app, "--port", str(port)]


def gunicorn(app: str, port: int) -> list[str]:
    """A server that forks after it has loaded the app."""
    options = ["--preload", "--workers", "1", "--threads", "8", "--no-control-socket"]
    return ["-m", "gunicorn", app, "--bind", f"127.0.0.1:{port}", *options]


HOSTS = {
    "uvicorn alone": (uvicorn, "bot:app", ""),
    "Starlette": (uvicorn, "with_starlette:app", "/zoom"),
    "FastAPI": (uvicorn, "with_fastapi:app", "/zoom"),
    "Django on ASGI": (uvicorn, "with_django.asgi:application", "/zoom"),
    "Django on WSGI": (gunicorn, "with_django.wsgi:application", "/zoom"),
    "Flask": (gunicorn, "with_flask:app", "/zoom"),
}


@contextmanager
def hosted(host: str, settings: Settings, port: int) -> Generator[Running]:
    """Run an example as its first lines say, with settings from the environment."""
    server, app, _ = HOSTS[host]
    environment = {
        "ZOOM_CLIENT_ID": settings.client_id,
        "ZOOM_CLIENT_SECRET": settings.client_secret.reveal(),
        "ZOOM_BOT_JID": settings.bot_jid,
        "ZOOM_WEBHOOK_SECRET_TOKEN": settings.secret_tokens[0].reveal(),
        "ZOOM_APP_MANAGEMENT": settings.management,
        "ZOOM_OAUTH_URL": settings.oauth_url,
        "ZOOM_API_URL": settings.api_url,
        "INNKEEPER_PUBLIC_URL": settings.public_url,
        "INNKEEPER_DATABASE_URL": f"sqlite:///{settings.database}",
    }
    with running(
        [sys.executable, *server(app, port)], port=port, cwd=EXAMPLES, env=environment
    ) as it:
        it.wait_until_it_answers()
        yield it


@pytest.mark.parametrize("host", HOSTS)
async def test_lives_from_consent_to_receipt(host: str, tmp_path: Path) -> None:
    [port] = free_ports(1)
    prefix = HOSTS[host][2]
    emulator = Emulator()
    with emulator.serve() as zoom_url:
        record = next(iter(emulator.world.apps.values()))
        record.management = "user"
        url = f"http://127.0.0.1:{port}{prefix}"
        settings = local_settings(record, public_url=url, zoom_url=zoom_url, directory=tmp_path)
        transport, told = HttpTransport(), list[str]()
        with hosted(host, settings, port) as it:
            try:
                await Walk(transport, settings, tmp_path, told.append).go()
            finally:
                await transport.aclose()
            front = it.get("/")
            ended = it.end(signal.SIGTERM, within=30.0)
    assert "finds nothing" in told[-1]
    assert prefix == "" or front == b"0 requests at the front desk"
    assert "Traceback" not in ended.err
    assert "ResourceWarning" not in ended.err
    assert list(tmp_path.glob("*-wal")) == []  # noqa: ASYNC240  # a test may wait
