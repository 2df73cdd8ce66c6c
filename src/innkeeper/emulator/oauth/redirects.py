"""Where may an authorization lead back to? The allow list, in one place.

Zoom documents the list (full URLs or base URLs), strict mode (exact match only) and the
subdomain check (only the registered subdomain), but not every case; what is read between
the lines stands here alone. Source:
https://developers.zoom.us/docs/build-flow/basic-info/oauth-info/
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from innkeeper.emulator.world import AppRecord

_PLAIN = re.compile(r"[\x21\x22\x24-\x5b\x5d-\x7e]+")  # printable ASCII without # and backslash
_DISGUISED = re.compile(r"%(?:2e|2f|5c|00)", re.IGNORECASE)


def redirect_allowed(app: AppRecord, uri: str, *, base_urls: bool = True) -> bool:
    """Admit a listed URL byte for byte, and without strict mode what lies below a base URL.

    A base URL is an entry without a query whose path is empty or ends with a slash. Near
    misses are no matches: another case, port, userinfo, dot segments, however written.

    Args:
        base_urls: Whether a base URL stands for what lies below it.
    """
    if _PLAIN.fullmatch(uri) is None:
        return False
    if uri in app.redirect_uris:
        return True
    if app.strict_redirects or not base_urls:
        return False
    return any(_below(base, uri, app) for base in app.redirect_uris)


def is_redirect_uri(uri: str) -> bool:
    """Tell whether a text can be listed: a whole http(s) address, no fragment, no userinfo."""
    if _PLAIN.fullmatch(uri) is None or len(uri) > 2048:
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def _below(base: str, uri: str, app: AppRecord) -> bool:
    try:
        root, asked = urlsplit(base), urlsplit(uri)
    except ValueError:
        return False
    if root.query or (root.path not in {"", "/"} and not root.path.endswith("/")):
        return False
    return _same_site(root, asked, app) and _path_below(root.path or "/", asked.path or "/")


def _same_site(root: SplitResult, asked: SplitResult, app: AppRecord) -> bool:
    if asked.scheme != root.scheme or root.scheme not in {"http", "https"}:
        return False
    if asked.netloc == root.netloc:
        return True
    if app.strict_subdomains or _is_address(root.hostname or ""):
        return False
    return re.fullmatch(rf"(?:[a-z0-9-]+\.)+{re.escape(root.netloc)}", asked.netloc) is not None


def _path_below(root: str, path: str) -> bool:
    if not path.startswith(root) or "//" in path or _DISGUISED.search(path):
        return False
    return not {".", ".."} & set(path.split("/"))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return True
