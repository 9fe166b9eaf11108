"""Hostile inputs: bodies, headers and uploads made to cost a service time or memory, and a caller who watches meanwhile.

Each is within what the service reads of a request, or just beyond it: its form has to be refused for what it is.
"""

from __future__ import annotations

import http.client
import io
import json
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MIB = 1 << 20
#: A little less than what a service reads of an ordinary body.
BODY = MIB - 4096


@dataclass(frozen=True)
class Operation:
    """An operation of an OpenAPI document that reads a body; `members` are those of the body, `path` names nothing."""

    service: str
    id: str
    method: str
    path: str
    types: tuple[str, ...]
    members: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.service}: {self.id}"


def operations(service: str, document: dict[str, Any]) -> list[Operation]:
    """The operations with a body, of one OpenAPI document."""
    schemas = document["components"]["schemas"]

    def members(schema: dict[str, Any]) -> tuple[str, ...]:
        if "$ref" in schema:
            return members(schemas[schema["$ref"].rpartition("/")[2]])
        variants = [each for key in ("anyOf", "oneOf", "allOf") for each in schema.get(key, ())]
        found = [*schema.get("properties", ()), *(name for variant in variants for name in members(variant))]
        return tuple(dict.fromkeys(found))

    return [
        Operation(
            service,
            said["operationId"],
            method.upper(),
            path.replace("{", "no-").replace("}", ""),
            tuple(said["requestBody"]["content"]),
            members(said["requestBody"]["content"].get(JSON, {}).get("schema", {})),
        )
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if "requestBody" in said
    ]


