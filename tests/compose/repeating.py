"""A caller that doesn't give up: it repeats a request unchanged, so with the same Idempotency-Key, while a service is away."""

from __future__ import annotations

import asyncio
import time

import httpx

AWAY = (502, 503, 504)


class Repeating(httpx.AsyncBaseTransport):
    """Sends a request again every quarter of a second, for two minutes at most, after a lost connection or an answer that says
    that something is away."""

    def __init__(self, patience: float = 120.0) -> None:
        self._patience = patience
        self._plain = httpx.AsyncHTTPTransport()
        self.repeated = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = await self._plain.handle_async_request(request)
                if answer.status_code not in AWAY and not await _in_progress(answer):
                    return answer
                await answer.aclose()
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("it stayed away", request=request)
            self.repeated += 1
            await asyncio.sleep(0.25)

    async def aclose(self) -> None:
        await self._plain.aclose()


async def _in_progress(answer: httpx.Response) -> bool:
    """Whether the answer says that the first try with this key isn't done yet."""
    return answer.status_code == 409 and b'"idempotency_key_in_flight"' in await answer.aread()
