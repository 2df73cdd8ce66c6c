"""One of several processes that share a PostgreSQL: it takes events in, or handles them."""

import json
import sys

from bench.servers import ROBOT, SECRET, one_command, serve
from innkeeper.cli.foreground import run_until_done, until_stopped
from innkeeper.ids import Jid
from innkeeper.secret import Secret
from innkeeper.settings import Settings
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.seal import KeyRing


def main(kind: str, port: int, *, url: str, schema: str, keys: str) -> None:
    """Take events in at a port, or handle what others took in, until told to stop."""
    app = one_command()
    store = PostgresAddress.parse(url, schema=schema)
    app.configure(
        Settings(
            client_id="bench-client",
            client_secret=Secret("bench-client-secret-1"),
            bot_jid=Jid(ROBOT),
            secret_tokens=(Secret(SECRET),),
            management="admin",
            public_url=f"http://127.0.0.1:{port}",
            keys=KeyRing.parse(keys),
            database=store,
            vault=store.beside(f"{schema}_vault"),
            handles_events=kind == "worker",
        )
    )

    async def work() -> None:
        async with app:
            await until_stopped()

    run_until_done(serve(app, port) if kind == "web" else work())


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
