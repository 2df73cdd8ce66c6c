"""What do an app's own pages say? Every text has a key; a language is a table of texts."""

from collections.abc import Mapping
from string import Formatter
from typing import Final

from markupsafe import Markup, escape

ENGLISH: Final[Mapping[str, str]] = {
    "page.skip": "Skip to the content",
    "page.restart": "Start again",
    "index.add": "Add to Zoom",
    "launch.title": "{app} is ready",
    "launch.lead": "It waits for you in Zoom Team Chat.",
    "launch.open": "Open in Zoom",
    "launch.soon": "Zoom opens in {seconds} seconds.",
    "launch.stay": "Stay on this page",
    "launch.trouble": "If Zoom does not open",
    "launch.install_client": "Install the {client}, sign in, and press the button again.",
    "launch.client": "Zoom client",
    "launch.switch": (
        "If the client is signed in as somebody else, it asks you to switch: "
        "use the account you have just added {app} with."
    ),
    "launch.look": "Or open Team Chat yourself and look for {app} under Apps.",
    "launch.keep": "Keep this address",
    "launch.proof": (
        "When you remove {app}, all it keeps about you is deleted. "
        "The proof of that will stand here:"
    ),
    "working.title": "Zoom takes its time",
    "working.lead": "You have allowed {app}, and Zoom has not answered yet. It still goes on.",
    "working.wait": "This page looks again by itself every {seconds} seconds.",
    "cancelled.title": "{app} was not added",
    "cancelled.lead": (
        "You declined, so nothing was installed and nothing about you was kept. "
        "You can close this page."
    ),
    "cancelled.back": "Go back",
    "receipt.complete.title": "Everything was deleted",
    "receipt.complete.lead": "{app} keeps nothing of this installation any more.",
    "receipt.kept.title": "Some of it was kept",
    "receipt.kept.lead": (
        "{app} has no access any more, and all was deleted but what is listed as kept: the "
        "bot's own data that you let it keep when you removed it, or of which nobody could "
        "tell any more that it was yours."
    ),
    "receipt.nothing.title": "There was nothing to delete",
    "receipt.nothing.lead": "{app} kept nothing of this installation when it was removed.",
    "receipt.purging.title": "Deleting",
    "receipt.purging.lead": (
        "The app was removed, and what it kept is being deleted. Look again in a minute."
    ),
    "receipt.active.title": "Nothing deleted yet",
    "receipt.active.lead": (
        "The app is still added. When it is removed, this page becomes the receipt for what "
        "was deleted. Keep its address."
    ),
    "receipt.app": "The app",
    "receipt.id": "Receipt",
    "receipt.removed": "Removed",
    "receipt.deleted": "Deleted",
    "receipt.what": "What was deleted",
    "receipt.kind": "Kind of data",
    "receipt.count": "Deleted",
    "receipt.waiting": "waiting",
    "receipt.left": "kept",
    "receipt.tries": "or more: begun {count} times",
    "receipt.check": "Check it yourself",
    "receipt.signed": (
        "This receipt is signed and part of a chain. It names no person; the random number "
        "above is all that is left."
    ),
    "receipt.key": "Signed by",
    "receipt.signature": "Signature",
    "receipt.digest": "Digest",
    "receipt.download": "Download the receipt",
    "step.own": "The bot's own: {name}",
    "step.grants": "Access to Zoom",
    "step.state": "Values the bot kept",
    "step.inbox": "Events that were kept",
    "step.cases": "Open questions",
    "step.installation": "The installation itself",
    "step.data_key": "The key to all of it",
    "problem.why": "Why",
    "problem.fix": "What to do",
    "problem.code": "If you ask for help, give this code: {code}",
    "problem.install_refused.title": "The app was not installed",
    "problem.install_refused.what": (
        "Something in the way back from Zoom was not as it should be."
    ),
    "problem.install_refused.why": "The app could not tell what Zoom answered.",
    "problem.install_refused.fix": "Start again from the install page.",
    "problem.callback_malformed.title": "The app was not installed",
    "problem.callback_malformed.what": (
        "The address that brought you back is not one that Zoom makes."
    ),
    "problem.callback_malformed.why": (
        "Some of its parts stand there twice, or contradict each other."
    ),
    "problem.callback_malformed.fix": "Start again from the install page.",
    "problem.state_unknown.title": "This installation is not open",
    "problem.state_unknown.what": "The app does not know the attempt you came back from.",
    "problem.state_unknown.why": (
        "It was finished already, or it was begun somewhere else, or in another tab."
    ),
    "problem.state_unknown.fix": (
        "Start again from the install page. If this repeats, do not reload or share the link."
    ),
    "problem.state_expired.title": "This installation took too long",
    "problem.state_expired.what": "You came back, but the attempt was over.",
    "problem.state_expired.why": "For your safety an attempt is open for ten minutes only.",
    "problem.state_expired.fix": "Start again from the install page and finish within ten minutes.",
    "problem.cookie_missing.title": "This browser did not begin the installation",
    "problem.cookie_missing.what": "The app could not recognise your browser.",
    "problem.cookie_missing.why": (
        "You began in another browser, or yours keeps no cookies for this site."
    ),
    "problem.cookie_missing.fix": (
        "Start again in the browser you finish in, and let it keep cookies for this site."
    ),
    "problem.code_missing.title": "Zoom sent nothing to finish with",
    "problem.code_missing.what": "You came back from Zoom without an authorization.",
    "problem.code_missing.why": "Zoom left out the code that stands for it.",
    "problem.code_missing.fix": "Start again from the install page.",
    "problem.issuer_mismatch.title": "The app was not installed",
    "problem.issuer_mismatch.what": ("The answer does not come from the Zoom this app belongs to."),
    "problem.issuer_mismatch.why": "It names another issuer.",
    "problem.issuer_mismatch.fix": "Start again from the install page.",
    "problem.state_dropped.title": "Zoom does not bring the installation back whole",
    "problem.state_dropped.what": (
        "The app began anew, and you came back without its mark a second time."
    ),
    "problem.state_dropped.why": ("The redirect URL that Zoom uses drops what the app adds to it."),
    "problem.state_dropped.fix": (
        "Check that the redirect URL in the Marketplace is this app's /oauth/callback, unchanged."
    ),
    "problem.invitation_refused.title": "This link leads nowhere",
    "problem.invitation_refused.what": "The app cannot read what the link carries.",
    "problem.invitation_refused.why": (
        "A part of it is missing or was altered, or the app was set up anew since it was made."
    ),
    "problem.invitation_refused.fix": (
        "Go back to where you found the link, and follow it from there."
    ),
    "problem.invitation_expired.title": "This link is too old",
    "problem.invitation_expired.what": "Its time was over before you followed it.",
    "problem.invitation_expired.why": "Whoever made it wanted it to be followed soon.",
    "problem.invitation_expired.fix": (
        "Go back to where you found the link, and ask for a new one."
    ),
    "problem.account_mismatch.title": "This link was made for somebody else",
    "problem.account_mismatch.what": "You allowed the app as another Zoom user.",
    "problem.account_mismatch.why": ("The link names who may follow it. Nothing was done with it."),
    "problem.account_mismatch.fix": (
        "Sign in to Zoom as whom the link was made for, then follow it again."
    ),
    "problem.account_not_allowed.title": "The app is not for your Zoom account",
    "problem.account_not_allowed.what": "You allowed the app, and it has not let you in.",
    "problem.account_not_allowed.why": (
        "Whoever runs it has listed the Zoom accounts that it is for. Nothing was kept, and "
        "the access was given back."
    ),
    "problem.account_not_allowed.fix": "Ask whoever runs the app to let your Zoom account in.",
    "problem.scope_missing.title": "The app was not allowed enough",
    "problem.scope_missing.what": "You allowed less than the app cannot do without.",
    "problem.scope_missing.why": (
        "Zoom granted it fewer permissions than it asked for, or an admin has limited them."
    ),
    "problem.scope_missing.fix": "Start again and allow all that the app asks for.",
    "problem.token_exchange_failed.title": "Zoom did not confirm the authorization",
    "problem.token_exchange_failed.what": "You allowed the app, but Zoom gave it no access.",
    "problem.token_exchange_failed.why": (
        "The authorization was used already, was too old, or belongs to another app."
    ),
    "problem.token_exchange_failed.fix": "Start again from the install page.",
    "problem.install_unavailable.title": "The app cannot save anything just now",
    "problem.install_unavailable.what": "You allowed the app, but it could not write that down.",
    "problem.install_unavailable.why": (
        "Its database took no write. Nothing was kept, and the access was given back."
    ),
    "problem.install_unavailable.fix": "Try again in a minute.",
    "problem.receipt_unknown.title": "There is no such receipt",
    "problem.receipt_unknown.what": "The address names a receipt that this app does not know.",
    "problem.receipt_unknown.why": "It was mistyped, or it belongs to another app.",
    "problem.receipt_unknown.fix": (
        "Compare it with the address you were given when you installed the app."
    ),
    "problem.page_unknown.title": "There is no such page",
    "problem.page_unknown.what": "The address leads nowhere in this app.",
    "problem.page_unknown.why": "It was mistyped, or the link to it is out of date.",
    "problem.page_unknown.fix": "Go to the app's first page.",
    "problem.method_not_allowed.title": "This page is only to be looked at",
    "problem.method_not_allowed.what": "Something else was asked of it.",
    "problem.method_not_allowed.why": (
        "A form or a program was pointed at this address by mistake."
    ),
    "problem.method_not_allowed.fix": "Go to the app's first page.",
    "problem.page_failed.title": "The app cannot show this just now",
    "problem.page_failed.what": "Something went wrong on the app's side.",
    "problem.page_failed.why": "Whoever runs the app finds more in its log.",
    "problem.page_failed.fix": "Try again in a minute.",
}
"""By key. What stands in braces is filled in, and is the same in every language."""


class Texts:
    """The texts of one language; what it lacks is said in English."""

    def __init__(self, language: str = "en", texts: Mapping[str, str] | None = None) -> None:
        self.language = language
        self._texts = {**ENGLISH, **(texts or {})}

    def __call__(self, key: str, **values: object) -> Markup:
        """Give a text with its braces filled. Text and values are escaped, `Markup` is not."""
        return escape(self._texts[key]).format(**values)

    def __contains__(self, key: str) -> bool:
        return key in self._texts


def fault_of(key: str, text: object) -> str:
    """Say what makes a text unusable under this key, or nothing if it is usable."""
    if key not in ENGLISH:
        return "is the key of no text"
    if not isinstance(text, str) or not text.strip():
        return "is no text"
    try:
        found = _braces(text)
    except ValueError:
        return "has a brace without its other half"
    unknown = found - _braces(ENGLISH[key])
    return f"has braces that nothing fills: {', '.join(sorted(unknown))}" if unknown else ""


def _braces(text: str) -> set[str]:
    """List what stands in braces, with whatever stands beside the name there."""
    return {
        name + (f"!{conversion}" if conversion else "") + (f":{shape}" if shape else "")
        for _, name, shape, conversion in Formatter().parse(text)
        if name is not None
    }
