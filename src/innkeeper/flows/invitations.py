"""What does a link to `/install` carry? Sealed: nobody on the way reads it or alters it.

The link is made without asking anybody, and kept nowhere: what it carries is in it.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from innkeeper.clock import from_epoch
from innkeeper.errors import (
    BodyRefused,
    BotRefused,
    InvitationExpired,
    InvitationRefused,
    SealBroken,
)
from innkeeper.ids import AccountId, UserId
from innkeeper.secret import Secret
from innkeeper.store.seal import Seal
from innkeeper.wire import lossless

LONGEST_LIFETIME: Final = timedelta(days=30)
METADATA_LIMIT_BYTES: Final = 2048
"""So that the whole link stays below what browsers and proxies take."""
PARAMETER: Final = "invitation"

_ADDRESS = re.compile(r"[!-\[\]-~]{1,1024}", re.ASCII)  # no blank, no backslash, ASCII only
_TEXT = re.compile(r"[A-Za-z0-9_-]{1,8192}", re.ASCII)
_PLACE: Final = ("invitation", "link", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What whoever made the link wants: for whom it is, what to know, where to go then."""

    metadata: Mapping[str, Any] = field(repr=False)
    return_to: str = field(repr=False)
    account_id: AccountId | None = field(repr=False)
    user_id: UserId | None = field(repr=False)
    expires_at: int
    """In whole Unix seconds."""

    def is_for(self, account_id: AccountId, user_id: UserId) -> bool:
        """Tell whether it was made for this person, or for anybody."""
        return self.account_id in {None, account_id} and self.user_id in {None, user_id}


class Invitations:
    """Writes invitations and reads them.

    Args:
        secret: What the key is derived from; whoever changes it ends all open invitations.
        origins: Where an install may lead back to, besides the public URL's own origin.
        anonymous: Whether it never becomes known who has authorized the app.
    """

    def __init__(
        self,
        *,
        secret: Secret,
        public_url: str,
        origins: tuple[str, ...] = (),
        anonymous: bool = False,
    ) -> None:
        self._anonymous = anonymous
        key = hmac.digest(secret.reveal().encode(), b"innkeeper invitation 1", "sha256")
        self._seal = Seal(hashlib.sha256(key).hexdigest()[:16], key, app=public_url)
        home = urlsplit(public_url)
        self._home = f"{home.scheme}://{home.netloc}"
        self._origins = (self._home, *origins)

    def write(
        self,
        *,
        metadata: Mapping[str, Any],
        return_to: str,
        account_id: AccountId | None,
        user_id: UserId | None,
        lifetime: timedelta,
        now: datetime,
    ) -> str:
        """Write an invitation as letters, digits, `-` and `_`.

        Raises:
            BotRefused: If the metadata is no JSON or too large, if an install may not lead
                to `return_to`, if it would live too long, or if nobody would learn who
                followed it.
        """
        if self._anonymous:
            raise BotRefused("install_url", "can carry nothing", _ANONYMOUS_FIX)
        if not timedelta(0) < lifetime <= LONGEST_LIFETIME:
            raise BotRefused("install_url: lifetime", "is not between 0 and 30 days", _FIX)
        if return_to and self.address(return_to) is None:
            raise BotRefused("install_url: return_to", "is not where this app may lead", _FIX)
        _check(metadata)
        made = Invitation(
            metadata=metadata,
            return_to=return_to,
            account_id=account_id,
            user_id=user_id,
            expires_at=int((now + lifetime).timestamp()),
        )
        table, column, row = _PLACE
        sealed = self._seal.seal(msgspec.json.encode(made), table=table, column=column, row=row)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read(self, text: str, *, now: datetime) -> Invitation:
        """Read an invitation that may still be followed.

        Raises:
            InvitationRefused: If it was altered, or not made by this app as it is set up now.
            InvitationExpired: If its time is over.
        """
        found = self.recall(text)
        if from_epoch(found.expires_at) <= now:
            raise InvitationExpired("invitation refused", "its time is over")
        return found

    def recall(self, text: str) -> Invitation:
        """Read an invitation that was followed in time, whatever the time is now.

        Raises:
            InvitationRefused: If it was altered, or not made by this app as it is set up now.
        """
        table, column, row = _PLACE
        try:
            if _TEXT.fullmatch(text) is None:
                raise InvitationRefused("invitation refused", "not of its shape")
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            plain = self._seal.unseal(sealed, table=table, column=column, row=row)
            found = msgspec.json.decode(plain, type=Invitation)
        except (binascii.Error, SealBroken, msgspec.DecodeError):
            raise InvitationRefused("invitation refused", "not made here, or altered") from None
        if found.return_to and self.address(found.return_to) is None:
            raise InvitationRefused("invitation refused", "it may lead there no more")
        return found

    def address(self, return_to: str) -> str | None:
        """Give the whole address that an install may lead back to; None if it may not.

        Addresses are compared as texts and never taken apart: two programs that read one
        differently have nothing to disagree about.
        """
        if _ADDRESS.fullmatch(return_to) is None:
            return None
        if return_to.startswith("/") and not return_to.startswith("//"):
            return self._home + return_to
        for origin in self._origins:
            if return_to == origin or return_to.startswith((f"{origin}/", f"{origin}?")):
                return return_to
        return None


def _check(metadata: Mapping[str, Any]) -> None:
    """Take what can be read back as it was, for it comes back as an event does."""
    try:
        written = msgspec.json.encode(dict(metadata))
        lossless.parse(written)
    except (TypeError, ValueError, OverflowError, RecursionError, BodyRefused) as error:
        raise BotRefused("install_url: metadata", "cannot be written as JSON", _FIX) from error
    if len(written) > METADATA_LIMIT_BYTES:
        raise BotRefused("install_url: metadata", f"is over {METADATA_LIMIT_BYTES} bytes", _FIX)


_FIX: Final = (
    "Give metadata as JSON of at most 2 KiB, a path or an origin of INNKEEPER_RETURN_TO as "
    "return_to, and a lifetime of at most 30 days."
)
_ANONYMOUS_FIX: Final = "Switch INNKEEPER_USER_OAUTH on: only then is it known who came."
