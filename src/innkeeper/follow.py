"""Which clock counts while developing? The emulator's, wherever it has been moved to.

An emulator's clock can be advanced by hours; it stamps and signs what it sends with
that time. An app in its development profile, and no other, follows: the emulator
names its lead on every request and answer.
"""

import math
from datetime import timedelta

from innkeeper.clock import MovableClock
from innkeeper.net.outbound import (
    ANSWER_LIMIT_BYTES,
    DEADLINE_SECONDS,
    Request,
    Response,
    Transport,
)

OFFSET_HEADER = "x-emulator-clock-offset"
_MOST_SECONDS = 10 * 365 * 86_400


def follow(clock: MovableClock, offset: str) -> None:
    """Move a clock to where the emulator says its own is; what is no number is no matter."""
    try:
        seconds = float(offset)
    except ValueError:
        return
    if math.isfinite(seconds) and 0 <= seconds < _MOST_SECONDS:
        clock.follow(timedelta(seconds=seconds))


class FollowingTransport:
    """Carries requests to an emulator, and keeps our clock beside its clock."""

    def __init__(self, transport: Transport, clock: MovableClock) -> None:
        self._transport = transport
        self._clock = clock

    async def send(
        self,
        request: Request,
        *,
        deadline: float = DEADLINE_SECONDS,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> Response:
        """Send a request as the transport within does.

        Raises:
            Unreachable: As the transport within.
            AnswerLost: As the transport within.
        """
        answer = await self._transport.send(request, deadline=deadline, limit_bytes=limit_bytes)
        follow(self._clock, answer.headers.get(OFFSET_HEADER, ""))
        return answer

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._transport.aclose()
