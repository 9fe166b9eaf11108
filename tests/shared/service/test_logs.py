"""Log lines hold the fields of the allow-list, and nothing that somebody sent: a canary in all places of a request."""

from __future__ import annotations

import json
import logging
import sys
from uuid import uuid4

import httpx

from tests import sixth
from zhengling.local.client import Api
from zhengling.local.stack import EmbeddedStack
from zhengling.service.logs import FIELDS, JsonLines


def line(message: str, *args: object, exc_info: object = None, name: str = "zhengling.x") -> dict[str, object]:
    record = logging.LogRecord(name, logging.ERROR, "x.py", 1, message, args, exc_info)  # type: ignore[arg-type]
    record.token = "canary"  # what a library adds as `extra`
    found: dict[str, object] = json.loads(JsonLines("meeting", "api", "0").format(record))
    return found


def test_an_errors_text_is_not_shown_and_its_place_is() -> None:
    try:
        raise ValueError("canary")
    except ValueError:
        found = line("unexpected failure of %s", "GET", exc_info=sys.exc_info())
    assert found["message"] == "unexpected failure of GET"
    assert found["error"] == "ValueError"
    assert "test_an_errors_text_is_not_shown" in str(found["at"])
    assert "canary" not in json.dumps(found)
    assert found.keys() <= set(FIELDS)


def test_a_message_of_several_lines_is_one_line_and_a_warnings_values_are_left_out() -> None:
    assert "\n" not in JsonLines("a", "b", "c").format(
        logging.LogRecord("x", logging.INFO, "x.py", 1, "one\ntwo", (), None)
    )
    assert line("%s", "Warning: serializer warnings:\n input_value='canary'", name="py.warnings")["message"] == (
        "Warning: serializer warnings:"
    )


async def test_no_line_of_the_stack_shows_what_was_sent(stack: EmbeddedStack, client: httpx.AsyncClient) -> None:
    secret = f"canary{uuid4().hex}"
    people = Api(stack.addresses(), stack.issuer, sixth.CODE, client)
    bearer = {"Authorization": f"Bearer {people.token(None)}"}
    for service, noun in (
        ("meeting", "topics"),
        ("docflow", "documents"),
        ("oversight", "entries"),
        ("calendar", "absences"),
    ):
        base = stack.addresses()[service]
        key = {"Idempotency-Key": secret}
        asked = [
            await client.get(f"{base}/v1/{noun}", params={secret: secret, "text": secret}, headers=bearer),
            await client.get(f"{base}/v1/{noun}/{secret}", headers=bearer),
            await client.get(f"{base}/v1/{noun}", headers={"Authorization": f"Bearer {secret}.{secret}.{secret}"}),
            await client.get(f"{base}/v1/feeds/{secret}.ics"),
            await client.post(f"{base}/v1/{noun}", json={"title": secret, secret: secret}, headers=bearer | key),
            await client.post(f"{base}/v1/{noun}", content=f'{{"title": "{secret}', headers=bearer | key),
        ]
        assert all(400 <= answer.status_code < 500 for answer in asked[1:]), [a.status_code for a in asked]
    for path in (stack.folder / "logs").glob("*.log"):
        said = path.read_text("utf-8", "replace")
        assert secret not in said, path.name
        if path.name.startswith(("meeting-", "docflow-", "oversight-", "calendar-")):
            for each in said.splitlines():
                assert json.loads(each).keys() <= set(FIELDS), path.name
