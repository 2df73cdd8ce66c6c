"""What does a new bot begin with? A folder that runs, and whose tests pass."""

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Final

from innkeeper.cli.codes import MISUSED
from innkeeper.errors import InnkeeperError

TEMPLATES: Final = {"minimal": "https://example.com", "webapp": "https://example.com/zoom"}
"""What can be begun with, and where its bot would be reached."""
_HIDDEN: Final = {"gitignore": ".gitignore", "env.example": ".env.example"}
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,62}")


class NotBegun(InnkeeperError):
    """A bot whose folder was not made; nothing was written."""

    code = "not_begun"

    def __init__(self, what: str, fix: str, *, exit_code: int = 1) -> None:
        self.fix = fix
        self.exit_code = exit_code
        super().__init__(what)


def begin(folder: Path, template: str) -> list[Path]:
    """Make a folder with a bot, its tests, and what they need; list the files.

    Raises:
        NotBegun: If something is there already, the name can be no bot's, or there is no
            such template.
    """
    if template not in TEMPLATES:
        fix = f"Known are: {', '.join(TEMPLATES)}."
        raise NotBegun(f"there is no template {template}", fix, exit_code=MISUSED)
    if not _NAME.fullmatch(folder.name):
        fix = "Begin with a letter; go on with letters, digits, - and _."
        raise NotBegun(f"{folder.name!r} can be no bot's name", fix, exit_code=MISUSED)
    if folder.exists() or folder.is_symlink():
        raise NotBegun(f"{folder} is there already", "Choose another name, or move it away.")
    title = re.sub(r"[ _-]+", " ", folder.name).strip().title()
    files = _filled(template, {"title": title, "public_url": TEMPLATES[template]})
    try:
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(content, "utf-8")
    except OSError as error:
        raise NotBegun(f"{folder} cannot be made", error.strerror or "") from None
    return [folder / name for name in files]


def _filled(template: str, values: dict[str, str]) -> dict[str, str]:
    files = {**_files("both"), **_files(template)}
    return {
        name: Template(file.read_text("utf-8")).substitute(values)
        for name, file in sorted(files.items())
    }


def _files(folder: str) -> dict[str, Traversable]:
    found = resources.files("innkeeper.cli").joinpath("templates", folder).iterdir()
    plain = {_named(file.name): file for file in found}
    return {_HIDDEN.get(name, name): file for name, file in plain.items()}


def _named(name: str) -> str:
    """Name a file as it will be called; here its last suffix keeps tools from reading it."""
    return name.removesuffix(".txt") if name.count(".") > 1 else name
