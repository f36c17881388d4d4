"""How answers look: JSON, and one shape for every error."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cmdctl.errors import STATUS_OF_CODE, RequestError

_CODE_OF_STATUS = {status: code for code, status in STATUS_OF_CODE.items()}


def answer(content: Any, status: int = 200) -> Response:
    """A JSON answer; takes what msgspec encodes."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def error_document(error: RequestError) -> dict[str, Any]:
    """The body of an error answer."""
    fields: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details:
        fields["details"] = error.details
    return {"error": fields}


def error_answer(error: RequestError, headers: dict[str, str] | None = None) -> Response:
    """An error as an answer."""
    return Response(msgspec.json.encode(error_document(error)), error.status, headers, media_type="application/json")


async def http_error(request: Request, error: Exception) -> Response:
    """What the router itself refuses: unknown routes and wrong methods."""
    assert isinstance(error, HTTPException)
    code = _CODE_OF_STATUS.get(error.status_code, "failed")
    text = {
        "not-found": f"there is no {request.scope['path']}",
        "method-not-allowed": f"{request.scope['path']} does not take {request.method}",
    }.get(code, error.detail)
    return error_answer(RequestError(code, text), dict(error.headers or {}))
