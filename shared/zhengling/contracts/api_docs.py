"""Generates docs/api: the AsyncAPI document, a JSON Schema per event type, an OpenAPI document per service.

No service has to run: an app opens no connection to produce its document.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI

from zhengling.contracts.asyncapi import asyncapi, event_schema
from zhengling.events.catalogue import EVENTS
from zhengling.events.event import SERVICES
from zhengling.service.service import Service
from zhengling.service.settings import ServiceSettings


def app_of(service: str) -> FastAPI:
    """A service's API as in production: without the test clock; it has nothing to ask."""
    settings = ServiceSettings(
        profile="development",  # production's settings name real servers
        allow_test_clock=False,
        database_url="postgresql://nobody@nowhere/none",
        rulebooks="",
        auth_issuer="urn:none",
        auth_jwks="none",
        kafka_bootstrap_servers="none",
    )
    create_app = importlib.import_module(f"{service}_svc.app").create_app
    app: FastAPI = create_app(Service.create(service, settings, "documents"))
    return app


def openapi(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service."""
    document: dict[str, Any] = app_of(service).openapi()
    return document


@cache
def documents() -> Mapping[str, str]:
    """Path below docs/api → text, for every document. Cached, as the code doesn't change at run time."""
    texts = {"asyncapi.yaml": _yaml(asyncapi())}
    texts |= {f"events/{name}.json": _json(event_schema(event)) for name, event in EVENTS.items()}
    return texts | {f"openapi/{service}.json": _json(openapi(service)) for service in SERVICES}


def write(folder: Path) -> list[str]:
    """Write changed documents and remove obsolete ones. Returns the changed paths."""
    changed, texts = differing(folder), documents()
    for name in changed:
        path = folder / name
        if name in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[name], encoding="utf-8")
        else:
            path.unlink()
    return changed


def differing(folder: Path) -> list[str]:
    """The documents below `folder` that differ from the generated ones, are missing, or are obsolete."""
    texts = documents()
    there = {str(path.relative_to(folder)): path for kind in ("yaml", "json") for path in folder.rglob(f"*.{kind}")}
    return sorted(
        name
        for name in texts.keys() | there.keys()
        if name not in texts or name not in there or there[name].read_text(encoding="utf-8") != texts[name]
    )


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(document: dict[str, Any]) -> str:
    unshared = json.loads(json.dumps(document))  # a copy without shared parts, which YAML would write as aliases
    return yaml.safe_dump(unshared, sort_keys=False, allow_unicode=True, width=110)
