"""REST over the network, with the real programs: users, tokens, a port that is taken, and the death of cmdctl."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import stat
from pathlib import Path

import pytest

from tests.cmdctl.tls import make_certificate
from tests.kit.ports import free_port
from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, wait_until
from tests.kit.zones import small_zone

pytestmark = pytest.mark.system


@contextlib.contextmanager
def served():
    port = free_port()
    with Suite(arguments=["--rest", f"127.0.0.1@{port}"]) as suite:
        suite.start()
        wait_until(lambda: rest(suite)["state"] == "open", DEADLINE, "REST is open")
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
        chosen = "{type: master-files, directory: /etc}"
        assert bobctl_from_afar(suite, port, token, "config", "set", "data_sources.x", chosen).returncode == 0
        for order, status in (("check", 1), ("commit", 5)):
            refused = bobctl_from_afar(suite, port, token, "config", order)
            assert refused.returncode == status, (order, refused.stderr)
            assert "data_sources.x.directory" in refused.stdout + refused.stderr
            assert "takes the role admin" in refused.stdout + refused.stderr
        assert bobctl_from_afar(suite, port, token, "config", "revert").returncode == 0
        secret = "{type: database, url: 'postgresql://ann:hush@h/db'}"
        refused = bobctl_from_afar(suite, port, token, "config", "set", "data_sources.y", secret)
        assert refused.returncode == 2
        assert "must not hold a password" in refused.stderr
        assert "hush" not in refused.stderr
        assert suite.control("config", "history")["revisions"][0]["revision"] == 2

        refused = bobctl_from_afar(suite, port, token, "user", "list")
        assert (refused.returncode, "takes the role admin" in refused.stderr) == (5, True)

        audit = suite.control("audit")["entries"]
        assert [(entry["author"], entry["path"]) for entry in audit if entry["status"] == 403] == [
            ("user:ann", "/v1/users"),
            ("user:ann", "/v1/config/commit"),
        ]
        assert "hush" not in json.dumps(audit)

        token.chmod(0o644)
        open_to_all = bobctl_from_afar(suite, port, token, "status")
        assert (open_to_all.returncode, "chmod 600" in open_to_all.stderr) == (5, True)
        token.chmod(0o600)
        identity = suite.control("token", "list")["tokens"][0]["id"]
        assert suite.bobctl("token", "revoke", identity).returncode == 0
        gone = bobctl_from_afar(suite, port, token, "status")
        assert (gone.returncode, "not valid" in gone.stderr) == (5, True)
        assert token.read_text().strip() not in suite.log.read_text()


def test_of_two_people_who_change_the_same_the_second_is_told_what_the_first_did_and_goes_on():
    with served() as (suite, port):
        token = suite.directory / "token"
        assert suite.bobctl("user", "add", "ann", "--role", "configure", "--no-password").returncode == 0
        assert suite.bobctl("token", "add", "--user", "ann", "--file", str(token)).returncode == 0
        assert suite.bobctl("config", "set", "auth.udp_size", "1400").returncode == 0
        assert bobctl_from_afar(suite, port, token, "config", "set", "auth.udp_size", "4000").returncode == 0
        assert bobctl_from_afar(suite, port, token, "config", "commit", "-m", "bigger answers").returncode == 0
        refused = suite.bobctl("config", "commit")
        assert refused.returncode == 4
        assert "by user:ann: bigger answers" in refused.stderr
        assert "You change the same:" in refused.stderr
        assert suite.control("config", "get", "auth.udp_size") == 4000
        overlap = suite.bobctl("config", "rebase")
        assert (overlap.returncode, "revert your changes, or undo those" in overlap.stderr) == (4, True)
        for words in (("revert",), ("set", "auth.udp_size", "1400"), ("commit",)):
            assert suite.bobctl("config", *words).returncode == 0
        assert suite.control("config", "get", "auth.udp_size") == 1400


def processor_seconds(pid):
    """What the threads of a process have used (proc(5), schedstat)."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


