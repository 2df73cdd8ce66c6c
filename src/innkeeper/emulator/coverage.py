"""What of Zoom is emulated, and what is not? One table, for pages, documentation and answers.

A row that claims something names the tests that hold it to that; a test checks both, and
that every address of Zoom's that is served has a row.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from innkeeper.emulator.world import State

Status = Literal["full", "partial", "none"]
_CALLS_LIMIT: Final = 500
"""How many different calls are counted apart; the rest are one."""
_REST: Final = "others"


@dataclass(frozen=True, slots=True)
class Row:
    """One call or feature of Zoom's: how far it is emulated, and which tests say so."""

    area: str
    call: str
    """`METHOD /path`, or the name of what is no call."""
    status: Status
    tests: tuple[str, ...] = ()
    note: str = ""


def _rows(
    area: str, *rows: tuple[str, Status, str] | tuple[str, Status, str, str]
) -> tuple[Row, ...]:
    """Write an area's rows: call, status, tests below tests/emulator, and a note."""
    return tuple(
        Row(
            area,
            call,
            status,
            tuple(f"tests/emulator/{name}.py" for name in tests.split()),
            *note,
        )
        for call, status, tests, *note in rows
    )


ROWS: Final = (
    *_rows(
        "OAuth",
        ("GET /oauth/authorize", "full", "oauth/test_authorization oauth/test_redirects"),
        ("POST /oauth/authorize", "full", "oauth/test_consent", "The consent page's own form."),
        ("POST /oauth/token", "full", "oauth/test_endpoint oauth/test_grants"),
        ("POST /oauth/devicecode", "full", "oauth/test_device_grant"),
        ("GET /oauth_device", "full", "oauth/test_device_pages"),
        ("POST /oauth_device", "full", "oauth/test_device_pages"),
        ("GET /oauth/device/complete/{user_code}", "full", "oauth/test_device_pages"),
        ("POST /oauth/device/complete/{user_code}", "full", "oauth/test_device_pages"),
        ("POST /oauth/approval", "full", "oauth/test_approval", "Asking an admin for an app."),
        ("POST /oauth/revoke", "full", "oauth/test_endpoint oauth/test_tokens"),
        ("GET /.well-known/oauth-authorization-server", "full", "oauth/test_rules"),
        (
            "POST /oauth/data/compliance",
            "none",
            "",
            "Zoom no longer asks for a report of what was deleted.",
        ),
        ("Public PKCE clients", "full", "oauth/test_public_clients"),
        ("Client authentication by public key", "none", "", "Secrets and public clients only."),
    ),
    *_rows(
        "Chatbot API",
        ("POST /v2/im/chat/messages", "full", "chat/test_api chat/test_recipients"),
        ("PUT /v2/im/chat/messages/{message_id}", "full", "chat/test_api"),
        ("DELETE /v2/im/chat/messages/{message_id}", "full", "chat/test_api"),
        ("Rate limits", "full", "chat/test_limits", "By the account's plan, as Zoom's MEDIUM."),
        ("POST /v2/im/chat/users/{user_id}/unfurls/{trigger_id}", "full", "chat/test_unfurls"),
    ),
    *_rows(
        "Users",
        ("GET /v2/users/me", "full", "oauth/test_users"),
        ("GET /v2/users", "full", "oauth/test_user_lookups"),
        ("GET /v2/users/{user_id}", "full", "oauth/test_user_lookups"),
    ),
    *_rows(
        "Team Chat API",
        ("GET /v2/chat/users/me/channels", "full", "chat/test_lookups"),
        ("GET /v2/chat/channels/{channel_id}", "full", "chat/test_lookups"),
        (
            "GET /v2/chat/channels/{channel_id}/members",
            "full",
            "chat/test_lookups",
            "The whole account.",
        ),
        ("POST /v2/chat/users/{user_id}/messages", "none", "", "People write on the page Chat."),
        ("GET /v2/chat/users/{user_id}/messages", "none", "", "See GET /_emulator/messages."),
    ),
    *_rows(
        "Marketplace API",
        (
            "POST /v2/marketplace/apps/manifest/validate",
            "partial",
            "marketplace/test_marketplace_api marketplace/test_manifests",
            "The settings of a chatbot are checked, those of other products are not.",
        ),
        ("POST /v2/marketplace/apps", "full", "marketplace/test_marketplace_api"),
        ("DELETE /v2/marketplace/apps/{app_id}", "full", "marketplace/test_marketplace_api"),
        ("GET /v2/marketplace/apps/{app_id}/manifest", "full", "marketplace/test_marketplace_api"),
        ("PUT /v2/marketplace/apps/{app_id}/manifest", "full", "marketplace/test_marketplace_api"),
        (
            "POST /v2/marketplace/apps/{app_id}/rotate_client_secret",
            "full",
            "marketplace/test_marketplace_api",
        ),
        ("GET /v2/marketplace/apps/{app_id}/webhook_logs", "none", "", "See the page Traffic."),
        ("GET /v2/marketplace/apps/{app_id}/api_call_logs", "none", "", "See the page Traffic."),
        (
            "POST /v2/marketplace/apps/{app_id}/preApprove",
            "none",
            "",
            "See PATCH /_emulator/accounts/{account_id}.",
        ),
    ),
    *_rows(
        "Webhooks",
        (
            "Signature, challenge and retries",
            "full",
            "courier/test_rounds courier/test_challenge courier/test_line",
        ),
        ("Event subscriptions", "full", "courier/test_subscriptions marketplace/test_validations"),
        ("app_deauthorized", "full", "marketplace/test_removal"),
        ("Bot events", "full", "chat/test_client chat/test_payloads"),
        ("Delivery over WebSockets", "none", "", "Webhooks only."),
    ),
    *_rows(
        "Clients",
        ("GET /launch/chat", "full", "chat/test_launch", "Deep links into Team Chat."),
        ("Cards", "full", "chat/test_cards"),
        ("App shortcuts, home tab and channel tab", "none", "", "No webview of Zoom's is here."),
        ("Meetings, phone, webinars and rooms", "none", "", "This Zoom is Team Chat alone."),
    ),
)
"""The table, in the order in which it is shown."""


def row_for(method: str, path: str) -> Row | None:
    """Find what the table says about a call."""
    return next((row for pattern, row in _PATTERNS if pattern.fullmatch(f"{method} {path}")), None)


def count(state: State, method: str, path: str) -> Row | None:
    """Count a call that is not emulated, and find what the table says about it."""
    row = row_for(method, path)
    call = row.call if row is not None else f"{method} {path}"[:200]
    if call not in state.not_emulated and len(state.not_emulated) >= _CALLS_LIMIT:
        call = _REST
    state.not_emulated[call] = state.not_emulated.get(call, 0) + 1
    return row


def described(counts: Mapping[str, int]) -> dict[str, Any]:
    """Write the table as the control API gives it, with what was asked for in vain."""
    listed = {row.call for row in ROWS}
    return {
        "rows": [
            {
                "area": row.area,
                "call": row.call,
                "status": row.status,
                "note": row.note,
                "tests": list(row.tests),
                "asked": counts.get(row.call, 0),
            }
            for row in ROWS
        ],
        "unlisted": {call: times for call, times in counts.items() if call not in listed},
    }


def _pattern(call: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(call)))


_PATTERNS: Final = tuple((_pattern(row.call), row) for row in ROWS)
