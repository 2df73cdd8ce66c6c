"""How is something asked with a form? As a class whose fields come back typed.

Source: https://developers.zoom.us/docs/chat/customizing-messages/; what a form sends is
known from sample code of Zoom's for texts and its button alone, so all else is read in
whatever shape it comes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import get_annotations
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, cast, dataclass_transform

from innkeeper.bot.contexts import Submitted
from innkeeper.bot.inputs import (
    MISSING,
    Input,
    Odd,
    channel_picker,
    checkboxes,
    date_picker,
    dropdown,
    member_picker,
    number_input,
    radio,
    switch,
    text_input,
    time_picker,
)
from innkeeper.errors import BotRefused, FormRefused
from innkeeper.wire.blocks import Block, Head
from innkeeper.wire.messages import Card

_WHERE: Final = (
    *("value", "date", "time", "selected_date", "selected_time"),
    *("option", "selected_option", "selectedItem", "selected_item"),
    *("options", "selected_options", "selectedItems", "selected_items", "values"),
)
"""Where in an item what was filled in may stand."""
_SELECTED: Final = ("selected", "initial_selected")

Items = Sequence[Mapping[str, Any]]


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(
        channel_picker,
        checkboxes,
        date_picker,
        dropdown,
        member_picker,
        number_input,
        radio,
        switch,
        text_input,
        time_picker,
    ),
)
class Form:
    """A form: each field is asked for by an input, and comes back as its type.

    `Feedback.card(title)` is the card to send, `@app.form(Feedback)` takes what comes back.
    A field that was left empty or is odd is told to whoever filled it in, by its label; the
    handler runs with a form that is whole.

    Raises:
        BotRefused: If a field has no input.

    Example:
        >>> class Feedback(Form):
        ...     rating: int = radio({1: "Bad", 2: "Good"}, "How was it?")
        ...     note: str = text_input("Anything else?", required=False)
        >>> print(Feedback.card("Your stay"))
        Your stay
        How was it?
        ( ) Bad
        ( ) Good
        Anything else?: [ ]
        [Send]
        >>> Feedback(rating=2, note="").rating
        2
    """

    form_id: ClassVar[str] = ""
    """What Zoom calls it: the class's name, unless it says otherwise."""
    inputs: ClassVar[Mapping[str, Input]] = {}

    def __init_subclass__(cls, *, form_id: str = "") -> None:
        super().__init_subclass__()
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Input)}
        annotations = get_annotations(cls)
        for name, annotation in annotations.items():
            if name not in own and "ClassVar" not in str(annotation):
                raise BotRefused(
                    f"{cls.__qualname__}.{name}",
                    "is a field of a form, and has no input",
                    f"Write it as `{name}: str = text_input(…)`, or as a ClassVar.",
                )
        for name, asked in own.items():
            if name not in annotations:
                raise BotRefused(
                    f"{cls.__qualname__}.{name}",
                    "is an input without a type",
                    f"Write it as `{name}: str = …`, with the type of its values.",
                )
            setattr(
                cls, name, field() if asked.default is MISSING else field(default=asked.default)
            )
        cls.inputs = {**cls.inputs, **own}
        cls.form_id = form_id or cls.__name__
        dataclass(frozen=True, kw_only=True)(cls)

    @classmethod
    def card(
        cls,
        title: str | Head,
        text: str | None = None,
        *,
        submit: str = "Send",
        value: str = "",
        values: Self | None = None,
    ) -> Card:
        """Make the card that asks.

        Args:
            text: A paragraph above the fields.
            submit: The words on the button that sends it.
            value: What the button sends along, as `ctx.button`: which thing it is about.
            values: What is filled in already.

        Raises:
            CardRefused: If Zoom would not take it.
        """
        card = Card(title, settings={"form": True, "form_id": cls.form_id})
        if text is not None:
            card = card.text(text)
        blocks: list[Block] = []
        for name, asked in cls.inputs.items():
            shown = asked.default if values is None else getattr(values, name)
            blocks += asked.blocks(name, shown)
        return card.add(*blocks).button(submit, value or cls.form_id, style="Primary", submit=True)

    @classmethod
    def read(cls, items: Items) -> Self:
        """Read what was filled in, from the items that Zoom sends.

        Raises:
            FormRefused: With every field that is missing or odd.
        """
        given = dict(_given(items))
        values: dict[str, Any] = {}
        faults: dict[str, str] = {}
        for name, asked in cls.inputs.items():
            found = given.get(name) or given.get(asked.words(name)) or []
            found = [each for each in found if each]
            try:
                values[name] = asked.read(found) if found else asked.empty()
            except Odd as odd:
                faults[asked.words(name)] = str(odd)
        if faults:
            raise FormRefused(cls.form_id, faults)
        form = cls(**values)
        wrong = form.check()
        if wrong:
            raise FormRefused(
                cls.form_id,
                {
                    cls.inputs[name].words(name) if name in cls.inputs else name: why
                    for name, why in wrong.items()
                },
            )
        return form

    def sent(self) -> dict[str, list[str]]:
        """Write what somebody would fill in to send this, by what each input is known by."""
        return {
            asked.named(name): asked.sent(getattr(self, name))
            for name, asked in self.inputs.items()
        }

    def check(self) -> Mapping[str, str]:
        """Say what does not fit together, by the field's name; nothing if all does.

        Overwrite it: whoever filled the form in is told.
        """
        return {}


def _given(items: Items) -> Iterator[tuple[str, list[str]]]:
    """List what was filled in by the field's id, or by its label where Zoom sends no id."""
    for item in items:
        bodies = [item] if "action_id" in item else item.values()
        for found in bodies:
            if isinstance(found, dict):
                body = cast("dict[str, Any]", found)
                named = body.get("action_id") or body.get("text")
                if isinstance(named, str):
                    yield named, list(_values(body))


def _values(body: Mapping[str, Any]) -> Iterator[str]:
    """List what was filled in or chosen: a text, an option, or a list of either."""
    found = next((body[key] for key in _WHERE if body.get(key) is not None), None)
    several: list[Any] = found if isinstance(found, list) else [found]  # pyright: ignore[reportUnknownVariableType]  # JSON
    for each in several:
        value = _chosen(cast("dict[str, Any]", each)) if isinstance(each, dict) else each
        if isinstance(value, str):
            yield value


def _chosen(option: Mapping[str, Any]) -> Any:
    """Give an option's value, unless it says that it was not chosen."""
    off = any(option.get(key) is False for key in _SELECTED)
    return None if off else option.get("value")


F = TypeVar("F", bound=Form)


class Filled(Submitted, Generic[F]):
    """A form of the bot's was submitted, and all in it is as it was asked for."""

    _filled: F | None = None

    @property
    def values(self) -> F:
        """What was filled in.

        Raises:
            LookupError: If it was not read yet; for a handler it always is.
        """
        if self._filled is None:
            message = "this form was not read yet"
            raise LookupError(message)
        return self._filled

    def fill(self, form: type[F]) -> None:
        """Read what was filled in.

        Raises:
            FormRefused: With every field that is missing or odd.
        """
        self._filled = form.read(self.items)


def correction(refused: FormRefused) -> Card:
    """Tell whoever filled a form in what is wrong with it."""
    card = Card("Please look at the form again")
    for label, why in refused.faults.items():
        card = card.alert(f"{label}: {why}.", "ERROR")
    return card
