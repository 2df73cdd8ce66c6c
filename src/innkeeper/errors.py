"""What can go wrong, and what to do about it: the whole tree of errors.

InnkeeperError
├── SettingsRefused          the configuration is wrong; the process does not start
├── BotRefused               the bot's own code is wrong; the process does not start
├── LambdaNeedsPostgresql    AWS Lambda keeps no files; the process does not start
├── HandlerOverdue           a handler ran longer than it may
├── HandlerExited            a handler tried to end the process
├── ActionConsumed           somebody else has used up what a card offers once
├── EffectUnconfirmed        something to be done once that may have been done, or not
├── SignatureRefused         a delivery that Zoom did not sign
├── ChallengeMalformed       a URL validation without a usable token
├── BodyRefused              a signed body that cannot be understood
├── CardRefused              a card that Zoom would not take
├── FormRefused              a form with fields that are missing or odd
├── InstallRefused           an installation that did not come about; `code` says which
├── GrantRefused             no token to be had
│   ├── NeedsReauth          the person must authorize again
│   ├── BotScopeMissing      the chatbot token may not use the Chatbot API
│   └── TokenResponseInvalid Zoom's answer made no sense
├── ApiRefused               Zoom's API refused a call
│   └── ScopeNotGranted      the token lacks a scope that the call needs
├── NotInstalled             nobody has installed the app there
├── Unreachable              Zoom could not be reached, or asked us to come back later
│   └── AnswerLost           the request went out whole; whether it took effect is unknown
│       └── MessageUnconfirmed  a chat message that may stand there, or may not
├── StoreUnavailable         the database cannot take a write now
│   ├── StoreInUse           another process writes to it
│   └── DatabaseUnreachable  PostgreSQL does not answer
├── Fenced                   the installation is gone; nothing may be written for it
├── SealBroken               a sealed value does not belong where it was found
│   └── KeyBroken            a data key in the vault does not open
├── KeyMissing               the key ring lacks the key that sealed the data
├── KeysRefused              what should hold the key ring does not, or cannot be read
├── KeyServiceUnavailable    the operator's key service gave no answer
├── ReceiptRefused           a receipt that does not verify
├── EndpointRefused          an address that the emulated Zoom will not post to
└── ChatRefused              something a person cannot do in the emulated chat

Each has a stable `code`, and a `fix`: what to do next. The raiser says what
happened and why; that part goes to the log, never to an outsider.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


class InnkeeperError(Exception):
    """The root: catch this to catch all that Innkeeper raises on purpose."""

    code: str = "error"
    fix: str = ""

    def __init__(self, what: str = "", why: str = "") -> None:
        self.what = what or type(self).__name__
        self.why = why
        super().__init__(what, why)

    def __str__(self) -> str:
        head = ": ".join(part for part in (self.what, self.why) if part).removesuffix(".")
        return f"{head}. {self.fix} ({self.code})" if self.fix else f"{head} ({self.code})"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a configuration, with its remedy."""

    name: str
    why: str
    fix: str


class SettingsRefused(InnkeeperError):
    """The configuration is wrong. `faults` lists everything that is, at once."""

    code = "settings_refused"
    exit_code: ClassVar[int] = 78

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("the settings are not usable", "; ".join(f.name for f in self.faults))


class BotRefused(InnkeeperError):
    """The bot's own code cannot be loaded or wired, or a handler gave no usable answer."""

    code = "bot_refused"
    fix = "Change the bot at the place that is named, then start it again."

    def __init__(self, what: str = "", why: str = "", fix: str | None = None) -> None:
        self.fix = fix or self.fix
        super().__init__(what, why)


class LambdaNeedsPostgresql(InnkeeperError):
    """The app is served by AWS Lambda, and its database is a file there."""

    code = "lambda_needs_postgresql"
    fix = (
        "Name a PostgreSQL as INNKEEPER_DATABASE_URL, and run `innkeeper worker` where processes"
        " last."
    )


class HandlerOverdue(InnkeeperError):
    """A handler ran longer than the bot allows, and was cut off."""

    code = "handler_overdue"
    fix = "Give calls of your own a deadline, or raise App(patience=…)."


class HandlerExited(InnkeeperError):
    """A handler tried to end the process or its own task; only itself was ended."""

    code = "handler_exited"
    fix = "Return from the handler instead, or raise an exception that says what went wrong."


