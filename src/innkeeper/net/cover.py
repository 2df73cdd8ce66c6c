"""How does no answer go out without its headers? They are put on at the very edge."""

from collections.abc import Mapping

from innkeeper.net.outbound import AsgiApp, Message, Receive, Scope, Send


def covered(app: AsgiApp, headers: Mapping[str, str]) -> AsgiApp:
    """Send these headers with whatever the application answers, where it gives none itself.

    Args:
        headers: Names in lower case.
    """
    always = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message["headers"]
                names = {name for name, _ in given}
                missing = [header for header in always if header[0] not in names]
                message = {**message, "headers": [*given, *missing]}
            await send(message)

        await app(scope, receive, with_headers)

    return answering
