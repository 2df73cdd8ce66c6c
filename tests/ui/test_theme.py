"""An app's pages can look and speak as its author wants, and stay whole."""

import re
from pathlib import Path
from typing import Any

import pytest

from innkeeper import BotRefused, Pages, words
from innkeeper.errors import InstallRefused
from innkeeper.ui import pages
from innkeeper.ui.texts import ENGLISH, Texts
from innkeeper.ui.theme import Theme
from innkeeper.ui.views import CancelledView, Frame, LaunchAppView, ProblemView
from tests.ui.german import GERMAN
from tests.ui.hostile import VECTORS, skeleton

TEMPLATES = Path(pages.__file__).parent / "templates"


def refused(wanted: Pages) -> str:
    with pytest.raises(BotRefused) as caught:
        Theme(wanted)
    return caught.value.why


# the texts


def test_every_text_is_used_and_every_use_has_a_text() -> None:
    used = {
        key
        for path in TEMPLATES.glob("*.html")
        for key in re.findall(r"\bt\('([\w.]+)'[,)]", path.read_text("utf-8"))
    }
    used |= set(re.findall(r'texts\("([\w.]+)"', Path(words.__file__).read_text("utf-8")))
    by_name = {key for key in ENGLISH if re.match(r"(step|problem\.\w+|receipt\.\w+)\.\w+$", key)}
    assert used <= ENGLISH.keys()
    assert ENGLISH.keys() - used - by_name == set()


def every_refusal(kind: type[InstallRefused] = InstallRefused) -> list[type[InstallRefused]]:
    return [kind, *(found for each in kind.__subclasses__() for found in every_refusal(each))]


