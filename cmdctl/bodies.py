"""Reading requests: bounded, checked before they are parsed, and refused with the reason."""

from __future__ import annotations

import asyncio
import re
from typing import TypeVar
from urllib.parse import unquote

import msgspec
from starlette.requests import Request

from cmdctl.errors import RequestError
from cmdctl.limits import BODY_SECONDS, MAX_BODY, MAX_DEPTH, PAGE_DEFAULT, PAGE_LIMIT
from msgq.envelope import nested_deeper_than

T = TypeVar("T")

_JSON = "application/json"
_NUMBER = re.compile(r"[0-9]{1,15}")


async def body(request: Request, shape: type[T]) -> T:
    """The request's body as `shape`; raises RequestError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise RequestError("unsupported-media-type", f"the body must be {_JSON}")
    return decode(await _read(request), shape)


def decode(data: bytes, shape: type[T]) -> T:
    """Decode one JSON document; raises RequestError for whatever is wrong with it."""
    if nested_deeper_than(data, MAX_DEPTH):
        raise RequestError("usage", f"the body is nested deeper than {MAX_DEPTH} levels, or not JSON")
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError("usage", f"the body is not what this takes: {error}") from error
    except (ValueError, RecursionError, MemoryError) as error:  # an integer of 10^5 digits
        raise RequestError("usage", f"the body is out of bounds: {error}") from error


async def _read(request: Request) -> bytes:
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                data += chunk
                if len(data) > MAX_BODY:
                    raise RequestError("too-large", f"the body is longer than {MAX_BODY} bytes")
    except TimeoutError as error:
        raise RequestError("timeout", f"the body did not come within {BODY_SECONDS:g} s") from error
    return bytes(data)


def segment(request: Request, name: str) -> str:
    """A variable part of the path. Routes match the undecoded path, so that %2F in a zone's name separates nothing."""
    try:
        return unquote(request.path_params[name], errors="strict")
    except UnicodeDecodeError as error:
        raise RequestError("usage", f"{request.path_params[name]}: not UTF-8") from error


def page_limit(request: Request) -> int:
    """The `limit` of a list, or its default."""
    limit = number(request, "limit", PAGE_DEFAULT)
    if not 0 < limit <= PAGE_LIMIT:
        raise RequestError("usage", f"limit must be 1 to {PAGE_LIMIT}, not {limit}")
    return limit


def number(request: Request, name: str, default: int) -> int:
    """A whole number in the query."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text):
        raise RequestError("usage", f"{name} must be a whole number, not {text[:20]!r}")
    return int(text)


def flag(request: Request, name: str) -> bool:
    """A yes or no in the query; absent is no."""
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise RequestError("usage", f"{name} must be true or false, not {text[:20]!r}")
    return text == "true"
