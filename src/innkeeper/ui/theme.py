"""How are an app's pages made its author's own? By a style sheet and by texts."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from innkeeper.errors import BotRefused
from innkeeper.ui.texts import ENGLISH, Texts, fault_of

STYLE_NAME: Final = "own.css"
_STYLE_LIMIT_BYTES: Final = 262_144
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", re.ASCII)
_PREFERENCES_LIMIT: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How an app's own pages look, and what they say.

    Args:
        style: A style sheet that comes after ours. Colours are variables of `:root`.
        texts: By language, such as `de` or `pt-BR`: texts by their keys. What a language
            lacks is said in English, and English ones can be replaced, too.
        language: What is spoken to whoever asks for none of these.

    Example:
        >>> pages = Pages(texts={"de": {"launch.open": "In Zoom öffnen"}}, language="de")
    """

    style: Path | None = None
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    language: str = "en"


class Theme:
    """The pages of a running app, as its author wants them.

    Raises:
        BotRefused: With all that is wrong: a key of no text, a brace that nothing fills, a
            style sheet that cannot be read.
    """

    def __init__(self, pages: Pages) -> None:
        faults = list(_faults(pages))
        self.style = b""
        """The author's style sheet; empty if there is none."""
        if pages.style is not None:
            try:
                self.style = pages.style.read_bytes()
            except OSError as error:
                faults.append(f"style: cannot be read: {error.strerror}")
        if len(self.style) > _STYLE_LIMIT_BYTES:
            faults.append(f"style: is over {_STYLE_LIMIT_BYTES} bytes")
        if faults:
            raise BotRefused("App(pages=…)", "\n".join(["", *faults]), _FIX)
        english = pages.texts.get("en", {})
        self._languages = {"en": Texts("en", english)} | {
            language: Texts(language, {**english, **texts})
            for language, texts in pages.texts.items()
        }
        self._default = self._languages[pages.language]
        self.untranslated = {
            language: missing
            for language, texts in pages.texts.items()
            if language != "en" and (missing := sorted(ENGLISH.keys() - texts.keys()))
        }
        """By language: the keys of the texts that it leaves in English."""

    @property
    def style_url(self) -> str:
        """Where the style sheet is, with a hash so that a new version is fetched."""
        digest = hashlib.sha256(self.style).hexdigest()
        return f"/static/{STYLE_NAME}?v={digest[:10]}" if self.style else ""

    def speak(self, preferences: str) -> Texts:
        """Choose the language that an `Accept-Language` header likes best.

        Example:
            >>> Theme(Pages(texts={"de": {}})).speak("de-AT, en;q=0.8").language
            'de'
        """
        for wanted in _by_preference(preferences):
            if wanted == "*":
                break
            for language, texts in self._languages.items():
                if _is_same(wanted, language.lower()):
                    return texts
        return self._default


def _faults(pages: Pages) -> list[str]:
    found = [
        f"texts[{language!r}]: is no language, such as de or pt-BR"
        for language in pages.texts
        if _LANGUAGE.fullmatch(language) is None
    ]
    if pages.language not in {"en", *pages.texts}:
        found.append(f"language: there are no texts in {pages.language!r}")
    return found + [
        f"texts[{language!r}][{key!r}]: {fault}"
        for language, texts in pages.texts.items()
        for key, text in texts.items()
        if (fault := fault_of(key, text))
    ]


def _by_preference(header: str) -> list[str]:
    """List the languages of an `Accept-Language` header, the best first."""
    wanted: list[tuple[float, str]] = []
    for part in header[:_PREFERENCES_LIMIT].lower().split(","):
        language, _, weight = part.partition(";")
        name, equals, value = weight.strip().partition("=")
        try:
            quality = float(value) if equals and name.strip() == "q" else 1.0
        except ValueError:
            continue
        if language.strip() and 0 < quality <= 1:
            wanted.append((quality, language.strip()))
    return [language for _, language in sorted(wanted, key=lambda each: -each[0])]


def _is_same(wanted: str, spoken: str) -> bool:
    """Tell whether two tags name the same language, or one a variety of the other."""
    return wanted == spoken or wanted.startswith(f"{spoken}-") or spoken.startswith(f"{wanted}-")


_FIX: Final = "The keys are in docs/reference/pages.md, with what stands in braces."
