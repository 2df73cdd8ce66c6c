"""Examples in docstrings are run: what they show is what happens."""

import doctest
import importlib
from pathlib import Path

import pytest

import innkeeper

[PACKAGE] = innkeeper.__path__
WITH_EXAMPLES = sorted(
    path for path in Path(PACKAGE).rglob("*.py") if ">>> " in path.read_text("utf-8")
)


def module_of(path: Path) -> str:
    inner = path.relative_to(PACKAGE).with_suffix("")
    return ".".join(("innkeeper", *inner.parts)).removesuffix(".__init__")


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=module_of)
def test_examples_show_what_happens(path):
    result = doctest.testmod(importlib.import_module(module_of(path)))

    assert result.attempted
    assert not result.failed


def test_the_wire_has_examples():
    assert {"lossless.py", "events.py", "signature.py", "oauth.py", "links.py"} <= {
        path.name for path in WITH_EXAMPLES
    }
