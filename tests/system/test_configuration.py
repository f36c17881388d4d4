"""Configuration over the whole tree: seed, change, all or none, damage."""

from __future__ import annotations

import os
import signal
import socket

import dns.rcode
import pytest

from tests.kit.ports import free_port
from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, wait_until
from tests.kit.zones import small_zone


def with_zone(suite: Suite) -> Suite:
    done = suite.loadzone("example.org", small_zone())
    assert done.returncode == 0, done.stderr
    return suite.start()


def commit(suite: Suite, path: str, value: str) -> None:
    suite.control("config", "set", path, value)
    suite.control("config", "commit", "-m", f"set {path}")


def test_a_change_takes_effect_and_survives_a_restart(running):
    commit(running, "auth.identity", "here")
    running.stop()
    running.start()
    assert running.control("config", "get", "auth.identity") == "here"


def test_a_rollback_undoes_a_commit_everywhere(running):
    commit(running, "auth.identity", "first")
    commit(running, "zones", "{example.org: {query_acl: [{action: REJECT}]}}")
    wait_until(lambda: running.query("example.org").rcode() == dns.rcode.REFUSED, DEADLINE, "the zone is refused")
    shown = running.control("config", "rollback", "--dry-run", "2")
    assert [change["path"] for change in shown["changes"]] == ["zones.example.org"]
    done = running.control("config", "rollback", "2", "-m", "it was a mistake")
    assert done["revision"] == 4
    wait_until(lambda: running.serves("example.org", 1), DEADLINE, "the zone is answered")
    assert running.control("config", "get", "auth.identity") == "first"
    newest = running.control("config", "history", "--limit", "1")["revisions"][0]
    assert newest["reason"] == "it was a mistake"
    assert running.bobctl("config", "rollback", "99").returncode == 3  # not found


def test_the_seed_is_read_once(tmp_path):
    with Suite(config="auth: {identity: seeded}\n") as suite:
        with_zone(suite)
        assert suite.control("config", "get", "auth.identity") == "seeded"
        commit(suite, "auth.identity", "changed")
        suite.stop()
        suite.start()
        assert suite.control("config", "get", "auth.identity") == "changed"


def test_a_bad_seed_ends_the_start_with_file_line_path_and_reason():
    with Suite(config="auth:\n  identity: ok\n  minimal_response: true\n") as suite:
        suite.start(wait=False)
        assert suite.process is not None
        assert suite.process.wait(60) != 0
        log = suite.log.read_text()
        assert "bob.yaml:3" in log
        assert "auth.minimal_response" in log
        assert "minimal_responses" in log  # did you mean


def test_a_query_acl_of_a_zone_takes_effect_at_run_time(running):
    commit(running, "zones", "{example.org: {query_acl: [{action: REJECT}]}}")
    wait_until(lambda: running.query("example.org").rcode() == dns.rcode.REFUSED, DEADLINE, "the zone is refused")
    commit(running, "zones", "{example.org: {query_acl: [{action: ACCEPT, from: 127.0.0.1}, {action: REJECT}]}}")
    wait_until(lambda: running.serves("example.org", 1), DEADLINE, "the zone is answered")


@pytest.fixture
def listening_by_configuration():
    """A suite whose addresses come from its configuration, not from the command line."""
    with Suite(listen=False) as suite:
        suite.config.write_text(f'listen: ["127.0.0.1@{suite.port}"]\n')
        yield with_zone(suite)


def test_an_address_that_cannot_be_had_refuses_the_whole_commit(listening_by_configuration):
    running = listening_by_configuration
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        running.control("config", "set", "auth.identity", "never")
        running.control("config", "set", "listen", f'["127.0.0.1@{running.port}", "127.0.0.1@{port}"]')
        refused = running.bobctl("config", "commit", "-m", "cannot be")
    assert refused.returncode != 0
    assert str(port) in refused.stderr
    assert running.serves("example.org", 1, timeout=QUERY_TIMEOUT)
    running.control("config", "discard")
    assert running.control("config", "get", "auth.identity") != "never"


def test_listen_changes_at_run_time(listening_by_configuration):
    suite = listening_by_configuration
    old, new = suite.port, free_port()
    commit(suite, "listen", f'["127.0.0.1@{old}", "127.0.0.1@{new}"]')
    suite.port = new
    wait_until(lambda: suite.serves("example.org", 1), DEADLINE, "the new port answers")
    commit(suite, "listen", f'["127.0.0.1@{new}"]')
    suite.port = old
    wait_until(lambda: not suite.answers("example.org"), DEADLINE, "the old port is closed")
    suite.port = new
    assert suite.serves("example.org", 1, timeout=QUERY_TIMEOUT)


