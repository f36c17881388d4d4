"""TSIG in the engine: every algorithm with dnspython at the other end, every way to be refused, room for the TSIG."""

from __future__ import annotations

import itertools
import logging
import time
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.tsig
import pytest

from auth.acl import compile_acl
from auth.client import Client, Transport
from auth.keys import ALGORITHMS, Key, KeyRing
from auth.signature import FUDGE
from auth.zones import ZonePolicy, ZoneTable
from daemonkit.secretfiles import Secret
from tests.auth.world import TCP, UDP, World
from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply
from tests.kit.tsigning import BADKEY, BADSIG, BADTIME, BADTRUNC, Signed, Signer

SECRET = bytes(range(64))
BIG = "".join(f'big TXT "{index:03}{"x" * 90}"\n' for index in range(30))
ZONE = f"@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\n{BIG}"
SIGNER = Signer("Key.Example.", SECRET)


def key(name: str = "key.example.", algorithm: str = "hmac-sha256", *, shortest: int | None = None) -> Key:
    known = ALGORITHMS[algorithm]
    return Key(dns.name.from_text(name), known, Secret(SECRET), known.full if shortest is None else shortest)


def world(*keys: Key, rules: object = None) -> World:
    table = ZoneTable() if rules is None else ZoneTable({}, ZonePolicy(compile_acl(rules)))
    return World({"example.": ZONE}, table=table, keys=KeyRing(keys or [key()]))


def exchange(here: World, request: bytes, client: Client = UDP) -> bytes:
    reply = here.engine.respond(request, client)
    assert reply is not None
    return reply


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_dnspython_and_we_verify_each_other(algorithm):
    here = world(key(algorithm=algorithm))
    query = dns.message.make_query("www.example.", "A")
    query.use_tsig({dns.name.from_text("key.example."): dns.tsig.Key("key.example.", SECRET, algorithm)})
    wire = query.to_wire()
    reply = dns.message.from_wire(exchange(here, wire), keyring=query.keyring, request_mac=query.mac)
    assert reply.had_tsig
    assert (reply.rcode(), len(reply.answer)) == (dns.rcode.NOERROR, 1)
    assert here.counted()["response.tsig"] == here.counted()["qrysuccess"] == 1
    assert "request.badsig" not in here.counted()


def test_the_reply_tells_our_time_and_fudge():
    request = SIGNER.sign(packet.query("www.example."), at=int(time.time()) - 200, fudge=250)
    signed = SIGNER.check(exchange(world(), request), request)
    assert abs(signed.time - time.time()) < 60
    assert (signed.fudge, signed.error, signed.other) == (FUDGE, 0, b"")


def test_an_unsigned_request_gets_an_unsigned_reply():
    assert Signed.read(exchange(world(), packet.query("www.example."))) is None


def test_a_request_that_was_forwarded_under_another_id_is_verified_under_its_own():
    request = SIGNER.sign(packet.query("www.example.", ident=7), ident=0xBEEF)
    message = SIGNER.sign(packet.query("www.example.", ident=7), ident=0xBEEF)
    reply = exchange(world(), message)
    assert SIGNER.check(reply, request).ident == 0xBEEF
    assert Reply.read(reply).ident == 7


def _sent(mac: str, moment: int, algorithm: str, signer: Signer, error: int) -> bytes:
    how: dict[str, dict[str, Any]] = {
        "right": {},
        "zero": {"mac": bytes(32)},
        "other": {"mac": b"\1" * 32},
        "empty": {"mac": b""},
        "cut": {"cut": 20},
        "cut wrong": {"mac": b"\1" * 20},
        "too short": {"cut": 15},
        "too long": {"longer": b"\0"},
    }
    return signer.sign(
        packet.query("www.example."), at=int(time.time()) + moment, error=error, algorithm=algorithm, **how[mac]
    )


CELLS = list(
    itertools.product(
        ["right", "zero", "other", "empty", "cut", "cut wrong", "too short", "too long"],
        [0, -301 - 60, 301 + 60, -(2**30), 2**40],
        ["hmac-sha256", "hmac-sha512", "hmac-md5.sig-alg.reg.int", "."],
        ["Key.Example.", "other."],
        [0, BADTIME],
    )
)


