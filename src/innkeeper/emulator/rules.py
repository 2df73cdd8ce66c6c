"""What does Zoom leave open, or do differently from the RFCs? One named switch for each.

Every switch says what is not certain, how sure its default is, and what the presets choose:
`zoom` as Zoom most likely behaves today, `rfc` as the RFCs ask, `paranoid` as strictly as
anything that is deployed. Pages, documentation and the control API read them from here.

Marks: C confirmed by Zoom, S second-hand, A assumed, D sources disagree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, cast, get_args, get_type_hints

import msgspec
from msgspec import Meta

Preset = Literal["zoom", "rfc", "paranoid"]
Mark = Literal["C", "S", "A", "D"]
Area = Literal["oauth", "api", "courier", "chat", "cards", "marketplace"]
PRESETS: Final[tuple[Preset, ...]] = get_args(Preset)


def _switch(
    area: Area, mark: Mark, about: str, *, rfc: Any = None, paranoid: Any = None, source: str = ""
) -> Meta:
    """Describe a switch. A preset that is left out chooses the default."""
    presets = {"rfc": rfc, "paranoid": paranoid}
    return Meta(
        description=about,
        extra={"area": area, "mark": mark, "source": source, "presets": presets},
    )


_DOCS: Final = "https://developers.zoom.us/docs/"


class Rules(msgspec.Struct, forbid_unknown_fields=True):
    """All switches of one emulated Zoom; as it comes, the preset `zoom`."""

    decline: Annotated[
        Literal["redirect", "stay"],
        _switch("oauth", "A", "What Decline does: an `access_denied` redirect, or a page."),
    ] = "redirect"
    standing_consent: Annotated[
        Literal["redirect", "ask"],
        _switch(
            "oauth",
            "A",
            "When consent stands already: straight back with a new code, or asked again.",
            paranoid="ask",
        ),
    ] = "redirect"
    authorize_errors: Annotated[
        Literal["page", "json"],
        _switch(
            "oauth",
            "S",
            "How an authorization that must not redirect is refused: a page, or JSON with"
            " `errorCode` and `errorMessage`.",
        ),
    ] = "page"
    base_url_redirects: Annotated[
        Literal["allow", "refuse"],
        _switch(
            "oauth",
            "A",
            "Whether a base URL on the allow list admits longer paths when strict mode is off.",
            rfc="refuse",
            paranoid="refuse",
            source=_DOCS + "build-flow/basic-info/oauth-info/",
        ),
    ] = "allow"
    unknown_scopes: Annotated[
        Literal["refuse", "ignore"],
        _switch(
            "oauth",
            "A",
            "What a `scope` parameter beyond the app's scopes does: `invalid_scope`, or nothing.",
        ),
    ] = "refuse"
    unknown_parameters: Annotated[
        Literal["ignored", "come_back"],
        _switch(
            "oauth",
            "S",
            "Whether parameters of the authorization URL that Zoom does not know come back in the"
            " redirect, as its staff said in 2020.",
        ),
    ] = "ignored"
    pkce: Annotated[
        Literal["optional", "required"],
        _switch(
            "oauth",
            "C",
            "Whether an app with a secret may leave PKCE out; public clients never may.",
            paranoid="required",
        ),
    ] = "optional"
    plain_challenge: Annotated[
        Literal["allow", "refuse"],
        _switch(
            "oauth",
            "C",
            "Whether `code_challenge_method=plain`, which is Zoom's default, is taken.",
            paranoid="refuse",
        ),
    ] = "allow"
    issuer: Annotated[
        Literal["absent", "sent"],
        _switch(
            "oauth",
            "A",
            "Whether redirects carry `iss` (RFC 9207), and metadata says so.",
            rfc="sent",
            paranoid="sent",
        ),
    ] = "absent"
    query_parameters: Annotated[
        Literal["allow", "refuse_account", "refuse"],
        _switch(
            "oauth",
            "D",
            "Whether the token endpoint reads parameters from the query; one report says not for"
            " `account_credentials`.",
            rfc="refuse",
            paranoid="refuse",
        ),
    ] = "allow"
    tokens_in_query: Annotated[
        Literal["allow", "refuse"],
        _switch(
            "oauth",
            "S",
            "Whether the token to refresh or revoke may stand in the query.",
            rfc="refuse",
            paranoid="refuse",
        ),
    ] = "allow"
    access_token_in_query: Annotated[
        Literal["refuse", "allow"],
        _switch(
            "api",
            "C",
            "Whether `?access_token=` is taken, as it was before February 2023.",
        ),
    ] = "refuse"  # noqa: S105  # a switch, no password
    error_shape: Annotated[
        Literal["zoom", "rfc"],
        _switch(
            "oauth",
            "S",
            "The token endpoint's errors: `reason` and 400, or RFC 6749's text and statuses.",
            rfc="rfc",
            paranoid="rfc",
        ),
    ] = "zoom"
    code_error: Annotated[
        Literal["invalid_grant", "invalid_request"],
        _switch("oauth", "S", "The `error` of a bad code: today's, or that of 2020."),
    ] = "invalid_grant"
    refresh_status: Annotated[
        Literal["400", "401"],
        _switch("oauth", "S", "The status of a refused refresh: 401 until about August 2022."),
    ] = "400"
    earlier_tokens: Annotated[
        Literal["authorize", "exchange"],
        _switch(
            "oauth",
            "A",
            "When a user's earlier tokens die (4741): as she authorizes again, or only when the"
            " new code is exchanged.",
        ),
    ] = "authorize"
    refreshed_access: Annotated[
        Literal["lives", "dies"],
        _switch(
            "oauth",
            "A",
            "What a refresh does to the access token before it.",
            paranoid="dies",
        ),
    ] = "lives"
    refresh_reuse: Annotated[
        Literal["refuse", "revoke_family", "grace"],
        _switch(
            "oauth",
            "D",
            "What the second use of a refresh token does: refused; refused, with all tokens made"
            " from it revoked; or taken `refresh_grace` times more (the tolerance, 4740).",
            paranoid="revoke_family",
        ),
    ] = "refuse"
    refresh_grace: Annotated[
        int,
        Meta(ge=1, le=100),
        _switch("oauth", "D", "How often an old refresh token is still taken under `grace`."),
    ] = 1
    refresh_days: Annotated[
        int,
        Meta(ge=1, le=5475),
        _switch("oauth", "D", "How many days a refresh token lives: 90; older docs say 15 years."),
    ] = 90
    expires_in: Annotated[
        Literal[3600, 3599],
        _switch("oauth", "D", "What `expires_in` says; both were observed."),
    ] = 3600
    api_url: Annotated[
        Literal["sent", "absent"],
        _switch("oauth", "D", "Whether token answers carry `api_url`; older ones did not."),
    ] = "sent"
    token_format: Annotated[
        Literal["jwt", "opaque"],
        _switch("oauth", "D", "How access tokens look: three parts as a JWT, or opaque."),
    ] = "jwt"  # noqa: S105  # a switch, no password
    granted_scopes: Annotated[
        Literal["app", "asked"],
        _switch(
            "oauth",
            "A",
            "Whether tokens carry all of the app's scopes, or only those asked for.",
            rfc="asked",
        ),
    ] = "app"
    account_tokens: Annotated[
        Literal["all", "newest"],
        _switch(
            "oauth",
            "S",
            "Which account tokens live: all until they expire, or only the newest.",
            paranoid="newest",
        ),
    ] = "all"
    revoke_uninstalls: Annotated[
        bool,
        _switch(
            "oauth", "D", "Whether /oauth/revoke also removes the app, as Zoom's staff once said."
        ),
    ] = False
    removed_tokens: Annotated[
        Literal["die", "live"],
        _switch("oauth", "A", "What becomes of an installation's tokens when it is removed."),
    ] = "die"
    scopes: Annotated[
        Literal["enforce", "ignore"],
        _switch("api", "C", "Whether a call needs its scope in the token."),
    ] = "enforce"
    scope_error: Annotated[
        Literal["4711", "201"],
        _switch("api", "D", "The code of a call whose token lacks the scope."),
    ] = "4711"
    chatbot_refusals: Annotated[
        Literal["400", "403"],
        _switch("api", "A", "The status that comes with 7004, Not authorized."),
    ] = "400"
    account_id: Annotated[
        Literal["optional", "required"],
        _switch(
            "api",
            "D",
            "Whether a message must name its account_id.",
            paranoid="required",
        ),
    ] = "optional"
    send_status: Annotated[
        Literal["200", "201"],
        _switch("api", "A", "The status of a message that was sent."),
    ] = "200"
    unfurl_status: Annotated[
        Literal["201", "204"],
        _switch("api", "A", "The status of an unfurl that was taken."),
    ] = "201"
    rate_limits: Annotated[
        Literal["enforce", "count", "off"],
        _switch(
            "api",
            "C",
            "Whether the limits of the account's plan refuse calls, only count in the headers, or"
            " are not there.",
        ),
    ] = "enforce"
    retried_statuses: Annotated[
        Literal["any", "5xx"],
        _switch(
            "courier",
            "D",
            "Which answers are retried: whatever is no success, or server errors and silence only.",
            source="https://developers.zoom.us/blog/webhook-delays.md",
        ),
    ] = "any"
    bot_retries: Annotated[
        Literal["schedule", "never"],
        _switch(
            "courier",
            "A",
            "Whether the bot endpoint is retried as event subscriptions are.",
        ),
    ] = "schedule"
    retry_stamp: Annotated[
        Literal["new", "first"],
        _switch(
            "courier",
            "A",
            "Whether a retry is stamped and signed anew, or carries the first try's headers.",
        ),
    ] = "new"
    tracking: Annotated[
        Literal["event", "attempt"],
        _switch("courier", "A", "Whether retries share one `x-zm-trackingid`."),
    ] = "event"
    exhausted: Annotated[
        Literal["event", "endpoint"],
        _switch(
            "courier",
            "D",
            "What the last failure ends: this delivery, or all of this event to this URL.",
        ),
    ] = "event"
    challenge_signature: Annotated[
        Literal["signed", "unsigned"],
        _switch("courier", "D", "Whether a URL validation is signed."),
    ] = "signed"
    challenge_answer: Annotated[
        Literal["hex", "hex_or_base64"],
        _switch("courier", "S", "Which encodings of `encryptedToken` a URL validation takes."),
    ] = "hex"
    bot_validation: Annotated[
        Literal["strict", "lenient"],
        _switch(
            "courier",
            "A",
            "Whether a bot endpoint that answers the URL validation wrongly is refused.",
        ),
    ] = "strict"
    redirects: Annotated[
        Literal["refused", "followed"],
        _switch(
            "courier",
            "A",
            "What an endpoint that answers 307 or 308 is: one that failed, or one that is asked"
            " where it leads, if anything may be posted there.",
        ),
    ] = "refused"
    unvalidated_urls: Annotated[
        Literal["served", "cut_off"],
        _switch(
            "courier",
            "S",
            "Whether events reach an address that never passed its URL validation: Zoom was said"
            " to cut such off from June 2025 on, but what a seed plants was never asked.",
            paranoid="cut_off",
        ),
    ] = "served"
    revalidation_failures: Annotated[
        int,
        Meta(ge=1, le=100),
        _switch(
            "courier",
            "A",
            "How many failed 72-hour revalidations in a row disable an endpoint.",
        ),
    ] = 3
    deauthorization_signature: Annotated[
        Literal["valid", "mismatched"],
        _switch(
            "courier",
            "S",
            "Whether `app_deauthorized` is signed with the Secret Token; one report of 2025 says"
            " that the signature did not match.",
        ),
    ] = "valid"
    verification_token: Annotated[
        Literal["absent", "sent"],
        _switch(
            "courier",
            "D",
            "Whether deliveries carry the legacy verification token as `authorization`.",
        ),
    ] = "absent"  # noqa: S105  # a switch, no password
    subscriptions_limit: Annotated[
        Literal[20, 10],
        _switch("courier", "D", "How many event subscriptions an app may have."),
    ] = 20
    install_order: Annotated[
        Literal["redirect_first", "event_first"],
        _switch("chat", "A", "Which comes first: the redirect with the code, or `bot_installed`."),
    ] = "redirect_first"
    failed_welcome: Annotated[
        Literal["nothing", "default", "late"],
        _switch(
            "chat",
            "A",
            "What a person sees when the answer to `bot_installed` is no welcome: nothing, Zoom's"
            " default, or nothing until a retry is answered.",
        ),
    ] = "late"
    welcome_again: Annotated[
        Literal["never", "always"],
        _switch("chat", "A", "Whether authorizing again sends `bot_installed` again."),
    ] = "never"
    welcome_audience: Annotated[
        Literal["installer", "everybody"],
        _switch(
            "chat",
            "A",
            "Who is welcomed when an admin installs for the account.",
        ),
    ] = "installer"
    bot_payloads: Annotated[
        Literal["current", "2019", "2018"],
        _switch("chat", "C", "Which era's keys `bot_installed` and `bot_notification` have."),
    ] = "current"
    alone_to_jid: Annotated[
        Literal["user", "user_and_robot"],
        _switch("chat", "D", "What `toJid` is when somebody writes to the bot alone."),
    ] = "user"
    thread_replies: Annotated[
        Literal["silent", "delivered"],
        _switch("chat", "S", "Whether replies in a thread with the bot alone reach it."),
    ] = "silent"
    direct_messages: Annotated[
        Literal["silent", "published"],
        _switch(
            "chat",
            "A",
            "Whether subscriptions to `team_chat.dm_message_posted` hear what is written to a bot"
            " alone, as they hear what people write to each other.",
        ),
    ] = "silent"
    callback_keys: Annotated[
        Literal["absent", "sent"],
        _switch(
            "chat",
            "S",
            "Whether interactions carry `callback_url` and `callback_token` (changelog of October"
            " 2025; where they stand was not published).",
        ),
    ] = "absent"
    loose_inputs: Annotated[
        Literal["actions", "silent"],
        _switch(
            "chat",
            "A",
            "What pickers, radio buttons, checkboxes and switches outside a form send: an"
            " `interactive_message_actions`, or nothing.",
        ),
    ] = "actions"
    form_people: Annotated[
        Literal["sent", "absent"],
        _switch("chat", "A", "Whether `chat_message.submit` says who submitted."),
    ] = "sent"
    mention_payload: Annotated[
        Literal["official", "observed"],
        _switch(
            "chat",
            "D",
            "Whether `team_chat.app_mention` has only the documented keys, or the JIDs seen live.",
        ),
    ] = "official"
    deauthorization_payload: Annotated[
        Literal["current", "2025", "reference", "sdk", "2020", "2019"],
        _switch(
            "chat",
            "D",
            "Which of the recorded variants `app_deauthorized` follows.",
        ),
    ] = "current"
    development_removal: Annotated[
        Literal["silent", "told"],
        _switch(
            "marketplace",
            "C",
            "Whether a development app hears that it was removed; at Zoom only production apps do.",
        ),
    ] = "silent"
    unknown_components: Annotated[
        Literal["warn", "refuse"],
        _switch(
            "cards",
            "A",
            "What an element that Zoom does not know does: drawn with a warning, or refused.",
            paranoid="refuse",
        ),
    ] = "warn"
    markdown_bold: Annotated[
        Literal["both", "one", "two"],
        _switch("cards", "D", "How bold is written: `*x*`, `**x**`, or either."),
    ] = "both"
    text_limit: Annotated[
        Literal["none", "4000"],
        _switch("cards", "S", "Whether a text of more than 4,000 characters is warned about."),
    ] = "none"
    user_managed_imchat: Annotated[
        Literal["refuse", "allow"],
        _switch(
            "marketplace",
            "D",
            "Whether a manifest under USER_OPERATION may ask for `imchat:bot`.",
        ),
    ] = "refuse"


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch, described: what it is about, what it may be, what each preset chooses."""

    name: str
    area: Area
    mark: Mark
    about: str
    source: str
    values: tuple[Any, ...]
    """What it may be; empty for a number, which `bounds` limits."""
    bounds: tuple[int, int] | None
    presets: Mapping[Preset, Any]


def _described() -> Iterator[Switch]:
    defaults = Rules()
    hints = get_type_hints(Rules, include_extras=True)
    for name in Rules.__struct_fields__:
        kind, *metas = get_args(hints[name]) or (bool,)
        told = next(meta for meta in metas if meta.extra)
        limits = next((meta for meta in metas if meta.ge is not None), None)
        extra = cast("dict[str, Any]", told.extra)
        default = getattr(defaults, name)
        chosen: dict[Preset, Any] = {each: extra["presets"].get(each) for each in PRESETS}
        presets: dict[Preset, Any] = {
            key: default if value is None else value for key, value in chosen.items()
        }
        values = (False, True) if kind is bool else get_args(kind)
        yield Switch(
            name=name,
            area=extra["area"],
            mark=extra["mark"],
            about=told.description or "",
            source=extra["source"],
            values=values,
            bounds=(limits.ge, limits.le) if limits else None,
            presets=presets,
        )


SWITCHES: Final[Mapping[str, Switch]] = {switch.name: switch for switch in _described()}
"""Every switch by its name, in the order of `Rules`."""


def preset(name: Preset) -> Rules:
    """Make the rules of a preset."""
    return Rules(**{switch.name: switch.presets[name] for switch in SWITCHES.values()})
