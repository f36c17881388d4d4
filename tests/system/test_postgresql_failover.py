"""Two PostgreSQL servers, one a hot standby of the other, that keep the zones and the configuration of a suite.

The first crashes, and some time later the second is promoted. The suite names both in its URLs, as libpq takes them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import dns.exception
import dns.rcode
import pytest

from tests.kit.postgres import PASSWORD, USER, PostgresServer
from tests.kit.suite import Suite, wait_until
from tests.kit.zones import small_zone
from tests.system.test_postgresql import from_images, told, wait_for

ORIGIN = "far.example"
DEADLINE = 60.0  # s; back-off waits 10 s at most (datasrc.member)
PACE = 0.005  # s between two questions
MANY = 20  # attempts to connect
PER_SECOND = 60  # of all processes together, which are about ten that wait longer with each attempt


class Pair:
    """A primary and its standby, and how both are named."""

    def __init__(self, primary: PostgresServer, standby: PostgresServer, directory: Path) -> None:
        self.primary = primary
        self.standby = standby
        self._password = directory / "password"
        self._password.write_text(PASSWORD)
        self._password.chmod(0o600)

    def url(self, database: str) -> str:
        """Whichever of the two takes changes."""
        places = f"host=127.0.0.1,127.0.0.1&port={self.primary.port},{self.standby.port}"
        wanted = f"target_session_attrs=read-write&password_file={self._password}"
        return f"postgresql+psycopg://{USER}@/{database}?{places}&{wanted}"


@pytest.fixture
def pair(own_postgres: PostgresServer, tmp_path: Path) -> Iterator[Pair]:
    with PostgresServer(("log_connections=on",), follows=own_postgres) as standby:
        own_postgres.wait_for_standby()
        yield Pair(own_postgres, standby, tmp_path)


class Asker:
    """Asks for the zone all the time, from a thread; every answer has to be one."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answers = 0
        self.serials: list[int] = []
        self.faults: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(PACE):
            try:
                reply = self._suite.query(ORIGIN)
            except (dns.exception.Timeout, OSError) as error:
                self.faults.append(repr(error))
                continue
            self.answers += 1
            if reply.rcode() != dns.rcode.NOERROR:
                self.faults.append(dns.rcode.to_text(reply.rcode()))
            elif (serial := reply.answer[0][0].serial) not in self.serials[-1:]:
                self.serials.append(serial)


def attempts(server: PostgresServer) -> int:
    """How often a connection was made to it."""
    return server.log.read_text().count("connection received")


def load(suite: Suite, url: str, serial: int) -> None:
    words = ("--database", url, "--run-dir", str(suite.run), ORIGIN, "-")
    done = suite.program("loadzone", *words, input_text=small_zone(ORIGIN, serial))
    assert done.returncode == 0, done.stderr


def commit(suite: Suite, identity: str) -> None:
    suite.control("config", "set", "auth.identity", identity)
    suite.control("config", "commit", "-m", identity)


def test_a_server_that_fails_over_costs_no_answer_and_changes_go_on(pair, record_property):
    zones, kept = pair.url(pair.primary.create_database()), pair.url(pair.primary.create_database())
    config = f"data_sources: {{far: {{type: database, url: '{zones}'}}}}\n"
    with Suite(config=config, arguments=["--config-store", kept]) as suite:
        load(suite, zones, 1)
        suite.start()
        wait_until(lambda: suite.serves(ORIGIN, 1) and from_images(suite, ORIGIN), DEADLINE, "it is served from images")
        commit(suite, "before")
        revision = suite.control("config", "history")["revisions"][0]["revision"]
        processes = {name: row["pid"] for name, row in suite.components().items()}
        with Asker(suite) as asker:
            load(suite, zones, 2)  # acknowledged, and then:
            pair.primary.stop(immediately=True)
            wait_for(suite, "AUTH_DATA_SOURCE_WAITING", 1)
            refused = suite.bobctl("config", "set", "auth.identity", "meanwhile")
            assert (refused.returncode, "read-write" in refused.stderr) == (1, True), refused.stderr
            began, before = time.monotonic(), attempts(pair.standby)
            wait_until(lambda: attempts(pair.standby) >= before + MANY, DEADLINE, "it is tried again")
            rate = (attempts(pair.standby) - before) / (time.monotonic() - began)
            assert rate <= PER_SECOND
            pair.standby.promote()
            wait_for(suite, "AUTH_DATA_SOURCE_BACK", 1)
            wait_until(lambda: suite.serves(ORIGIN, 2), DEADLINE, "what was acknowledged before the crash is there")
            load(suite, zones, 3)
            wait_until(lambda: suite.serves(ORIGIN, 3), DEADLINE, "changes are followed again")
            answers = asker.answers
            wait_until(lambda: asker.answers > answers + 1, DEADLINE, "it is asked on")
        assert not asker.faults
        assert asker.serials == [1, 2, 3]
        figure = (
            f"PostgreSQL fails over: {asker.answers} queries, all answered; {rate:.0f} attempts to connect a second"
        )
        record_property("figure", figure)
        history = suite.control("config", "history")["revisions"]
        assert (history[0]["revision"], history[0]["reason"]) == (revision, "before")
        suite.bobctl("config", "revert")
        commit(suite, "after")
        assert suite.control("config", "get", "auth.identity") == "after"
        assert suite.control("config", "history")["revisions"][0]["revision"] == revision + 1
        assert {name: row["pid"] for name, row in suite.components().items()} == processes  # nobody died of it
        assert told(suite, "BOB_DIED") == 0
