"""Every route with every kind of credential, over TLS as a client comes: generated from the routes themselves."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import errno
import functools
import json
import socket
import sqlite3
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.requests import Request

import datasrc
from cmdctl.app import all_routes
from cmdctl.audit import MINUTE, NOTHING, Audit, Changed, Entry, Refusals, insert, is_refusal
from cmdctl.authentication import Authentication
from cmdctl.certificate import Certificate, own_certificate
from cmdctl.errors import ErrorAnswer, RequestError
from cmdctl.limits import CHECKS_AT_ONCE, MAX_CONNECTIONS, MAX_FAILURES, PASSWORDS_AT_ONCE
from cmdctl.peer import neighbourhood
from cmdctl.remote import listener_at
from cmdctl.roles import Caller, Role
from cmdctl.routes_accounts import AccountRoutes
from cmdctl.routes_config import EntryBody, PathBody, RehearseBody, ValueBody
from cmdctl.routes_modules import OWN_ROUTES
from cmdctl.routing import Operation
from cmdctl.server import TlsServer
from cmdctl.store import _STEPS, Store
from daemonkit.api import Nothing
from daemonkit.log_ring import LogLine
from daemonkit.spec import Spec, modules
from tests.cmdctl.house import house
from tests.cmdctl.test_app import filled
from tests.kit.last_lines import leave_lines

PASSWORD = "correct horse"
ZONE = "example.org"


class Remote:
    """A door on TCP in the test's own loop."""

    def __init__(self, here):
        self.here = here
        self.authentication = Authentication(here.services.accounts, here.store_pool)
        self.tokens: dict[str, str] = {}
        self.address: tuple[str, int] = ("", 0)
        self.certificate = Path()
        self.server: TlsServer

    def count(self, name):
        return self.here.services.counters.statistics()[name]

    def knows_host(self, host):
        return host in ("localhost", "127.0.0.1")

    async def caller(self, authorization, address):
        return await self.authentication.caller(authorization, address)

    async def ask(self, method, path, *headers, host="localhost", body=b"{}"):
        return await asyncio.to_thread(self._ask, method, path, headers, host, body)

    def _ask(self, method, path, headers, host, body):
        context = ssl.create_default_context(cafile=str(self.certificate))
        with (
            socket.create_connection(self.address, 20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
            if method not in ("GET", "HEAD"):
                lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
            else:
                body = b""
            tls.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            data = b""
            while piece := tls.recv(65536):
                data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), rest

    def bearer(self, name):
        return f"Authorization: Bearer {self.tokens[name]}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def remote():
    async with house() as here:
        here.load(ZONE)
        made = Remote(here)
        accounts = here.services.accounts
        assert accounts is not None
        for role in Role:
            accounts.add_user(role.word, role, PASSWORD)
            made.tokens[role.word] = accounts.add_token(role.word, role, None, "", None)[1]
        made.tokens["expired"] = accounts.add_token("admin", Role.ADMIN, None, "", 0.001)[1]
        made.tokens["other-zone"] = accounts.add_token("admin", Role.ADMIN, ("example.net",), "", None)[1]
        both = ("example.net", ZONE, "gone.example")
        made.tokens["both"] = accounts.add_token("read", Role.READ, both, "", None)[1]
        made.tokens["zone"] = accounts.add_token("admin", Role.ADMIN, (ZONE,), "", None)[1]
        here.keeping.remote = made
        made.certificate, key = own_certificate(here.directory)
        listener = listener_at("127.0.0.1", 0)
        made.address = listener.getsockname()
        context = Certificate(made.certificate, key).context
        made.server = TlsServer(here.app, listener, context, here.services.log, here.services.counters)
        await made.server.start()
        yield made
        await made.server.stop()


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class _Nothing:
    def __getattr__(self, _name):
        return None


OPERATIONS = [route for route in all_routes(_Nothing()) if isinstance(route, Operation)]  # type: ignore[arg-type]


def test_every_route_is_an_operation():
    assert len(OPERATIONS) == len(all_routes(_Nothing())) > 40  # type: ignore[arg-type]


def basic(name, password):
    return "Authorization: Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.asyncio(loop_scope="module")
class TestAccess:
    """V61."""

    async def test_without_credentials_nothing(self, remote, operation):
        await refused(remote, operation, 401)

    @pytest.mark.parametrize(
        "header",
        ["Authorization: Bearer bob_000000000000_" + "x" * 43, "Authorization: Bearer x", "Authorization: Negotiate x"],
    )
    async def test_with_bad_credentials_nothing(self, remote, operation, header):
        remote.authentication = Authentication(
            remote.here.services.accounts, remote.here.store_pool
        )  # so that none is throttled
        await refused(remote, operation, 401, header)

    async def test_with_an_expired_token_nothing(self, remote, operation):
        _, _, body = await refused(remote, operation, 401, remote.bearer("expired"))
        assert b"expired" in body

    async def test_with_too_small_a_role_nothing(self, remote, operation):
        if operation.role is Role.READ:
            pytest.skip("no role is smaller")
        smaller = Role(operation.role - 1).word
        await refused(remote, operation, 403, remote.bearer(smaller))

    async def test_with_a_token_for_another_zone_nothing(self, remote, operation):
        header = remote.bearer("other-zone")
        if operation.name in OF_THEIR_ZONES:
            remote.here.asked.clear()
            body = json.dumps({"path": "zones.example.net"}).encode() if operation.body in PATHS else b"{}"
            if operation.body is ValueBody:
                body = json.dumps({"path": "zones.example.net", "value": {}}).encode()
            if operation.body is RehearseBody:
                body = json.dumps({"edits": [{"order": "set", "path": "zones.example.net", "value": {}}]}).encode()
            path, of_cfgmgr = operation.path, operation.path.startswith("/v1/config")
            if operation.name == BEHIND:
                path, of_cfgmgr = f"{path}?revision=3", False
            status, _, _ = await remote.ask(operation.method, path, header, body=body)
            assert status == 200
            told = [arguments for member, _, arguments in remote.here.asked if member == "cfgmgr/0"]
            assert bool(told) == of_cfgmgr
            for arguments in told:  # of theirs, and from a candidate that is not their user's
                assert arguments.get("zones", ["example.net"]) == ["example.net"]
                assert arguments.get("author", AS_TOKEN).startswith(AS_TOKEN)
                assert {"zones", "author"} & arguments.keys()
        else:
            await refused(remote, operation, 403, remote.bearer("other-zone"))

    async def test_with_the_right_role_it_is_done_or_told_why_not(self, remote, operation):
        path = filled(operation.path)
        status, head, _ = await remote.ask(operation.method, path, remote.bearer(operation.role.word))
        # What the route itself says of a nonsensical request is its matter; not that somebody may not.
        assert status < 500, head
        assert status not in (401, 429), head
        if status == 403:
            assert operation.path in ("/v1/tokens", "/v1/call/{module}/{command}")


CALL = "POST /v1/call/{module}/{command}"  # of commands that name a zone
MODULE = "GET /v1/modules/{module}"  # of modules that have such commands
AS_TOKEN = "user:admin/"
# What a token for some zones may use beside the routes that have a zone in their path; all of it is about those zones.
OF_THEIR_ZONES = {
    *("GET /v1/whoami", "GET /v1/version", "GET /v1/openapi.json", "GET /v1/zones", "GET /v1/zone-names"),
    "GET /v1/modules",
    *(f"GET /v1/config{of}" for of in ("", "/complete", "/describe", "/candidate", "/entries", "/behind")),
    *(
        f"POST /v1/config/{order}"
        for order in ("set", "unset", "add", "remove", "discard", "rebase", "check", "rehearse", "commit")
    ),
}
BEHIND = "GET /v1/config/behind"  # of which bob tells
PATHS = (PathBody, EntryBody)


def test_the_document_says_what_a_token_for_some_zones_may_use():
    said = {operation.name for operation in OPERATIONS if operation.narrowed}
    assert said == OF_THEIR_ZONES | {CALL, MODULE} | {
        operation.name for operation in OPERATIONS if "{origin}" in operation.path
    }


async def refused(remote, operation, status, *headers):
    asked = len(remote.here.asked)
    found = await remote.ask(operation.method, filled(operation.path), *headers)
    assert found[0] == status
    assert json.loads(found[2])["error"]["message"]
    assert len(remote.here.asked) == asked  # nobody else heard of it
    return found


COMMANDS = [(name, command) for name in modules() for command in Spec.load(name).commands.values()]


@pytest.mark.parametrize(("module", "command"), COMMANDS, ids=[f"{name}.{each.name}" for name, each in COMMANDS])
@pytest.mark.asyncio(loop_scope="module")
async def test_every_command_is_for_the_roles_of_its_spec_and_for_no_other(remote, module, command):
    """V61."""
    here = remote.here
    here.answers.setdefault((module, command.name), Nothing())
    instance = "1" if module == "cmdctl" else "0"  # the first cmdctl is the one that is asked
    if f"{module}/{instance}" not in here.members:
        await here.member(f"{module}/{instance}")
    body = json.dumps({"instance": instance}).encode()
    under_a_name = module in OWN_ROUTES and command.changes  # through routes that tell cfgmgr who it is
    for role in Role:
        here.asked.clear()
        path = f"/v1/call/{module}/{command.name}"
        status, _, told = await remote.ask("POST", path, remote.bearer(role.word), body=body)
        asked = [(member, one) for member, one, _ in here.asked]
        if role < Role.of(command.role) or under_a_name:
            assert (status, asked) == (403, []), role
            assert under_a_name or f"takes the role {command.role}" in json.loads(told)["error"]["message"]
        else:
            assert (status, asked) == (200, [(f"{module}/{instance}", command.name)]), role


def test_the_commands_of_every_role_are_among_those():
    assert {command.role for _, command in COMMANDS} == {role.word for role in Role}
    assert len(COMMANDS) > 30


@pytest.mark.asyncio(loop_scope="module")
class TestCredentials:
    async def test_a_password_lets_in_and_another_does_not(self, remote):
        status, _, body = await remote.ask("GET", "/v1/whoami", basic("operate", PASSWORD))
        assert (status, json.loads(body)) == (
            200,
            {"author": "user:operate", "role": "operate", "token": "", "zones": None},
        )
        assert (await remote.ask("GET", "/v1/whoami", basic("operate", "wrong")))[0] == 401
        assert (await remote.ask("GET", "/v1/whoami", basic("nobody", PASSWORD)))[0] == 401

    async def test_a_token_for_a_zone_is_for_that_zone(self, remote):
        remote.here.load(ZONE)  # a test above deleted it
        assert (await remote.ask("GET", f"/v1/zones/{ZONE}", remote.bearer("zone")))[0] == 200
        assert (await remote.ask("GET", "/v1/zones/Example.ORG.", remote.bearer("zone")))[0] == 200

    async def test_a_token_for_some_zones_is_told_of_those_and_of_no_other(self, remote):
        remote.here.load(ZONE)
        remote.here.load("example.net")
        remote.here.load("example.com")

        async def asked(path, token):
            status, _, body = await remote.ask("GET", path, remote.bearer(token))
            assert status == 200
            return json.loads(body)

        async def listed(query, token):
            page = await asked(f"/v1/zones{query}", token)
            return [zone["origin"] for zone in page["zones"]], page["next"]

        assert await listed("", "zone") == ([ZONE], None)
        assert await listed("", "other-zone") == (["example.net"], None)
        assert await listed("?limit=1", "both") == (["example.net"], "example.net")
        assert await listed("?limit=1&after=example.net", "both") == ([ZONE], None)
        assert await listed("?name=example.o&state=ready", "both") == ([ZONE], None)
        assert await listed("?state=broken", "both") == ([], None)
        assert await listed("?state=shadowed", "both") == ([], None)
        assert await asked("/v1/zone-names?prefix=example", "both") == {"names": ["example.net", ZONE], "more": False}
        assert await asked("/v1/zone-names?limit=1", "both") == {"names": ["example.net"], "more": True}
        assert len((await asked("/v1/zones", "read"))["zones"]) == 3

    async def test_a_token_for_some_zones_does_not_learn_which_data_sources_there_are(self, remote):
        remote.here.load(ZONE)
        remote.here.sources["empty"] = {"type": "database", "url": f"sqlite:///{remote.here.directory}/empty.sqlite"}
        datasrc.open(remote.here.sources["empty"]["url"], create=True).close()
        try:
            for path in (f"/v1/zones/{ZONE}", f"/v1/zones/{ZONE}/check", f"/v1/zones/{ZONE}/export", "/v1/zones"):
                there = await remote.ask("GET", f"{path}?source=empty", remote.bearer("zone"))
                nowhere = await remote.ask("GET", f"{path}?source=nosuch", remote.bearer("zone"))
                assert (there[0], there[2]) == (nowhere[0], nowhere[2]), path
            assert (await remote.ask("GET", "/v1/zones?source=nosuch", remote.bearer("read")))[0] == 404
        finally:
            del remote.here.sources["empty"]

    @pytest.mark.parametrize(
        ("token", "command", "arguments", "status"),
        [
            ("mine", "memmgr/rebuild", {"origin": "Example.ORG."}, 200),
            ("mine", "memmgr/rebuild", {"origin": "example.net"}, 403),
            ("mine", "memmgr/rebuild", {"origin": ["example.org"]}, 403),
            ("mine", "memmgr/rebuild", {"zone": "example.org"}, 403),
            ("mine", "memmgr/rebuild", {}, 403),
            ("mine", "memmgr/status", {"origin": "example.org"}, 403),
            ("mine", "memmgr/reload", {}, 403),
            ("mine", "cfgmgr/show", {"path": ""}, 403),
            ("look", "memmgr/rebuild", {"origin": "example.org"}, 403),
        ],
    )
    async def test_a_token_for_some_zones_commands_those_and_no_other(self, remote, token, command, arguments, status):
        here = remote.here
        here.answers["memmgr", "rebuild"] = Nothing()
        for name, role in (("mine", Role.OPERATE), ("look", Role.READ)):
            remote.tokens[name] = here.services.accounts.add_token("admin", role, (ZONE,), "", None)[1]
        here.asked.clear()
        body = json.dumps({"arguments": arguments}).encode()
        found = await remote.ask("POST", f"/v1/call/{command}", remote.bearer(token), body=body)
        assert found[0] == status, found
        assert [(member, one) for member, one, _ in here.asked] == [("memmgr/0", "rebuild")] * (status == 200)

    async def test_a_token_for_some_zones_is_told_of_the_commands_it_can_give(self, remote):
        remote.tokens["mine"] = remote.here.services.accounts.add_token("admin", Role.OPERATE, (ZONE,), "", None)[1]
        _, _, body = await remote.ask("GET", "/v1/modules", remote.bearer("mine"))
        told = {one["module"]: one["commands"] for one in json.loads(body)["modules"]}
        assert told == {"auth": ["reload"], "memmgr": ["build_status", "rebuild"]}
        _, _, body = await remote.ask("GET", "/v1/modules/memmgr", remote.bearer("mine"))
        assert list(json.loads(body)["commands"]) == ["build_status", "rebuild"]
        for module in ("cfgmgr", "nosuch"):  # of which it can command nothing, whether it is there or not
            status, _, body = await remote.ask("GET", f"/v1/modules/{module}", remote.bearer("mine"))
            assert (status, b"about these zones only" in body, b"no module" in body) == (403, True, False)

    @pytest.mark.parametrize("command", ["show", "diff", "complete", "describe"])
    async def test_what_somebody_else_prepares_is_for_who_may_administer(self, remote, command):
        """By `call`, too: who sends a command to cfgmgr names the author."""
        more = {"form": "candidate"} if command == "show" else {} if command == "diff" else {"path": "auth"}
        for role in Role:
            for author, may in (("user:admin", role == Role.ADMIN), (f"user:{role.word}", True), ([], False)):
                remote.here.asked.clear()
                body = json.dumps({"arguments": {"author": author, **more}}).encode()
                found = await remote.ask("POST", f"/v1/call/cfgmgr/{command}", remote.bearer(role.word), body=body)
                if may or role == Role.ADMIN:
                    assert (found[0], remote.here.commands("cfgmgr/0")) == (200, [command]), (role, author)
                else:
                    assert (found[0], remote.here.commands("cfgmgr/0")) == (403, []), (role, author)
                    assert b"takes the role admin" in found[2]

    async def test_lines_of_cmdctl_are_for_who_may_see_the_audit_log(self, remote):
        """They have who asked for what and from where, and so the names of users and IDs of tokens."""
        for pid, module in enumerate(("auth", "cmdctl"), 7):
            line = LogLine(1.0, "info", f"{module}/1", "TOY_SAW", f"said by {module}")
            leave_lines(remote.here.services.last_lines, pid, f"{module}/1", line)
        for role in Role:
            status, _, body = await remote.ask("GET", "/v1/log", remote.bearer(role.word))
            named, _, _ = await remote.ask("GET", "/v1/log?module=cmdctl/1", remote.bearer(role.word))
            assert (status, b"said by auth" in body) == (200, True)
            assert (b"said by cmdctl" in body, named) == ((True, 200) if role == Role.ADMIN else (False, 403))
            silent = [one["member"] for one in json.loads(body)["silent"]]
            assert ("cmdctl" in silent) == (role != Role.ADMIN)

    async def test_who_is_wrong_too_often_is_not_listened_to(self, remote):
        remote.authentication = Authentication(remote.here.services.accounts, remote.here.store_pool)
        for _ in range(MAX_FAILURES):
            assert (await remote.ask("GET", "/v1/whoami", basic("read", "wrong")))[0] == 401
        status, _, body = await remote.ask("GET", "/v1/whoami", basic("read", PASSWORD))
        assert status == 429
        assert b"try again in" in body
        remote.authentication = Authentication(remote.here.services.accounts, remote.here.store_pool)
        assert (await remote.ask("GET", "/v1/whoami", basic("read", PASSWORD)))[0] == 200

    @pytest.mark.parametrize("host", ["evil.example", "evil.example.", "localhost.evil.example", ".", ""])
    async def test_a_name_that_is_not_ours_is_refused(self, remote, host):
        assert (await remote.ask("GET", "/v1/whoami", remote.bearer("admin"), host=host))[0] == 403

    @pytest.mark.parametrize("host", ["localhost", "localhost.", "LOCALHOST.", "localhost.:443", "127.0.0.1"])
    async def test_our_names_may_have_a_final_dot(self, remote, host):
        assert (await remote.ask("GET", "/v1/whoami", remote.bearer("admin"), host=host))[0] == 200

    async def test_a_web_page_is_refused(self, remote):
        assert (await remote.ask("GET", "/v1/whoami", remote.bearer("admin"), "Origin: https://localhost"))[0] == 403

    async def test_a_token_makes_no_token_and_a_user_only_their_own(self, remote):
        assert (await remote.ask("POST", "/v1/tokens", remote.bearer("operate")))[0] == 403
        wanted = json.dumps({"user": "admin"}).encode()
        assert (await remote.ask("POST", "/v1/tokens", basic("operate", PASSWORD), body=wanted))[0] == 403
        more = json.dumps({"role": "admin"}).encode()
        assert (await remote.ask("POST", "/v1/tokens", basic("operate", PASSWORD), body=more))[0] == 403
        status, _, body = await remote.ask("POST", "/v1/tokens", basic("operate", PASSWORD))
        made = json.loads(body)
        assert (status, made["role"], made["user"]) == (201, "operate", "operate")
        header = f"Authorization: Bearer {made['token']}"
        assert (await remote.ask("GET", "/v1/whoami", header))[0] == 200
        _, _, body = await remote.ask("GET", "/v1/tokens", basic("operate", PASSWORD))
        assert {token["user"] for token in json.loads(body)["tokens"]} == {"operate"}
        assert (await remote.ask("DELETE", f"/v1/tokens/{made['id']}", basic("operate", PASSWORD)))[0] == 200
        assert (await remote.ask("GET", "/v1/whoami", header))[0] == 401

    async def test_a_name_that_is_missing_is_not_taken_for_the_root(self, remote):
        wanted = json.dumps({"user": "admin", "zones": [""]}).encode()
        status, _, body = await remote.ask("POST", "/v1/tokens", remote.bearer("admin"), body=wanted)
        assert (status, b"a name is missing" in body) == (400, True)
        assert (await remote.ask("GET", "/v1/zones?after=", remote.bearer("read")))[0] == 400
        assert (await remote.ask("GET", "/v1/statistics/zones?after=", remote.bearer("read")))[0] == 400

    async def test_changes_and_refusals_are_in_the_audit_log_with_their_request(self, remote):
        _, head, _ = await remote.ask("POST", "/v1/reload", remote.bearer("read"))
        request = next(line for line in head.lower().split("\r\n") if line.startswith("x-request-id: ")).split()[1]
        _, _, body = await remote.ask("GET", "/v1/audit?limit=5", remote.bearer("admin"))
        entry = next(entry for entry in json.loads(body)["entries"] if entry["request"] == request)
        assert (entry["author"], entry["method"], entry["path"], entry["status"]) == (
            "user:read",
            "POST",
            "/v1/reload",
            403,
        )
        assert entry["origin"].startswith("127.0.0.1@")
        assert "takes the role operate" in entry["text"]

    async def test_a_user_who_is_removed_has_no_tokens_and_no_password(self, remote):
        admin = remote.bearer("admin")
        wanted = json.dumps({"role": "read", "password": PASSWORD}).encode()
        assert (await remote.ask("PUT", "/v1/users/gone", admin, body=wanted))[0] == 201
        assert (await remote.ask("PUT", "/v1/users/gone", admin, body=wanted))[0] == 409
        _, _, body = await remote.ask("POST", "/v1/tokens", basic("gone", PASSWORD))
        token = f"Authorization: Bearer {json.loads(body)['token']}"
        assert (await remote.ask("DELETE", "/v1/users/gone", admin))[0] == 200
        assert (await remote.ask("GET", "/v1/whoami", token))[0] == 401
        assert (await remote.ask("GET", "/v1/whoami", basic("gone", PASSWORD)))[0] == 401

    async def test_of_sources_that_fail_a_token_for_zones_is_told_the_number(self, remote):
        here = remote.here
        (here.directory / "bad.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
        here.sources["secret"] = {"type": "database", "url": f"sqlite:///{here.directory}/bad.sqlite"}
        wanted = json.dumps({"user": "admin", "zones": ["gone.example"]}).encode()
        _, _, made = await remote.ask("POST", "/v1/tokens", remote.bearer("admin"), body=wanted)
        narrowed = f"Authorization: Bearer {json.loads(made)['token']}"
        for path in ("/v1/zones", "/v1/zones/gone.example", "/v1/zones/gone.example/check"):
            _, _, full = await remote.ask("GET", path, remote.bearer("admin"))
            assert b"bad.sqlite" in full
            _, _, told = await remote.ask("GET", path, narrowed)
            assert b"1 data source cannot be read now" in told
            assert b"secret" not in told
            assert b"sqlite" not in told

    async def test_a_token_for_zones_is_told_what_it_may_wait_for(self, remote):
        """Without the others: who has a revision, and whether the image of its zone is built."""
        wanted = json.dumps({"user": "admin", "zones": ["gone.example"]}).encode()
        _, _, made = await remote.ask("POST", "/v1/tokens", remote.bearer("admin"), body=wanted)
        narrowed = f"Authorization: Bearer {json.loads(made)['token']}"
        status, _, told = await remote.ask("GET", "/v1/config/behind?revision=1000", narrowed)
        assert status == 200
        assert {"instance": "auth/0", "revision": 3} in json.loads(told)["behind"]
        for revision in ("", "?revision=0", "?revision=x"):
            assert (await remote.ask("GET", f"/v1/config/behind{revision}", narrowed))[0] == 400
        for origin, expected in (("gone.example", 200), ("other.example", 403)):
            body = json.dumps({"arguments": {"origin": origin}}).encode()
            status, _, _ = await remote.ask("POST", "/v1/call/memmgr/build_status", narrowed, body=body)
            assert status == expected
        assert (await remote.ask("POST", "/v1/call/memmgr/failures", narrowed, body=b"{}"))[0] == 403

    async def test_a_connection_without_handshake_is_not_kept(self, remote, monkeypatch):
        monkeypatch.setattr("cmdctl.server.HANDSHAKE_SECONDS", 0.05)
        before = remote.count("handshake_failures")
        with contextlib.closing(socket.create_connection(remote.address, 20)) as silent:
            assert await asyncio.to_thread(silent.recv, 1) == b""
        assert remote.count("handshake_failures") == before + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_who_holds_all_connections_and_says_nothing_keeps_nobody_out(remote):
    before = remote.count("connections_refused")
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(await connected(remote)) for _ in range(MAX_CONNECTIONS)]
        status, _, _ = await remote.ask("GET", "/v1/version", remote.bearer("read"))
        assert status == 200
        assert await asyncio.to_thread(silent[0].recv, 1) == b""  # it had waited longest
        assert remote.count("connections_refused") == before + 1
        assert len(remote.server._guests) <= MAX_CONNECTIONS


async def connected(remote):
    """A connection that the server has taken."""
    taken = len(remote.server._guests)
    made = await asyncio.to_thread(socket.create_connection, remote.address, 20)
    while len(remote.server._guests) == taken < MAX_CONNECTIONS:
        await asyncio.sleep(0)
    return made


@pytest.mark.asyncio(loop_scope="module")
async def test_a_connection_that_cannot_be_taken_is_told_and_counted_and_waits(remote, monkeypatch):
    monkeypatch.setattr("cmdctl.server.ACCEPT_AGAIN_SECONDS", 0.0)
    before = remote.count("accept_failures")
    loop = asyncio.get_running_loop()
    real, failures = loop.sock_accept, [ConnectionAbortedError(), OSError(errno.EMFILE, "Too many open files")]

    async def accept(listener):
        taken = await real(listener)
        if failures:
            taken[0].close()
            raise failures.pop(0)
        return taken

    monkeypatch.setattr(loop, "sock_accept", accept)
    for _ in range(4):  # the first may be one that was being waited for before
        with contextlib.suppress(OSError):
            await remote.ask("GET", "/v1/version", remote.bearer("read"))
    assert (await remote.ask("GET", "/v1/version", remote.bearer("read")))[0] == 200
    assert remote.count("accept_failures") == before + 2
    told = [line for line in remote.here.log.lines if line.startswith("CMDCTL_ACCEPT_FAILED")]
    assert told == ["CMDCTL_ACCEPT_FAILED a connection to REST cannot be taken: Too many open files"]


@pytest.mark.asyncio(loop_scope="module")
async def test_an_answer_does_not_wait_for_the_client_to_confirm_its_first_piece(remote):
    """Nagle's algorithm, with delayed acknowledgements at the other end, made each answer take 40 ms."""
    ask = asyncio.create_task(remote.ask("GET", "/v1/version", remote.bearer("read")))
    while not (connections := list(remote.server._state.connections)):
        await asyncio.sleep(0)
    connection = connections[0].transport.get_extra_info("socket")
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert (await ask)[0] == 200


@pytest.mark.asyncio(loop_scope="module")
async def test_strangers_do_not_lock_a_user_out_of_where_they_work(remote):
    authentication = Authentication(remote.here.services.accounts, remote.here.store_pool)
    right, wrong = (basic("read", word).partition(": ")[2] for word in (PASSWORD, "wrong"))
    await authentication.caller(right, "192.0.2.1")
    for number in range(MAX_FAILURES):
        with pytest.raises(RequestError) as caught:
            await authentication.caller(wrong, f"198.51.100.{number}")
        assert caught.value.code == "unauthenticated"
    with pytest.raises(RequestError) as caught:  # whoever guesses goes on from one address after the other
        await authentication.caller(wrong, "198.51.100.200")
    assert caught.value.code == "throttled"
    assert (await authentication.caller(right, "192.0.2.1")).user == "read"
    for _ in range(MAX_FAILURES):
        with contextlib.suppress(RequestError):
            await authentication.caller(wrong, "192.0.2.1")
    with pytest.raises(RequestError) as caught:  # an address is bounded whoever works there
        await authentication.caller(right, "192.0.2.1")
    assert caught.value.code == "throttled"


@pytest.mark.asyncio(loop_scope="module")
class TestOwnPassword:
    async def change(self, remote, header, current, new):
        wanted = json.dumps({"current": current, "password": new}).encode()
        return await remote.ask("POST", "/v1/password", header, body=wanted)

    async def test_a_user_gives_themselves_another_password(self, remote):
        remote.here.services.accounts.add_user("ann", Role.READ, PASSWORD)
        token = remote.here.services.accounts.add_token("ann", Role.READ, None, "", None)[1]
        for header in (basic("ann", PASSWORD), f"Authorization: Bearer {token}"):
            assert (await self.change(remote, header, "not this", "another horse"))[0] == 403
        status, _, body = await self.change(remote, f"Authorization: Bearer {token}", PASSWORD, "short")
        assert (status, b"8 to 1024 characters" in body) == (400, True)
        assert (await self.change(remote, f"Authorization: Bearer {token}", PASSWORD, "another horse"))[0] == 200
        assert (await remote.ask("GET", "/v1/whoami", basic("ann", PASSWORD)))[0] == 401
        assert (await remote.ask("GET", "/v1/whoami", basic("ann", "another horse")))[0] == 200
        entries = json.loads((await remote.ask("GET", "/v1/audit?author=user:ann", remote.bearer("admin")))[2])
        done = [entry for entry in entries["entries"] if entry["status"] == 200]
        assert [(entry["path"], entry["changed"]) for entry in done] == [("/v1/password", ["password"])]

    async def test_who_has_a_token_does_not_guess_the_password_with_it(self, remote):
        remote.here.services.accounts.add_user("bea", Role.READ, PASSWORD)
        token = remote.here.services.accounts.add_token("bea", Role.READ, None, "", None)[1]
        header = f"Authorization: Bearer {token}"
        for number in range(MAX_FAILURES):
            assert (await self.change(remote, header, f"guess {number}", "another horse"))[0] == 403
        assert (await self.change(remote, header, PASSWORD, "another horse"))[0] == 429

    async def test_somebody_of_the_machine_has_none(self, remote):
        with pytest.raises(ErrorAnswer, match="is no user of REST"):
            await remote.here.post("password", body={"current": PASSWORD, "password": "another horse"})


@pytest.mark.asyncio(loop_scope="module")
class TestAudit:
    async def test_a_change_is_kept_with_what_it_changed_and_no_value(self, remote):
        admin = remote.bearer("admin")
        body = json.dumps({"path": "keys[k].secret", "value": "c2VjcmV0"}).encode()
        assert (await remote.ask("POST", "/v1/config/set", admin, body=body))[0] == 200
        assert (await remote.ask("POST", "/v1/config/commit", admin))[0] == 200
        _, _, told = await remote.ask("GET", "/v1/audit?limit=2&kind=changes", admin)
        commit, edit = json.loads(told)["entries"]
        assert (commit["revision"], commit["changed"], commit["changes"]) == (4, ["auth.udp_size"], 1)
        assert (edit["revision"], edit["changed"], edit["changes"]) == (None, ["keys[k].secret"], 1)
        assert b"c2VjcmV0" not in told

    async def test_changes_and_refusals_are_told_apart(self, remote):
        assert (await remote.ask("POST", "/v1/reload", remote.bearer("read")))[0] == 403
        _, _, told = await remote.ask("GET", "/v1/audit?kind=refusals&limit=1000", remote.bearer("admin"))
        assert {entry["status"] for entry in json.loads(told)["entries"]} < set(range(400, 500))
        _, _, told = await remote.ask("GET", "/v1/audit?kind=changes&limit=1000", remote.bearer("admin"))
        assert not {entry["status"] for entry in json.loads(told)["entries"]} & {401, 403, 429}
        assert (await remote.ask("GET", "/v1/audit?kind=all", remote.bearer("admin")))[0] == 400


def entry(status=200, **more):
    return Entry(0.0, "id", "ann", "here", "", "PUT", "/v1/x", status, "", **more)


def test_refusals_push_no_change_out(tmp_path, monkeypatch):
    monkeypatch.setattr("cmdctl.audit.TRIM_EVERY", 10)
    monkeypatch.setattr("cmdctl.audit.AUDIT_ROWS", 5)
    monkeypatch.setattr("cmdctl.audit.AUDIT_REFUSALS", 3)
    with contextlib.closing(Store(tmp_path)) as store:
        audit = Audit(store)
        for number in range(4):
            audit.write(entry(changed=Changed.of([f"option{number}"], number)))
        for _ in range(16):
            audit.write(entry(status=401))
        kept = audit.page(0, 100)
        assert [one.changed.revision for one in kept if one.status == 200] == [3, 2, 1, 0]
        assert len([one for one in kept if one.status == 401]) == 3
        for _ in range(10):
            audit.write(entry())
        assert (len(audit.page(0, 100, kind="changes")), len(audit.page(0, 100, kind="refusals"))) == (5, 3)


@pytest.mark.parametrize("author", ["", "ann", "eve", "nobody"])
@pytest.mark.parametrize("kind", [None, "changes", "refusals"])
@pytest.mark.parametrize("before", [0, 1, 3, 2_003])
def test_a_page_of_the_audit_log_looks_at_no_more_than_it_gives(tmp_path, author, kind, before):
    """Every check of a token waits for it; one of an author, or from long ago, walked through all entries."""
    others = [dataclasses.replace(entry(), author="eve"), dataclasses.replace(entry(403), author="eve")]
    with contextlib.closing(Store(tmp_path)) as store:
        audit, looks = Audit(store), []
        with store.transaction() as connection:
            for one in (entry(), entry(403), *others * 1000, entry(), entry(401)):
                insert(connection, one)
            connection.set_progress_handler(lambda: looks.append(1), 100)  # instructions
        found = audit.page(before, 3, author, kind)
        wanted = [
            one
            for one in audit.page(0, 5_000)
            if author in ("", one.author)
            and kind in (None, "refusals" if is_refusal(one.status) else "changes")
            and (not before or one.id < before)
        ]
        assert found == wanted[:3]
        looks.clear()
        audit.page(before, 3, author, kind)
        assert len(looks) < 10  # it is more than a hundred where all entries are


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 429])
def test_nothing_that_was_turned_down_pushes_a_change_out(tmp_path, monkeypatch, status):
    monkeypatch.setattr("cmdctl.audit.TRIM_EVERY", 10)
    monkeypatch.setattr("cmdctl.audit.AUDIT_ROWS", 3)
    with contextlib.closing(Store(tmp_path)) as store:
        audit = Audit(store)
        for number in range(3):
            audit.write(entry(changed=Changed.of([], number)))
        for _ in range(27):
            audit.write(entry(status=status))
        assert [one.changed.revision for one in audit.page(0, 100, kind="changes")] == [2, 1, 0]


