"""A database that neither answers nor fails, and what the worker of auth makes of it: zones of others are answered."""

from __future__ import annotations

import json
from collections.abc import Iterator

import dns.message
import dns.query
import dns.rcode
import pytest

from tests.kit.postgres import PostgresServer
from tests.kit.stopwatch import Stopwatch
from tests.kit.suite import Suite, wait_until
from tests.system.test_memmgr import image_of
from tests.system.test_silent_source import far, load, near  # noqa: F401 - a fixture

pytest.importorskip("pg8000", reason="pg8000, a driver without time limits, is not installed")
pytestmark = pytest.mark.system

DEADLINE = 90.0  # s; ten times what is expected and more
WORKER = "authworker/0"
PROMISED = 1.0  # s for an answer while the source that does not answer is left alone; it takes milliseconds


@pytest.fixture
def suite(own_postgres: PostgresServer, far: str) -> Iterator[Suite]:  # noqa: F811
    """Zones of that database and of another, both left to the worker."""
    socket = f"{own_postgres.directory}/.s.PGSQL.{own_postgres.port}"
    with Suite() as suite:
        suite.config.write_text(
            "data_sources:\n"
            f"  far: {{type: database, url: 'postgresql+pg8000://bob@/{far}?unix_sock={socket}'}}\n"
            f"  near: {{type: database, url: 'sqlite:///{suite.state}/near.sqlite'}}\n"
            "zones: {far.example: {hook: true}, near.example: {hook: true}}\n"
        )
        suite.state.mkdir()
        load(suite, own_postgres.url(far), "far.example.", 1)
        load(suite, near(suite), "near.example.", 1)
        suite.start()
        wait_until(lambda: image_of(suite, "near.example", 1), DEADLINE, "memmgr has looked at the data sources")
        wait_until(lambda: answer(suite, "far") == answer(suite, "near") == "192.0.2.1", DEADLINE, "both are answered")
        yield suite
        own_postgres.thaw()


def answer(suite: Suite, which: str) -> str:
    """The address in the answer, or the response code."""
    query = dns.message.make_query(f"www.{which}.example.", "A")
    reply = dns.query.udp(query, "127.0.0.1", port=suite.port, timeout=DEADLINE)
    return reply.answer[0][0].address if reply.answer else dns.rcode.to_text(reply.rcode())


def told(suite: Suite) -> str:
    """What `bobctl status` says of the server."""
    found = json.loads(suite.bobctl("--json", "status").stdout)["data_sources"]
    return " ".join(one["failure"] for one in found if (one["instance"], one["source"]) == (WORKER, "far"))


def test_zones_of_other_sources_are_answered_while_a_server_says_nothing(
    suite: Suite, own_postgres: PostgresServer
) -> None:
    """Each question for any zone waited for that server, until the worker was ended; and its successor did, too."""
    pid = suite.pid(WORKER)
    own_postgres.freeze()
    assert answer(suite, "near") == "192.0.2.1"  # it waits for the server once, for the longest match may be there
    assert answer(suite, "far") == "SERVFAIL"
    for _ in range(10):
        watch = Stopwatch(suite.processes)
        assert answer(suite, "near") == "192.0.2.1"
        assert watch.seconds() < PROMISED
    assert "had not answered" in told(suite)
    suite.says("AUTHWORKER_SOURCE_SILENT the data source far has not answered for")
    assert suite.pid(WORKER) == pid
    own_postgres.thaw()
    wait_until(lambda: answer(suite, "far") == "192.0.2.1", DEADLINE, "the server is asked again")
    wait_until(lambda: told(suite) == "", DEADLINE, "nothing is told of it any more")
    assert suite.pid(WORKER) == pid
