"""The middleware that gives every answer its security headers, whoever made it: a route, a refusal or a failure.

An answer is one government's data for one caller: no cache keeps it, no browser guesses another type for it, frames it or
runs what it contains (OWASP REST Security Cheat Sheet). A route that says otherwise, such as a feed that is revalidated,
keeps its own value.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
#: For the pages that show the API's document, which load a viewer's scripts and styles.
_OF_PAGES = {"Content-Security-Policy": "frame-ancestors 'none'"}
#: RFC 6797, 7.2: only where callers come over TLS.
_OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}


class SecurityHeaders:
    """Adds the headers that an answer doesn't have; `over_tls` if callers reach the API by https."""

    def __init__(self, app: ASGIApp, over_tls: bool) -> None:
        self._app = app
        self._headers = HEADERS | (_OVER_TLS if over_tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                page = given.get("content-type", "").startswith("text/html")
                for name, value in (self._headers | (_OF_PAGES if page else {})).items():
                    given.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, answered)
