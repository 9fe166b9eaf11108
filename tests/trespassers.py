"""Every command tried first by people who have no right to it: an HTTP transport that tries each command that it is given.

A test that is written for those who may runs on it unchanged; what it sends is tried by the others before and after it.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter, defaultdict
from typing import Any
from uuid import uuid4

import httpx

from tests.races import KEPT, Operation, operation_at
from zhengling.local.stack import EmbeddedStack

NOBODY = "an-official-of-nowhere"
#: A clerk of a department that no flow is about, by government.
STRANGERS = {
    "dalian": "dl-stj-clerk", "xigang": "xg-stj-clerk", "shuangtaizi": "st-stj-clerk", "huancui": "hc-stj-clerk",
    "zhanqian": "zq-stj-clerk",
}  # fmt: skip
#: Commands that anybody gives for themselves, or of which the state says whose they are: the request, breach, duty or rule that
#: is named has its own actors. Of these only who holds no post at all is told nothing.
BY_STATE = {
    "answer_meeting_leave", "answer_delegate", "lift_planning_hindrance", "lift_absence_limit", "record_absence_duty",
    "name_stand_in", "waive_minutes", "acknowledge_notice", "ask_meeting_leave", "send_delegate", "withdraw_meeting_leave",
    "request_absence", "admit_late_topic",
}  # fmt: skip
#: The row that a command is about, in its path.
ROW = re.compile(r"/v1/[a-z-]+/[^/]+(?=/|$)")
#: How many of a flow's commands of one operation are tried.
TRIES = 3
#: What says something of the request alone.
OF_THE_REQUEST = {"invalid_payload", "unknown_official", "official_missing"}
#: Commands whose right is a scope alone, and commands on what is the caller's own: nobody else's state is in their answers.
BY_SCOPE_ALONE = {
    "load_composition", "upload_file", "make_feed", "revoke_feed", "replay_events", "retry_event", "discard_event",
    "discard_poison", "discard_denied_event", "enter_notice",
}  # fmt: skip


def claims_of(authorization: str) -> Any:
    """The claims of a bearer token, unverified."""
    claims = authorization.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))


class Trespassers(httpx.AsyncBaseTransport):
    """Sends each command of `tried` before its sender and once more after it, in the state and version of each: by a token
    without any of the scopes, by an official whom nobody knows, by a clerk of another department, by a token for no official;
    with the current and with a stale version. `told` are the answers, by operation, that said anything but that they may not, or
    that there is no such row where a read says so.
    """

    def __init__(self, stack: EmbeddedStack, tried: set[Operation]) -> None:
        self._stack, self._tried = stack, tried
        self._services = {httpx.URL(url).netloc: service for service, url in stack.addresses().items()}
        self._network = httpx.AsyncHTTPTransport(limits=KEPT)
        self.seen: Counter[Operation] = Counter()
        self.told: defaultdict[Operation, Counter[tuple[str, int, str]]] = defaultdict(Counter)

    async def aclose(self) -> None:
        await self._network.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        service = self._services.get(request.url.netloc)
        name = (service or "", operation_at(service, request.url.path, request.method) if service else "")
        if name not in self._tried or self.seen[name] >= TRIES or "Idempotency-Key" not in request.headers:
            return await self._network.handle_async_request(request)
        await request.aread()
        await self._try(request, name)
        answer = await self._network.handle_async_request(request)
        content = await answer.aread()
        await answer.aclose()
        if answer.is_success:
            self.seen[name] += 1
            tag = answer.headers.get("ETag")
            if "If-Match" in request.headers and tag and "Location" not in answer.headers:
                await self._try(request, name, {"If-Match": tag})
        return httpx.Response(answer.status_code, headers=answer.headers, content=content, request=request)

    async def _unseen(self, request: httpx.Request, token: str) -> str | None:
        """The code with which the row that the command is about is hidden from the token's holder, if it is."""
        if not (row := ROW.match(request.url.path)):
            return None
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self._network.handle_async_request(
            httpx.Request("GET", request.url.copy_with(path=row[0], query=None), headers=headers)
        )
        await answer.aread()
        code = answer.json()["code"] if answer.status_code == 404 else ""
        return code if code.endswith("_not_found") else None

    async def _try(self, request: httpx.Request, name: Operation, more: dict[str, str] | None = None) -> None:
        claims = claims_of(request.headers["Authorization"])
        scopes, government = [*claims["scope"].split(), f"{name[0]}:read"], claims["government"]
        issue = self._stack.issuer.token
        tokens = {"no scope": issue(claims["sub"], government, official=claims.get("official"), scopes=["x:read"])}
        if name[1] not in BY_SCOPE_ALONE:
            tokens["nobody"] = issue(NOBODY, government, official=NOBODY, scopes=scopes)
            if name[1] not in BY_STATE and (stranger := STRANGERS.get(government)):
                tokens["stranger"] = issue(stranger, government, official=stranger, scopes=scopes)
            tokens["no official"] = issue(f"{government}-system", government, scopes=scopes)
        for who, token in tokens.items():
            unseen = await self._unseen(request, token)
            versions: list[dict[str, str]] = [{}, {"If-Match": '"99999"'}] if "If-Match" in request.headers else [{}]
            for version in versions:
                headers = request.headers.copy()
                headers.update(
                    {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())} | (more or {}) | version
                )
                sent = httpx.Request(
                    request.method, request.url, headers=headers, content=request.content, extensions=request.extensions
                )
                answer = await self._network.handle_async_request(sent)
                await answer.aread()
                code = "" if answer.is_success else answer.json()["code"]
                refused = (404, unseen) if unseen else (403, code)
                if (answer.status_code, code) != refused and code not in OF_THE_REQUEST:
                    self.told[name][who, answer.status_code, code] += 1