def test_a_damaged_store_falls_back_to_the_last_good_state_loudly(running):
    commit(running, "auth.identity", "first")
    commit(running, "auth.identity", "second")
    running.stop()
    files = [path for path in (running.state / "config").rglob("*") if path.is_file() and path.suffix != ".lock"]
    newest = max(files, key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes()[:-10])
    running.start()
    assert running.control("config", "get", "auth.identity") == "first"
    running.says("damaged")


def test_sighup_rereads_the_file():
    with Suite(config="auth: {identity: one}\n") as suite:
        with_zone(suite)
        suite.config.write_text("auth: {identity: two}\n")
        assert suite.process is not None
        suite.process.send_signal(signal.SIGHUP)
        wait_until(lambda: suite.control("config", "get", "auth.identity") == "two", DEADLINE, "the new value")


def test_check_config_says_where_and_why(tmp_path):
    with Suite() as suite:
        bad = tmp_path / "bob.yaml"
        bad.write_text("listen: [nonsense]\nzones:\n  example.org: {template: missing}\n")
        done = suite.program("bob", "check-config", str(bad))
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "bob.yaml:1: listen[0]" in said
        assert "bob.yaml:3: zones.example.org.template" in said


@pytest.mark.parametrize("kept", ["database", "postgresql"])
def test_the_configuration_can_be_kept_in_a_database(request, kept):
    where = "database" if kept == "database" else request.getfixturevalue("postgres_url")
    with Suite(config="auth: {identity: seeded}\n", arguments=["--config-store", where]) as suite:
        with_zone(suite)
        commit(suite, "auth.identity", "first")
        commit(suite, "zones", "{example.org: {query_acl: [{action: REJECT}]}}")
        wait_until(lambda: suite.query("example.org").rcode() == dns.rcode.REFUSED, DEADLINE, "the zone is refused")
        suite.stop()
        suite.start()
        assert suite.control("config", "get", "auth.identity") == "first"
        assert suite.query("example.org").rcode() == dns.rcode.REFUSED
        authors = [revision["revision"] for revision in suite.control("config", "history")["revisions"]]
        assert authors == [3, 2, 1]


def test_what_the_files_hold_goes_over_into_a_database_once():
    with Suite() as suite:
        with_zone(suite)
        commit(suite, "auth.identity", "in files")
        suite.stop()
        suite.arguments = ["--config-store", "database"]
        suite.start()
        assert suite.control("config", "get", "auth.identity") == "in files"
        commit(suite, "auth.identity", "in the database")
        suite.stop()
        suite.arguments = []
        suite.start(wait=False)
        assert suite.process is not None
        assert suite.process.wait(60) != 0
        assert "the configuration was moved to database" in suite.log.read_text()


def test_a_configuration_server_that_stops_stops_no_answer(own_postgres):
    url = own_postgres.url(own_postgres.create_database())
    with Suite(arguments=["--config-store", url]) as suite:
        with_zone(suite)
        commit(suite, "auth.identity", "before")
        own_postgres.stop(immediately=True)
        refused = suite.bobctl("config", "set", "auth.identity", "meanwhile")
        assert refused.returncode != 0
        assert suite.serves("example.org", 1, timeout=QUERY_TIMEOUT)
        os.kill(suite.pid("cfgmgr/0"), signal.SIGKILL)  # it comes back, and waits
        suite.says("CFGMGR_STORE_WAITING")
        assert suite.serves("example.org", 1, timeout=QUERY_TIMEOUT)
        own_postgres.start()
        wait_until(lambda: suite.control("config", "get", "auth.identity", check=False) == "before", DEADLINE, "cfgmgr")
        commit(suite, "auth.identity", "after")
        assert suite.control("config", "get", "auth.identity") == "after"


def test_an_export_has_the_comments_and_seeds_another_suite(tmp_path):
    written = "# the best of names\nauth: {identity: seeded}   # a comment\n"
    with Suite(config=written) as suite:
        with_zone(suite)
        commit(suite, "auth.identity", "changed")
        file = tmp_path / "exported.yaml"
        done = suite.bobctl("config", "export", str(file))
        assert done.returncode == 0, done.stderr
        assert file.read_text() == "# the best of names\nauth: {identity: changed}  # a comment\n"
        assert suite.bobctl("config", "export").stdout == file.read_text()
        commit(suite, "zones", "{example.org: {query_acl: [{action: ACCEPT}]}}")
        listed = suite.control("config", "list")
        assert [entry["key"] for entry in listed["entries"]] == ["example.org"]
    with Suite(config=file.read_text()) as other:
        with_zone(other)
        assert other.control("config", "get", "auth.identity") == "changed"
