"""What of the bot's own has to be deleted with a person? Its steps of the purge."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from innkeeper.flows.steps import PurgeStep, Scope

Forget = Callable[[Scope], Awaitable[int] | int]
"""Deletes what the bot keeps of somebody; says how much that was."""
Verify = Callable[[Scope], Awaitable[bool] | bool]
"""Says whether everything is gone."""


def purge_step(name: str, delete: Forget, verify: Verify | None) -> PurgeStep:
    """Make a step of functions that may be async or not."""

    async def run(scope: Scope) -> int:
        return int(await _call(delete, scope) or 0)

    async def is_gone(scope: Scope) -> bool:
        return verify is None or bool(await _call(verify, scope))

    return PurgeStep(name, run, is_gone if verify else None)


async def _call(function: Callable[[Scope], Any], scope: Scope) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(scope)
    return await asyncio.to_thread(function, scope)
