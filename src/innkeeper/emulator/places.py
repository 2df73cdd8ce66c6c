"""Where in a document is something wrong? Read from what the decoder says."""

import re

import msgspec

_PLACED = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?", re.DOTALL)


def locate(error: msgspec.ValidationError | ValueError) -> tuple[str, str]:
    """Split a decoder's message into what is wrong and where, below the document's root.

    Example:
        >>> locate(ValueError("Expected `str`, got `int` - at `$.users[0].name`"))
        ('expected `str`, got `int`', '.users[0].name')
    """
    found = _PLACED.fullmatch(str(error))
    what, path = (found["what"], found["path"] or "") if found else (str(error), "")
    return what[:1].lower() + what[1:], path
