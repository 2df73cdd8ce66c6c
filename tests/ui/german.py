"""An app's pages in German, as an author would write them; what can go wrong stays English."""

import json
from pathlib import Path

GERMAN: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
