"""A real Chromium for the tests, which finds nothing but what runs on this machine.

`INNKEEPER_CHROMIUM` names one, as `make test` does. Else the first that is found is taken:
the one without a window draws the same pages in three fifths of the time.
"""

import os
import shutil
from typing import Any

import pytest

_NAMES = ("chromium-headless-shell", "chromium")
_ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"


def launching() -> dict[str, Any]:
    """Give what Playwright starts it with; skip where `INNKEEPER_NO_BROWSER=1` asks for none."""
    if os.environ.get("INNKEEPER_NO_BROWSER") == "1":
        pytest.skip("no browser: INNKEEPER_NO_BROWSER=1")
    found = [os.environ.get("INNKEEPER_CHROMIUM"), *map(shutil.which, _NAMES)]
    path = next(filter(None, found), None)
    if path is None:
        pytest.fail("no Chromium; `make test` installs one where it may, or says how")
    return {"executable_path": path, "args": [_ONLY_HERE]}