# bodies in JSON -----------------------------------------------------------------------------------------------------
def written(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def in_every(members: Sequence[str], content: bytes) -> bytes:
    """An object in which each known member has this content, shortened to what a body may hold by naming fewer of them."""
    pairs = [written(name) + b":" + content for name in members or ("x",)]
    fit = max(1, BODY // (len(content) + 40))
    return b"{" + b",".join(pairs[:fit]) + b"}"


def nested(depth: int, begin: bytes = b"[", end: bytes = b"]") -> bytes:
    return begin * depth + end * depth


Members = Sequence[str]
#: Name → the body for an operation with these members.
BODIES: dict[str, Callable[[Members], bytes]] = {
    "80,000 unknown members": lambda m: written({f"m{n:05}": 0 for n in range(BODY // 13)}),
    "16,000 unknown members": lambda m: written({f"m{n:05}": 0 for n in range(16_000)}),
    "an unknown member with a name of a mebibyte": lambda m: written({"n" * (BODY - 50): 0}),
    "100 unknown members with long names": lambda m: written(
        {f"{n:03}" + "名" * 3000 for n in range(100)} and {f"{n:03}" + "名" * 3000: 0 for n in range(100)}
    ),
    "control characters in names": lambda m: b"{" + b'"' + b"\\u0001" * (BODY // 6 - 10) + b'":0}',
    "one member 60,000 times": lambda m: b"{" + b",".join([b'"twice":0'] * (BODY // 12)) + b"}",
    "16,000 empty objects in a member": lambda m: in_every(m[:1], b"[" + b"{}," * 8000 + b"{}]"),
    "1,000 wrong objects in each member": lambda m: in_every(m[:3], b"[" + b",".join([b'{"a":0,"b":0}'] * 1000) + b"]"),
    "brackets without end": lambda m: b"[" * BODY,
    "lists, 900 deep, in each member": lambda m: in_every(m, nested(900)),
    "objects, 300 deep, in each member": lambda m: in_every(m, nested(300, b'{"a":', b"}").replace(b":}", b":0}")),
    "300,000 empty lists in a member": lambda m: in_every(m, b"[" + b"[]," * (BODY // 3 - 40) + b"[]]"),
    "a text of a mebibyte in a member": lambda m: in_every(m, b'"' + b"x" * (BODY - 100) + b'"'),
    "texts of 20,000 signs in each member": lambda m: in_every(m, b'"' + "令".encode() * 20_000 + b'"'),
    "objects of each member in each member": lambda m: in_every(m, b"[" + b",".join([in_every(m, b"0")] * 200) + b"]"),
    "a number of 500,000 digits": lambda m: in_every(m, b"9" * (BODY // 2)),
    "numbers beyond a double": lambda m: in_every(m, b"[1e400,-1e400,1e-400]"),
    "NaN": lambda m: in_every(m, b"NaN"),
    "lone surrogates": lambda m: in_every(m, b'"' + b"\\ud800" * 1000 + b'"'),
    "bytes that aren't UTF-8": lambda m: b'{"' + b"\xff" * 1000,
    "null": lambda m: b"null",
    "nothing": lambda m: b"",
    "more than a body may have": lambda m: b" " * (2 * MIB),
}


# headers ------------------------------------------------------------------------------------------------------------
LONG = 28_000
#: Name → headers, with which an ordinary body is sent. The last ones are beyond what a head may have.
HEADERS: dict[str, dict[str, str]] = {
    "a file's name with 28,000 semicolons": {"Content-Disposition": "attachment" + ";" * LONG},
    "a file's name with 9,000 quotes": {"Content-Disposition": "attachment; filename=" + '";\\' * 9000},
    "a file's name in 3,000 parts": {"Content-Disposition": "".join(f";filename*{n}*=a" for n in range(1500))},
    "filename* twice": {"Content-Disposition": "attachment; filename*=UTF-8''a.pdf; filename*=UTF-8''b.pdf"},
    "filename* of an unknown charset": {"Content-Disposition": "attachment; filename*=zip''a.pdf; filename*0=x"},
    "filename* without an end": {"Content-Disposition": "attachment; filename*=UTF-8'" + "%" * 9000},
    "parts of a form": {"Content-Type": "multipart/form-data; boundary=" + "-" * LONG},
    "a media type of semicolons": {"Content-Type": JSON + ";" * LONG},
    "a media type of quotes": {"Content-Type": JSON + '; a="' + '";\\' * 9000},
    "a packed body": {"Content-Encoding": "gzip", "Content-Type": JSON},
    "languages": {"Accept-Language": "zh;q=" * 5000},
    "languages of commas": {"Accept-Language": "," * LONG},
    "languages of blanks": {"Accept-Language": "zh" + ", " * (LONG // 2) + "en"},
    "versions": {"If-Match": '"1",' * (LONG // 4)},
    "a version of digits": {"If-Match": '"' + "9" * LONG + '"'},
    "a key of 28,000 signs": {"Idempotency-Key": "k" * LONG},
    "a trace": {"traceparent": "00-" * 9000},
    "an id of the request": {"X-Request-Id": "i" * LONG},
    "a token of 28,000 signs": {"Authorization": "Bearer " + "a." * (LONG // 2)},
    "a token of 20,000 brackets": {"Authorization": "Bearer W1tbW1tb" + "W1tb" * 5000 + ".e30.e30"},
    "digests": {"Content-Digest": "sha-256=:" * 3000},
    "a cookie": {"Cookie": "a=b;" * 7000},
    "a header beyond the head's bound": {"Content-Disposition": "attachment" + ";" * 400_000},
    "headers beyond the head's bound": {f"X-{n}": "x" * 20 for n in range(1500)},
}
#: Queries, in the same way.
QUERIES: dict[str, str] = {
    "3,000 parameters": "&".join(f"p{n}=1" for n in range(3000)),
    "a parameter of 28,000 signs": "p=" + "x" * LONG,
    "a parameter of control characters": "%01" * 9000 + "=1",
    "an address beyond the head's bound": "p=" + "x" * 40_000,
}


# workbooks and files ------------------------------------------------------------------------------------------------
def packed(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def workbook(**replaced: bytes) -> bytes:
    """A workbook with one sheet, some of its parts replaced: `sheet`, `strings`, `book`, `types`."""
    from openpyxl import Workbook

    content = io.BytesIO()
    book = Workbook()
    book.worksheets[0].title = "机构"
    book.worksheets[0]["A1"] = "代码"
    book.save(content)
    names = {
        "sheet": "xl/worksheets/sheet1.xml", "strings": "xl/sharedStrings.xml", "book": "xl/workbook.xml",
        "types": "[Content_Types].xml", "styles": "xl/styles.xml", "core": "docProps/core.xml",
    }  # fmt: skip
    with zipfile.ZipFile(content) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return packed(parts | {names[part]: given for part, given in replaced.items()})


_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%b</sheetData></worksheet>'
_STRINGS = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%b</sst>'
_ENTITIES = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%b">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)
_SPREADSHEET = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#: Name → a workbook.
WORKBOOKS: dict[str, Callable[[], bytes]] = {
    "XML a million deep": lambda: workbook(sheet=_SHEET % nested(MIB, b"<a>", b"</a>")),
    "strings a million deep": lambda: workbook(strings=_STRINGS % nested(MIB, b"<r>", b"</r>")),
    "a million strings": lambda: workbook(strings=_STRINGS % (b"<si><t>x</t></si>" * MIB)),
    "a string of 30 MiB": lambda: workbook(strings=_STRINGS % (b"<si><t>" + b"x" * (30 * MIB) + b"</t></si>")),
    "a million styles": lambda: workbook(
        styles=b'<styleSheet xmlns="%b"><cellXfs>%b</cellXfs></styleSheet>' % (_SPREADSHEET, b"<xf/>" * MIB)
    ),
    "core properties a million deep": lambda: workbook(core=nested(MIB, b"<a>", b"</a>")),
    "a million attributes": lambda: workbook(
        sheet=_SHEET % (b"<row " + b" ".join(b'a%d="1"' % n for n in range(MIB)) + b"/>")
    ),
    "rows without end": lambda: workbook(sheet=_SHEET % (b"<row/>" * (5 * MIB))),
    "entities that grow": lambda: workbook(
        sheet=_ENTITIES + b"]>" + _SHEET % b'<row><c t="inlineStr"><is><t>&j;</t></is></c></row>'
    ),
    "a bomb": lambda: workbook(sheet=b" " * (1 << 30)),
    "50,000 parts": lambda: packed({f"{n}": b"" for n in range(50_000)}),
    "no archive": lambda: b"PK\x03\x04" + b"\0" * MIB,
}
#: Name → a body in JSON for the composition, of a few mebibytes.
COMPOSITIONS: dict[str, Callable[[], bytes]] = {
    "a row of 400,000 members": lambda: written(
        {"organisations": [{f"{n:06}": 0 for n in range(400_000)}], "officials": [], "posts": []}
    ),
    "20,000 rows of 30 unknown members": lambda: written(
        {"organisations": [{f"{n:02}": 0 for n in range(30)}] * 20_000, "officials": [], "posts": []}
    ),
    "a million rows": lambda: b'{"organisations":[' + b"{}," * MIB + b'{}],"officials":[],"posts":[]}',
    "rows, 200 deep": lambda: b'{"organisations":[{"code":%b}],"officials":[],"posts":[]}' % nested(200),
    "texts of 300,000 signs": lambda: written(
        {
            "organisations": [{"code": "c" * 300_000, "name": "n" * 300_000, "kind": "k" * 300_000}] * 5,
            "officials": [{"id": "i" * 300_000}],
            "posts": [],
        }
    ),
    "a portfolio of 600,000 organisations": lambda: written(
        {"organisations": [], "officials": [], "posts": [], "portfolios": [{"organisations": ["x"] * 600_000}]}
    ),
    "40,000 organisations that don't exist": lambda: written(
        {
            "organisations": [],
            "officials": [],
            "posts": [],
            "portfolios": [{"organisations": [f"no-{n}" for n in range(200_000)]}],
        }
    ),
    "a chain of 20,000 parents": lambda: written(
        {
            "organisations": [
                {"code": f"o{n}", "name": "n", "kind": "town", "parent": f"o{(n + 1) % 20_000}"} for n in range(20_000)
            ],
            "officials": [],
            "posts": [],
        }
    ),
    "a member twice": lambda: b'{"organisations":[],"organisations":[],"officials":[],"posts":[]}',
}
_ITEM = b'{"government":"linhai","rule":"document-issue","from":"2026-09-30"}'
#: Name → a body in JSON for a batch of deadlines, of up to 16 MiB.
BATCHES: dict[str, Callable[[], bytes]] = {
    "100,000 deadlines by periods": lambda: (
        b'{"items":[%b]}'
        % b",".join(
            b'{"government":"linhai","period":{"within":%d,"unit":"day"},"from":"2026-09-30"}' % (n % 300 + 1)
            for n in range(100_000)
        )
    ),
    "100,000 different questions": lambda: (
        b'{"items":[%b]}'
        % b",".join(b'{"government":"linhai","rule":"no-%d","from":"2026-09-30"}' % n for n in range(100_000))
    ),
    "5 million empty lists": lambda: b'{"items":[' + b"[]," * (5 * MIB) + b"[]]}",
    "4 million empty objects": lambda: b'{"items":[' + b"{}," * (5 * MIB) + b"{}]}",
    "a million members": lambda: written({"items": [{f"{n:07}": 0 for n in range(1_000_000)}]}),
    "a period of a million members": lambda: written(
        {"items": [{"government": "linhai", "from": "2026-09-30", "period": {f"{n:07}": 0 for n in range(1_000_000)}}]}
    ),
    "16 million brackets": lambda: b"[" * (16 * MIB - 100),
    "100,000 wrong items": lambda: b'{"items":[%b],"x":0}' % b",".join([b'{"a":0}'] * 100_000),
    "a text of 15 MiB": lambda: b'{"items":["' + b"x" * (15 * MIB) + b'"]}',
}


# watching -----------------------------------------------------------------------------------------------------------
class Watcher:
    """A caller who asks a service for `/livez` every 50 ms while the block runs, in a process of their own. `waits` and
    `longest` are in seconds; a failed request counts as a wait of a minute."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self.waits: list[float] = []

    @property
    def longest(self) -> float:
        return max(self.waits, default=0.0)

    def __enter__(self) -> Self:
        command = [sys.executable, __file__, self._address]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        self.waits = json.loads(self._process.communicate()[0])


def watch(address: str, over: threading.Event, every: float = 0.05) -> list[float]:
    """The wait for each answer until it is over."""
    waits = []
    while not over.wait(every):
        began = time.perf_counter()
        try:
            connection = http.client.HTTPConnection(address, timeout=60)
            connection.request("GET", "/livez")
            status = connection.getresponse().status
            connection.close()
        except (OSError, http.client.HTTPException):
            status = 0
        waits.append(time.perf_counter() - began if status == 200 else 60.0)
    return waits


if __name__ == "__main__":
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    print(json.dumps(watch(sys.argv[1], over)))