@contextlib.contextmanager
def connected(suite, port):
    """A connection to the UNIX socket where `port` is None, else to the port."""
    if port is None:
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(DEADLINE)
            plain.connect(str(suite.run / "control.sock"))
            yield plain
        return
    context = ssl.create_default_context(cafile=str(suite.state / "rest.crt"))
    with (
        socket.create_connection(("127.0.0.1", port), DEADLINE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        yield tls


def said(suite, port, head):
    """The status of the answer; 0 where the connection ended without one that can be read."""
    data = b""
    with connected(suite, port) as connection, contextlib.suppress(ConnectionError, ssl.SSLError):
        connection.sendall(head)
        while b"\r\n\r\n" not in data and (piece := connection.recv(65536)):
            data += piece
    return int(data.split()[1]) if data else 0


def test_no_request_of_a_stranger_keeps_the_door_from_others():
    """V64, V71: paths up to the limit, whose text is hostile to who looks for secrets in it, and heads far beyond."""
    with served() as (suite, port):
        cmdctl = suite.pid("cmdctl/0")
        before = processor_seconds(cmdctl)
        for path in ("a" * 15_000, "a://" * 3750, "a://b:" * 2500, "secret" * 2500):
            for _ in range(5):
                assert said(suite, port, f"GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()) == 401
            local = f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n".encode()
            assert said(suite, None, local) == 403
        for door in (port, None):
            for head in (
                b"GET /" + b"a" * 24_000 + b" HTTP/1.1\r\n",
                b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000 + b"\r\n",
            ):
                assert said(suite, door, head + b"Host: localhost\r\n\r\n") in (413, 0)
        assert processor_seconds(cmdctl) - before < 3  # each of the paths took a second, and the heads more
        assert suite.pid("cmdctl/0") == cmdctl
        assert len(max(suite.log.read_text().splitlines(), key=len)) < 4096


def test_a_customer_changes_the_configuration_of_their_zones_and_nothing_else():
    with served() as (suite, port):
        suite.bobctl("user", "add", "ann", "--role", "configure", "--no-password")
        assert suite.loadzone("example.org", small_zone()).returncode == 0
        paths = {}
        for name, role in (("all", "configure"), ("mine", "configure"), ("look", "read")):
            paths[name] = suite.directory / name
            zones = [] if name == "all" else ["--zone", "example.org", "--zone", "example.net"]
            made = suite.bobctl("token", "add", "--user", "ann", "--role", role, *zones, "--file", str(paths[name]))
            assert made.returncode == 0, made.stderr

        def done(token, *words, status=0):
            found = bobctl_from_afar(suite, port, paths[token], *words)
            assert found.returncode == status, (words, found.stdout, found.stderr)
            return found.stdout + found.stderr

        done("all", "config", "set", "auth.udp_size", "1400")  # of the same user, and not yet committed
        done("mine", "config", "set", "zones[example.org].query_acl", "[{action: REJECT}]")
        assert "udp_size" not in done("mine", "config", "diff")
        told = done("mine", "config", "set", "zones[bank.example].query_acl", "[{action: REJECT}]", status=5)
        assert "zones.bank.example.query_acl: not permitted; only the configuration of these zones is: " in told
        assert "example.net, example.org" in told
        done("look", "config", "set", "zones[example.org].statistics", "true", status=5)
        for order in ("history", "export"):
            done("mine", "config", order, status=5)
        done("mine", "config", "check")
        told = done("mine", "config", "commit", "-m", "mine", "--wait")
        assert "revision 2 is in effect" in told
        done("mine", "call", "memmgr", "rebuild", "origin=example.org", "--wait")
        done("mine", "zone", "reload", "example.org", "--wait")
        done("mine", "zone", "reload", "bank.example", "--wait", status=5)
        assert "REJECT" in done("look", "config", "get", "zones[example.org].query_acl")
        assert "udp_size" not in done("look", "config", "show")
        assert "is the newest" in done("all", "config", "diff")  # which waits for its rebase, as for anybody's commit

        tokens = suite.control("token", "list")["tokens"]
        mine = next(token["id"] for token in tokens if token["zones"] and token["role"] == "configure")
        newest = suite.control("config", "history")["revisions"][0]
        assert (newest["author"], newest["reason"]) == (f"user:ann/{mine}", "mine")
        audit = suite.control("audit")["entries"]
        refused = {entry["path"]: entry for entry in audit if entry["status"] == 403 and entry["token"] == mine}
        assert set(refused) == {
            "/v1/config/set",
            "/v1/config/history",
            "/v1/config/export",
            "/v1/zones/bank.example/reload",
        }
        assert refused["/v1/config/set"]["text"].startswith("zones.bank.example.query_acl: not permitted")
        assert any(entry["token"] == mine and entry["revision"] == newest["revision"] for entry in audit)

        done("mine", "config", "set", "zones[example.org].statistics", "true")
        assert suite.bobctl("token", "revoke", mine).returncode == 0
        candidates = suite.control("call", "cfgmgr", "status")["candidates"]
        assert candidates == ["user:ann"]  # nobody could have committed that of the token any more


def test_tokens_outlive_cmdctl_and_its_death_costs_no_query():
    with served() as (suite, port):
        token = suite.directory / "token"
        suite.bobctl("user", "add", "robot", "--role", "read", "--no-password")
        suite.bobctl("token", "add", "--user", "robot", "--file", str(token))
        components = suite.control()["components"]
        os.kill(next(one["pid"] for one in components if one["component"] == "cmdctl"), signal.SIGKILL)
        assert suite.answers(timeout=QUERY_TIMEOUT)
        wait_until(
            lambda: bobctl_from_afar(suite, port, token, "status").returncode == 0,
            DEADLINE,
            "the next cmdctl knows the token",
        )


def test_a_port_that_is_taken_keeps_nobody_from_starting_and_is_taken_when_it_is_free():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with Suite(arguments=["--rest", f"127.0.0.1@{port}"]) as suite:
            suite.start()
            found = wait_until(lambda: rest(suite)["reason"], DEADLINE, "the reason is told")
            assert "Address already in use" in found
            assert rest(suite)["state"] == "failing"
            suite.says("CMDCTL_REST_CLOSED")
            holder.close()
            wait_until(lambda: rest(suite)["state"] == "open", DEADLINE, "REST opens by itself")


def test_the_address_changes_at_run_time_as_a_whole():
    with Suite(config="cmdctl: {rest: 'off'}\n", rest_off=False) as suite:
        suite.start()
        port = free_port()
        assert suite.bobctl("config", "set", "cmdctl.rest", f"127.0.0.1@{port}").returncode == 0
        assert suite.bobctl("config", "commit").returncode == 0
        wait_until(lambda: rest(suite)["state"] == "open", DEADLINE, "REST opened")
        with socket.create_server(("127.0.0.1", 0)) as holder:
            taken = f"127.0.0.1@{holder.getsockname()[1]}"
            assert suite.bobctl("config", "set", "cmdctl.rest", taken).returncode == 0
            refused = suite.bobctl("config", "commit")
            assert (refused.returncode, "cannot listen" in refused.stderr) == (5, True)
        assert rest(suite) == {"endpoint": f"127.0.0.1@{port}", "state": "open", "reason": ""}


def test_a_certificate_that_is_replaced_on_disk_is_used_without_a_restart(tmp_path):
    certificate, key = make_certificate(tmp_path)
    config = f"cmdctl: {{certificate: {certificate}, key: {key}}}\n"
    port = free_port()
    with Suite(config=config, arguments=["--rest", f"127.0.0.1@{port}"]) as suite:
        suite.start()
        wait_until(lambda: rest(suite)["state"] == "open", DEADLINE, "REST is open")
        old, process = shown_certificate(port), suite.pid("cmdctl/0")
        assert old == certificate.read_text()

        key.write_text("no key at all\n")
        suite.says("CMDCTL_CERTIFICATE_UNUSABLE")
        assert shown_certificate(port) == old
        assert "the new certificate is not used" in rest(suite)["reason"]
        assert f"rest at 127.0.0.1@{port}: the new certificate is not used" in suite.bobctl("status").stdout

        make_certificate(tmp_path)
        wait_until(lambda: shown_certificate(port) == certificate.read_text() != old, DEADLINE, "the new one is shown")
        suite.says("CMDCTL_CERTIFICATE_READ")
        assert rest(suite) == {"endpoint": f"127.0.0.1@{port}", "state": "open", "reason": ""}
        assert suite.pid("cmdctl/0") == process


def shown_certificate(port):
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)


def test_a_user_far_away_gives_themselves_another_password(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("correct horse\n")
    second.write_text("another horse\n")
    with served() as (suite, port):
        token = tmp_path / "token"
        assert suite.bobctl("user", "add", "ann", "--role", "read", "--password-file", str(first)).returncode == 0
        assert suite.bobctl("token", "add", "--user", "ann", "--file", str(token)).returncode == 0
        change = ["user", "password", "--current-file", str(first), "--password-file", str(second)]
        assert bobctl_from_afar(suite, port, token, *change).returncode == 0
        again = bobctl_from_afar(suite, port, token, *change)
        assert (again.returncode, "that is not your password" in again.stderr) == (5, True)
        assert suite.bobctl("user", "password", "ann", "--password-file", str(first)).returncode == 0
        assert bobctl_from_afar(suite, port, token, *change).returncode == 0
        entries = suite.control("audit", "--changes")["entries"]
        assert [(one["author"], one["path"], one["changed"]) for one in entries[:3] if one["status"] == 200] == [
            ("user:ann", "/v1/password", ["password"]),
            (entries[-1]["author"], "/v1/users/ann", ["password"]),
            ("user:ann", "/v1/password", ["password"]),
        ]
