"""A database that neither answers nor fails, and a driver without time limits: what waits for it waits for ever."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.ports import free_port
from tests.kit.postgres import PostgresServer
from tests.kit.suite import Suite, wait_until
from tests.system.test_memmgr import image_of, zone

pytest.importorskip("pg8000", reason="pg8000, a driver without time limits, is not installed")
pytestmark = pytest.mark.system

DEADLINE = 90.0  # s; ten times what is expected and more
TIMEOUT = 3  # s, in place of a minute
CHANGES = 3


@pytest.fixture
def far(own_postgres: PostgresServer) -> str:
    """The name of a database on a server that the test may stop."""
    return own_postgres.create_database()


@pytest.fixture
def suite(own_postgres: PostgresServer, far: str) -> Iterator[Suite]:
    """Zones of that database have images, and so has one of another."""
    socket = f"{own_postgres.directory}/.s.PGSQL.{own_postgres.port}"
    metrics = f"127.0.0.1@{free_port()}"
    with Suite(arguments=["--metrics", metrics]) as suite:
        suite.config.write_text(
            f"memmgr: {{source_timeout: {TIMEOUT}s}}\n"
            "data_sources:\n"
            f"  far: {{type: database, url: 'postgresql+pg8000://bob@/{far}?unix_sock={socket}'}}\n"
            f"  near: {{type: database, url: 'sqlite:///{suite.state}/near.sqlite'}}\n"
        )
        suite.state.mkdir()
        load(suite, own_postgres.url(far), "far.example.", 1)
        load(suite, near(suite), "near.example.", 1)
        suite.start()
        wait_until(lambda: image_of(suite, "far.example", 1), DEADLINE, "the zone of the server has an image")
        wait_until(lambda: image_of(suite, "near.example", 1), DEADLINE, "the zone of the file has an image")
        yield suite
        own_postgres.thaw()


def scraped(suite: Suite) -> dict[str, float]:
    """The metrics that have at most one label, by its value."""
    address = suite.control()["metrics"]["endpoint"].replace("@", ":")
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
        if len(sample.labels) < 2
    }


def near(suite: Suite) -> str:
    return f"sqlite:///{suite.state}/near.sqlite"


def load(suite: Suite, url: str, origin: str, serial: int) -> None:
    done = suite.program("loadzone", "--database", url, origin, "-", input_text=zone(serial, f"192.0.2.{serial}"))
    assert done.returncode == 0, done.stderr


def told(suite: Suite) -> str:
    """What memmgr says of the server."""
    found = suite.control("call", "memmgr", "status", check=False)
    problems = [problem for one in (found or {}).get("sources", ()) for problem in one["problems"]]
    return " ".join(problems)


def test_memmgr_tells_of_a_source_that_never_answers_and_goes_on_without_it(
    suite: Suite, own_postgres: PostgresServer, far: str
) -> None:
    """Its worker waited for ever, and no change of any zone was served until an operator restarted memmgr."""
    pid = suite.pid("memmgr/0")
    own_postgres.freeze()
    wait_until(lambda: "is asked again in" in told(suite), DEADLINE, "the source is left alone, and that is told")
    wait_until(lambda: suite.pid("memmgr/0") not in (0, pid), DEADLINE, "memmgr is started anew")
    assert "has not answered" in suite.words()
    for serial in range(2, 2 + CHANGES):
        load(suite, near(suite), "near.example.", serial)
        wait_until(partial(image_of, suite, "near.example", serial), DEADLINE, f"change {serial} is served")
    assert suite.query("www.far.example.", "A").answer[0][0].address == "192.0.2.1"
    own_postgres.thaw()
    load(suite, own_postgres.url(far), "far.example.", 2)
    suite.bobctl("zone", "reload")
    wait_until(lambda: image_of(suite, "far.example", 2), DEADLINE, "the server is asked again")
    wait_until(lambda: "answered" not in told(suite), DEADLINE, "nothing is told of it any more")


def test_metrics_lists_and_commits_go_on_beside_a_source_that_never_answers(
    suite: Suite, own_postgres: PostgresServer
) -> None:
    """The one worker thread of stats and of cmdctl waited for ever, and every commit behind it: the one that removes
    the source, too.
    """
    assert scraped(suite)["bobdns_data_source_up far"] == 1
    assert [one["origin"] for one in suite.control("zone", "list")["zones"]] == ["far.example", "near.example"]
    own_postgres.freeze()
    told = wait_until(lambda: silent(scraped(suite), "far"), DEADLINE, "metrics come, and say who does not answer")
    assert told["bobdns_data_source_up near"] == 1
    assert told["bobdns_zone_serial near.example"] == 1
    found = wait_until(lambda: listed(suite), DEADLINE, "the list comes without it")
    assert [one["origin"] for one in found["zones"]] == ["near.example"]
    assert "data source 'far' has not answered for" in found["problems"][0]["reason"]
    for words in (("set", "auth.udp_size", "1400"), ("unset", "data_sources.far")):
        done = suite.bobctl("config", *words)
        assert done.returncode == 0, done.stderr
        done = suite.bobctl("config", "commit")
        assert done.returncode == 0, done.stderr
    assert "data source 'far' did not answer within 2 s" in suite.words()
    assert "bobdns_data_source_up far" not in scraped(suite)


def listed(suite: Suite) -> Any:
    """The list of zones as JSON, complete or not; None where there is none."""
    done = suite.bobctl("--json", "zone", "list")
    return json.loads(done.stdout) if done.stdout else None


def silent(told: dict[str, float], source: str) -> dict[str, float] | None:
    return told if told[f"bobdns_data_source_up {source}"] == 0 else None
