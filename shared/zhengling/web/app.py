"""Creates the API of one service: its routers, the routes of all services, the OpenAPI document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.exceptions import HTTPException

from zhengling.kernel.errors import Problem
from zhengling.replicas import editions
from zhengling.service.health import api_checks, health_routes
from zhengling.service.service import Service
from zhengling.web import number_routes, operations
from zhengling.web.edge import Edge
from zhengling.web.problems import ProblemDocument, on_http, on_invalid, on_problem, problems_of
from zhengling.web.security_headers import SecurityHeaders


def create_app(
    service: Service,
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    documented: Sequence[type[BaseModel]] = (),
    body_limits: Mapping[str, int] | None = None,
) -> FastAPI:
    """The API of one service: its routers and the routes of all services. `documented` are models of bodies that a route
    parses itself, `body_limits` larger limits of body size by path, in bytes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service.database.transaction(None) as session:
            await editions.remember_editions(session, service.rulebooks)
        yield
        await service.database.close()

    app = FastAPI(
        title=title,
        description=description,
        version="1.0.0",
        lifespan=lifespan,
        servers=[{"url": service.settings.public_url}]
        if service.settings.public_url
        else None,  # else where it was fetched
        openapi_url="/openapi.json" if service.settings.api_docs else None,  # without it there is no /docs either
        redirect_slashes=False,  # a redirect isn't a problem document, and behind a proxy it names the wrong host
        openapi_tags=[{"name": tag} for tag in dict.fromkeys(router.tags[0] for router in routers if router.tags)],
        swagger_ui_parameters={"defaultModelsExpandDepth": -1},
    )
    app.state.service = service
    for router in routers:
        app.include_router(router)
    app.include_router(number_routes.routes(service.name))
    app.include_router(operations.routes(service))
    if service.settings.allow_test_clock:
        app.include_router(operations.clock_routes(service.name))
    app.include_router(health_routes(api_checks(service)))
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_middleware(Edge, max_body_bytes=service.settings.max_body_bytes, of_paths=body_limits or {})
    app.add_middleware(SecurityHeaders, over_tls=(service.settings.public_url or "").startswith("https:"))
    _describe(app, documented)
    app.openapi()  # made now and kept: requests are compared with it, and making it holds the event loop for half a second
    return app


def _describe(app: FastAPI, documented: Sequence[type[BaseModel]]) -> None:
    """Add to OpenAPI: the bearer scheme of every operation that needs it, the schema of problems, the `documented` models."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            # sorted, so that the document doesn't depend on the order of routers
            schema["paths"] = {path: dict(sorted(item.items())) for path, item in sorted(schema["paths"].items())}
            components = schema.setdefault("components", {})
            models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in documented]
            _, further = models_json_schema(models, ref_template="#/components/schemas/{model}")
            schemas = components.setdefault("schemas", {})
            schemas |= further.get("$defs", {}) | {"ProblemDocument": ProblemDocument.model_json_schema()}
            components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
            for path, operations_of_path in schema["paths"].items():
                for operation in operations_of_path.values():
                    if path.startswith("/v1/"):
                        operation.setdefault("security", [{"bearer": []}])  # an operation without it sets an empty list
                        operation["responses"] |= problems_of(operation)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema
