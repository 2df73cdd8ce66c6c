"""What does a command's exit code say? The others are in the help of `innkeeper`."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
MISUSED: Final = 2
FOUND_A_FAULT: Final = 3
BAD_CONFIGURATION: Final = 78
INTERRUPTED: Final = 130
