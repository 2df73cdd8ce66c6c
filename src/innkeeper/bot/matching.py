"""Which handler takes a text? The most exact: whole words, the most of them first.

A handler without typed words takes what begins with its own; one with typed words
takes what has more. Where both stand for the same words, the first takes these alone.
"""

from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from innkeeper.bot.words import plain

T = TypeVar("T")


@dataclass(slots=True)
class _Pair(Generic[T]):
    """The handlers for the same words."""

    alone: T | None = None
    typed: T | None = None


class Found(NamedTuple, Generic[T]):
    """What takes a text, and what of the text is left for its typed words."""

    target: T
    own: int
    """How many words the target was registered for."""
    rest: str


class Commands(Generic[T]):
    """Handlers of commands, by the words that these begin with."""

    def __init__(self) -> None:
        self._pairs: dict[str, _Pair[T]] = {}
        self._most = 0

    def put(self, words: str, target: T, *, typed: bool) -> None:
        """Add a handler.

        Raises:
            Ambiguous: If another takes exactly the same.
        """
        key = " ".join(plain(word) for word in words.split())
        _put(self._pairs.setdefault(key, _Pair()), target, typed=typed)
        self._most = max(self._most, len(words.split()))

    def find(self, text: str) -> Found[T] | None:
        """Find what takes a text, the most words first."""
        parts = text.split(None, self._most)
        keys = [""]
        for word in parts[: self._most]:
            keys.append(f"{keys[-1]} {plain(word)}".strip())
        for count in range(len(keys) - 1, -1, -1):
            pair = self._pairs.get(keys[count])
            if pair is not None:
                more = len(parts) > count
                first, second = (pair.typed, pair.alone) if more else (pair.alone, pair.typed)
                target = second if first is None else first
                if target is not None:
                    return Found(target, count, _rest(text, count))
        return None


class Values(Generic[T]):
    """Handlers of buttons: by the whole value, or by the words that it begins with."""

    def __init__(self) -> None:
        self._exact: dict[str, T] = {}
        self._typed: Commands[T] = Commands()

    def put(self, value: str, target: T, *, typed: bool) -> None:
        """Add a handler.

        Raises:
            Ambiguous: If another takes exactly the same.
        """
        if typed:
            self._typed.put(value, target, typed=True)
        elif value in self._exact:
            raise Ambiguous(self._exact[value])
        else:
            self._exact[value] = target

    def find(self, value: str) -> tuple[Found[T], ...]:
        """List what may take a value, the most exact first."""
        whole, other = self._exact.get(value), self._exact.get("")
        found = (
            Found(whole, 0, value) if whole is not None else None,
            self._typed.find(value),
            Found(other, 0, value) if other is not None else None,
        )
        return tuple(each for each in found if each is not None)


class Ambiguous(Exception):  # never leaves the bot's floor
    """Two handlers take exactly the same. `other` was there first."""

    def __init__(self, other: Any) -> None:
        self.other = other
        super().__init__()


def _put(pair: _Pair[T], target: T, *, typed: bool) -> None:
    other = pair.typed if typed else pair.alone
    if other is not None:
        raise Ambiguous(other)
    if typed:
        pair.typed = target
    else:
        pair.alone = target


def _rest(text: str, count: int) -> str:
    if not count:
        return text.lstrip()
    parts = text.split(None, count)
    return parts[count] if len(parts) > count else ""


ANY: Final = ""
"""The key of a handler that takes whatever no other takes."""
