"""What every request passes: who, from where, how big, in what time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cmdctl.answers import answer
from cmdctl.app import router
from cmdctl.bodies import body, segment
from cmdctl.errors import RequestError
from cmdctl.guard import NO_ROUTE, REQUEST, Gatekeeping, Guard
from cmdctl.limits import MAX_AUDIT_PATH, MAX_BODY, MAX_CONNECTIONS, MAX_HEAD
from cmdctl.peer import Policy
from daemonkit.counters import Counters
from daemonkit.durations import Durations
from tests.cmdctl.house import work
from tests.cmdctl.http import Connection, Log, door_of, exchange, get

COUNTERS = ("requests", "refused", "refusals_left_out", "failures")


async def echo(request):
    return answer({"author": request.state.author, "value": await body(request, dict)})


async def name(request):
    return answer(segment(request, "name"))


async def fail(_request):
    raise ZeroDivisionError("a defect")


async def fail_late(_request):
    async def pieces():
        yield b"begun"
        raise ZeroDivisionError("a late defect")

    return StreamingResponse(pieces())


async def refuse(_request):
    raise RequestError("conflict", "no", [{"path": "a.b", "reason": "is odd"}])


async def flood(_request):
    return Response(b"x" * 8_000_000)


class Place:
    """A door with a few routes, and what it logged and counted."""

    def __init__(self, policy):
        self.path = Path()
        self.log = Log()
        self.counters = Counters(COUNTERS)
        routes = [
            Route("/v1/echo", echo, methods=["POST"]),
            Route("/v1/names/{name}", name),
            Route("/v1/fail", fail),
            Route("/v1/fail-late", fail_late),
            Route("/v1/refuse", refuse),
            Route("/v1/flood", flood),
        ]
        durations = Durations(self.counters)
        durations.declare(REQUEST, [NO_ROUTE])
        self.app = Guard(router(routes), Gatekeeping(policy), work, self.log, self.counters, durations)


OWN = Policy(os.geteuid(), None)


@contextlib.asynccontextmanager
async def place(policy=OWN):
    made = Place(policy)
    async with door_of(made.app, made.counters) as path:
        made.path = path
        yield made


@pytest.mark.asyncio
async def test_a_request_reaches_its_route_with_its_author():
    async with place() as here:
        status, headers, document = await exchange(here.path, get("/v1/echo", method="POST", body=b'{"a": 1}'))
    assert (status, document["value"]) == (200, {"a": 1})
    assert document["author"]
    assert headers["content-type"] == "application/json"
    assert "server" not in headers
    assert here.log.ids() == ["CMDCTL_CHANGE"]


@pytest.mark.asyncio
@pytest.mark.parametrize("escaped", ["a%2Fb", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%00", "..", "%C3%A9", "a;b"])
async def test_an_escaped_slash_separates_nothing(escaped):
    """V65."""
    from urllib.parse import unquote

    async with place() as here:
        status, _, document = await exchange(here.path, get(f"/v1/names/{escaped}"))
    assert (status, document) == (200, unquote(escaped))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (get("/v1/nothing"), 404, "not-found"),
        (get("/"), 404, "not-found"),
        (get("/v1/echo/"), 404, "not-found"),
        (get("/v1/echo"), 405, "method-not-allowed"),
        (get("/v1/names/x", method="DELETE"), 405, "method-not-allowed"),
        (get("/v1/names/%ff"), 400, "usage"),
        (get("/v1/echo", "Content-Type: text/plain", method="POST"), 415, "unsupported-media-type"),
        (get("/v1/echo", method="POST", body=b"{"), 400, "usage"),
        (get("/v1/echo", method="POST", body=b"[" * 1000), 400, "usage"),
        (get("/v1/names/x", host="evil.example"), 403, "refused"),
        (get("/v1/names/x", host="localhost.evil.example"), 403, "refused"),
        (get("/v1/names/x", host="localhost.evil.example."), 403, "refused"),
        (get("/v1/names/x", "Origin: http://localhost"), 403, "refused"),
        (get("/v1/names/x", "Origin: null"), 403, "refused"),
        (get("/v1/echo", f"Content-Length: {MAX_BODY + 1}", method="POST"), 413, "too-large"),
        (get("/v1/echo", "Content-Length: 99999999999999999999", method="POST"), 413, "too-large"),
        (get("/v1/refuse"), 409, "conflict"),
        (b"nonsense\r\n\r\n", 400, "usage"),
        (b"GET /v1/names/x HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400, "usage"),
        (
            b"GET /v1/names/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
            "usage",
        ),
        (get("/v1/names/" + "x" * MAX_HEAD), 413, "too-large"),
        (get("/v1/names/x?" + "x" * MAX_HEAD), 413, "too-large"),
        (get("/v1/names/x", "X-Long: " + "x" * MAX_HEAD), 413, "too-large"),
    ],
)
async def test_what_is_wrong_is_told_as_json(request_bytes, status, code):
    """V62, V64."""
    async with place() as here:
        found, _, document = await exchange(here.path, request_bytes)
    assert (found, document["error"]["code"]) == (status, code)
    assert document["error"]["message"]


@pytest.mark.asyncio
async def test_details_travel():
    async with place() as here:
        _, _, document = await exchange(here.path, get("/v1/refuse"))
    assert document["error"]["details"] == [{"path": "a.b", "reason": "is odd"}]


@pytest.mark.asyncio
async def test_a_chunked_body_is_bounded():
    """V64."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = get("/v1/echo", "Content-Type: application/json", "Transfer-Encoding: chunked", method="POST")
    async with place() as here:
        status, _, document = await exchange(here.path, head + chunk * 40)
    assert (status, document["error"]["code"]) == (413, "too-large")


