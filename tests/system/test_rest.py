"""REST over the network, with the real programs: users, tokens, a port that is taken, and the death of cmdctl."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat

import pytest

from tests.kit.suite import Suite, free_port, wait_until

pytestmark = pytest.mark.system


@contextlib.contextmanager
def served():
    port = free_port()
    with Suite(arguments=["--rest", f"127.0.0.1@{port}"]) as suite:
        suite.start()
        wait_until(lambda: rest(suite)["state"] == "open", 10, "REST is open")
        yield suite, port


def rest(suite):
    return suite.control()["rest"]


def bobctl_from_afar(suite, port, token, *words):
    """bobctl as on another machine: an address, a token, a certificate."""
    away = [
        "--server",
        f"https://127.0.0.1:{port}",
        "--token-file",
        str(token),
        "--ca-file",
        str(suite.state / "rest.crt"),
    ]
    return suite.program("bobctl", *away, *words)


def test_an_operator_far_away_works_with_a_token():
    with served() as (suite, port):
        token = suite.directory / "token"
        assert suite.bobctl("user", "add", "ann", "--role", "configure", "--no-password").returncode == 0
        made = suite.bobctl(
            "token", "add", "--user", "ann", "--expires", "1d", "--label", "laptop", "--file", str(token)
        )
        assert made.returncode == 0, made.stderr
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert stat.S_IMODE((suite.state / "cmdctl.sqlite").stat().st_mode) == 0o600

        done = bobctl_from_afar(suite, port, token, "--json", "status")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["rest"] == {"endpoint": f"127.0.0.1@{port}", "state": "open", "reason": ""}
        assert bobctl_from_afar(suite, port, token, "config", "set", "auth.udp_size", "1400").returncode == 0
        assert bobctl_from_afar(suite, port, token, "config", "commit", "-m", "from afar").returncode == 0
        assert suite.control("config", "history")["revisions"][0]["author"] == "user:ann"
        refused = bobctl_from_afar(suite, port, token, "user", "list")
        assert (refused.returncode, "takes the role admin" in refused.stderr) == (5, True)

        audit = suite.control("audit")["entries"]
        assert [(entry["author"], entry["path"]) for entry in audit if entry["status"] == 403] == [
            ("user:ann", "/v1/users")
        ]

        token.chmod(0o644)
        open_to_all = bobctl_from_afar(suite, port, token, "status")
        assert (open_to_all.returncode, "chmod 600" in open_to_all.stderr) == (5, True)
        token.chmod(0o600)
        identity = suite.control("token", "list")["tokens"][0]["id"]
        assert suite.bobctl("token", "revoke", identity).returncode == 0
        gone = bobctl_from_afar(suite, port, token, "status")
        assert (gone.returncode, "not valid" in gone.stderr) == (5, True)
        assert token.read_text().strip() not in suite.log.read_text()


def test_tokens_outlive_cmdctl_and_its_death_costs_no_query():
    with served() as (suite, port):
        token = suite.directory / "token"
        suite.bobctl("user", "add", "robot", "--role", "read", "--no-password")
        suite.bobctl("token", "add", "--user", "robot", "--file", str(token))
        components = suite.control()["components"]
        os.kill(next(one["pid"] for one in components if one["component"] == "cmdctl"), signal.SIGKILL)
        assert suite.answers()
        wait_until(
            lambda: bobctl_from_afar(suite, port, token, "status").returncode == 0,
            20,
            "the next cmdctl knows the token",
        )


def test_a_port_that_is_taken_keeps_nobody_from_starting_and_is_taken_when_it_is_free():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with Suite(arguments=["--rest", f"127.0.0.1@{port}"]) as suite:
            suite.start()
            found = wait_until(lambda: rest(suite)["reason"], 10, "the reason is told")
            assert "Address already in use" in found
            assert rest(suite)["state"] == "failing"
            assert "CMDCTL_REST_CLOSED" in suite.log.read_text()
            holder.close()
            wait_until(lambda: rest(suite)["state"] == "open", 30, "REST opens by itself")


def test_the_address_changes_at_run_time_as_a_whole():
    with Suite(config="cmdctl: {rest: 'off'}\n", rest_off=False) as suite:
        suite.start()
        port = free_port()
        assert suite.bobctl("config", "set", "cmdctl.rest", f"127.0.0.1@{port}").returncode == 0
        assert suite.bobctl("config", "commit").returncode == 0
        wait_until(lambda: rest(suite)["state"] == "open", 10, "REST opened")
        with socket.create_server(("127.0.0.1", 0)) as holder:
            taken = f"127.0.0.1@{holder.getsockname()[1]}"
            assert suite.bobctl("config", "set", "cmdctl.rest", taken).returncode == 0
            refused = suite.bobctl("config", "commit")
            assert (refused.returncode, "cannot listen" in refused.stderr) == (5, True)
        assert rest(suite) == {"endpoint": f"127.0.0.1@{port}", "state": "open", "reason": ""}
