"""Which addresses lead into Zoom? Deep links to a chatbot's channel.

Source: https://developers.zoom.us/docs/chat/installation-and-authentication/
"""

from urllib.parse import parse_qs, urlencode

from innkeeper.ids import Jid

LAUNCH_PATH = "/launch/chat"
_PREFIX = "robot_"


def chat_link(robot_jid: Jid, *, zoom_url: str = "https://zoom.us") -> str:
    """Build the link that opens the client at a chatbot's channel.

    Example:
        >>> chat_link(Jid("v1abc@xmpp.zoom.us"))
        'https://zoom.us/launch/chat?jid=robot_v1abc@xmpp.zoom.us'
    """
    return f"{zoom_url}{LAUNCH_PATH}?jid={_PREFIX}{robot_jid}"


def robot_of(jid: str) -> Jid:
    """Read a chatbot's JID from a deep link's `jid`, with or without `robot_`.

    Example:
        >>> robot_of("robot_v1abc@xmpp.zoom.us")
        'v1abc@xmpp.zoom.us'
    """
    return Jid(jid.removeprefix(_PREFIX))


def with_query(url: str, **parameters: str | None) -> str:
    """Append parameters to a URL that may already have a query; None is left out.

    What the URL holds stays byte for byte: a redirect URI may be a deep link.

    Example:
        >>> with_query("https://a.example/launch?jid=robot_x", code="c")
        'https://a.example/launch?jid=robot_x&code=c'
    """
    added = urlencode({key: value for key, value in parameters.items() if value is not None})
    if not added:
        return url
    address, hash_sign, fragment = url.partition("#")
    joint = "?" if "?" not in address else "" if address.endswith(("?", "&")) else "&"
    return f"{address}{joint}{added}{hash_sign}{fragment}"


def query_of(url: str) -> dict[str, list[str]]:
    """Read a URL's query; a repeated parameter keeps all its values.

    Example:
        >>> query_of("https://a.example/launch?jid=robot_x&code=c#top")
        {'jid': ['robot_x'], 'code': ['c']}
    """
    return parse_qs(url.partition("#")[0].partition("?")[2], keep_blank_values=True)
