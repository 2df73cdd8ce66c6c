"""Bytes that neither side of this project computed; each file says where it comes from."""

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def cases(name: str) -> list[dict[str, Any]]:
    """Read the cases of a file of vectors."""
    return list(json.loads((_HERE / f"{name}.json").read_text("utf-8"))["cases"])
