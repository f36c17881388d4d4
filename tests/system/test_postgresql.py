"""Zone data on a PostgreSQL server: two suites on one database, and a server that stops, hangs and comes back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import dns.exception
import dns.rcode
import pytest

import datasrc
from tests.datasrc.zonemaking import SMALL
from tests.datasrc.zonemaking import load as replace_zone
from tests.kit.postgres import PASSWORD, PostgresServer
from tests.kit.stopwatch import Stopwatch
from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, wait_until
from tests.kit.zones import small_zone
from tests.system.test_images_served import ASKED, counted

SECRET = "c2VjcmV0IG9mIGEgVFNJRyBrZXksIHRvbGQgdG8gbm9ib2R5"
LIMIT = 2.0  # s until another suite's change is served; each looks every second
AT_ONCE = 0.5  # s, with NOTIFY


class Site:
    """A database on a server, the file with its password, and the configuration that names both."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.database = server.create_database()
        self.password = Path(str(server.directory)).with_suffix(f".{self.database}")
        self.password.write_text(PASSWORD)
        self.password.chmod(0o600)
        self.url = f"{server.tcp_url(self.database, password=None)}?password_file={self.password}"

    def config(self, more: str = "", *, images: bool = True) -> str:
        """One with two auth instances, and a file of its own beside the server."""
        components = f"{{auth: {{instances: 2}}, memmgr: {{enabled: {str(images).lower()}}}}}"
        near = "near: {type: database, url: 'sqlite:///{state_dir}/zones.sqlite'}"
        sources = f"data_sources: {{far: {{type: database, url: '{self.url}'}}, {near}}}"
        return f"components: {components}\n{sources}\n{more}"

    def mute(self) -> None:
        """Let whoever connects from now on notify nobody."""
        for statement in (
            "CREATE SCHEMA mute",
            "CREATE FUNCTION mute.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT'",
            f"ALTER DATABASE {self.database} SET search_path = mute, public, pg_catalog",
        ):
            self.server.sql(statement, self.database)

    def load(self, suite: Suite, serial: int, origin: str = "far.example") -> None:
        """Load a zone, as on the command line."""
        text = small_zone(origin, serial)
        words = ("--database", self.url, "--run-dir", str(suite.run), origin, "-")
        done = suite.program("loadzone", *words, input_text=text)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def site(own_postgres: PostgresServer) -> Iterator[Site]:
    made = Site(own_postgres)
    yield made
    made.password.unlink()


def served_after(suites: Sequence[Suite], condition: Callable[[], bool]) -> tuple[float, float]:
    """Seconds; by the stopwatch, and by the wall."""
    began, watch = time.monotonic(), Stopwatch(lambda: (pid for suite in suites for pid in suite.processes()))
    wait_until(condition, DEADLINE, "the change is served")
    return watch.seconds(), time.monotonic() - began


def times_of_changes(site: Site, suites: Sequence[Suite], serials: range) -> list[tuple[float, float]]:
    """Seconds from the commit of a change, by somebody else, to its being served by all these suites."""
    times = []
    with contextlib.closing(datasrc.open(site.url)) as source:
        for serial in serials:
            replace_zone(source, SMALL.replace(" 1 3600", f" {serial} 3600"), "far.example.")
            seen = lambda: all(suite.serves("far.example", serial) for suite in suites)  # noqa: E731, B023
            times.append(served_after(suites, seen))
    return times


def test_two_suites_on_one_database_see_each_others_changes(site, record_property):
    with Suite(config=site.config()) as one, Suite(config=site.config()) as two:
        site.load(one, 1)
        one.start()
        two.start()
        for suite in (one, two):
            wait_until(partial(suite.serves, "far.example", 1), DEADLINE, "the zone is served by both")
            wait_until(partial(from_images, suite, "far.example"), DEADLINE, "from images")
        longest = 0.0
        for serial, writer, reader in ((2, one, two), (3, two, one), (4, one, two)):
            site.load(writer, serial)
            longest = max(longest, served_after((one, two), partial(reader.serves, "far.example", serial))[0])
        site.load(two, 1, "new.example")  # a zone that is made, and one that is deleted
        longest = max(longest, served_after((one, two), lambda: one.serves("new.example", 1))[0])
        two.control("zone", "delete", "new.example", "--yes")
        refused = lambda: one.query("new.example").rcode() == dns.rcode.REFUSED  # noqa: E731
        longest = max(longest, served_after((one, two), refused)[0])
        assert longest < LIMIT
        notified = sorted(times_of_changes(site, (one, two), range(5, 15)))
        site.mute()
        polled = sorted(times_of_changes(site, (one, two), range(15, 19)))
        record_property("figure", f"two suites, one PostgreSQL: a change is served after {notified[5][1]:.2f} s")
        record_property("figure", f"without NOTIFY: after {polled[-1][1]:.2f} s at most")
        assert notified[-2][0] < AT_ONCE  # nine of ten: were it the poll, half of them would take longer
        assert polled[-1][0] < LIMIT
        assert max(passed for _, passed in polled) > AT_ONCE  # nobody was notified, and all the same


