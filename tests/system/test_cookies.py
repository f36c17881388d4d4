"""Cookies in a running suite: every instance takes those of the others, after a restart and over a roll-over."""

from __future__ import annotations

import base64
import functools
import os
import signal
from collections.abc import Iterator

import pytest

from tests.kit import dnspacket as packet
from tests.kit.cookies import CLIENT, OLD_SECRET, SECRET, cookie
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply
from tests.kit.suite import DEADLINE, Suite, wait_until
from tests.system.test_memmgr import image_of

pytestmark = pytest.mark.system
ZONE = "$TTL 300\n@ SOA ns host 1 7200 900 604800 60\n@ NS ns\nns A 192.0.2.1\n"
PORTS = 24  # asked from so many, the kernel leaves neither of two instances out but once in millions


@pytest.fixture
def requiring() -> Iterator[Suite]:
    """Two instances that answer no client whose cookie is not right."""
    config = "components: {auth: {instances: 2}}\nauth: {cookies: {required: true}}\n"
    with Suite(config=config) as suite:
        suite.start()
        assert suite.loadzone("example.", ZONE).returncode == 0
        yield suite


def ask(suite: Suite, content: bytes) -> Reply:
    """From a port of its own, so that the kernel chooses the instance."""
    return Subject(("127.0.0.1",), suite.port).ask("ns.example.", options=[packet.option(packet.COOKIE, content)])


def given(suite: Suite) -> bytes:
    """The cookie for a client that has none."""
    reply = ask(suite, CLIENT)
    assert (reply.rcode, reply.opt is not None) == ("BADCOOKIE", True)
    assert reply.opt is not None
    (content,) = reply.opt.values(packet.COOKIE)
    return content


def takes(suite: Suite, content: bytes) -> set[bool]:
    """Whether the instances that the kernel chose take a cookie."""
    rcodes = [ask(suite, content).rcode for _ in range(PORTS)]
    assert set(rcodes) <= {"NOERROR", "BADCOOKIE"}
    return {rcode == "NOERROR" for rcode in rcodes}


def counted(suite: Suite, member: str, name: str) -> int:
    """A counter of one instance."""
    return int(suite.control("call", "auth", "statistics", "--instance", member[-1])["counters"][name])


def test_instances_take_each_others_cookies_also_after_death_and_restart(requiring: Suite):
    content = given(requiring)
    assert takes(requiring, content) == {True}
    for member in ("auth/0", "auth/1"):
        valid = functools.partial(counted, requiring, member, "cookie.valid")
        wait_until(valid, what="it is counted, unless the kernel left one out")
    victim = requiring.pid("auth/0")
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: requiring.components()["auth/0"]["pid"] != victim, DEADLINE, "the spare stands in")
    wait_until(requiring.answers, DEADLINE, "it answers")
    assert takes(requiring, content) == {True}
    requiring.stop()
    requiring.start()
    assert takes(requiring, content) == {True}
    assert requiring.control("call", "auth", "status")["cookies"]["secret"] == "own"
    assert (requiring.state / "cookies.secret").stat().st_mode & 0o777 == 0o600


def has_images(suite: Suite, member: str) -> bool:
    """Whether an instance answers from images."""
    images = suite.control("call", "auth", "status", "--instance", member[-1])["images"]
    return images is not None and bool(images["used"])


def test_they_are_checked_where_images_are_answered_from(requiring: Suite):
    """Nothing of it is left to the plain implementation."""
    members = ("auth/0", "auth/1")
    wait_until(lambda: image_of(requiring, "example", 1), DEADLINE, "the zone has an image")
    for member in members:
        wait_until(functools.partial(has_images, requiring, member), DEADLINE, f"{member} has images")
    content = given(requiring)
    left = [counted(requiring, member, "left") for member in members]
    valid = sum(counted(requiring, member, "cookie.valid") for member in members)
    assert takes(requiring, content) == {True}
    taken = lambda: sum(counted(requiring, member, "cookie.valid") for member in members)  # noqa: E731
    wait_until(lambda: taken() >= valid + PORTS, what="they are counted")
    assert taken() == valid + PORTS
    assert [counted(requiring, member, "left") for member in members] == left


def commit(suite: Suite, *names: str) -> None:
    files = ", ".join(str(suite.directory / name) for name in names)
    suite.control("config", "set", "auth.cookies.secret_files", f"[{files}]")
    suite.control("config", "commit", "-m", "secrets")


def test_a_shared_secret_rolls_over_in_three_stages(requiring: Suite):
    for name, secret in (("old", OLD_SECRET), ("new", SECRET)):
        file = requiring.directory / name
        file.write_text(base64.b64encode(secret).decode())
        file.chmod(0o600)
    for names, maker, taken in (
        (["old"], OLD_SECRET, {OLD_SECRET}),
        (["old", "new"], OLD_SECRET, {OLD_SECRET, SECRET}),
        (["new", "old"], SECRET, {OLD_SECRET, SECRET}),
        (["new"], SECRET, {SECRET}),
    ):
        commit(requiring, *names)
        content = given(requiring)
        made = int.from_bytes(content[12:16])
        assert content == cookie("127.0.0.1", made, secret=maker)
        for secret in (OLD_SECRET, SECRET):
            assert takes(requiring, cookie("127.0.0.1", made, secret=secret)) == {secret in taken}


def test_a_secret_that_cannot_be_used_is_refused_with_its_place(requiring: Suite):
    file = requiring.directory / "hexadecimal"
    file.write_text(SECRET.hex())
    file.chmod(0o600)
    requiring.control("config", "set", "auth.cookies.secret_files", f"[{file}]")
    refused = requiring.bobctl("config", "commit", "-m", "a secret of BIND")
    assert refused.returncode == 5
    assert "auth.cookies.secret_files.0" in refused.stderr
    assert "it has 24 octets, and not 16: is it in hexadecimal?" in refused.stderr
    assert requiring.control("call", "auth", "status")["cookies"]["secret"] == "own"


def test_rate_limits_come_into_force_at_run_time(requiring: Suite):
    requiring.control("config", "set", "auth.rate_limit", "{enabled: true, answers: 5, slip: 1}")
    requiring.control("config", "commit", "-m", "limit")
    assert requiring.control("call", "auth", "status")["rate_limit"] == "on"
    query = packet.query("ns.example.")
    with Subject(("127.0.0.1",), requiring.port).udp() as sock:  # one port is one instance
        for _ in range(50):  # before one of the answers is read, so that they come within the same second
            sock.send(query)
        replies = [Reply.read(sock.recv(512)) for _ in range(50)]
    assert [reply.tc for reply in replies[:5]] == [False] * 5
    assert any(reply.tc for reply in replies)
    slipped = lambda: sum(counted(requiring, f"auth/{number}", "rate_limit.slipped") for number in range(2))  # noqa: E731
    wait_until(lambda: slipped() >= sum(reply.tc for reply in replies), what="they are counted")
    assert slipped() == sum(reply.tc for reply in replies)
    requiring.says("AUTH_RATE_LIMITED")
    requiring.control("config", "rollback", "1")
    assert requiring.control("call", "auth", "status")["rate_limit"] == "off"
