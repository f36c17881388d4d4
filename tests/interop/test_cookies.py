"""Cookies with the servers and clients of others: each server takes those of every other that has the same secret, and
dig and kdig get an answer out of a server that requires them.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.loading import run_loadzone
from tests.kit import dnspacket as packet
from tests.kit.cookies import CLIENT, SECRET, cookie
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply
from tests.kit.launch_auth import AuthProcess
from tests.kit.peers import BIND, LOOPBACK, NSD, Knot

pytestmark = pytest.mark.system
ZONE = "$TTL 300\n@ SOA ns host 1 7200 900 604800 60\n@ NS ns\nns A 192.0.2.1\n"


class CookieNSD(NSD):
    def config(self, port: int) -> str:
        cookies = f'server:\n  answer-cookie: yes\n  cookie-secret: "{SECRET.hex()}"\n'
        return super().config(port).replace("server:\n", cookies, 1)


class CookieKnot(Knot):
    def config(self, port: int) -> str:
        module = f"mod-cookies:\n  - id: default\n    secret: 0x{SECRET.hex()}\ntemplate:\n"
        config = super().config(port).replace("template:\n", module, 1)
        return config.replace(
            "  - id: default\n    storage", "  - id: default\n    module: mod-cookies/default\n    storage"
        )


class CookieBIND(BIND):
    def config(self, port: int) -> str:
        cookies = f'options {{ cookie-secret "{SECRET.hex()}"; require-server-cookie yes; '
        return super().config(port).replace("options { ", cookies, 1)


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("zone") / "example.zone"
    file.write_text(ZONE)
    return file


@pytest.fixture(scope="module")
def ours(zone: Path) -> Iterator[Subject]:
    """This suite, with the secret that all have; it requires cookies."""
    database = f"sqlite:///{zone.parent / 'zones.sqlite'}"
    done = run_loadzone(database, "example.", str(zone))
    assert done.returncode == 0, done.stderr
    process = AuthProcess(
        database, listen=(LOOPBACK,), settings={"cookies": {"required": True}}, cookie_secrets=[SECRET.hex()]
    )
    yield process.subject
    process.stop()


def ask(server: Subject, content: bytes) -> tuple[Reply, bytes]:
    """The reply to a query with a cookie, and the cookie in it."""
    reply = server.ask("ns.example.", options=[packet.option(packet.COOKIE, content)])
    assert reply.opt is not None
    (given,) = reply.opt.values(packet.COOKIE)
    return reply, given


def is_taken(server: Subject, content: bytes) -> bool:
    """Servers that do not require cookies send back the one they take, and another one in place of one they do not."""
    reply, given = ask(server, content)
    assert reply.rcode in ("NOERROR", "BADCOOKIE")
    wrong, _ = ask(server, CLIENT + bytes(16))
    return reply.rcode == "NOERROR" and (wrong.rcode == "BADCOOKIE" or given == content)


@pytest.mark.parametrize("maker", [CookieNSD, CookieKnot, CookieBIND], ids=["nsd", "knot", "bind"])
def test_servers_with_one_secret_take_each_others_cookies(ours: Subject, zone: Path, tmp_path: Path, maker):
    if not maker.is_installed():
        pytest.skip(f"{maker.program} is not installed")
    with maker(tmp_path, {"example.": zone}) as port:
        theirs = Subject((LOOPBACK,), port)
        _, made_by_us = ask(ours, CLIENT)
        _, made_by_them = ask(theirs, CLIENT)
        assert is_taken(theirs, made_by_us)
        assert is_taken(ours, made_by_them)
        of_another = cookie(LOOPBACK, time.time(), secret=bytes(16))
        assert not is_taken(theirs, of_another)
        assert not is_taken(ours, of_another)


@pytest.mark.skipif(shutil.which("dig") is None, reason="dig is not installed")
def test_dig_asks_again_with_the_cookie_it_was_given(ours: Subject):
    command = ["dig", f"@{LOOPBACK}", "-p", str(ours.port), "+cookie", "+tries=1", "ns.example.", "A"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert "BADCOOKIE, retrying" in said
    assert "192.0.2.1" in said
    assert "(good)" in said


@pytest.mark.skipif(shutil.which("kdig") is None, reason="kdig is not installed")
def test_kdig_asks_again_with_the_cookie_it_was_given(ours: Subject):
    command = ["kdig", f"@{LOOPBACK}", "-p", str(ours.port), "+cookie", "+badcookie", "ns.example.", "A"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert "192.0.2.1" in said
    assert "status: NOERROR" in said
