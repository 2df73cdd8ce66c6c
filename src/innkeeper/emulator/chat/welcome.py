"""What does an app say first? Zoom's words, its own fixed ones, or what it answers itself.

Source: https://developers.zoom.us/docs/chat/installation-and-authentication/
"""

from collections.abc import Callable
from typing import Any, cast

from innkeeper.emulator.chat import payloads
from innkeeper.emulator.chat.cards import examine
from innkeeper.emulator.chat.conversations import Conversation, Conversations
from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.world import AppRecord, Installation, User, World
from innkeeper.errors import BodyRefused, CardRefused, ChatRefused
from innkeeper.net.outbound import Response
from innkeeper.wire import lossless

EVENT = "bot_installed"


class Welcomes:
    """Welcomes people to apps.

    Args:
        stamp: Draws a time that no event had before, in milliseconds.
    """

    def __init__(
        self,
        world: World,
        courier: Courier,
        conversations: Conversations,
        stamp: Callable[[], int],
    ) -> None:
        self._world = world
        self._courier = courier
        self._conversations = conversations
        self._stamp = stamp
        courier.hear(EVENT, self._heard)

    async def welcome(self, installation: Installation) -> None:
        """Say an app's first words: to the person who added it, or to everybody, by rule.

        Default: the app's name and description. Static: Title and Body. Dynamic: whatever
        card the app answers to `bot_installed`; an answer that holds none is no message,
        and the delivery says why. An installation that is gone again gets none.

        Raises:
            ChatRefused: If the installation's app or person is gone.
        """
        if installation.id not in self._world.installations:
            return
        app = self._world.apps.get(installation.client_id)
        user = self._world.user(installation.user_id)
        if app is None or user is None:
            raise ChatRefused("no conversation", "the installation's app or person is gone")
        for person in self._audience(app, user):
            if app.welcome.mode == "dynamic":
                await self._ask(app, installation, person)
            else:
                self._say(app, person)

    def _audience(self, app: AppRecord, user: User) -> list[User]:
        account = self._world.account(user.account_id)
        everybody = self._world.rules.welcome_audience == "everybody"
        if app.management == "admin" and everybody and account is not None:
            return list(account.users)
        return [user]

    def _say(self, app: AppRecord, user: User) -> None:
        self._conversations.show(Conversation(user, app=app), app, _own_words(app))

    async def _ask(self, app: AppRecord, installation: Installation, user: User) -> None:
        rules = self._world.rules
        payload = payloads.bot_installed(
            app, installation, user, timestamp=self._stamp(), era=rules.bot_payloads
        )
        delivery = await self._courier.post_now(
            app, app.bot_endpoint, EVENT, payload, user_id=user.id
        )
        failed = delivery.state != "delivered" or bool(delivery.diagnostics)
        if failed and rules.failed_welcome == "default":
            self._say(app, user)

    def _heard(self, delivery: Delivery, response: Response) -> None:
        """Show what the app answered, if it is a card and comes in time."""
        app, user = self._world.apps.get(delivery.client_id), self._world.user(delivery.user_id)
        if app is None or user is None or self._world.installation_for(app, user) is None:
            delivery.diagnostics.append("no welcome message: the app was removed meanwhile")
            return
        if len(delivery.attempts) > 1 and self._world.rules.failed_welcome != "late":
            delivery.diagnostics.append("no welcome message: it came late (rule failed_welcome)")
            return
        try:
            content, markdown = _welcome_of(response)
            warnings = examine(content, markdown=markdown)
        except BodyRefused as error:
            delivery.diagnostics.append(f"no welcome message: the answer is {error.reason}")
        except CardRefused as error:
            delivery.diagnostics.append(f"no welcome message: {error.what}: {error.why}")
        else:
            conversation = Conversation(user, app=app)
            self._conversations.show(conversation, app, content, markdown=markdown)
            delivery.diagnostics += warnings


def _own_words(app: AppRecord) -> dict[str, Any]:
    title, body = app.name, app.description
    if app.welcome.mode == "static" and (app.welcome.title or app.welcome.body):
        title, body = app.welcome.title, app.welcome.body
    card: dict[str, Any] = {"head": {"text": title}} if title else {}
    if body:
        card["body"] = [{"type": "message", "text": body}]
    return card


def _welcome_of(response: Response) -> tuple[dict[str, Any], bool]:
    answer = lossless.parse(response.body)
    fields = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    content = fields.get("content")
    if not isinstance(content, dict):
        raise BodyRefused("without a content")
    return cast("dict[str, Any]", content), fields.get("is_markdown_support") is True