def test_what_was_tried_and_failed_counts_as_a_change(tmp_path):
    """It may have been done, or some of it."""
    with contextlib.closing(Store(tmp_path)) as store:
        audit = Audit(store)
        audit.write(entry(status=500))
        audit.write(entry(status=503))
        assert [one.status for one in audit.page(0, 100, kind="changes")] == [503, 500]
        assert audit.page(0, 100, kind="refusals") == []


@pytest.mark.asyncio(loop_scope="module")
async def test_of_too_many_refusals_the_number_is_kept(remote, monkeypatch):
    """Of strangers by origin, of a token that may only read by its author; no change is among them."""
    clock = Clock()
    recorder = remote.here.app.recorder
    monkeypatch.setattr(recorder, "refusals", Refusals(clock))
    monkeypatch.setattr("cmdctl.recording.KNOWN_REFUSALS_A_MINUTE", 4)
    monkeypatch.setattr(Refusals.tell, "__defaults__", (3,))
    counted = remote.count("refusals_left_out")

    async def kept(kind):
        _, _, body = await remote.ask("GET", f"/v1/audit?limit=9&kind={kind}", remote.bearer("admin"))
        return json.loads(body)["entries"]

    changes = await kept("changes")
    for _ in range(6):
        assert (await remote.ask("POST", "/v1/nothing", remote.bearer("read")))[0] == 404
        assert (await remote.ask("PATCH", "/v1/reload", remote.bearer("read")))[0] == 405
        assert (await remote.ask("POST", "/v1/reload"))[0] == 401
    assert [one["path"] for one in await kept("refusals")][:7].count("/v1/reload") == 5
    assert remote.count("refusals_left_out") == counted + 12 - 4 + 6 - 3
    clock.now += MINUTE
    (told, *_) = await kept("refusals")
    assert (told["origin"], told["text"].split()[:4]) == ("user:read and 1 more", ["11", "more", "requests", "were"])
    assert any(line.startswith("CMDCTL_REFUSALS_LEFT_OUT 11 more") for line in remote.here.log.lines)
    assert (await kept("refusals"))[0] == told  # once
    assert await kept("changes") == changes


