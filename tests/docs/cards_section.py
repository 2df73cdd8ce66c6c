"""The section of the cards' reference about raw JSON: what the emulator draws and takes.

Which keys are looked at is not written down here: a card that has them all is drawn, and
tells which were asked for. `python -m tests.docs.cards_section` writes the section anew.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from innkeeper.ui.cards import PAINTERS, draw
from tests.docs.blocks import ROOT

PLACE = ROOT / "docs" / "reference" / "cards.md"
BEGIN, END = "<!-- raw JSON: generated -->\n", "<!-- end of what is generated -->\n"
STYLE: Final = {"color": "#0E72ED", "bold": True, "italic": True}
PICTURE: Final = {"image_url": "https://a.test/1.png", "alt_text": "One", "image_index": 0}
OPTION: Final = {"text": "One", "value": "one"}
TEXT: Final = {"type": "message", "text": "Hi"}

SAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "message": {"text": "Hi", "style": STYLE, "link": "https://a.test", "editable": True},
    "fields": {
        "items": [{"key": "k", "value": "v", "short": True, "editable": True, "style": STYLE}]
    },
    "alert": {"text": "Hi", "level": "ERROR"},
    "progress_bar": {"value": 50},
    "divider": {"style": {"bold": True, "dotted": True, "color": "#0E72ED"}},
    "actions": {
        "items": [
            {**OPTION, "style": "Primary", "submit": True},
            {**OPTION, "action": "dialog", "dialog": {"size": "S", "link": "https://a.test"}},
        ],
        "limit": 1,
        "overflow": {"text": "More"},
    },
    "select": {"text": "Which", "select_items": [OPTION], "selected_item": OPTION},
    "plain_text_input": {"action_id": "a", "text": "Why", "value": "", "placeholder": "Because"},
    "datepicker": {"action_id": "a", "initial_date": "2026/03/02"},
    "timepicker": {"action_id": "a", "initial_time": "09:30"},
    "radio_buttons": {"action_id": "a", "options": [OPTION], "initial_option": OPTION},
    "checkboxes": {"action_id": "a", "options": [{**OPTION, "initial_selected": True}]},
    "attachments": {
        "resource_url": "https://a.test",
        "img_url": "https://a.test/1.png",
        "information": {"title": {"text": "A"}, "description": {"text": "B"}},
        "ext": "pdf",
        "size": 7,
    },
    "file": {"title": {"text": "A", "file_url": "https://a.test"}, "description": {"text": "B"}},
    "image": {"images": [PICTURE]},
    "images": {"images": [PICTURE, PICTURE], "cur_index": 1},
    "video": {"title": {"text": "A"}, "video_url": "https://a.test"},
    "section": {"sections": [TEXT], "footer": "Hi", "footer_icon": "https://a.test", "ts": 1},
    "page": {"cur_page": 1, "pages": [{"pageNo": 1, "body": [TEXT]}]},
}
"""An element of each type, so full that every key is asked for."""

_LOOSE: Final = (
    "Setting it sends `interactive_message_actions`, or nothing (rule `loose_inputs`);"
    " in a form it goes along with `chat_message.submit`."
)
DEEDS: Final[Mapping[str, str]] = {
    "message": "Editing sends `interactive_message_editable`.",
    "fields": "Editing a field sends `interactive_message_fields_editable`.",
    "actions": (
        "Pressing sends `interactive_message_actions`; in a form a button with `submit` sends"
        " `chat_message.submit`. A dialog is a link to its page."
    ),
    "select": (
        "Choosing sends `interactive_message_select`; in a form it goes along with"
        " `chat_message.submit`."
    ),
    "plain_text_input": "What is written goes along with `chat_message.submit`.",
    "datepicker": _LOOSE,
    "timepicker": _LOOSE,
    "radio_buttons": _LOOSE,
    "checkboxes": _LOOSE,
}
"""What a person can do with an element, and which event that sends."""

_HEAD = """
## In raw JSON

Whatever writes a card, the emulator draws its JSON;\
 a bot in another language needs no class of ours.
The keys are those that the drawing looks at:\
 others are kept and sent back in `original`, and show nowhere.

| Type | Drawn as | Keys | What a person can do |
|---|---|---|---|
"""
_FOOT = """
A card may stand in a form (`settings.form`), and its sections get `settings.default_sidebar_color`.
Nothing is fetched: pictures, files and videos are frames with a link.

Refused with 400 is what is no card\
 (neither head nor body, an element without what it must have or of another shape),\
 markdown beside a link or an editable text, a dropdown with both sources,\
 and a card of 100,000 bytes.
Everything else is drawn, with a warning that names its JSON pointer:\
 an unknown element (or refused, by the rule `unknown_components`), a colour that is none,\
 an address that is none, an input outside a form.
"""


class Asked(dict[str, Any]):
    """JSON that notes which of its keys were asked for."""

    def __init__(self, document: Mapping[str, Any], path: str, noted: dict[str, None]) -> None:
        super().__init__(
            {key: _asked(value, f"{path}{key}", noted) for key, value in document.items()}
        )
        self._path = path
        self._noted = noted

    def get(self, key: str, default: Any = None) -> Any:
        """Give a value, and note its key."""
        self._noted[f"{self._path}{key}"] = None
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self._noted[f"{self._path}{key}"] = None
        return super().__getitem__(key)


def _asked(value: Any, path: str, noted: dict[str, None]) -> Any:
    if isinstance(value, dict):
        return Asked(value, f"{path}.", noted)
    if isinstance(value, list):
        return [_asked(each, f"{path}[]", noted) for each in value]
    return value


def keys(kind: str) -> list[str]:
    """List what the drawing of an element looks at, by drawing it in and out of a form."""
    noted: dict[str, None] = {}
    for form in (True, False):
        sample = Asked({"type": kind, **SAMPLES[kind]}, "", noted)
        draw({"settings": {"form": form}, "body": [sample]}, message_id="m")
    inner = re.compile(r"(sections|pages\[\]\.body)\[\]\.")  # an element's own, not its guests'
    found = [each for each in noted if each != "type" and not inner.match(each)]
    held = [
        each
        for each in found
        if any(other.startswith((f"{each}.", f"{each}[].")) for other in found)
    ]
    return [each for each in found if each not in held]


def section() -> str:
    """Write the section."""
    return "".join([BEGIN, _HEAD, *_rows(), _FOOT, END])


def _rows() -> Iterator[str]:
    for kind in sorted(PAINTERS):
        said = (PAINTERS[kind].__doc__ or "").partition("\n")[0]
        drawn = re.sub(r"^Draw ", "", said).rstrip(".")
        looked = ", ".join(f"`{key}`" for key in keys(kind))
        yield f"| `{kind}` | {drawn} | {looked} | {DEEDS.get(kind, '')} |\n"


def placed(text: str) -> str:
    """Put the section into the page that has it, or at the end of one that has not."""
    before, found, rest = text.partition(BEGIN)
    after = rest.partition(END)[2] if found else ""
    return before.rstrip("\n") + "\n\n" + section() + after


if __name__ == "__main__":
    PLACE.write_text(placed(PLACE.read_text("utf-8")), "utf-8")
