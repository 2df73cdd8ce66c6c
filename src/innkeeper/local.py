"""How do a bot and an emulated app come to know each other? Each is given the other's facts."""

from pathlib import Path

from innkeeper.emulator import Emulator
from innkeeper.emulator.world import AppRecord
from innkeeper.ids import Jid
from innkeeper.secret import Secret
from innkeeper.settings import Settings
from innkeeper.store.seal import KeyRing


def local_settings(
    record: AppRecord, *, public_url: str, zoom_url: str, directory: Path, user_oauth: bool = True
) -> Settings:
    """Make the settings of a bot that talks to an emulated app, with a key ring of its own."""
    return Settings(
        client_id=record.client_id,
        client_secret=Secret(record.client_secret),
        bot_jid=Jid(record.bot_jid),
        secret_tokens=(Secret(record.secret_token),),
        management=record.management,
        public_url=public_url,
        keys=KeyRing.parse(KeyRing.generate()),
        oauth_url=zoom_url,
        api_url=zoom_url,
        account_id=record.account_id,
        user_oauth=user_oauth,
        database=directory / "innkeeper.db",
        vault=directory / "innkeeper.vault.db",
    )


async def point_at(emulator: Emulator, record: AppRecord, bot_url: str) -> None:
    """Give an emulated app the addresses of a bot; its endpoint is validated first.

    Raises:
        EndpointRefused: If the bot does not prove that it holds the secret token.
    """
    record.redirect_uris = [f"{bot_url}/oauth/callback"]
    await emulator.courier.validate_url(record, f"{bot_url}/events")
    record.bot_endpoint = f"{bot_url}/events"
    record.deauthorization_endpoint = f"{bot_url}/deauthorize"