def test_of_many_changes_the_first_are_named_and_all_are_counted():
    changed = Changed.of([f"{number}" + "x" * 10_000 for number in range(60)])
    assert (len(changed.names), changed.count, max(map(len, changed.names))) == (50, 60, 2048)


def test_a_store_of_the_first_release_is_taken_over(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "cmdctl.sqlite")) as old:
        for statement in filter(str.strip, _STEPS[0].split(";\n")):
            old.execute(statement)
        told = "INSERT INTO audit (time, request, author, origin, token, method, path, status, text)"
        for status in (200, 401, 404, 500):
            old.execute(f"{told} VALUES (1.0, 'r', 'ann', 'o', '', 'PUT', '/v1/x', {status}, 'w')")
        old.execute("PRAGMA user_version = 1")
        old.commit()
    with contextlib.closing(Store(tmp_path)) as store:
        assert [(one.status, one.changed) for one in Audit(store).page(0, 10)] == [
            *((status, NOTHING) for status in (500, 404, 401, 200))
        ]
        assert [one.status for one in Audit(store).page(0, 10, kind="refusals")] == [404, 401]


def test_an_ipv6_host_does_not_get_new_tries_with_each_of_its_addresses():
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:2") != neighbourhood("2001:db8:0:1::1")
    assert neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("fe80::1%eth0") == neighbourhood("fe80::2%eth0")


