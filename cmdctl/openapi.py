"""The OpenAPI document, made from the operations themselves.

GET /v1/openapi.json
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cmdctl.answers import answer
from cmdctl.api import ErrorDocument
from cmdctl.roles import Role
from cmdctl.routing import JSON, Operation

_PARAMETER = re.compile(r"\{(\w+)\}")
_REFERENCE = "#/components/schemas/{name}"
_TEXT = {"type": "string", "minLength": 1}
_NARROWED = {
    True: " Also for tokens that are narrowed to zones, of these.",
    False: " Not for tokens that are narrowed to zones.",
}
SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token, made by `bobctl token add`."},
    "password": {"type": "http", "scheme": "basic", "description": "A user's name and password."},
}


ROLE = "x-role"  # what an operation takes, for programs


class OpenApiRoutes:
    """Describes the routes it is given, and itself."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._described = [route for route in routes if isinstance(route, Operation)]

    def routes(self) -> list[Route]:
        """The routes of this group."""
        own = Operation("GET", "/v1/openapi.json", self.document, Role.READ, answer=dict[str, Any], any_token=True)
        self._described.append(own)
        return [own]

    async def document(self, _request: Request) -> Response:
        """This interface as an OpenAPI document."""
        return answer(self._document)

    @cached_property
    def _document(self) -> dict[str, Any]:
        return openapi(self._described)


def openapi(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document (OpenAPI 3.1, whose schemas are JSON Schema) of these operations."""
    types = [ErrorDocument]
    for operation in operations:
        types += [shape for shape in (operation.body, operation.answer) if shape is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    found = iter(schemas)
    error = next(found)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        body = None if operation.body is None else next(found)
        gives = None if operation.answer is None else next(found)
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, body, gives, error)
    return {
        "openapi": "3.1.0",
        "info": {"title": "bobdns", "version": importlib.metadata.version("bobdns")},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SCHEMES},
        "security": [{scheme: []} for scheme in SCHEMES],
    }


def _described(operation: Operation, body: Any, gives: Any, error: Any) -> dict[str, Any]:
    content: dict[str, Any] = {operation.media_type: {"schema": gives if operation.media_type == JSON else {}}}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": operation.variables.get(name, _TEXT)}
        for name in _PARAMETER.findall(operation.path)
    ] + [
        {
            "name": query.name,
            "in": "query",
            "required": query.required,
            "description": query.text,
            "schema": query.schema,
        }
        for query in operation.query
    ]
    found: dict[str, Any] = {
        "operationId": operation.endpoint_name,
        "summary": operation.summary,
        "description": f"Takes the role `{operation.role.word}`." + _NARROWED[operation.narrowed],
        ROLE: operation.role.word,
        "parameters": parameters,
        "responses": {
            str(operation.status): {"description": "Done.", "content": content},
            "default": {"description": "Not done; the code says why.", "content": {JSON: {"schema": error}}},
        },
    }
    if body is not None:
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
    return found
