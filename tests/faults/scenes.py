"""What is it that goes wrong halfway? Four scenes: a refresh, an install, a purge, and
an event with an effect.

Each is prepared in peace, played while the edges are watched, and brought to its end after
whatever happened, by what people and time do anyway.
"""

from dataclasses import dataclass
from typing import Protocol

from tests.faults.oracle import Oracle, Violated
from tests.faults.town import Town


class Scene(Protocol):
    """Something that happens."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    async def prepare(self, town: Town) -> None:
        """Bring everything to the moment before."""
        ...

    async def act(self, town: Town) -> None:
        """Let it happen."""
        ...

    async def oracle(self, town: Town) -> Oracle:
        """Give whoever judges it, told to whom it happens."""
        ...

    async def recover(self, town: Town) -> None:
        """Do what people and time do after it."""
        ...

    async def judge(self, town: Town, oracle: Oracle) -> None:
        """Say whether all holds in the end."""
        ...


@dataclass(frozen=True, slots=True)
class Refresh:
    """Tokens have expired; somebody asks for what needs them.

    Args:
        reuse: What Zoom does with a refresh token that was spent before.
    """

    reuse: str = "refuse"
    name: str = "refresh"

    async def prepare(self, town: Town) -> None:
        """Have two people install, and their tokens expire."""
        town.emulator.world.rules.refresh_reuse = self.reuse  # type: ignore[assignment]  # a switch, by its name
        for visitor in await town.people():
            await town.admit(visitor.user)
        town.lapse(hours=2)

    async def act(self, town: Town) -> None:
        """Ask for what needs her own token and the chatbot's."""
        ana, _ = await town.people()
        await ana.says("me")

    async def oracle(self, town: Town) -> Oracle:
        """It happens to both: where one asks, the other's tokens are renewed ahead."""
        return Oracle(town, people=await town.people())

    async def recover(self, town: Town) -> None:
        """Ask again, when those who were told to wait have waited."""
        await town.clock.advance(minutes=6)
        ana, _ = await town.people()
        await ana.says("me")

    async def judge(self, town: Town, oracle: Oracle) -> None:
        """Hold the tokens of both against Zoom's record."""
        await oracle.settled(expired=2)
        ana, _ = await town.people()
        answered = ana.chat.last.text
        if "You are" not in answered and "install" not in answered:
            message = f"I5: she is not told what to do, but: {answered}"
            raise Violated(message)


@dataclass(frozen=True, slots=True)
class Install:
    """Somebody adds the app."""

    name: str = "install"

    async def prepare(self, town: Town) -> None:
        """Have somebody else install."""
        _, ben = await town.people()
        await town.admit(ben.user)

    async def act(self, town: Town) -> None:
        """Add the app."""
        ana, _ = await town.people()
        await ana.adds_app()

    async def oracle(self, town: Town) -> Oracle:
        """It happens to Ana alone."""
        ana, ben = await town.people()
        return Oracle(town, people=(ana,), bystanders=(ben,))

    async def recover(self, town: Town) -> None:
        """Begin again, as whoever saw an error page does."""
        await town.clock.advance(minutes=6)
        ana, _ = await town.people()
        await ana.installs()
        await ana.says("help")

    async def judge(self, town: Town, oracle: Oracle) -> None:
        """Find one installation with tokens, and a bot that answers."""
        await oracle.settled()
        ana, ben = await town.people()
        kept = await town.parts.store.installations()
        if sorted(each.person.user_id for each in kept) != sorted([ana.user.id, ben.user.id]):
            message = f"there are {len(kept)} installations of two people"
            raise Violated(message)
        if "Try" not in ana.chat.last.text:
            message = f"the bot says: {ana.chat.last.text}"
            raise Violated(message)


@dataclass(frozen=True, slots=True)
class Purge:
    """Somebody removes the app."""

    name: str = "purge"

    async def prepare(self, town: Town) -> None:
        """Have two people install, and leave something behind."""
        for visitor in await town.people():
            await town.admit(visitor.user)
            town.lapse(hours=0.1)
            await visitor.says("due friday ship it")

    async def act(self, town: Town) -> None:
        """Remove the app."""
        ana, _ = await town.people()
        await ana.removes_app()

    async def oracle(self, town: Town) -> Oracle:
        """It happens to Ana alone."""
        ana, ben = await town.people()
        return Oracle(town, people=(ana,), bystanders=(ben,))

    async def recover(self, town: Town) -> None:
        """Let Zoom deliver again what was not taken, and what was put off be tried again."""
        await town.clock.advance(minutes=6)
        await town.clock.advance(minutes=6)

    async def judge(self, town: Town, oracle: Oracle) -> None:  # noqa: ARG002  # a scene's signature
        """Find nothing of her, one receipt, and the other one untouched."""
        await oracle.settled(forgotten=True)


@dataclass(frozen=True, slots=True)
class Handle:
    """Somebody says something that has an effect."""

    name: str = "handle"

    async def prepare(self, town: Town) -> None:
        """Have two people install."""
        for visitor in await town.people():
            await town.admit(visitor.user)

    async def act(self, town: Town) -> None:
        """Say it."""
        ana, _ = await town.people()
        await ana.says("book")

    async def oracle(self, town: Town) -> Oracle:
        """It happens to Ana alone."""
        ana, ben = await town.people()
        return Oracle(town, people=(ana,), bystanders=(ben,))

    async def recover(self, town: Town) -> None:
        """Let Zoom deliver again what was not taken, and what was put off be tried again."""
        for _ in range(3):
            await town.clock.advance(minutes=6)

    async def judge(self, town: Town, oracle: Oracle) -> None:
        """Find one event that has ended, its effect had once, and its message said once at most."""
        await oracle.settled()
        ana, _ = await town.people()
        effects = town.notes.kept.get(ana.user.id, [])
        said = [message.text for message in ana.chat.messages].count("Booked")
        ends = [(row.state.value, row.reason) for row in await town.parts.store.inbox_rows()]
        if len(ends) != 1 or ends[0] not in _ENDS or len(effects) > 1 or said > 1:
            message = f"I3: {len(effects)} effects, {said} messages, and events that ended {ends}"
            raise Violated(message)
        if ends[0][0] == "done" and not (effects and said):
            message = f"I1: done, with {len(effects)} effects and {said} messages"
            raise Violated(message)


_ENDS = {("done", ""), ("dead", "effect_unconfirmed"), ("dead", "message_unconfirmed")}

SCENES: tuple[Scene, ...] = (
    Handle(),
    Refresh(),
    Refresh("grace", "refresh with grace"),
    Refresh("revoke_family", "refresh with revoked families"),
    Install(),
    Purge(),
)
