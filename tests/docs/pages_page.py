"""The reference of the app's own pages: their colours and their texts, as the code has them.

`python -m tests.docs.pages_page` writes docs/reference/pages.md anew.
"""

from collections.abc import Iterator
from itertools import groupby

from innkeeper.ui.texts import ENGLISH
from tests.docs.blocks import ROOT

PLACE = ROOT / "docs" / "reference" / "pages.md"
COLOURS = {
    "paper": "what lies behind the sheet",
    "sheet": "the sheet",
    "ink": "text",
    "quiet": "text of less weight",
    "line": "lines between things",
    "accent": "links",
    "press": "the button to press",
    "press-over": "that button under the pointer",
    "on-press": "the words on it",
}
_COLOURS = "## Colours\n"
_FROM_HERE = f"""{_COLOURS}
These variables of `:root` will stay.
Dark mode sets them anew within `@media (prefers-color-scheme: dark)`.

| Variable | What it colours |
|---|---|
"""


def page() -> str:
    """Write the whole page: what comes before the colours stays as it is."""
    before = PLACE.read_text("utf-8").partition(_COLOURS)[0]
    colours = (f"| `--{name}` | {what} |\n" for name, what in COLOURS.items())
    return "".join([before, _FROM_HERE, *colours, "\n## Texts\n", *_texts()])


def _texts() -> Iterator[str]:
    for area, keys in groupby(ENGLISH, lambda key: key.rpartition(".")[0]):
        yield f"\n### `{area}`\n\n| Key | In English |\n|---|---|\n"
        for key in keys:
            yield f"| `{key}` | {ENGLISH[key]} |\n"


if __name__ == "__main__":
    PLACE.write_text(page(), "utf-8")
