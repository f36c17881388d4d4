"""How answers look: JSON, and one shape for every error."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from cmdctl.errors import STATUS_OF_CODE, RequestError
from datasrc.errors import (
    Conflict,
    DataSourceError,
    Locked,
    Missing,
    NoSuchZone,
    NotInZone,
    ReadOnly,
    ZoneUnusable,
)
from msgq.errors import CallError, Refused

# What is not here is `failed`.
_CODE_OF_DATA_ERROR = {
    NoSuchZone: "not-found",
    NotInZone: "not-found",
    Conflict: "conflict",
    ReadOnly: "refused",
    Locked: "unavailable",
    Missing: "unavailable",
    ZoneUnusable: "unavailable",
}
ACCOUNTS_UNREADABLE = "users and tokens cannot be read now; see the log of cmdctl"
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


async def internal_error(_request: Request, _error: Exception) -> Response:
    """A defect; the guard logs it."""
    return error_answer(RequestError("failed", "internal error; the log of cmdctl has more"))


async def request_error(request: Request, error: Exception) -> Response:
    """What a route refused."""
    assert isinstance(error, RequestError)
    request.state.why = error.message  # for the audit log
    return error_answer(error)


async def http_error(request: Request, error: Exception) -> Response:
    """What the router itself refuses: unknown routes and wrong methods."""
    assert isinstance(error, HTTPException)
    code = _CODE_OF_STATUS.get(error.status_code, "failed")
    text = {
        "not-found": f"there is no {request.scope['path']}",
        "method-not-allowed": f"{request.scope['path']} does not take {request.method}",
    }.get(code, error.detail)
    headers = dict(error.headers or {})
    if code == "method-not-allowed":  # of all routes of the path, where the router knows the first
        matching = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
        headers["Allow"] = ", ".join(sorted(set().union(*(route.methods for route in matching))))
    return error_answer(RequestError(code, text), headers)


async def bus_error(request: Request, error: Exception) -> Response:
    """A command that was relayed and had no answer."""
    match error:
        case Refused():
            if error.code == "refused":  # texts of other codes may repeat a value that was sent
                request.state.why = error.text
            return error_answer(RequestError(error.code, error.text))
        case CallError():
            doubt = "; it may have been done all the same" if error.maybe_done else ""
            return error_answer(RequestError("unavailable", f"{error.text}{doubt}"))
        case _:
            return error_answer(RequestError("failed", str(error)))


async def store_error(_request: Request, error: Exception) -> Response:
    """The database of users, tokens and the audit log could not do its part."""
    return error_answer(RequestError("unavailable", f"not done: {error}"))


async def data_error(_request: Request, error: Exception) -> Response:
    """What a data source could not do."""
    return error_answer(request_error_of(error))


def request_error_of(error: Exception) -> RequestError:
    """A data source's error as ours."""
    assert isinstance(error, DataSourceError)
    return RequestError(_CODE_OF_DATA_ERROR.get(type(error), "failed"), str(error))
