"""How far is it? A message that says so, and is edited as the work goes on."""

import asyncio
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from innkeeper.clock import Clock
from innkeeper.errors import ApiRefused, CardRefused, Unreachable
from innkeeper.flows.calls import BUDGET, Budget
from innkeeper.flows.speak import Place, Speaker
from innkeeper.ids import MessageId
from innkeeper.wire.messages import Card, card_of

_IN_PASSING: Final = Budget(attempt_seconds=5.0, total_seconds=5.0)
"""How long an edit may hold up the work."""


EDIT_EVERY: Final = timedelta(seconds=1)
"""An account shares few calls a second among all its apps, so a bar moves no oftener."""


class Progress:
    """A message with a progress bar. Enter it to post it; leave it to show how it ended.

    What is set within a second of the last edit is shown by the next one, or at the end.
    If the block raises, the message says that it was not finished; the error goes on. The
    work matters more than its bar: once the message stands, an edit that Zoom does not take
    is logged, and no error.
    """

    def __init__(
        self, speaker: Speaker, place: Place, *, clock: Clock, title: str, text: str = ""
    ) -> None:
        self._speaker = speaker
        self._place = place
        self._clock = clock
        self._title = title
        self._text = text
        self._percent = 0.0
        self._shown_at: datetime | None = None
        self._message_id: MessageId | None = None
        self._result: Card | None = None
        self._lock = asyncio.Lock()

    @property
    def message_id(self) -> MessageId:
        """The message, once it is posted.

        Raises:
            LookupError: If it was not yet.
        """
        if self._message_id is None:
            message = "the progress is not shown yet: use `async with`"
            raise LookupError(message)
        return self._message_id

    async def __aenter__(self) -> Self:
        sent = await self._speaker.send(self._place, self._card())
        self._message_id, self._shown_at = sent.message_id, self._clock.now()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._percent = 100.0
            await self._edit(self._result or self._card(), BUDGET)
        elif isinstance(error, Exception):
            card = self._card().alert("This was not finished.", "ERROR")
            await self._edit(card, BUDGET)

    async def set(self, percent: float, text: str | None = None) -> None:
        """Say how far it is, from 0 to 100, and what is being done.

        Raises:
            CardRefused: If it is below 0 or above 100.
        """
        before = self._percent, self._text
        self._percent, self._text = percent, self._text if text is None else text
        try:
            card = self._card()
        except CardRefused:
            self._percent, self._text = before
            raise
        if not self._lock.locked() and self._is_time():
            await self._edit(card, _IN_PASSING)

    def done(self, answer: str | Card) -> None:
        """Say what the message shows at the end, in place of a full bar.

        Raises:
            CardRefused: If Zoom would not take it.
        """
        self._result = card_of(answer)

    def _is_time(self) -> bool:
        return self._shown_at is None or self._clock.now() - self._shown_at >= EDIT_EVERY

    async def _edit(self, card: Card, budget: Budget) -> None:
        async with self._lock:
            try:
                await self._speaker.update(self._place, self.message_id, card, budget=budget)
            except (ApiRefused, Unreachable) as error:
                import structlog  # noqa: PLC0415  # slow to import, and this is rare

                log = structlog.get_logger("innkeeper.bot")
                log.warning("progress.not_shown", code=error.code, what=error.what)
            self._shown_at = self._clock.now()

    def _card(self) -> Card:
        percent = self._percent
        card = Card(self._title).progress(int(percent) if float(percent).is_integer() else percent)
        return card.text(self._text) if self._text else card
