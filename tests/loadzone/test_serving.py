"""What is said of the suite, against a door that answers as cmdctl does; and with a real suite."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dns.name
import pytest

from cmdctl.api import Served, ZoneEntry
from loadzone.serving import report, report_many
from tests.kit.suite import QUERY_TIMEOUT, Suite
from tests.loadzone.running import zone_text

ORIGIN = dns.name.from_text("example.org.")

Answer = Callable[[int], tuple[int, Any]]


@contextmanager
def door(path: Path, answer: Answer) -> Iterator[list[str]]:
    """A door on which the n-th request (from 0) gets a status and a document; gives the paths that were asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, document = answer(len(asked))
            asked.append(self.path)
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            pass

    with socketserver.UnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()


def served(instance: str, serial: int | None, state: str = "ready", reason: str = "") -> Served:
    return Served(instance=instance, state=state, serial=serial, reason=reason)


def entry(*instances: Served, serial: int = 7, state: str = "ready", reason: str = "") -> ZoneEntry:
    return ZoneEntry(
        origin="example.org", source="main", writable=True, version=1, serial=serial, records=3, state=state,
        reason=reason, served=list(instances),
    )  # fmt: skip


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (entry(served("auth/0", 7)), "served by 1 auth instance"),
        (entry(served("auth/0", 7), served("auth/1", 7)), "served by 2 auth instances"),
        (
            entry(served("auth/0", 7), served("auth/1", 6)),
            "served by 1 of 2 auth instances, not by auth/1: it is ready there with serial 6",
        ),
        (
            entry(served("auth/0", None, "unreachable", "no answer in time")),
            "served by 0 of 1 auth instances, not by auth/0: no answer in time",
        ),
        (entry(), "the suite runs, but does not serve this zone because no auth instance is running"),
        (
            entry(state="shadowed", reason="the data source files has it as well and comes first"),
            "the suite runs, but does not serve this zone because the data source files has it as well and comes first",
        ),
        (entry(state="broken"), "the suite runs, but does not serve this zone because it is broken"),
        (
            entry(served("auth/0", 9), serial=9),
            "the suite runs, but does not serve this data because main, its first data source with it, has serial 9",
        ),
    ],
)
def test_what_the_suite_answers_becomes_a_sentence(socket, document, sentence):
    with door(socket, lambda _: (200, document)) as asked:
        assert report(socket, ORIGIN, 7, patience=0.15) == sentence
    assert set(asked) == {"/v1/zones/example.org"}


@pytest.mark.parametrize(
    ("code", "status", "sentence"),
    [
        (
            "not-found",
            404,
            "the suite runs, but does not serve this zone because it is in none of its data sources",
        ),
        ("unavailable", 503, "the suite runs, but cannot say whether it serves this zone: why"),
    ],
)
def test_a_refusal_becomes_a_sentence(socket, code, status, sentence):
    error = {"error": {"code": code, "message": "why"}}
    with door(socket, lambda _: (status, error)):
        assert report(socket, ORIGIN, 7, patience=0.15) == sentence


def test_it_waits_until_the_new_data_is_served(socket):
    late = entry(served("auth/0", 6))
    with door(socket, lambda number: (200, entry(served("auth/0", 7)) if number > 2 else late)) as asked:
        assert report(socket, ORIGIN, 7, patience=30) == "served by 1 auth instance"
    assert len(asked) == 4


def test_of_many_zones_it_is_said_how_many_are_served(socket):
    def page(answers: list[ZoneEntry], following: str | None) -> tuple[int, Any]:
        return 200, {"zones": answers, "next": following, "problems": []}

    def named(origin: str, *instances: Served) -> ZoneEntry:
        return {**entry(*instances), "origin": origin}

    good = (served("auth/0", 7), served("auth/1", 7))
    first = [named("a.test", *good), named("b.test", served("auth/0", 7), served("auth/1", 6))]
    second = [named("c.test", *good), named("other.test", served("auth/0", 1))]
    serials = [(dns.name.from_text(name), 7) for name in ("a.test.", "B.test.", "c.test.")]
    with door(socket, lambda n: page(second, None) if n % 2 else page(first, "b.test")) as asked:
        sentence = report_many(socket, serials, patience=0)
    assert sentence == "served by 2 auth instances: 2 of 3 zones; `bobctl zone list` shows which are not"
    assert asked == ["/v1/zones?limit=1000", "/v1/zones?after=b.test&limit=1000"]
    with door(Path(f"{socket}2"), lambda _: page([named("a.test", *good)], None)):
        assert report_many(Path(f"{socket}2"), [(dns.name.from_text("a.test."), 7)]) == (
            "served by 2 auth instances: 1 of 1 zones"
        )
    assert report_many(Path(f"{socket}3"), serials) == "no suite is running now"


def test_without_a_door_the_suite_is_not_running(socket):
    assert report(socket, ORIGIN, 7) == "no suite is running now"


def test_a_door_that_talks_nonsense_is_said(socket):
    with door(socket, lambda _: (500, [])):
        assert report(socket, ORIGIN, 7, patience=0.15).startswith("the suite runs, but does not answer: ")


@pytest.mark.system
def test_a_running_suite_serves_what_is_loaded_and_says_so():
    with Suite() as suite:
        suite.start()
        done = suite.loadzone("example.org", zone_text(1))
        assert (done.returncode, done.stdout) == (0, "example.org: loaded, 3 records, serial 1\n")
        assert done.stderr.startswith(f"made a new database, {suite.state}/zones.sqlite\nserved by ")
        assert suite.serves("example.org", 1, timeout=QUERY_TIMEOUT)
        done = suite.loadzone("example.org", zone_text(2))
        assert done.stderr.startswith("served by ")
        assert suite.serves("example.org", 2, timeout=QUERY_TIMEOUT)
        elsewhere = f"sqlite:///{suite.directory}/other.sqlite"
        arguments = ["--database", elsewhere, "--run-dir", str(suite.run), "example.net", "-"]
        done = suite.program("loadzone", *arguments, input_text=zone_text(1))
        assert done.returncode == 0
        assert "does not serve this zone because it is in none of its data sources" in done.stderr
