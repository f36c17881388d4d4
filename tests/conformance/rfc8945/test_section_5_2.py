"""What a server does with a TSIG: form, key, MAC, time, truncation."""

import time

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import CUT_KEY, CUT_TO, KEY, SIGNER
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject, frame
from tests.kit.dnsreply import Reply
from tests.kit.tsigning import BADKEY, BADSIG, BADTIME, BADTRUNC, Signed, Signer

QUERY = packet.query("www.plain.test.", additional=[packet.opt()])
LONG_AGO = 1_000_000_000
OTHERS = Signer(KEY, b"another secret")
STRANGER = Signer("stranger.test.", SIGNER.secret)


def send(subject: Subject, request: bytes) -> bytes:
    reply = subject.send(request)
    assert reply is not None
    return reply


def error_of(subject: Subject, request: bytes) -> tuple[str, int, bool]:
    """The response code, the error in the TSIG, and whether that is signed."""
    reply = send(subject, request)
    signed = Signed.read(reply)
    assert signed is not None
    return Reply.read(reply).rcode, signed.error, signed.mac != b""


@line("TSG-01")
@pytest.mark.parametrize("tcp", [False, True])
def test_a_tsig_before_another_record_is_a_format_error(managed: Subject, tcp: bool):
    first = SIGNER.sign(packet.query("www.plain.test."))
    for more in (packet.opt(), packet.record("a.test.", "A", b"\1\2\3\4"), SIGNER.sign(QUERY)[len(QUERY) :]):
        message = first[:11] + bytes([first[11] + 1]) + first[12:] + more
        if tcp:
            with managed.connect() as talk:
                talk.write(frame(message))
                wire = talk.read()
            assert wire is not None
            assert Reply.read(wire).rcode == "FORMERR"
        else:
            assert Reply.read(send(managed, message)).rcode == "FORMERR"


@line("TSG-01")
@pytest.mark.parametrize("section", [3, 4])
def test_a_tsig_in_another_section_is_a_format_error(managed: Subject, section: int):
    signed = SIGNER.sign(packet.query("plain.test.", "SOA", flags=packet.opcode(packet.NOTIFY)))
    moved = bytearray(signed)
    moved[11] -= 1
    moved[2 * section + 1] += 1
    assert Reply.read(send(managed, bytes(moved))).rcode == "FORMERR"


@line("TSG-03")
def test_a_tsig_cut_anywhere_is_a_format_error(managed: Subject):
    whole = SIGNER.sign(QUERY)
    start = len(QUERY) + len(packet.name(KEY)) + 10
    for length in range(len(whole) - start):
        record = packet.record(KEY, packet.TSIG, whole[start : start + length], rdclass=packet.ANY)
        assert Reply.read(send(managed, whole[: len(QUERY)] + record)).rcode == "FORMERR", length


@line("TSG-03")
def test_a_request_that_tells_an_error_is_a_format_error(managed: Subject):
    for error in (BADSIG, BADKEY, BADTIME, BADTRUNC, 1):
        assert Reply.read(send(managed, SIGNER.sign(QUERY, error=error))).rcode == "FORMERR"


@line("TSG-05", "TSG-17")
@pytest.mark.parametrize(
    "request_",
    [STRANGER.sign(QUERY), SIGNER.sign(QUERY, algorithm="hmac-sha512"), SIGNER.sign(QUERY, algorithm="hmac-nonsense")],
    ids=["key", "another algorithm", "an unknown algorithm"],
)
def test_an_unknown_key_or_algorithm_is_badkey_unsigned(managed: Subject, request_: bytes):
    assert error_of(managed, request_) == ("NOTAUTH", BADKEY, False)


@line("TSG-06")
def test_a_wrong_mac_is_badsig_unsigned(managed: Subject):
    whole = SIGNER.sign(QUERY)
    assert error_of(managed, OTHERS.sign(QUERY)) == ("NOTAUTH", BADSIG, False)
    assert error_of(managed, SIGNER.sign(QUERY, mac=bytes(32))) == ("NOTAUTH", BADSIG, False)
    assert error_of(managed, whole.replace(b"\3www", b"\3wwv")) == ("NOTAUTH", BADSIG, False)
    for octet in range(32):  # whichever is wrong, also where the MAC is cut before it
        mac = bytearray(Signed.read(whole).mac)  # type: ignore[union-attr]
        mac[octet] ^= 0x80
        assert error_of(managed, SIGNER.sign(QUERY, mac=bytes(mac)))[1] == BADSIG


@line("TSG-07")
@pytest.mark.parametrize("length", [0, 1, 9, 10, 15, 33, 64, 300])
def test_a_mac_of_a_length_that_none_has_is_a_format_error(managed: Subject, length: int):
    assert Reply.read(send(managed, SIGNER.sign(QUERY, mac=bytes(length)))).rcode == "FORMERR"


@line("TSG-08")
@pytest.mark.parametrize("difference", [-(2**30), -400, 400, 2**40])
def test_at_another_time_it_is_badtime_signed_with_both_times(managed: Subject, difference: int):
    request = SIGNER.sign(QUERY, at=int(time.time()) + difference, fudge=301)
    wire = send(managed, request)
    assert Reply.read(wire).rcode == "NOTAUTH"
    signed, asked = SIGNER.check(wire, request), Signed.read(request)
    assert asked is not None
    assert (signed.error, signed.time, signed.fudge) == (BADTIME, asked.time, 301)
    assert len(signed.other) == 6
    assert abs(int.from_bytes(signed.other) - time.time()) < 60


@line("TSG-08")
def test_the_fudge_is_that_of_the_client(managed: Subject):
    assert Reply.read(send(managed, SIGNER.sign(QUERY, at=int(time.time()) - 400, fudge=1000))).rcode == "NOERROR"
    assert Reply.read(send(managed, SIGNER.sign(QUERY, at=int(time.time()) - 90, fudge=0))).rcode == "NOTAUTH"


@line("TSG-10")
def test_a_mac_cut_more_than_is_permitted_is_badtrunc_signed(managed: Subject):
    request = SIGNER.sign(QUERY, cut=16)
    wire = send(managed, request)
    assert Reply.read(wire).rcode == "NOTAUTH"
    assert SIGNER.check(wire, request).error == BADTRUNC


@line("TSG-10")
def test_a_mac_cut_as_far_as_is_permitted_is_taken(managed: Subject):
    signer = Signer(CUT_KEY, SIGNER.secret)
    assert Reply.read(send(managed, signer.sign(QUERY, cut=CUT_TO))).rcode == "NOERROR"
    assert error_of(managed, signer.sign(QUERY, cut=CUT_TO - 1)) == ("NOTAUTH", BADTRUNC, True)


@line("TSG-04")
def test_of_several_faults_the_first_in_order_is_told(managed: Subject):
    assert error_of(managed, STRANGER.sign(QUERY, mac=bytes(32), at=LONG_AGO))[1] == BADKEY
    assert error_of(managed, STRANGER.sign(QUERY, cut=16))[1] == BADKEY
    assert error_of(managed, OTHERS.sign(QUERY, at=LONG_AGO))[1] == BADSIG
    assert error_of(managed, OTHERS.sign(QUERY, cut=16))[1] == BADSIG
    assert error_of(managed, SIGNER.sign(QUERY, at=LONG_AGO, cut=16))[1] == BADTIME
