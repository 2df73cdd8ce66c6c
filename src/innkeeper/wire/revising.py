"""How is a card changed that stands in the chat? From what Zoom sends of it, without a state."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Self, TypeVar

import msgspec

from innkeeper.errors import CardRefused
from innkeeper.wire.blocks import (
    Actions,
    Block,
    Button,
    ButtonStyle,
    Fields,
    Message,
    ProgressBar,
    every,
    rebuilt,
)

_B = TypeVar("_B", bound=Block)
_PRESSED: Final = {"Thumbsup": "Thumbsuped", "Thumbsdown": "Thumbsdowned"}
_UNPRESSED: Final = {pressed: thumb for thumb, pressed in _PRESSED.items()}


class Revising:
    """The steps by which a card becomes another; each looks into sections and pages too."""

    __slots__ = ()

    if TYPE_CHECKING:
        body: tuple[Block, ...]

        def with_body(self, blocks: Sequence[Block]) -> Self:
            """Put other elements in the place of all."""
            ...

    def find(self, kind: type[_B]) -> list[_B]:
        """List the elements of one kind, from top to bottom."""
        return [block for block in every(self.body) if isinstance(block, kind)]

    def replace(self, old: Block, *new: Block) -> Self:
        """Put other elements, or none, in the place of one that `find` gave.

        Raises:
            CardRefused: If the card does not hold it.
        """
        if not any(block is old for block in every(self.body)):
            raise CardRefused("/body", "does not hold this element")
        return self._each(lambda block: new if block is old else (block,))

    def without(self, *kinds: type[Block]) -> Self:
        """Leave out the elements of these kinds, such as `Actions`."""
        return self._each(lambda block: () if isinstance(block, kinds) else (block,))

    def with_text(self, old: str, new: str) -> Self:
        """Change a paragraph's text.

        Raises:
            CardRefused: If no paragraph says so.
        """

        def change(block: Message) -> Message:
            return msgspec.structs.replace(block, text=new) if block.text == old else block

        return self._changed(Message, change, "has no paragraph that says so")

    def with_field(self, key: str, value: str) -> Self:
        """Change the value of a field.

        Raises:
            CardRefused: If there is no field of this key.
        """

        def change(block: Fields) -> Fields:
            items = tuple(
                msgspec.structs.replace(item, value=value or " ") if item.key == key else item
                for item in block.items
            )
            return block if items == block.items else msgspec.structs.replace(block, items=items)

        known = any(item.key == key for block in self.find(Fields) for item in block.items)
        return self._changed(Fields, change, None if known else "has no field of this key")

    def with_button(
        self,
        value: str,
        *,
        text: str | None = None,
        style: ButtonStyle | None = None,
    ) -> Self:
        """Change the words or the look of the buttons that send a value.

        Raises:
            CardRefused: If no button sends it.
        """

        def change(button: Button) -> Button:
            if button.value != value:
                return button
            return msgspec.structs.replace(
                button, text=text or button.text, style=style or button.style
            )

        return self._buttons(change, value)

    def with_feedback(self, value: str) -> Self:
        """Show the thumb that sends this value as pressed, and the other as not.

        Raises:
            CardRefused: If no button sends it.
        """

        def change(button: Button) -> Button:
            style = _UNPRESSED.get(button.style or "", button.style)
            if button.value == value:
                style = _PRESSED.get(style or "", style)
            if style == button.style:
                return button
            return msgspec.structs.replace(button, style=style)

        return self._buttons(change, value)

    def with_progress(self, value: float) -> Self:
        """Move the progress bar.

        Raises:
            CardRefused: If there is none.
        """
        return self._changed(
            ProgressBar,
            lambda block: msgspec.structs.replace(block, value=value),
            None if self.find(ProgressBar) else "has no progress bar",
        )

    def _buttons(self, change: Callable[[Button], Button], value: str) -> Self:
        def change_row(row: Actions) -> Actions:
            items = tuple(map(change, row.items))
            return row if items == row.items else msgspec.structs.replace(row, items=items)

        known = any(button.value == value for row in self.find(Actions) for button in row.items)
        return self._changed(
            Actions, change_row, None if known else "has no button that sends this value"
        )

    def _changed(self, kind: type[_B], change: Callable[[_B], _B], lacking: str | None) -> Self:
        if lacking is not None and all(change(block) is block for block in self.find(kind)):
            raise CardRefused("/body", lacking)
        return self._each(lambda block: (change(block) if isinstance(block, kind) else block,))

    def _each(self, change: Callable[[Block], Sequence[Block]]) -> Self:
        def deep(block: Block) -> Sequence[Block]:
            return [rebuilt(new, deep) for new in change(block)]

        return self.with_body([new for block in self.body for new in deep(block)])