@pytest.mark.asyncio(loop_scope="module")
async def test_far_away_nothing_is_done_that_cannot_be_kept_in_the_audit_log(remote):
    """Over the UNIX socket what runs can be stopped all the same: tests/cmdctl/test_recording.py."""
    remote.here.asked.clear()
    with remote.here.locked():
        status, _, told = await remote.ask("POST", "/v1/components/auth/restart", remote.bearer("admin"))
    assert (status, b"cannot be kept in the audit log" in told, remote.here.asked) == (503, True, [])


@pytest.mark.asyncio(loop_scope="module")
async def test_checks_of_zones_hold_up_neither_who_comes_with_a_token_nor_a_change(remote, monkeypatch):
    """More of them than the interpreter's own pool of threads has are asked for; what has no thread is refused."""
    begun, end = threading.Semaphore(0), threading.Event()

    def check(*_arguments):
        begun.release()
        assert end.wait(60)
        raise RequestError("not-found", "looked at")

    monkeypatch.setattr("cmdctl.routes_zones._check", check)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(40) as clients:

        def ask(method, path, body=b"{}"):
            return loop.run_in_executor(clients, remote._ask, method, path, [remote.bearer("admin")], "localhost", body)

        async with asyncio.timeout(60):
            checks = [ask("GET", f"/v1/zones/{ZONE}/check") for _ in range(CHECKS_AT_ONCE)]
            for _ in range(CHECKS_AT_ONCE):
                await loop.run_in_executor(clients, begun.acquire)
            try:
                for status, _, told in await asyncio.gather(
                    *(ask("GET", f"/v1/zones/{ZONE}/check") for _ in range(30))
                ):
                    assert (status, b"busy" in told) == (503, True)
                assert (await ask("GET", "/v1/whoami"))[0] == 200
                assert (await ask("POST", "/v1/reload"))[0] == 200
                assert (await ask("POST", "/v1/tokens", b'{"user": "admin"}'))[0] == 201
            finally:
                end.set()
            assert [status for status, _, _ in await asyncio.gather(*checks)] == [404] * CHECKS_AT_ONCE
            assert (await ask("GET", f"/v1/zones/{ZONE}/check"))[0] == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_who_holds_a_token_cannot_guess_its_users_password_faster_by_guessing_at_once(remote, monkeypatch):
    here = remote.here
    here.services.accounts.add_user("guessed", Role.READ, PASSWORD)
    remote.tokens["guessed"] = here.services.accounts.add_token("guessed", Role.READ, None, "", None)[1]
    tried = []
    monkeypatch.setattr(type(here.services.accounts), "by_password", lambda _self, name, _password: tried.append(name))
    body = json.dumps({"current": "a guess", "password": "another horse"}).encode()
    header = remote.bearer("guessed")
    asks = [remote.ask("POST", "/v1/password", header, body=body) for _ in range(3 * MAX_FAILURES)]
    found = [status for status, _, _ in await asyncio.gather(*asks)]
    assert (found.count(403), found.count(429), len(tried)) == (MAX_FAILURES, 2 * MAX_FAILURES, MAX_FAILURES)