def test_of_all_ways_to_sign_exactly_one_is_taken():
    """Key, algorithm, MAC, time and error field, each right and wrong: V30 of the known attacks on TSIG."""
    here = world(rules=[{"action": "ACCEPT", "key": "key.example"}])
    good = []
    for mac, moment, algorithm, name, error in CELLS:
        signer = Signer(name, SECRET)
        algorithm = "" if algorithm == "." else algorithm
        wire = _sent(mac, moment, algorithm or "x", signer, error)
        reply = Reply.read(exchange(here, wire))
        if reply.rcode == "NOERROR":
            good.append((mac, moment, algorithm, name, error))
        else:
            assert reply.rcode in ("NOTAUTH", "FORMERR")
            assert reply.answer == []
    assert good == [("right", 0, "hmac-sha256", "Key.Example.", 0)]


@pytest.mark.parametrize(
    ("sign", "error", "is_signed"),
    [
        (lambda query: Signer("other.", SECRET).sign(query), BADKEY, False),
        (lambda query: Signer("key.example.", SECRET, "hmac-sha512").sign(query), BADKEY, False),
        (lambda query: Signer("key.example.", b"other").sign(query), BADSIG, False),
        (lambda query: SIGNER.sign(query, at=1_000_000), BADTIME, True),
        (lambda query: SIGNER.sign(query, cut=16), BADTRUNC, True),
    ],
    ids=["unknown key", "other algorithm", "other secret", "long ago", "cut"],
)
def test_errors_have_their_form(sign, error, is_signed, caplog):
    here = world()
    request_ = sign(packet.query("www.example."))  # now: it is good for five minutes
    with caplog.at_level(logging.WARNING):
        wire = exchange(here, request_)
    reply, signed, asked = Reply.read(wire), Signed.read(wire), Signed.read(request_)
    assert signed is not None
    assert asked is not None
    assert (reply.rcode, reply.answer) == ("NOTAUTH", [])
    assert (signed.error, signed.key, signed.time, signed.fudge) == (error, asked.key, asked.time, asked.fudge)
    assert (signed.mac != b"") is is_signed
    if is_signed:
        SIGNER.check(wire, request_)
    if error == BADTIME:
        assert abs(int.from_bytes(signed.other) - time.time()) < 60
        assert len(signed.other) == 6
    else:
        assert signed.other == b""
    name = {BADKEY: "badkey", BADSIG: "badsig", BADTIME: "badtime", BADTRUNC: "badtrunc"}[error]
    assert (here.counted()["request.badsig"], here.counted()[f"tsig.{name}"]) == (1, 1)
    assert "qrynoauthans" not in here.counted()
    assert f": {name.upper()}" in caplog.text


def test_how_short_a_mac_may_be_is_the_key_s_own_matter():
    here = world(key(shortest=20))
    assert Reply.read(exchange(here, SIGNER.sign(packet.query("www.example."), cut=20))).rcode == "NOERROR"
    cut = SIGNER.sign(packet.query("www.example."), cut=19)
    assert SIGNER.check(exchange(here, cut), cut).error == BADTRUNC


@pytest.mark.parametrize("length", [0, 1, 9, 10, 15, 33, 64])
def test_a_mac_no_algorithm_makes_is_a_format_error(length):
    here = world()
    mac = (b"\0" * length)[:length]
    reply = Reply.read(exchange(here, SIGNER.sign(packet.query("www.example."), mac=mac)))
    assert (reply.rcode, reply.counts) == ("FORMERR", (1, 0, 0, 0))
    assert here.counted()["request.badsig"] == 1


def test_every_octet_that_is_changed_is_noticed():
    here = world(rules=[{"action": "ACCEPT", "key": "key.example"}])
    good = SIGNER.sign(packet.query("www.example.", additional=[packet.opt()]))
    start = Signed.read(good).start  # type: ignore[union-attr]
    for at in range(2, start):  # the ID is not covered: the original one is
        changed = bytearray(good)
        changed[at] ^= 1
        reply = here.engine.respond(bytes(changed), UDP)
        assert reply is None or Reply.read(reply).rcode != "NOERROR", f"octet {at}"