def ask(suite: Suite, name: str) -> tuple[int | None, float]:
    """The rcode of an answer, and its time."""
    watch = Stopwatch(suite.processes)
    try:
        rcode = suite.query(name).rcode()
    except (dns.exception.Timeout, OSError):
        rcode = None
    return rcode, watch.seconds()


def told(suite: Suite, message: str) -> int:
    """How often the worker said so, which alone has the data sources open."""
    return suite.log.read_text().count(f" authworker/0 {message} ")


def wait_for(suite: Suite, message: str, times: int) -> None:
    wait_until(lambda: told(suite, message) >= times, DEADLINE, f"{message} is told")


def test_a_server_that_is_gone_costs_only_its_own_zones(site):
    with Suite(config=site.config(images=False)) as suite:
        site.load(suite, 1)
        done = suite.loadzone("near.example", small_zone("near.example"))
        assert done.returncode == 0, done.stderr
        suite.start()
        wait_until(
            lambda: suite.serves("far.example", 1) and suite.serves("near.example", 1), DEADLINE, "both are served"
        )
        processes = {name: row["pid"] for name, row in suite.components().items()}
        kill = (partial(site.server.stop, immediately=True), site.server.start)
        for times, (take_away, bring_back) in enumerate((kill, (site.server.freeze, site.server.thaw)), 1):
            take_away()
            try:
                wait_for(suite, "AUTH_DATA_SOURCE_WAITING", times)
                for _ in range(50):
                    rcode, seconds = ask(suite, "far.example")
                    assert rcode == dns.rcode.SERVFAIL
                    assert seconds < 0.9
                    assert suite.serves("near.example", 1, timeout=QUERY_TIMEOUT)
                assert {name: row["pid"] for name, row in suite.components().items()} == processes  # nobody hung
            finally:
                bring_back()
            wait_for(suite, "AUTH_DATA_SOURCE_BACK", times)
            for _ in range(10):
                assert suite.serves("far.example", 1, timeout=QUERY_TIMEOUT)
            assert told(suite, "AUTH_DATA_SOURCE_WAITING") == times
        site.load(suite, 2)
        wait_until(lambda: suite.serves("far.example", 2), DEADLINE, "changes go on")


def test_with_images_a_server_that_is_gone_costs_no_answer(site):
    with Suite(config=site.config()) as suite:
        site.load(suite, 1)
        suite.start()
        wait_until(lambda: suite.serves("far.example", 1), DEADLINE, "it is served")
        wait_until(lambda: from_images(suite, "far.example"), DEADLINE, "its image is there")
        site.server.stop(immediately=True)
        try:
            wait_for(suite, "AUTH_DATA_SOURCE_WAITING", 1)
            for _ in range(50):
                assert suite.serves("far.example", 1, timeout=QUERY_TIMEOUT)
        finally:
            site.server.start()
        site.load(suite, 2)
        wait_until(lambda: suite.serves("far.example", 2), DEADLINE, "changes go on")


def from_images(suite: Suite, origin: str) -> bool:
    """Whether none of a few queries was left to the plain implementation."""
    left, requests = counted(suite, "left"), counted(suite, "request.udp")
    for _ in range(ASKED):
        ask(suite, origin)
    wait_until(lambda: counted(suite, "request.udp") >= requests + ASKED, DEADLINE, "the queries are counted")
    return counted(suite, "left") == left


def test_no_secret_is_told_to_anybody(site, tmp_path):
    key = tmp_path / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    keys = f"keys: {{transfer.example: {{secret_file: {key}}}}}\nlogging: {{level: debug, format: json}}\n"
    with Suite(config=site.config(keys)) as suite:
        site.load(suite, 1)
        suite.arguments += ["--config-store", site.url]  # the configuration is kept there, too
        suite.start()
        wait_until(lambda: suite.serves("far.example", 1), DEADLINE, "the zone is served")
        told = [suite.bobctl(*words).stdout for words in (["config", "show"], ["status"], ["zone", "list"])]
        told.append(suite.bobctl("--json", "config", "show", "data_sources").stdout)
        assert suite.process is not None
        processes = [suite.process.pid, *suite.descendants()]
        for pid in processes:
            for file in ("cmdline", "environ"):
                with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                    told.append(Path(f"/proc/{pid}/{file}").read_text())
        site.password.write_text("not the password any more")
        site.server.stop()
        site.server.start()  # every connection is made anew, and refused
        suite.says("password authentication failed")
        refused = suite.program("loadzone", "--database", site.url, "new.example", "-", input_text=small_zone())
        assert refused.returncode != 0
        told += [refused.stdout, refused.stderr, suite.bobctl("status").stdout]
        told.append(suite.bobctl("config", "set", "data_sources.bad", "{url: 'postgresql://ann:hush@h/db'}").stderr)
        suite.stop()
        told.append(suite.log.read_text())
        everything = "\n".join(told)
        assert str(site.password) in everything  # where it is may be known
        for secret in (PASSWORD, "battery", "not the password", SECRET, "hush"):
            assert secret not in everything