@pytest.mark.parametrize("kind", every_refusal(), ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_page_that_says_what_the_error_says(
    kind: type[InstallRefused],
) -> None:
    parts = [f"problem.{kind.code}.{part}" for part in ("title", "what", "why", "fix")]
    assert all(part in ENGLISH for part in parts)
    assert ENGLISH[parts[-1]] == kind.fix


def test_every_text_is_a_sentence_or_a_title() -> None:
    for key, text in ENGLISH.items():
        assert text.strip() == text
        if key.startswith("problem.") and not key.endswith(".title") and key.count(".") == 2:
            assert text.endswith("."), key


@pytest.mark.parametrize("vector", VECTORS)
def test_no_text_and_no_name_becomes_markup(vector: str) -> None:
    texts = Texts("xx", dict.fromkeys(ENGLISH, vector.replace("{", "{{").replace("}", "}}")))
    for view in (
        LaunchAppView(vector, "https://zoom.us/x", "/receipts/r", "/launch?stay=1"),
        CancelledView(vector, "/install", "/back"),
        ProblemView("t", "w", "y", "f", vector, "/"),
    ):
        drawn = pages.render(view, texts=texts)
        calm = pages.render(view)
        assert skeleton(drawn).faults == []
        assert "<script>" not in drawn.replace('<script type="module"', "")
        assert drawn.count("<h1") == calm.count("<h1") == 1


def test_a_text_may_repeat_or_leave_out_what_is_filled_in() -> None:
    theme = Theme(Pages(texts={"en": {"launch.title": "{app}, {app}!", "launch.soon": "Soon."}}))
    html = pages.render(LaunchAppView("Porter & Co", "https://zoom.us/x"), texts=theme.speak(""))
    assert "<h1>Porter &amp; Co, Porter &amp; Co!</h1>" in html


# languages


@pytest.mark.parametrize(
    ("preferences", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("DE", "de"),
        ("fr, de;q=0.5", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("de;q=0.1, en;q=0.2", "en"),
        ("fr", "en"),
        ("pt", "pt-BR"),
        ("pt-PT", "en"),
        ("pt-br", "pt-BR"),
        ("*", "en"),
        ("de;q=0", "en"),
        ("de;q=x, , ;q=1, de;", "de"),
        ("de;q=nan", "en"),
        ("den", "en"),
        ("\u202ede", "en"),
        ("x," * 5_000 + "de", "en"),
    ],
)
def test_speaks_the_language_that_a_browser_likes_best(preferences: str, language: str) -> None:
    theme = Theme(Pages(texts={"de": GERMAN, "pt-BR": {}}))
    assert theme.speak(preferences).language == language


def test_speaks_its_own_language_to_whoever_asks_for_none_of_them() -> None:
    theme = Theme(Pages(texts={"de": GERMAN}, language="de"))
    assert theme.speak("fr").language == theme.speak("").language == "de"
    assert theme.speak("en").language == "en"


def test_german_pages_are_german() -> None:
    texts = Theme(Pages(texts={"de": GERMAN})).speak("de")
    view = LaunchAppView("Porter", "https://zoom.us/x", "https://a.example/r", "/launch?stay=1")
    html = pages.render(view, texts=texts)
    assert '<html lang="de">' in html
    assert "Porter ist bereit" in html
    assert (
        'den <a href="https://zoom.us/download" rel="noopener noreferrer">Zoom-Client</a>,' in html
    )
    left = {"ready", "Keep", "Open", "Stay", "Skip"}
    assert not [word for word in left if word in html]


def test_says_which_texts_a_language_leaves_in_english() -> None:
    assert Theme(Pages(texts={"de": GERMAN, "en": {}})).untranslated == {
        "de": sorted(ENGLISH.keys() - GERMAN.keys())
    }
    assert Theme(Pages(texts={"de": dict(ENGLISH)})).untranslated == {}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"de": {"launch.titel": "x"}}, "texts['de']['launch.titel']: is the key of no text"),
        ({"de": {"launch.title": "{name}"}}, "has braces that nothing fills: name"),
        ({"de": {"launch.title": "{app.__class__}"}}, "has braces that nothing fills"),
        ({"de": {"launch.title": "{app!r}"}}, "has braces that nothing fills"),
        ({"de": {"launch.title": "{app:>9999}"}}, "has braces that nothing fills"),
        ({"de": {"launch.title": "{}"}}, "has braces that nothing fills"),
        ({"de": {"launch.title": "{app"}}, "has a brace without its other half"),
        ({"de": {"launch.title": " "}}, "is no text"),
        ({"de": {"launch.title": 7}}, "is no text"),
        ({"german": {}}, "is no language"),
        ({"../de": {}}, "is no language"),
    ],
)
def test_a_text_that_cannot_be_said_stops_the_start(texts: Any, said: str) -> None:
    assert said in refused(Pages(texts=texts))


def test_says_all_that_is_wrong_at_once() -> None:
    said = refused(
        Pages(texts={"de": {"a": "", "b": ""}}, language="fr", style=Path("/nowhere/x.css"))
    )
    assert len(said.strip().splitlines()) == 4


# the style sheet


def test_a_style_sheet_of_ones_own_comes_after_ours(tmp_path: Path) -> None:
    sheet = tmp_path / "brand.css"
    sheet.write_text(":root { --press: #663399; }")
    theme = Theme(Pages(style=sheet))
    assert theme.style == sheet.read_bytes()
    html = pages.render(
        ProblemView("t", "w", "y", "f", "c", "/"),
        frame=Frame(prefix="/zoom", style=theme.style_url),
    )
    ours, own = re.findall(r'rel="stylesheet" href="([^"]+)"', html)
    assert ours.startswith("/zoom/static/app.css?v=")
    assert own == f"/zoom{theme.style_url}"
    sheet.write_text(":root { --press: #000; }")
    assert Theme(Pages(style=sheet)).style_url != theme.style_url


def test_a_style_sheet_has_its_limits(tmp_path: Path) -> None:
    (tmp_path / "large.css").write_bytes(b" " * 262_145)
    assert "is over 262144 bytes" in refused(Pages(style=tmp_path / "large.css"))
    assert "cannot be read" in refused(Pages(style=tmp_path))
    assert Theme(Pages()).style_url == ""
