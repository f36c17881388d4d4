"""Every route with every kind of credential, over TLS as a client comes: generated from the routes themselves."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import json
import socket
import ssl
import time
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.requests import Request

from cfgmgr import api as cfgmgr
from cmdctl.app import all_routes
from cmdctl.authentication import Authentication
from cmdctl.certificate import Certificate, own_certificate
from cmdctl.errors import RequestError
from cmdctl.limits import MAX_CONNECTIONS, MAX_FAILURES, PASSWORDS_AT_ONCE
from cmdctl.peer import neighbourhood
from cmdctl.roles import Caller, Role
from cmdctl.routes_accounts import AccountRoutes
from cmdctl.routing import Operation
from cmdctl.server import TlsServer
from tests.cmdctl.house import house
from tests.cmdctl.test_app import filled

PASSWORD = "correct horse"
ZONE = "example.org"


class Remote:
    """A door on TCP in the test's own loop."""

    def __init__(self, here):
        self.here = here
        self.authentication = Authentication(here.services.accounts)
        self.tokens: dict[str, str] = {}
        self.address: tuple[str, int] = ("", 0)
        self.certificate = Path()

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
        made.tokens["zone"] = accounts.add_token("admin", Role.ADMIN, (ZONE,), "", None)[1]
        here.keeping.remote = made
        made.certificate, key = own_certificate(here.directory)
        listener = socket.create_server(("127.0.0.1", 0))
        made.address = listener.getsockname()
        server = TlsServer(here.app, listener, Certificate(made.certificate, key).context)
        await server.start()
        time.sleep(0.01)
        yield made
        await server.stop()


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
    async def test_without_credentials_nothing(self, remote, operation):
        await refused(remote, operation, 401)

    @pytest.mark.parametrize(
        "header",
        ["Authorization: Bearer bob_000000000000_" + "x" * 43, "Authorization: Bearer x", "Authorization: Negotiate x"],
    )
    async def test_with_bad_credentials_nothing(self, remote, operation, header):
        remote.authentication = Authentication(remote.here.services.accounts)  # so that none is throttled
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
        if operation.path in ("/v1/whoami", "/v1/version", "/v1/openapi.json"):
            status, _, _ = await remote.ask(operation.method, operation.path, remote.bearer("other-zone"))
            assert status == 200
        else:
            await refused(remote, operation, 403, remote.bearer("other-zone"))

    async def test_with_the_right_role_it_is_done_or_told_why_not(self, remote, operation):
        path = filled(operation.path)
        status, head, _ = await remote.ask(operation.method, path, remote.bearer(operation.role.word))
        # What the route itself says of a nonsensical request is its matter; not that somebody may not.
        assert status not in (401, 429, 500), head
        if status == 403:
            assert operation.path in ("/v1/tokens", "/v1/call/{module}/{command}")


async def refused(remote, operation, status, *headers):
    asked = len(remote.here.asked)
    found = await remote.ask(operation.method, filled(operation.path), *headers)
    assert found[0] == status
    assert json.loads(found[2])["error"]["message"]
    assert len(remote.here.asked) == asked  # nobody else heard of it
    return found


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
        assert (await remote.ask("GET", "/v1/zones", remote.bearer("zone")))[0] == 403

    async def test_who_is_wrong_too_often_is_not_listened_to(self, remote):
        remote.authentication = Authentication(remote.here.services.accounts)
        for _ in range(MAX_FAILURES):
            assert (await remote.ask("GET", "/v1/whoami", basic("read", "wrong")))[0] == 401
        status, _, body = await remote.ask("GET", "/v1/whoami", basic("read", PASSWORD))
        assert status == 429
        assert b"try again in" in body
        remote.authentication = Authentication(remote.here.services.accounts)
        assert (await remote.ask("GET", "/v1/whoami", basic("read", PASSWORD)))[0] == 200

    @pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", ""])
    async def test_a_name_that_is_not_ours_is_refused(self, remote, host):
        assert (await remote.ask("GET", "/v1/whoami", remote.bearer("admin"), host=host))[0] == 403

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

    async def test_a_connection_without_handshake_is_not_kept(self, remote, monkeypatch):
        with contextlib.closing(socket.create_connection(remote.address, 20)) as silent:
            assert await asyncio.to_thread(silent.recv, 1) == b""  # HANDSHAKE_SECONDS later


@pytest.mark.asyncio(loop_scope="module")
async def test_connections_that_never_shake_hands_are_bounded_and_forgotten(remote, monkeypatch):
    monkeypatch.setattr("cmdctl.server.HANDSHAKE_SECONDS", 1.0)
    before = len(list(Path("/proc/self/fd").iterdir()))
    silent = [
        await asyncio.to_thread(socket.create_connection, remote.address, 20) for _ in range(3 * MAX_CONNECTIONS // 2)
    ]
    try:
        ended = await asyncio.to_thread(silent[-1].recv, 1)  # one too many is closed at once
        assert ended == b""
        assert len(list(Path("/proc/self/fd").iterdir())) - before - len(silent) <= MAX_CONNECTIONS
        await asyncio.to_thread(silent[0].recv, 1)  # and the others when their time is over
    finally:
        for one in silent:
            one.close()
    status, _, _ = await remote.ask("GET", "/v1/version", remote.bearer("read"))
    assert status == 200


def test_an_ipv6_host_does_not_get_new_tries_with_each_of_its_addresses():
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:2") != neighbourhood("2001:db8:0:1::1")
    assert neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("fe80::1%eth0") == neighbourhood("fe80::2%eth0")


@pytest.mark.asyncio(loop_scope="module")
async def test_wrong_passwords_sent_at_once_are_counted_before_the_next_is_looked_at(remote, monkeypatch):
    tried = []
    monkeypatch.setattr(
        type(remote.here.services.accounts), "by_password", lambda _self, name, _password: tried.append(name)
    )
    authentication = Authentication(remote.here.services.accounts)
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


@pytest.mark.parametrize("path", ["components.evil", "components['e.v']", "cmdctl.group_role"])
@pytest.mark.parametrize(
    ("order", "body"), [("commit", {}), ("rollback", {"revision": 2}), ("reload", {"apply": True})]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_who_may_configure_may_not_make_themselves_admin_by_configuration(remote, monkeypatch, path, order, body):
    change = cfgmgr.Change(path, None, {"program": "/bin/sh"})
    answers = remote.here.answers
    monkeypatch.setitem(answers, ("cfgmgr", "diff"), cfgmgr.Candidate("user:configure", 3, 3, [change]))
    monkeypatch.setitem(answers, ("cfgmgr", "rollback"), cfgmgr.RolledBack(2, [change]))
    monkeypatch.setitem(answers, ("cfgmgr", "reload"), cfgmgr.Reloaded("/etc/bob/bob.yaml", [change], []))
    ask = functools.partial(remote.ask, "POST", f"/v1/config/{order}", body=json.dumps(body).encode())
    remote.here.asked.clear()
    status, _, answer = await ask(remote.bearer("configure"))
    assert status == 403
    assert path in json.loads(answer)["error"]["message"]
    assert not any(command == "commit" or arguments.get("apply") for _, command, arguments in remote.here.asked)
    status, _, _ = await ask(remote.bearer("admin"))
    assert status == 200
