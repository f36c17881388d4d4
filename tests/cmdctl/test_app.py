"""All routes at once: nobody gets in who may not, and nothing that comes in is a defect."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmdctl.app import all_routes
from cmdctl.peer import Peer
from tests.cmdctl.house import house
from tests.cmdctl.http import Connection, exchange, get

NOBODY = Peer(pid=1, uid=65534, gid=65534, groups=frozenset())
WORDS = ["auth", "example.org", "auth%2F0", "..", "%00", "%ff", "x" * 300, "status", "restart", "%2e%2e%2f"]


def routes(here):
    """Every route there is, as (method, path with something in each variable)."""
    for route in all_routes(here.services):
        for method in sorted(route.methods or ()):
            yield method, filled(route.path)


def filled(path):
    """The path with something in each variable."""
    for name in ("origin", "module", "command", "name", "order", "id", "author"):
        path = path.replace("{" + name + "}", "example.org")
    assert "{" not in path
    return path


@pytest.mark.asyncio
async def test_no_route_lets_a_stranger_in(monkeypatch):
    """V61."""
    monkeypatch.setattr("cmdctl.connection.peer_of", lambda _: NOBODY)
    async with house() as here:
        here.load("example.org")
        for method, path in routes(here):
            status, _, document = await exchange_any(here.path, method, path)
            assert status == 403, (method, path)
            assert method == "HEAD" or document["error"]["code"] == "refused"
        assert here.asked == []
        located = here.services.zones.page(None, 10).zones
    assert len(located) == 1  # also DELETE did nothing


@pytest.mark.asyncio
async def test_no_route_is_open_to_web_pages():
    """V62."""
    async with house() as here:
        for method, path in routes(here):
            status, _, _ = await exchange_any(here.path, method, path, "Origin: https://evil.example")
            assert status == 403, (method, path)
        assert here.asked == []


@pytest.mark.asyncio
async def test_every_route_answers_json_whatever_comes():
    """V63."""
    async with house() as here:
        for method, path in routes(here):
            for body in (b"{}", b"[1]", b"null", b'{"path": []}'):
                status, headers, _ = await exchange_any(here.path, method, path, body=body)
                assert status != 500, (method, path, body)
                assert headers["content-type"] == "application/json"
        assert "CMDCTL_INTERNAL_ERROR" not in here.log.ids()


async def exchange_any(path, method, target, *headers, body=b"{}"):
    """As `exchange`; the answer to HEAD has no body."""
    request = get(target, "Connection: close", *headers, method=method, body=b"" if method in ("GET", "HEAD") else body)
    if method != "HEAD":
        return await exchange(path, request)

    def run():
        with contextlib.closing(Connection(path)) as connection:
            connection.send(request)
            head = connection.rest().decode()
        lines = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
        return int(head.split()[1]), {name.lower(): value for name, value in lines}, None

    return await asyncio.to_thread(run)


TARGETS = st.lists(
    st.sampled_from([*WORDS, "v1", "zones", "config", "components", "modules", "call", "statistics"]), max_size=5
)
REQUESTS = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda method, words, query, body: get(f"/{'/'.join(words)}?{query}", method=method, body=body),
        st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PRI"]),
        st.builds(lambda words: ["v1", *words], TARGETS),
        st.sampled_from(["", "limit=1", "limit=%00", "after=..", "form=stored", "path=%ff", "source=x", "before=1"]),
        st.binary(max_size=60) | st.sampled_from([b"{}", b'{"path": "a", "value": 1}', b"[" * 60]),
    ),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(REQUESTS, min_size=1, max_size=4))
def test_nothing_that_comes_in_is_a_defect(requests):
    async def run():
        async with house() as here:
            for request in requests:
                with contextlib.suppress(EOFError, TimeoutError, ConnectionError, ValueError):
                    await asyncio.to_thread(speak, here.path, request)
            assert "CMDCTL_INTERNAL_ERROR" not in here.log.ids(), here.log.lines
            assert (await here.get("version"))["version"]

    asyncio.run(run())


def speak(path, request):
    with contextlib.closing(Connection(path)) as connection:
        connection.socket.settimeout(0.1)
        connection.ask(request)