class ActionConsumed(InnkeeperError):
    """Somebody has used up already what a card offers once. The event is ignored."""

    code = "action_consumed"
    fix = "Nothing; or tell whoever comes too late, in an @app.error for ActionConsumed."


class EffectUnconfirmed(InnkeeperError):
    """What is to be done once may have been done. It is not done again by itself.

    `key` is what the handler calls it; it may name somebody, so no text has it.
    """

    code = "effect_unconfirmed"
    fix = "Look whether it was done; if not, ask the person to repeat what they did."

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__("an effect may have been had", "it was begun, and its end is not known")


class SignatureRefused(InnkeeperError):
    """A delivery that Zoom did not sign, or not recently. `reason` is for the log only."""

    code = "unauthorized"
    fix = "Compare the Secret Token under Features > Access with ZOOM_WEBHOOK_SECRET_TOKEN."

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("delivery refused", reason)


class ChallengeMalformed(InnkeeperError):
    """A signed URL validation whose token is missing or of a shape Zoom never sends."""

    code = "challenge_malformed"
    fix = "Validate the URL again in the Marketplace."


class BodyRefused(InnkeeperError):
    """A signed body that cannot be understood. `reason` is the quarantine's."""

    code = "body_refused"
    fix = "The event is kept in quarantine, byte for byte; look at it before you delete it."

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("body not understood", reason)


class CardRefused(InnkeeperError):
    """A card that Zoom would not take: `pointer` is the place, `value` what stands there.

    What a person may have typed stands in `value` alone: the text ends up in logs.
    """

    code = "card_refused"
    fix = "Change the card at the place that is named."

    def __init__(self, pointer: str, why: str, value: object = None) -> None:
        self.pointer = pointer
        self.value = value
        super().__init__(f"card refused at {pointer or '/'}", why)


class FormRefused(InnkeeperError):
    """A form with fields that are missing or odd: `faults` says what, by the field's label."""

    code = "form_refused"
    fix = "Fill the fields that are named in as they ask."

    def __init__(self, form_id: str, faults: Mapping[str, str]) -> None:
        self.form_id = form_id
        self.faults = dict(faults)
        super().__init__(f"form {form_id} refused", ", ".join(self.faults))


class InstallRefused(InnkeeperError):
    """An installation that did not come about; each subclass is one outcome."""

    code = "install_refused"
    fix = "Start again from the install page."
    status: ClassVar[int] = 400
    invitation: str = ""
    """What the attempt was invited with, if that is known; starting again takes it along."""


class CallbackMalformed(InstallRefused):
    """The callback's parameters repeat, contradict each other, or make no sense."""

    code = "callback_malformed"


class StateUnknown(InstallRefused):
    """No installation was begun with this state, or it was finished already."""

    code = "state_unknown"
    fix = "Start again from the install page. If this repeats, do not reload or share the link."


class StateExpired(InstallRefused):
    """The state is older than ten minutes."""

    code = "state_expired"
    fix = "Start again from the install page and finish within ten minutes."


class CookieMissing(InstallRefused):
    """The browser that came back is not the one that began."""

    code = "cookie_missing"
    fix = "Start again in the browser you finish in, and let it keep cookies for this site."


class CodeMissing(InstallRefused):
    """Zoom sent the browser back without an authorization code."""

    code = "code_missing"


class IssuerMismatch(InstallRefused):
    """The answer names an issuer that is not Zoom."""

    code = "issuer_mismatch"


class StateDropped(InstallRefused):
    """Zoom came back without a state twice in a row."""

    code = "state_dropped"
    fix = "Check that the redirect URL in the Marketplace is this app's /oauth/callback, unchanged."


class InvitationRefused(InstallRefused):
    """The link to the install page was altered, or was not made by this app."""

    code = "invitation_refused"
    fix = "Go back to where you found the link, and follow it from there."


class InvitationExpired(InstallRefused):
    """The link to the install page is older than its maker wanted."""

    code = "invitation_expired"
    fix = "Go back to where you found the link, and ask for a new one."


class AccountMismatch(InstallRefused):
    """The link to the install page was made for somebody else."""

    code = "account_mismatch"
    fix = "Sign in to Zoom as whom the link was made for, then follow it again."
    status = 403


class AccountNotAllowed(InstallRefused):
    """The app is not for this Zoom account: INNKEEPER_ACCOUNTS does not list it."""

    code = "account_not_allowed"
    fix = "Ask whoever runs the app to let your Zoom account in."
    status = 403