@pytest.mark.asyncio(loop_scope="module")
async def test_wrong_passwords_sent_at_once_are_counted_before_the_next_is_looked_at(remote, monkeypatch):
    tried = []
    monkeypatch.setattr(
        type(remote.here.services.accounts), "by_password", lambda _self, name, _password: tried.append(name)
    )
    authentication = Authentication(remote.here.services.accounts, remote.here.store_pool)
    header = basic("admin", "wrong").partition(": ")[2]
    asked = [authentication.caller(header, "192.0.2.1") for _ in range(5 * MAX_FAILURES)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    codes = {answer.code for answer in answers if isinstance(answer, RequestError)}
    assert codes == {"unauthenticated", "throttled"}
    assert len(tried) < MAX_FAILURES + PASSWORDS_AT_ONCE


def test_somebody_of_the_machine_is_not_taken_for_a_user_of_rest_by_the_same_name():
    request = Request({"type": "http", "state": {"caller": Caller("ann", Role.READ)}})
    with pytest.raises(RequestError) as caught:
        AccountRoutes._whose(request)
    assert caught.value.code == "refused"


@pytest.mark.parametrize(
    ("order", "body"), [("check", {}), ("commit", {}), ("rollback", {"revision": 2}), ("reload", {"apply": True})]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_cfgmgr_is_told_what_the_author_may(remote, order, body):
    ask = functools.partial(remote.ask, "POST", f"/v1/config/{order}", body=json.dumps(body).encode())
    for role in ("configure", "admin"):
        remote.here.asked.clear()
        status, _, _ = await ask(remote.bearer(role))
        assert status == 200
        told = [arguments["role"] for _, command, arguments in remote.here.asked if command == order]
        assert told == [role]
