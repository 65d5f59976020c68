"""HEAD, for all that can be read: the answer to GET without its body (RFC 9110, 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AnswerHead", "is_head"]

_MARK = "kvitto.head"


def is_head(scope: Scope) -> bool:
    """Whether the request has come as HEAD: nobody waits for the end of a body."""
    return _MARK in scope


class AnswerHead:
    """ASGI middleware that asks for GET instead, and keeps the body back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on (ASGI)."""

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if scope["type"] == "http" and scope["method"] == "HEAD":
            asked = {**scope, "method": "GET", _MARK: True}
            await self._app(asked, receive, send_head)
            scope["route"] = asked.get("route")  # for the log
        else:
            await self._app(scope, receive, send)