@pytest.mark.asyncio
@pytest.mark.parametrize("order", [1, -1])
async def test_two_ways_to_tell_the_length_of_a_body_are_refused(order):
    """V64: what one server takes for the body another takes for the next request."""
    lengths = ("Content-Length: 2", "Transfer-Encoding: chunked")[::order]
    head = get("/v1/echo", "Content-Type: application/json", *lengths, method="POST")
    async with place() as here:
        with contextlib.closing(Connection(here.path)) as connection:
            smuggled = head + b"2\r\n{}\r\n0\r\n\r\n" + get("/v1/names/smuggled")
            status, _, document = await asyncio.to_thread(connection.ask, smuggled)
            assert (status, document["error"]["code"]) == (400, "usage")
            assert await asyncio.to_thread(connection.rest) == b""
    assert here.counters.statistics()["requests"] == 1


@pytest.mark.asyncio
async def test_a_head_without_end_is_refused():
    """V64."""
    async with place() as here:
        with contextlib.closing(Connection(here.path)) as connection:
            connection.send(b"GET /v1/names/x HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
            status, _, document = await asyncio.to_thread(connection.ask, b"x" * (MAX_HEAD + 1))
    assert (status, document["error"]["code"]) == (413, "too-large")
    assert here.counters.statistics()["refused"] == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("pieces", [1, 3, 40])
async def test_a_head_is_bounded_however_it_comes(pieces):
    """V64."""
    head = get("/v1/names/x", "X-Long: " + "x" * 200_000)
    step = len(head) // pieces + 1
    async with place() as here:
        with contextlib.closing(Connection(here.path)) as connection:

            def ask():
                for at in range(0, len(head), step):
                    connection.send(head[at : at + step])
                return connection.answer()

            status, _, document = await asyncio.to_thread(ask)
            assert (status, document["error"]["code"]) == (413, "too-large")
        assert here.counters.statistics() == {**dict.fromkeys(COUNTERS, 0), "refused": 1}


@pytest.mark.asyncio
async def test_a_head_that_waits_behind_another_request_is_bounded_too():
    """V64."""
    async with place() as here:
        with contextlib.closing(Connection(here.path)) as connection:
            long = get("/v1/names/y", "X-Long: " + "x" * 60_000)
            first = await asyncio.to_thread(connection.ask, get("/v1/names/x") + long)
            second = await asyncio.to_thread(connection.answer)
    assert (first[0], second[0], second[2]["error"]["code"]) == (200, 413, "too-large")


@pytest.mark.asyncio
async def test_a_path_is_logged_up_to_a_limit(caplog):
    """V71."""
    async with place() as here:
        for request in (get("/v1/" + "x" * 10_000, method="POST"), get("/" + "x" * 10_000, "Origin: null")):
            await exchange(here.path, request)
    assert here.log.ids() == ["CMDCTL_CHANGE_FAILED", "CMDCTL_REQUEST_REFUSED"]
    assert max(map(len, here.log.lines)) < MAX_AUDIT_PATH + 200


@pytest.mark.asyncio
async def test_a_defect_is_an_internal_error_that_tells_nothing():
    async with place() as here:
        status, _, document = await exchange(here.path, get("/v1/fail"))
        assert (status, document["error"]["code"]) == (500, "failed")
        assert "defect" not in document["error"]["message"]
        assert "CMDCTL_INTERNAL_ERROR" in here.log.ids()
        assert here.counters.statistics()["failures"] == 1
        assert (await exchange(here.path, get("/v1/names/x")))[0] == 200


@pytest.mark.asyncio
async def test_a_defect_in_the_middle_of_an_answer_breaks_it_off(caplog):
    async with place() as here:
        with contextlib.closing(Connection(here.path)) as connection:
            connection.send(get("/v1/fail-late"))
            data = await asyncio.to_thread(connection.rest)
    assert b"begun" in data
    assert not data.endswith(b"0\r\n\r\n")
    assert here.log.ids().count("CMDCTL_INTERNAL_ERROR") == 1
    assert [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")] == []


@pytest.mark.asyncio
async def test_somebody_else_is_refused_and_it_is_logged():
    async with place(Policy(uid=12345, group=None)) as here:
        if os.geteuid() == 0:
            pytest.skip("root may; the test below asks as somebody else")
        status, _, document = await exchange(here.path, get("/v1/names/x"))
    assert (status, document["error"]["code"]) == (403, "refused")
    assert "CMDCTL_REQUEST_REFUSED" in here.log.ids()


ASK_AS_NOBODY = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with socket.socket(socket.AF_UNIX) as s:
    try:
        s.connect(sys.argv[1])
    except PermissionError:
        print("permission denied"); sys.exit()
    s.sendall(b"POST /v1/echo HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\n")
    s.sendall(b"Connection: close\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    while data := s.recv(4096):
        print(data.decode())
"""


async def ask_as_nobody(path):
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", ASK_AS_NOBODY, str(path), stdout=subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(child.communicate(), 60)
    return out.decode()


@pytest.mark.asyncio
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")
async def test_another_user_cannot_open_the_socket():
    async with place() as here:
        here.path.parent.chmod(0o755)
        assert "permission denied" in await ask_as_nobody(here.path)
    assert here.log.ids() == []


@pytest.mark.asyncio
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")
async def test_another_user_who_got_in_is_refused_by_name():
    async with place() as here:
        here.path.parent.chmod(0o755)
        here.path.chmod(0o666)
        said = await ask_as_nobody(here.path)
    assert "403" in said
    assert "nobody may not give orders" in said
    assert here.log.ids() == ["CMDCTL_REQUEST_REFUSED"]
    assert here.counters.statistics()["refused"] == 1


@pytest.mark.asyncio
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")
async def test_a_member_of_the_operators_group_may():
    async with place(Policy(uid=12345, group=65534)) as here:
        here.path.parent.chmod(0o755)
        here.path.chmod(0o666)
        assert " 200 " in await ask_as_nobody(here.path)


@pytest.mark.asyncio
async def test_a_request_that_trickles_in_is_cut_off(monkeypatch):
    """V64."""
    monkeypatch.setattr("cmdctl.connection.HEAD_SECONDS", 0.2)
    async with place() as here:
        for begin in (b"", b"GET /v1/names/x HT"):
            status, _, document = await exchange(here.path, begin)
            assert (status, document["error"]["code"]) == (408, "timeout")


@pytest.mark.asyncio
async def test_a_second_request_that_trickles_in_is_cut_off(monkeypatch):
    monkeypatch.setattr("cmdctl.connection.HEAD_SECONDS", 0.2)
    async with place() as here:
        with contextlib.closing(Connection(here.path)) as connection:
            assert (await asyncio.to_thread(connection.ask, get("/v1/names/x")))[0] == 200
            assert (await asyncio.to_thread(connection.ask, b"GET /v1/na"))[0] == 408
            assert await asyncio.to_thread(connection.rest) == b""


@pytest.mark.asyncio
async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("cmdctl.bodies.BODY_SECONDS", 0.2)
    head = get("/v1/echo", "Content-Type: application/json", "Content-Length: 10", method="POST")
    async with place() as here:
        status, _, document = await exchange(here.path, head + b"{")
    assert (status, document["error"]["code"]) == (408, "timeout")


@pytest.mark.asyncio
async def test_one_connection_too_many_is_told_so_and_the_others_go_on():
    """V64."""
    async with place() as here, contextlib.AsyncExitStack() as stack:
        held = []
        for _ in range(MAX_CONNECTIONS):
            held.append(stack.enter_context(contextlib.closing(Connection(here.path))))
            assert (await asyncio.to_thread(held[-1].ask, get("/v1/names/x")))[0] == 200
        status, _, document = await exchange(here.path, get("/v1/names/x"))
        assert (status, document["error"]["code"]) == (503, "unavailable")
        assert (await asyncio.to_thread(held[0].ask, get("/v1/names/y")))[2] == "y"


@pytest.mark.asyncio
async def test_a_client_that_does_not_read_is_cut_off(monkeypatch):
    monkeypatch.setattr("cmdctl.connection.WRITE_SECONDS", 0.2)
    async with place() as here:
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)
            client.connect(str(here.path))
            client.send(get("/v1/flood"))

            async def cut_off():
                poll = __import__("select").poll()
                poll.register(client, 0)
                while not poll.poll(0):  # POLLHUP
                    await asyncio.sleep(0.01)

            await asyncio.wait_for(cut_off(), 60)


@pytest.mark.asyncio
async def test_stopping_cuts_off_what_still_runs():
    begun = asyncio.Event()

    async def hang(_scope, _receive, _send):
        begun.set()
        await asyncio.Event().wait()

    async def ask(path):
        with contextlib.suppress(EOFError, ConnectionError):
            await exchange(path, get("/v1/hang"))

    async with asyncio.timeout(60), door_of(hang) as path:
        asking = asyncio.create_task(ask(path))
        await begun.wait()
    await asyncio.wait_for(asking, 60)
    assert not path.exists()