class ScopeMissing(InstallRefused):
    """The authorization came without a scope that the bot cannot do without."""

    code = "scope_missing"
    fix = "Start again and allow all that the app asks for."
    status = 403


class TokenExchangeFailed(InstallRefused):
    """Zoom refused the authorization code, or gave no usable tokens."""

    code = "token_exchange_failed"


class InstallUnavailable(InstallRefused):
    """The installation could not be saved just now."""

    code = "install_unavailable"
    fix = "Try again in a minute."
    status = 503


class GrantRefused(InnkeeperError):
    """No token is to be had. `reason` is Zoom's own word for it, `zoom_code` its number, if any."""

    code = "grant_refused"
    fix = "Check the app's credentials in the Marketplace."

    def __init__(self, what: str, why: str = "", *, reason: str = "", zoom_code: int = 0) -> None:
        self.reason = reason
        self.zoom_code = zoom_code
        super().__init__(what, why)


class NeedsReauth(GrantRefused):
    """The grant is dead for good: the person must authorize the app again."""

    code = "needs_reauth"
    fix = "Send the person to the app's /install page."
    spent: bool = False
    """Whether an earlier answer was lost: then we may have spent the token ourselves."""


class BotScopeMissing(GrantRefused):
    """The chatbot token came without the scope that the Chatbot API asks for."""

    code = "bot_scope_missing"
    fix = "Switch on Team Chat Subscription for the app in the Marketplace: it adds imchat:bot."


class TokenResponseInvalid(GrantRefused):
    """Zoom's token endpoint answered something that is no token answer."""

    code = "token_response_invalid"
    fix = "Try again; if it repeats, check ZOOM_OAUTH_URL."


