"""Start, serve, stop, start again."""

from __future__ import annotations

import dns.rcode

from tests.kit.earlier import as_the_first_release_left_it
from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, alive, wait_until
from tests.kit.zones import small_zone


def test_an_empty_suite_starts_and_refuses_what_it_does_not_serve(suite):
    suite.start()
    assert suite.query("example.org").rcode() == dns.rcode.REFUSED


def test_a_loaded_zone_is_served_at_once_over_udp_and_tcp_and_both_families(suite):
    suite.start()
    done = suite.loadzone("example.org", small_zone())
    assert done.returncode == 0, done.stderr
    for tcp in (False, True):
        for address in ("127.0.0.1", "::1"):
            answer = suite.query("www.example.org", "A", tcp=tcp, address=address)
            assert [record.to_text() for record in answer.answer[0]] == ["192.0.2.80"]


def test_loadzone_says_that_the_running_suite_serves_the_new_data(running):
    done = running.loadzone("example.org", small_zone(serial=2))
    assert done.returncode == 0, done.stderr
    assert "serv" in done.stdout + done.stderr
    assert running.serves("example.org", 2, timeout=QUERY_TIMEOUT)


def test_loadzone_without_a_suite_says_that_none_runs(suite):
    done = suite.loadzone("example.org", small_zone())
    assert done.returncode == 0
    assert "no suite is running" in done.stdout + done.stderr


def test_ctrl_c_stops_everything_and_the_next_start_finds_the_data(running):
    children = running.descendants()
    assert running.stop() == 0
    assert [pid for pid in children if alive(pid)] == []
    running.start()
    assert running.serves("example.org", 1, timeout=QUERY_TIMEOUT)


def test_a_second_suite_in_the_same_directory_is_refused_and_told_whose_it_is(running):
    second = running.program(
        "bob", *running.command()[len(running.command()) - running.command()[::-1].index("run") - 1 :]
    )
    assert second.returncode != 0
    assert str(running.process.pid) in second.stderr


def test_a_second_suite_on_the_same_port_is_refused_and_names_the_holder(running):
    with Suite() as second:
        second.port = running.port
        second.start(wait=False)
        assert second.process is not None
        assert second.process.wait(60) != 0
        log = second.log.read_text()
        assert str(running.port) in log
        assert running.serves("example.org", 1, timeout=QUERY_TIMEOUT)


def test_status_knows_every_component(running):
    members = running.components()
    assert {"msgq/0", "cfgmgr/0", "auth/0", "cmdctl/0", "sockcreator/0"} <= set(members)
    assert "auth/spare" in members


def test_logs_have_no_errors_and_no_tracebacks(running):
    running.stop()
    log = running.log.read_text()
    assert "Traceback" not in log
    assert " ERROR " not in log


def test_nothing_but_the_door_listens_besides_dns(running):
    """No unauthenticated door on TCP."""
    import subprocess

    pids = {running.process.pid, *running.descendants()}
    wait_until(lambda: running.answers(), what="DNS")
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=False)
    lines = [line for line in listening.stdout.splitlines() if any(f"pid={pid}," in line for pid in pids)]
    assert lines
    assert all(f":{running.port}" in line.split()[3] for line in lines)


def test_the_database_of_an_earlier_release_is_upgraded_and_kept(suite):
    assert suite.loadzone("example.org", small_zone(serial=3)).returncode == 0
    as_the_first_release_left_it(suite.state / "zones.sqlite")
    suite.start()
    wait_until(lambda: suite.serves("example.org", 3), DEADLINE, "the zone is served")
    assert (suite.state / "zones.sqlite.schema-0001").exists()
    suite.says("MEMMGR_DATABASE_UPGRADED")
    assert suite.words().count("MEMMGR_DATABASE_UPGRADED") == 1
    assert suite.loadzone("example.org", small_zone(serial=4)).returncode == 0
    wait_until(lambda: suite.serves("example.org", 4), DEADLINE, "the new zone is served")
