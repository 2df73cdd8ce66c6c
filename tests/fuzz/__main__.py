"""Let Atheris lead, which sees the branches that an input takes: for as long as you like.

    pip install atheris
    python -m tests.fuzz events -max_total_time=600

The first argument is the name of a surface, the others are libFuzzer's.
"""

import sys
from importlib import import_module

from hypothesis import given


def main() -> None:
    """Play one surface until something goes wrong."""
    atheris = import_module("atheris")  # not in the lock: 35 MB, and not for every platform
    with atheris.instrument_imports(include=["innkeeper"]):
        surfaces = import_module("tests.fuzz.surfaces")
    known = {surface.name: surface for surface in surfaces.SURFACES}
    if len(sys.argv) < 2 or sys.argv[1] not in known:
        sys.exit(f"name one of: {', '.join(known)}")
    surface = known[sys.argv[1]]
    with surface.open() as play:
        played = surfaces.patiently(1)(given(surface.inputs)(play))
        atheris.Setup([sys.argv[0], *sys.argv[2:]], played.hypothesis.fuzz_one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