class ApiRefused(InnkeeperError):
    """Zoom's API refused a call.

    `zoom_code` is Zoom's number, 0 if it gave none, and `meaning` what that says. `retry_at`
    is when Zoom wants to be asked again, as a moment or as seconds from its answer;
    `per_second` how many calls it takes in a second, where it is that limit that was hit.
    """

    code = "api_refused"
    fix = "Look the code and the message up in Zoom's API reference."

    def __init__(
        self,
        status: int,
        zoom_code: int,
        message: str,
        *,
        retry_at: datetime | float | None = None,
        per_second: int | None = None,
    ) -> None:
        self.status = status
        self.zoom_code = zoom_code
        self.message = message
        self.retry_at = retry_at
        self.per_second = per_second
        self.meaning, self.fix = ZOOM_CODES.get(
            zoom_code or status, (ZOOM_STATUSES.get(status // 100, ""), self.fix)
        )
        super().__init__(f"Zoom answered {status}", f"code {zoom_code}: {message}")


class ScopeNotGranted(ApiRefused):
    """The token lacks a scope that the call needs: `scopes` are those that Zoom names.

    Any one of them may be enough: Zoom names old and new scopes for the same thing.
    `install_url` is where the person authorizes the app again.
    """

    code = "scope_not_granted"

    def __init__(self, status: int, zoom_code: int, message: str, scopes: Sequence[str]) -> None:
        super().__init__(status, zoom_code, message)
        self.scopes = tuple(scopes)
        self.install_url = ""
        self.fix = (
            "Add the scope to the app's in the Marketplace, if it is not there yet, then send the"
            " person to the app's /install page."
        )


ZOOM_CODES = {
    124: (
        "The access token is invalid or has expired.",
        "Nothing if it was once: a new one is asked for. If it stays, check the credentials.",
    ),
    201: (
        "The token lacks a scope that this call needs.",
        "Add the missing scope in the Marketplace, then have the app authorized again.",
    ),
    300: (
        "A parameter of the request is not what Zoom takes.",
        "Compare the request with Zoom's API reference; a page's token lives for minutes only.",
    ),
    404: (
        "What the address names is not there, or not for this token.",
        "Check the id; a message that somebody deleted is gone.",
    ),
    429: (
        "Too many calls: all apps of an account share its limits.",
        "Wait as the answer says; the client does, within its budget.",
    ),
    1001: (
        "The account has no user of this id.",
        "Pass a user id as Zoom writes it, not a JID, and not in lower case.",
    ),
    4711: (
        "The token lacks a scope that this call needs.",
        "Add the missing scope in the Marketplace, then have the app authorized again.",
    ),
    7001: (
        "The Chatbot API does not take the request.",
        "A user-managed app must say on whose behalf it sends (user_jid); else check the card.",
    ),
    7004: (
        "The app may not write there.",
        "The app is not installed for this person or channel, or the JID is wrong.",
    ),
    7010: (
        "The Chatbot API takes another kind of token, or this one has expired.",
        "Use the chatbot token (client credentials) for the Chatbot API, not a user's.",
    ),
}
"""What Zoom's numbers mean, and what to do about each."""

ZOOM_STATUSES = {
    3: "Zoom sent the call elsewhere; tokens are not taken along.",
    4: "Zoom does not take the call.",
    5: "Zoom could not answer just now.",
}
"""What is known where Zoom gives no number: by the hundreds of the HTTP status."""


class NotInstalled(InnkeeperError):
    """Nobody has installed the app there, or they have removed it."""

    code = "not_installed"
    fix = "Send the person to the app's /install page."


class Unreachable(InnkeeperError):
    """Zoom could not be reached, did not answer within the deadline, or is too busy.

    `retry_after` is how many seconds Zoom asked us to wait, if it did.
    """

    code = "unreachable"
    fix = "Check the network and Zoom's status page, then try again."

    def __init__(self, what: str = "", why: str = "", *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(what, why)


class AnswerLost(Unreachable):
    """The request went out, but its answer was lost: it may have taken effect."""

    code = "answer_lost"
    fix = "Look at Zoom before repeating it: it may have taken effect."


class MessageUnconfirmed(AnswerLost):
    """A chat message may have been posted. It is not posted again by itself."""

    code = "message_unconfirmed"
    fix = "Look whether it stands in the chat; if not, ask the person to repeat what they did."


class StoreUnavailable(InnkeeperError):
    """The database cannot take a write now: locked, full, read-only, or gone."""

    code = "store_unavailable"
    fix = "Check the disk's space and rights; Zoom delivers again in 5, 25 and 85 minutes."


class StoreInUse(StoreUnavailable):
    """Another process writes to this SQLite file; one at a time may."""

    code = "store_in_use"
    fix = "Let one process serve it, with as many threads as you like; stop the other one."


class DatabaseUnreachable(StoreUnavailable):
    """PostgreSQL does not answer, or does not let us in."""

    code = "database_unreachable"
    fix = (
        "Check that PostgreSQL runs, and that INNKEEPER_DATABASE_URL and INNKEEPER_VAULT_URL "
        "lead to it; deliveries are taken again as soon as it answers."
    )


class Fenced(InnkeeperError):
    """The installation is over, so nothing may be written for it any more."""

    code = "fenced"
    fix = "Nothing: the person removed the app while this was under way."


class SealBroken(InnkeeperError):
    """A sealed value was altered, or does not belong where it was found."""

    code = "seal_broken"
    fix = "Restore the database from a backup that was not edited by hand."


class KeyBroken(SealBroken):
    """A key in the vault does not open: it was altered, or is another subject's."""

    code = "key_broken"
    fix = "What it sealed cannot be read any more. If it is an installation's, end that one."


class KeyMissing(InnkeeperError):
    """The key ring lacks the key that sealed this data."""

    code = "key_missing"
    exit_code: ClassVar[int] = 78
    fix = "Put the key back into INNKEEPER_KEYS (or the key file), after the newest one."


class KeysRefused(InnkeeperError):
    """What should hold the key ring does not, cannot be read, or is open to others."""

    code = "keys_refused"
    exit_code: ClassVar[int] = 78

    def __init__(self, what: str, why: str, fix: str) -> None:
        self.fix = fix
        super().__init__(what, why)


class KeyServiceUnavailable(InnkeeperError):
    """The operator's key service gave no answer, so that a key can be neither read nor made."""

    code = "key_service_unavailable"
    fix = "Bring the key service back, then start again: nothing is opened without it."


class ReceiptRefused(InnkeeperError):
    """A receipt whose signature or chain does not verify."""

    code = "receipt_refused"
    fix = "Ask the operator for the original receipt and for the public key."


class EndpointRefused(InnkeeperError):
    """An address that the emulated Zoom will not post to, or that failed its validation."""

    code = "endpoint_refused"

    def __init__(self, why: str, fix: str = "Correct the address, or the app behind it.") -> None:
        self.fix = fix
        super().__init__("URL validation failed. Try again later. Zoom says no more; in fact", why)


class ChatRefused(InnkeeperError):
    """Something a person cannot do in the emulated chat, such as pressing a disabled button."""

    code = "chat_refused"
    fix = "Reload the conversation: it shows what can be done."
