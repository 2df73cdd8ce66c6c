"""Every link within the repository leads somewhere."""

import re
import unicodedata
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, documents

_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def links(path: Path) -> list[str]:
    text = _CODE.sub("", path.read_text("utf-8"))
    found = [match["target"] for match in _LINK.finditer(text)]
    return [target for target in found if "://" not in target and not target.startswith("mailto:")]


def anchors(path: Path) -> set[str]:
    """Name a document's headings as they are linked to."""
    text = re.sub(r"```.*?^ *```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", unicodedata.normalize("NFC", heading).lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


def resolves(path: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    leads_to = (path.parent / name).resolve() if name else path
    if not leads_to.is_relative_to(ROOT) or not leads_to.exists():
        return False
    return not anchor or anchor in anchors(leads_to)


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_resolves(path: Path):
    assert [target for target in links(path) if not resolves(path, target)] == []


def test_every_document_is_reached_from_the_readme():
    reached, new = set(), {ROOT / "README.md"}
    while new:
        reached |= new
        new = {
            (path.parent / target.partition("#")[0]).resolve()
            for path in new
            for target in links(path)
            if target.partition("#")[0].endswith(".md")
        } - reached

    unlinked = {path for path in documents() if path.is_relative_to(ROOT / "docs")} - reached
    assert unlinked == set()


def test_links_were_found():
    assert "docs/tutorial/first-bot.md" in links(ROOT / "README.md")
