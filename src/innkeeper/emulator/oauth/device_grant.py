"""How does a device get its tokens? It shows a code, and asks until somebody decided (RFC 8628).

Source: https://developers.zoom.us/docs/integrations/oauth/; which answer Zoom gives to an
app without "Use App on Device" is not documented.
"""

from datetime import timedelta
from typing import Final

from innkeeper.emulator.answers import Form
from innkeeper.emulator.oauth import tokens
from innkeeper.emulator.oauth.client_auth import Client, OAuthRefused, malformed
from innkeeper.emulator.world import DeviceRequest, Token, World
from innkeeper.wire.device import (
    ACCESS_DENIED,
    AUTHORIZATION_PENDING,
    DEVICE_LIFETIME,
    EXPIRED_TOKEN,
    POLL_INTERVAL,
    SLOW_DOWN,
    DeviceCode,
)
from innkeeper.wire.oauth import INVALID_CODE, OAuthFault

DEVICE_PAGE: Final = "/oauth_device"
COMPLETE_PAGE: Final = "/oauth/device/complete"
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no code is a word, as RFC 8628, 6.1, advises."""


def request_code(world: World, client: Client, *, zoom_url: str) -> DeviceCode:
    """Give a device its code, and the one that a person is to type.

    Args:
        zoom_url: Where the person is to type it.

    Raises:
        OAuthRefused: If the app has not the feature "Use App on Device".
    """
    if not client.app.use_on_device:
        why = 'the app has not the feature "Use App on Device"'
        raise OAuthRefused("device.feature", OAuthFault("unauthorized_client"), why)
    device = DeviceRequest(
        code=world.new_id(24),
        user_code=_draw(world),
        client_id=client.app.client_id,
        public=client.public,
        issued_at=world.now(),
        interval=POLL_INTERVAL,
    )
    world.devices[device.code] = device
    return DeviceCode(
        device_code=device.code,
        user_code=device.user_code,
        verification_uri=zoom_url + DEVICE_PAGE,
        verification_uri_complete=f"{zoom_url}{COMPLETE_PAGE}/{device.user_code}",
    )


def waiting(world: World, user_code: str) -> DeviceRequest | None:
    """Find a device that still waits by its user code, in any case, with or without dashes."""
    typed = "".join(char for char in user_code.upper() if char.isalnum())
    for device in world.devices.values():
        if device.user_code == typed and device.decision == "waiting":
            return None if expired(world, device) else device
    return None


def expired(world: World, device: DeviceRequest) -> bool:
    """Tell whether a device code's fifteen minutes are over."""
    return world.now() - device.issued_at >= timedelta(seconds=DEVICE_LIFETIME)


def by_device(world: World, client: Client, form: Form) -> Token:
    """Give a device its tokens, once somebody said yes.

    Raises:
        OAuthRefused: While nobody has decided, and for every fault.
    """
    if not form["device_code"]:
        raise malformed("device.missing", "device_code is missing")
    device = world.devices.get(form["device_code"])
    if device is None or not client.owns(device):
        why = "no such device code was given to this client"
        raise OAuthRefused("device.unknown", INVALID_CODE, why)
    _check(world, device)
    user = world.user(device.user_id)
    if user is None or world.installation_for(client.app, user) is None:
        why = "the app was removed since (4735)"
        raise OAuthRefused("device.owner_gone", INVALID_CODE, why)
    device.spent = True
    tokens.revoke_earlier(world, client.app, user.id)
    token = tokens.issue(
        world,
        client.app,
        "user",
        account_id=user.account_id,
        scopes=client.app.scopes,
        user_id=user.id,
    )
    token.public = client.public
    return token


def _check(world: World, device: DeviceRequest) -> None:
    if device.spent:
        raise OAuthRefused("device.spent", INVALID_CODE, "the device code was used before")
    if expired(world, device):
        raise OAuthRefused("device.expired", EXPIRED_TOKEN, "its fifteen minutes are over")
    if device.decision == "declined":
        raise OAuthRefused("device.declined", ACCESS_DENIED, "somebody pressed Decline")
    if device.decision == "waiting":
        raise _not_yet(world, device)


def _not_yet(world: World, device: DeviceRequest) -> OAuthRefused:
    now, before = world.now(), device.asked_at
    device.asked_at = now
    if before is not None and now - before < timedelta(seconds=device.interval):
        device.interval += POLL_INTERVAL
        why = f"asked again too soon; from now on wait {device.interval} seconds"
        return OAuthRefused("device.slow_down", SLOW_DOWN, why)
    return OAuthRefused("device.pending", AUTHORIZATION_PENDING, "nobody has decided yet")


def _draw(world: World) -> str:
    """Draw eight letters that no waiting device shows."""
    taken = {device.user_code for device in world.devices.values()}
    while True:
        drawn = "".join(_LETTERS[byte % len(_LETTERS)] for byte in world.token_bytes(8))
        if drawn not in taken:
            return drawn
