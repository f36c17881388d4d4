"""What a revision needs: had before it is applied, refused where it cannot be had, and done without at the start."""

from __future__ import annotations

import base64

import pytest

import datasrc
from auth import api
from daemonkit.configuration import Config
from daemonkit.errors import Rejected
from tests.auth.house import ZONE, running
from tests.auth.test_udp import client, receive
from tests.auth.world import load
from tests.kit import cookies
from tests.kit import dnspacket as packet
from tests.kit.tsigning import Signer

pytestmark = pytest.mark.asyncio


# Data sources.
async def test_other_data_sources_replace_the_old_ones(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        sock = await daemon.listen()
        other = tmp_path / "other.sqlite"
        source = datasrc.open(f"sqlite:///{other}", create=True)
        load(source, {"second.": ZONE})
        source.close()
        await daemon.configure(sources={"other": {"type": "database", "url": f"sqlite:///{other}"}})
        assert (await daemon.ask(sock, "www.example.")).rcode == "REFUSED"
        assert (await daemon.ask(sock, "www.second.")).rcode == "NOERROR"


async def test_data_sources_in_another_order_are_another_configuration(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        other = f"sqlite:///{tmp_path}/other.sqlite"
        source = datasrc.open(other, create=True)
        load(source, {"example.": "@ NS ns\nwww A 192.0.2.99\n"})
        source.close()
        first, second = {"type": "database", "url": daemon.url}, {"type": "database", "url": other}
        await daemon.configure(sources={"first": first, "second": second})
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.example.")).answer == ["www.example. 300 A 192.0.2.3"]
        await daemon.configure(sources={"second": second, "first": first})
        assert (await daemon.ask(sock, "www.example.")).answer == ["www.example. 300 A 192.0.2.99"]


async def test_a_changed_data_source_that_is_damaged_is_refused_with_its_path(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        (tmp_path / "bad.sqlite").write_bytes(b"this is no database" * 100)
        with pytest.raises(Rejected) as caught:
            await daemon.prepare(2, sources={"bad": {"type": "database", "url": f"sqlite:///{tmp_path}/bad.sqlite"}})
        assert caught.value.path == "data_sources.bad"


async def test_a_data_source_nobody_knows_is_refused(tmp_path):
    async with running(tmp_path) as daemon:
        for attempt in range(2):
            with pytest.raises(Rejected, match="no backend for 'nosuch'"):
                await daemon.prepare(2, sources={"x": {"type": "database", "url": "nosuch://x"}})
            if not attempt:
                await daemon.configure()


async def test_texts_too_long_for_the_wire_are_refused(tmp_path):
    async with running(tmp_path) as daemon:
        with pytest.raises(Rejected) as caught:
            await daemon.prepare(own={"identity": "é" * 100})
        assert caught.value.path == "auth.identity"


async def test_where_the_worker_is_away_a_changed_data_source_is_judged_here(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure(worker=True)
        (tmp_path / "bad.sqlite").write_bytes(b"this is no database" * 100)
        bad = {"bad": {"type": "database", "url": f"sqlite:///{tmp_path}/bad.sqlite"}}
        with pytest.raises(Rejected) as caught:
            await daemon.prepare(2, sources=bad, worker=True)
        assert caught.value.path == "data_sources.bad"
        await daemon.bus.member("authworker/0", None)
        (await daemon.prepare(2, sources=bad, worker=True)).discard()  # the worker says what it thinks of it


async def test_sources_that_were_opened_beside_a_worker_are_judged_and_kept_when_they_change(tmp_path, monkeypatch):
    monkeypatch.setattr("auth.worker_link.SUCCESSOR_LIMIT", 0.01)
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure(worker=True)
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.example.")).rcode == "NOERROR"
        (tmp_path / "bad.sqlite").write_bytes(b"this is no database" * 100)
        main = {"type": "database", "url": daemon.url}
        with pytest.raises(Rejected):
            bad = {"type": "database", "url": f"sqlite:///{tmp_path}/bad.sqlite"}
            await daemon.prepare(2, sources={"main": main, "bad": bad}, worker=True)
        new = {"type": "database", "url": f"sqlite:///{tmp_path}/new.sqlite"}
        await daemon.configure(sources={"main": main, "new": new}, worker=True)
        assert [one.name for one in (await daemon.call(api.Status())).sources] == ["main", "new"]
        assert (await daemon.ask(sock, "www.example.")).rcode == "NOERROR"


# Keys.
SIGNER = Signer("key.example.", b"a secret")
KEY_ONLY = {"default": {"query_acl": [{"action": "ACCEPT", "key": "key.example"}]}}


def keys_in(directory, secret: bytes = b"a secret", mode: int = 0o600, **more):
    file = directory / "key.example.secret"
    file.write_bytes(base64.b64encode(secret))
    file.chmod(mode)
    return {"key.example": {"secret_file": str(file), **more}}


async def signed(daemon, sock, signer=SIGNER) -> str:
    request = signer.sign(packet.query("www.example."))
    with client(*sock.getsockname()) as asker:
        asker.send(request)
        return (await receive(asker)).rcode


async def test_a_key_opens_what_the_acl_keeps_for_it(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure(templates=KEY_ONLY, keys=keys_in(tmp_path))
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.example.")).rcode == "REFUSED"
        assert await signed(daemon, sock) == "NOERROR"
        assert await signed(daemon, sock, Signer("other.", b"a secret")) == "NOTAUTH"


async def test_keys_and_their_files_are_replaced_at_run_time(tmp_path, caplog):
    caplog.set_level("INFO")
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure(keys=keys_in(tmp_path))
        sock = await daemon.listen()
        assert await signed(daemon, sock) == "NOERROR"
        assert "have another secret" not in caplog.text
        await daemon.configure(keys=keys_in(tmp_path, b"another"))
        assert await signed(daemon, sock) == "NOTAUTH"
        assert await signed(daemon, sock, Signer("key.example.", b"another")) == "NOERROR"
        assert "new, gone or have another secret: key.example" in caplog.text
        await daemon.configure()
        assert await signed(daemon, sock, Signer("key.example.", b"another")) == "NOTAUTH"
        assert base64.b64encode(b"another").decode() not in caplog.text


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"mode": 0o644}, "keys.key.example.secret_file"),
        ({"secret": b""}, "keys.key.example.secret_file"),
        ({"shortest_mac": 15}, "keys.key.example.shortest_mac"),
        ({"shortest_mac": 33}, "keys.key.example.shortest_mac"),
    ],
)
async def test_a_change_to_a_key_that_cannot_be_used_is_refused(tmp_path, more, path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        with pytest.raises(Rejected) as caught:
            await daemon.prepare(2, keys=keys_in(tmp_path, **more))
        assert caught.value.path == path


async def test_a_secret_shorter_than_the_hash_is_warned_of_once(tmp_path, caplog):
    async with running(tmp_path, example=ZONE) as daemon:
        keys = keys_in(tmp_path, b"x" * 20)
        await daemon.configure(keys=keys)
        assert "the secret of the key key.example is 12 octets shorter than its hash" in caplog.text
        caplog.clear()
        await daemon.configure(keys=keys, own={"identity": "here"})
        assert "shorter than its hash" not in caplog.text
        await daemon.configure(keys=keys_in(tmp_path, b"x" * 32))
        assert "shorter than its hash" not in caplog.text


async def test_a_key_name_too_long_for_512_octets_is_refused(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        (entry,) = keys_in(tmp_path).values()
        with pytest.raises(Rejected, match="123 octets"):
            await daemon.prepare(2, keys={".".join(["k" * 60] * 3): entry})


async def test_at_the_start_a_key_that_cannot_be_used_is_done_without(tmp_path, caplog):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure(keys=keys_in(tmp_path, mode=0o644))
        sock = await daemon.listen()
        assert "the key key.example cannot be used" in caplog.text
        assert await signed(daemon, sock) == "NOTAUTH"
        assert (await daemon.ask(sock, "www.example.")).rcode == "NOERROR"
        await daemon.configure(keys=keys_in(tmp_path, mode=0o644), own={"identity": "here"})
        await daemon.configure(keys=keys_in(tmp_path))
        assert await signed(daemon, sock) == "NOERROR"


async def test_another_change_does_not_lose_a_key_whose_file_is_gone(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        keys = keys_in(tmp_path)
        first = await daemon.prepare(1, keys=keys)
        first.apply()
        sock = await daemon.listen()
        values = daemon.values(keys=keys, own={"identity": "here"})
        (tmp_path / "key.example.secret").unlink()
        (await daemon.module.prepare(Config(2, values, values["auth"]))).apply()
        assert await signed(daemon, sock) == "NOERROR"


# Cookies.
def write_secret(file, octets=bytes(16), mode=0o600):
    file.write_text(base64.b64encode(octets).decode())
    file.chmod(mode)


async def ask_for_cookie(daemon, sock) -> list[bytes]:
    """The COOKIE options of a reply."""
    with client(*sock.getsockname()) as asker:
        option = packet.option(packet.COOKIE, cookies.CLIENT)
        asker.send(packet.query("www.example.", additional=[packet.opt(option)]))
        reply = await receive(asker)
    assert reply.opt is not None
    return reply.opt.values(packet.COOKIE)


async def test_cookies_are_made_with_a_kept_secret_or_those_of_files(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        sock = await daemon.listen()
        (own,) = await ask_for_cookie(daemon, sock)
        assert len(own) == 24
        assert (tmp_path / "cookies.secret").exists()
        write_secret(tmp_path / "a.secret", cookies.SECRET)
        await daemon.configure(own={"cookies": {"secret_files": [f"{tmp_path}/a.secret"]}})
        (made,) = await ask_for_cookie(daemon, sock)
        assert made == cookies.cookie("127.0.0.1", int.from_bytes(made[12:16]))
        status = await daemon.call(api.Status())
        assert status.cookies == api.CookiesServed("files", 1)
        await daemon.configure(own={"cookies": {"enabled": False}})
        assert await ask_for_cookie(daemon, sock) == []
        status = await daemon.call(api.Status())
        assert status.cookies == api.CookiesServed("off")


async def test_a_secret_of_cookies_that_cannot_be_used_is_refused_but_at_the_start(tmp_path, caplog):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        write_secret(tmp_path / "a.secret", mode=0o644)
        with pytest.raises(Rejected) as caught:
            await daemon.prepare(own={"cookies": {"secret_files": [f"{tmp_path}/a.secret"]}})
        assert caught.value.path == "auth.cookies.secret_files.0"
        assert "everybody may use it" in caught.value.reason
    (tmp_path / "cookies.secret").write_text("noise!")
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        sock = await daemon.listen()
        assert len(await ask_for_cookie(daemon, sock)) == 1
        status = await daemon.call(api.Status())
        assert status.cookies.secret == "passing"
    assert "AUTH_COOKIE_SECRET_UNUSABLE" in caplog.text
