"""What a `def` handler needs to use Django's models: connections that live, and are let go.

Django looks after its connections around each of its own requests. The bot's events are
none, and run in threads of the bot's.
"""

from collections.abc import Iterator
from typing import Annotated

from django.db import close_old_connections

from innkeeper import CallNext, Context, Depends


def connections() -> Iterator[None]:
    """Do for an event, in its thread, what Django does for a request."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


async def django_connections(
    _ctx: Context, call_next: CallNext, _: Annotated[None, Depends(connections)]
) -> None:
    """Stand around every handler: `bot.middleware(django_connections)`."""
    await call_next()
