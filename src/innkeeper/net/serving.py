"""How does a server listen? Bound before anything starts, stopped when its block ends."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import ClassVar, Final, cast

import uvicorn

from innkeeper.errors import InnkeeperError
from innkeeper.net.intake import Intake
from innkeeper.net.outbound import AsgiApp
from innkeeper.net.patience import PatientProtocol
from innkeeper.net.protocol import IntakeProtocol, Lobby

LOCAL: Final = "127.0.0.1"


class PortTaken(InnkeeperError):
    """A port cannot be listened on."""

    code = "port_taken"
    fix = "Stop what listens there, or choose another port; --help names the option."
    exit_code: ClassVar[int] = 71


def bind(host: str, port: int) -> socket.socket:
    """Take a port, before anything else is begun: from now on nobody else can.

    Raises:
        PortTaken: If somebody has it, or we may not, or no host is named.
    """
    if not host:
        raise PortTaken(f"port {port} cannot be used", "no host is named")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # two may bind one port; only one may listen
    except OSError as error:
        listener.close()
        raise PortTaken(f"port {port} on {host} cannot be used", error.strerror or "") from None
    return listener


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@asynccontextmanager
async def serving(
    app: AsgiApp, listener: socket.socket, *, intake: Intake | None = None
) -> AsyncGenerator[None]:
    """Serve an application while the block runs; the lifespan is the caller's business.

    Args:
        intake: Where webhooks go, if they need not come in by ASGI; then every request is
            held to stricter rules.
    """
    protocol = PatientProtocol if intake is None else partial(IntakeProtocol, Lobby(intake))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        http=cast("type[asyncio.Protocol]", protocol),
        ws="none",
        interface="asgi3",
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    task.add_done_callback(lambda _: server.listens.set())  # a failure ends the wait as well
    await server.listens.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()
