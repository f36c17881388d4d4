"""Metrics with the real process tree: scraped by hand, by a real Prometheus, and with a port that is taken."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.ports import free_port
from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, alive, wait_until
from tests.kit.zones import small_zone

pytestmark = pytest.mark.system
PROMETHEUS = shutil.which("prometheus") or ""
EXPORTER = shutil.which("prometheus-bind-exporter") or ""


@contextlib.contextmanager
def served():
    port = free_port()
    with Suite(arguments=["--metrics", f"127.0.0.1@{port}"]) as suite:
        assert suite.loadzone("example.org", small_zone()).returncode == 0
        suite.start()
        wait_until(lambda: metrics(suite)["state"] == "open", DEADLINE, "metrics are open")
        yield suite, port


def metrics(suite):
    return suite.control()["metrics"]


def fetch(port, path="/metrics"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def scrape(port):
    """Every sample by name and labels."""
    families = text_string_to_metric_families(fetch(port))
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(samples, name, **labels):
    return samples.get((name, frozenset(labels.items())))


def summed(samples, name):
    return sum(count for (found, _), count in samples.items() if found == name)


def test_metrics_tell_what_was_asked_who_runs_and_what_is_served():
    with served() as (suite, port):
        before = scrape(port)
        for _ in range(10):
            suite.query("www.example.org", "A")
        asked_before = summed(before, "bobdns_auth_responses_total")
        wait_until(lambda: summed(scrape(port), "bobdns_auth_responses_total") >= asked_before + 10, what="all count")
        after = scrape(port)
        assert summed(after, "bobdns_auth_responses_total") == asked_before + 10
        assert value(after, "bobdns_component_up", component="auth", member="auth/0") == 1
        assert value(after, "bobdns_component_restarts_total", component="auth", member="auth/0") == 0
        assert value(after, "bobdns_component_resident_memory_bytes", component="auth", member="auth/0") > 2**20
        assert value(after, "bobdns_component_cpu_seconds_total", component="bob", member="bob/0") > 0
        assert value(after, "bobdns_zone_serial", zone="example.org") == 1
        assert value(after, "bobdns_up") == 1
        pid = suite.pid("auth/0")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), DEADLINE)
        restarted = {"component": "auth", "member": "auth/0"}
        wait_until(
            lambda: value(scrape(port), "bobdns_component_restarts_total", **restarted) == 1,
            DEADLINE,
            "it was restarted",
        )
        assert summed(scrape(port), "bobdns_auth_responses_total") == summed(after, "bobdns_auth_responses_total")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(port, "/other")


def test_an_instance_that_is_not_wanted_any_more_is_not_told_as_down_and_what_it_counted_stays():
    second = {"component": "auth", "member": "auth/1"}
    with served() as (suite, port):
        assert suite.bobctl("config", "set", "components.auth.instances", "2").returncode == 0
        assert suite.bobctl("config", "commit").returncode == 0
        wait_until(lambda: value(scrape(port), "bobdns_component_up", **second) == 1, DEADLINE, "auth/1 runs")
        for _ in range(10):
            suite.query("www.example.org", "A")
        assert suite.bobctl("config", "set", "components.auth.instances", "1").returncode == 0
        assert suite.bobctl("config", "commit").returncode == 0
        wait_until(lambda: value(scrape(port), "bobdns_component_up", **second) is None, DEADLINE, "auth/1 is no more")
        told = scrape(port)
        assert value(told, "bobdns_auth_images_bytes", **second) is None
        assert value(told, "bobdns_auth_tcp_accepted_total", **second) is not None
        shown = suite.control("stats", "show", "auth")["modules"]["auth"]
        assert shown["instances"]["1"]["state"] == "gone"
        first = shown["instances"]["0"]["counters"]
        assert shown["counters"]["images.bytes"] == first["images.bytes"]
        assert shown["counters"]["responses"] >= 10


def test_how_long_commands_commits_and_requests_take_is_told_and_outlives_the_process():
    with served() as (suite, port):
        assert suite.bobctl("config", "set", "auth.udp_size", "1400").returncode == 0
        assert suite.bobctl("config", "commit").returncode == 0
        here = {"component": "cfgmgr", "member": "cfgmgr/0"}
        told = scrape(port)
        assert value(told, "bobdns_configuration_commit_duration_seconds_count", **here) == 1
        assert value(told, "bobdns_command_duration_seconds_bucket", command="commit", le="+Inf", **here) == 1
        assert value(told, "bobdns_command_duration_seconds_sum", command="commit", **here) > 0
        door = {"component": "cmdctl", "member": "cmdctl/0", "route": "POST /v1/config/commit"}
        assert value(told, "bobdns_request_duration_seconds_count", **door) == 1
        os.kill(suite.pid("cmdctl/0"), signal.SIGKILL)
        wait_until(lambda: suite.bobctl("config", "diff").returncode == 0, DEADLINE, "the door is open again")
        assert value(scrape(port), "bobdns_request_duration_seconds_count", **door) == 1
        shown = suite.bobctl("stats", "durations", "cfgmgr").stdout
        assert "configuration commit" in shown
        durations = suite.control("stats", "durations")["cmdctl"]["request"]["POST /v1/config/commit"]
        assert (durations["count"], durations["buckets"]["10.0"]) == (1, 1)


def test_bob_and_cfgmgr_count_what_they_do_and_bind_is_told_of_the_last_commit():
    with served() as (suite, port):
        assert json.loads(fetch(port, "/json/v1/status"))["config-time"] >= started(port)
        members = wait_until(lambda: all_running(suite), DEADLINE, "everything runs, the spare too")
        before = scrape(port)
        here = {"component": "bob", "member": "bob/0"}
        assert value(before, "bobdns_bob_starts_total", **here) >= len(members)
        assert value(before, "bobdns_bob_deaths_total", **here) == 0
        assert value(before, "bobdns_bob_sockets_total", **here) > 0
        pid = suite.pid("auth/0")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: value(scrape(port), "bobdns_bob_restarts_total", **here) == 1, DEADLINE, "it is restarted")
        assert value(scrape(port), "bobdns_bob_deaths_total", **here) == 1
        assert suite.bobctl("config", "set", "auth.udp_size", "1400").returncode == 0
        began = int(time.time())
        assert suite.bobctl("config", "commit").returncode == 0
        here = {"component": "cfgmgr", "member": "cfgmgr/0"}
        after = scrape(port)
        assert value(after, "bobdns_cfgmgr_commits_total", **here) == 1
        assert value(after, "bobdns_cfgmgr_edits_total", **here) == 1
        assert value(after, "bobdns_cfgmgr_revision", **here) == 2
        committed = value(after, "bobdns_cfgmgr_revision_timestamp_seconds", **here)
        assert began <= committed <= time.time()
        told = json.loads(fetch(port, "/json/v1/status"))
        assert datetime.fromisoformat(told["config-time"]).timestamp() == committed
        shown = suite.bobctl("stats", "show", "cfgmgr").stdout
        assert "commits" in shown


def all_running(suite):
    """Every component instance, when all of them run."""
    rows = suite.components()
    return rows if all(row["state"] == "running" for row in rows.values()) else None


def started(port):
    return json.loads(fetch(port, "/json/v1/status"))["boot-time"]


def test_an_instance_that_hangs_is_seen_and_one_that_is_dead_is_not_told_as_running():
    with served() as (suite, port):
        rest = suite.control("call", "stats", "show", "component=auth")["modules"]["auth"]["instances"]
        assert rest["0"]["state"] == "running"
        assert suite.bobctl("component", "stop", "auth/0").returncode == 0
        wait_until(
            lambda: value(scrape(port), "bobdns_component_up", component="auth", member="auth/0") == 0,
            DEADLINE,
            "it is told as down",
        )
        pid = suite.pid("auth/1")
        os.kill(pid, signal.SIGSTOP)
        try:
            assert value(scrape(port), "bobdns_auth_responses_total", component="auth", member="auth/1") is not None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.mark.skipif(not PROMETHEUS, reason="Debian's prometheus is not installed")
def test_a_real_prometheus_scrapes_it_and_answers_questions_about_it(tmp_path):
    with served() as (suite, port):
        for _ in range(7):
            suite.query("www.example.org", "A")
        own = free_port()
        (tmp_path / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\n"
            f"scrape_configs: [{{job_name: bobdns, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
        )
        command = [
            PROMETHEUS,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
        ]
        with (
            (tmp_path / "log").open("wb") as log,
            subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{own}"], stdout=log, stderr=log) as prometheus,
        ):
            try:
                wait_until(lambda: asked(own, "up{job='bobdns'}") == 1, DEADLINE, "Prometheus says the target is up")
                wait_until(
                    lambda: (asked(own, "sum(bobdns_auth_qrysuccess_total)") or 0) >= 7, DEADLINE, "it has the counts"
                )
                assert asked(own, "sum(bobdns_component_up{component='auth',member!='auth/spare'})") >= 1
                assert asked(own, "bobdns_zone_serial{zone='example.org'}") == 1
                assert asked(own, "scrape_samples_scraped") > 100
            finally:
                prometheus.terminate()
                prometheus.wait(60)


def asked(port, expression):
    """One number from Prometheus, or None."""
    query = urllib.parse.urlencode({"query": expression})
    try:
        result = json.loads(fetch(port, f"/api/v1/query?{query}"))["data"]["result"]
    except (OSError, ValueError):  # not up yet
        return None
    return float(result[0]["value"][1]) if result else None


@pytest.mark.skipif(not EXPORTER, reason="Debian's prometheus-bind-exporter is not installed")
@pytest.mark.parametrize("version", ["xml.v3", "auto"])
def test_the_stock_exporter_for_bind_reads_it(tmp_path, version):
    with served() as (suite, port):
        for _ in range(7):
            suite.query("www.example.org", "A")
        suite.query("none.example.org", "A")
        suite.query("example.org", "MX")
        suite.query("example.org", "TYPE65000")
        own = free_port()
        command = [EXPORTER, "--bind.stats-url", f"http://127.0.0.1:{port}/", "--bind.stats-version", version]
        with (tmp_path / "log").open("wb") as log:
            exporter = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{own}"], stdout=log, stderr=log)
        try:
            found = wait_until(lambda: bind_is_up(own), DEADLINE, f"bind_up: {(tmp_path / 'log').read_text()}")
            assert value(found, "bind_responses_total", result="Success") >= 7
            assert value(found, "bind_query_errors_total", error="NXDOMAIN") is None
            assert value(found, "bind_responses_total", result="NXDOMAIN") == 1
            assert value(found, "bind_incoming_requests_total", opcode="QUERY") >= 8
            assert value(found, "bind_incoming_queries_total", type="A") >= 8
            assert value(found, "bind_incoming_queries_total", type="MX") == 1
            assert value(found, "bind_incoming_queries_total", type="Others") == 1
            # The exporter calls the serial a counter, and the parser then expects this ending.
            assert value(found, "bind_zone_serial_total", view="_default", zone_name="example.org") == 1
            told = json.loads(fetch(port, "/json/v1/server"))
            assert told["qtypes"]["MX"] == told["qtypes"]["Others"] == 1
            assert told["nsstats"]["QryNXDOMAIN"] == told["rcodes"]["NXDOMAIN"] == 1
            assert json.loads(fetch(port, "/json/v1/zones"))["views"]["_default"]["zones"][0]["serial"] == 1
        finally:
            exporter.terminate()
            exporter.wait(60)


def bind_is_up(port):
    """The metrics of the exporter, once it says that it reads ours."""
    try:
        found = scrape(port)
    except OSError:  # not up yet
        return None
    return found if value(found, "bind_up") == 1 else None


def test_a_port_that_is_taken_stops_nothing_and_is_taken_when_it_is_free():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with Suite(arguments=["--metrics", f"127.0.0.1@{port}"]) as suite:
            suite.start()
            found = wait_until(lambda: metrics(suite)["reason"], DEADLINE, "the reason is told")
            assert "Address already in use" in found
            assert metrics(suite)["state"] == "failing"
            suite.says("STATS_METRICS_CLOSED")
            assert "metrics" in suite.bobctl("status").stdout
            assert suite.answers(timeout=QUERY_TIMEOUT)
            holder.close()
            wait_until(lambda: metrics(suite)["state"] == "open", DEADLINE, "metrics open by themselves")


def test_the_address_changes_at_run_time_as_a_whole():
    with Suite(config="stats: {metrics: 'off'}\n", metrics_off=False) as suite:
        suite.start()
        port = free_port()
        assert suite.bobctl("config", "set", "stats.metrics", f"127.0.0.1@{port}").returncode == 0
        assert suite.bobctl("config", "commit").returncode == 0
        wait_until(lambda: metrics(suite)["state"] == "open", DEADLINE, "metrics opened")
        with socket.create_server(("127.0.0.1", 0)) as holder:
            taken = f"127.0.0.1@{holder.getsockname()[1]}"
            assert suite.bobctl("config", "set", "stats.metrics", taken).returncode == 0
            refused = suite.bobctl("config", "commit")
            assert (refused.returncode, "cannot listen" in refused.stderr) == (5, True)
        assert "bobdns_up 1.0" in fetch(port)


def test_a_client_that_says_nothing_keeps_nobody_waiting():
    with served() as (_, port):
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(10)]
        try:
            began = time.monotonic()
            assert "bobdns_up 1.0" in fetch(port)
            assert time.monotonic() - began < 10
        finally:
            for connection in silent:
                connection.close()
