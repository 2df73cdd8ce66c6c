"""What does an app itself show its visitors? The pages around an installation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class IndexView:
    """The app's own front page: what it is, and Add to Zoom."""

    app_name: str
    description: str
    install_url: str


@dataclass(frozen=True, slots=True)
class ProblemView:
    """An installation that failed. Nothing of the query may stand in any field."""

    title: str
    what: str
    why: str
    fix: str
    code: str
    restart_url: str


@dataclass(frozen=True, slots=True)
class CancelledView:
    """The person said no; nothing was stored. `back_url` is where they came from, if known."""

    app_name: str
    restart_url: str
    back_url: str = ""


@dataclass(frozen=True, slots=True)
class WorkingView:
    """Zoom has not answered yet. The page is sent with `Refresh: {refresh_seconds}`."""

    app_name: str
    refresh_seconds: int = 3


@dataclass(frozen=True, slots=True)
class LaunchAppView:
    """Installed: the way to the bot's conversation, and the receipt's address to keep.

    `receipt_url` is empty when there is no installation yet. To go on by itself the page
    is sent with the header `Refresh: {refresh}`; `stay_url`, if given, is this page
    without that header, for who reads slowly.
    """

    app_name: str
    deep_link: str
    receipt_url: str = ""
    stay_url: str = ""
    refresh_seconds: int = 5

    @property
    def refresh(self) -> str:
        """The value of the `Refresh` header."""
        return f"{self.refresh_seconds}; url={self.deep_link}"


@dataclass(frozen=True, slots=True)
class ReceiptStepView:
    """One step of a purge. `detail`: what is awaited, or what the count leaves out."""

    name: str
    deleted: int
    done: bool = True
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What became of an installation's data, found by the installation's random id.

    Args:
        state: `active`: nothing was removed yet; `purging`: under way; `complete`: proven;
            `kept`: proven, but for what is listed as kept; `nothing`: nothing was there.
        digest: What the next receipt of the chain points to, if the receipt has it.
    """

    id: str
    state: Literal["active", "purging", "complete", "kept", "nothing"]
    app_name: str = ""
    removed_at: datetime | None = None
    completed_at: datetime | None = None
    steps: tuple[ReceiptStepView, ...] = ()
    signature: str = ""
    key_id: str = ""
    digest: str = ""
    verify_command: str = ""
    download_url: str = ""