def test_an_acl_takes_the_key_and_no_other():
    other = key("other.example.")
    here = world(key(), other, rules=[{"action": "ACCEPT", "key": "key.example"}])
    query = packet.query("www.example.")
    assert Reply.read(exchange(here, query)).rcode == "REFUSED"
    assert Reply.read(exchange(here, SIGNER.sign(query))).rcode == "NOERROR"
    refused = Signer("other.example.", SECRET).sign(query)
    reply = exchange(here, refused)
    assert Reply.read(reply).rcode == "REFUSED"
    Signer("other.example.", SECRET).check(reply, refused)


@pytest.mark.parametrize(
    ("query", "rcode"),
    [
        (packet.query("www.example.", additional=[packet.opt(version=1)]), "BADVERS"),
        (packet.query("other."), "REFUSED"),
        (packet.query("www.example.", "AXFR"), "FORMERR"),
        (packet.query("none.example."), "NXDOMAIN"),
        (packet.query("example.", "SOA", flags=packet.opcode(packet.UPDATE)), "REFUSED"),
        (packet.query("version.bind.", "TXT", rdclass=packet.CH), "REFUSED"),
    ],
)
def test_whatever_is_answered_a_signed_request_gets_a_signed_reply(query, rcode):
    request = SIGNER.sign(query)
    reply = exchange(world(), request)
    assert Reply.read(reply).rcode == rcode
    SIGNER.check(reply, request)


@pytest.mark.parametrize("size", [512, 1232])
def test_a_signed_reply_that_does_not_fit_is_question_opt_and_tsig(size):
    """RFC 8945 section 5.3."""
    request = SIGNER.sign(packet.query("big.example.", "TXT", additional=[packet.opt(size=size)]))
    wire = exchange(world(), request)
    reply = Reply.read(wire)
    assert (reply.rcode, reply.tc, reply.counts) == ("NOERROR", True, (1, 0, 0, 2))
    SIGNER.check(wire, request)
    whole = exchange(world(), request, TCP)
    assert len(Reply.read(whole).records[0]) == 30
    SIGNER.check(whole, request)


def test_the_tsig_counts_in_the_size_of_the_reply():
    """Each size from where nothing fits to where all does: never larger than asked for, always signed."""
    sets = "".join(f'{"x" * 40}{index} TXT "{"y" * 200}" "{"y" * index}"\n' for index in range(20, 200))
    here = World({"example.": f"@ NS ns\nns A 192.0.2.1\n{sets}"}, keys=KeyRing([key()]))
    seen = set()
    for index in range(20, 200):
        request = SIGNER.sign(packet.query(f"{'x' * 40}{index}.example.", "TXT"))
        wire = exchange(here, request)
        assert len(wire) <= 512
        SIGNER.check(wire, request)
        seen.add(Reply.read(wire).tc)
    assert seen == {False, True}


def test_with_the_longest_names_a_signed_reply_still_fits():
    """MAX_KEY_NAME of auth.options keeps this promise."""
    longest = "k" * 60 + "." + "k" * 60 + "."
    signer = Signer(longest, SECRET, "hmac-sha512")
    here = World({".": ZONE}, keys=KeyRing([key(longest, "hmac-sha512")]))
    name = packet.raw_name(b"q" * 63, b"q" * 63, b"q" * 63, b"q" * 61)
    request = signer.sign(packet.query(name, additional=[packet.opt(size=512)]))
    wire = exchange(here, request)
    assert len(wire) <= 512
    signer.check(wire, request)


def test_after_the_keys_were_replaced_the_old_secret_is_bad():
    here = world()
    request = SIGNER.sign(packet.query("www.example."))
    assert Reply.read(exchange(here, request)).rcode == "NOERROR"
    here.replace_keys(KeyRing([Key(dns.name.from_text("key.example."), ALGORITHMS["hmac-sha256"], Secret(b"new"), 32)]))
    assert Reply.read(exchange(here, request)).rcode == "NOTAUTH"
    again = Signer("key.example.", b"new").sign(packet.query("www.example."))
    assert Reply.read(exchange(here, again)).rcode == "NOERROR"


def test_over_tcp_requests_are_verified_too():
    request = SIGNER.sign(packet.query("www.example."))
    client = Client("2001:db8::1", 5353, Transport.TCP)
    SIGNER.check(exchange(world(), request, client), request)


def test_keys_do_not_show_their_secrets():
    assert "\\x01\\x02" not in repr(key())
    assert "AQID" not in repr(key())
