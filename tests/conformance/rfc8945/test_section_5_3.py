"""Signed replies."""

import time

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import KEYS, SIGNER
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject, frame
from tests.kit.dnsreply import Reply
from tests.kit.tsigning import BADKEY, Signed, Signer


def exchange(subject: Subject, request: bytes, *, tcp: bool) -> bytes:
    if not tcp:
        reply = subject.send(request)
    else:
        with subject.connect() as talk:
            talk.write(frame(request))
            reply = talk.read()
    assert reply is not None
    return reply


@line("TSG-11", "TSG-15")
@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("tcp", [False, True])
def test_every_algorithm_signs_the_reply_as_the_request(managed: Subject, name: str, tcp: bool):
    signer = Signer(name, SIGNER.secret, KEYS[name]["algorithm"])
    request = signer.sign(packet.query("www.plain.test.", additional=[packet.opt()]))
    wire = exchange(managed, request, tcp=tcp)
    assert Reply.read(wire).rcode == "NOERROR"
    signed = signer.check(wire, request)
    assert (signed.algorithm, len(signed.mac)) == (packet.name(f"{signer.algorithm}."), signer.size)


@line("TSG-15")
def test_md5_is_not_known(managed: Subject):
    signer = Signer("hmac-md5.keys.test.", SIGNER.secret, "hmac-md5")
    request = signer.sign(packet.query("www.plain.test."), algorithm="hmac-md5.sig-alg.reg.int")
    signed = Signed.read(exchange(managed, request, tcp=False))
    assert signed is not None
    assert signed.error == BADKEY


@line("TSG-11")
@pytest.mark.parametrize(
    ("query", "rcode"),
    [
        (packet.query("www.plain.test."), "NOERROR"),
        (packet.query("none.plain.test."), "NXDOMAIN"),
        (packet.query("www.sub.plain.test."), "NOERROR"),
        (packet.query("elsewhere.invalid."), "REFUSED"),
        (packet.query("www.closed.test."), "REFUSED"),
        (packet.query("www.empty.test."), "SERVFAIL"),
        (packet.query("www.plain.test.", "MAILB"), "NOTIMP"),
        (packet.query("www.plain.test.", "TKEY"), "FORMERR"),
        (packet.query("www.plain.test.", additional=[packet.opt(version=1)]), "BADVERS"),
        (packet.query("plain.test.", "SOA", flags=packet.opcode(packet.NOTIFY)), "REFUSED"),
        (packet.query("plain.test.", "SOA", flags=packet.opcode(packet.UPDATE)), "REFUSED"),
    ],
)
def test_whatever_the_answer_it_is_signed_where_the_request_was(managed: Subject, query: bytes, rcode: str):
    request = SIGNER.sign(query)
    wire = exchange(managed, request, tcp=False)
    assert Reply.read(wire).rcode == rcode
    SIGNER.check(wire, request)
    plain = exchange(managed, query, tcp=False)
    assert Reply.read(plain).rcode == rcode
    assert Signed.read(plain) is None


@line("TSG-12")
@pytest.mark.parametrize("name", ["t600.big.test.", "t800.big.test.", "t2000.big.test.", "t60000.big.test."])
@pytest.mark.parametrize("additional", [[], [packet.opt(size=512)]])
def test_what_does_not_fit_is_question_and_tsig(managed: Subject, name: str, additional: list[bytes]):
    request = SIGNER.sign(packet.query(name, "TXT", additional=additional))
    wire = exchange(managed, request, tcp=False)
    reply = Reply.read(wire)
    assert len(wire) <= 512
    assert (reply.rcode, reply.tc, reply.counts) == ("NOERROR", True, (1, 0, 0, 1 + len(additional)))
    SIGNER.check(wire, request)
    whole = exchange(managed, request, tcp=True)
    assert not Reply.read(whole).tc
    SIGNER.check(whole, request)


@line("TSG-12")
def test_what_would_fit_without_its_tsig_gives_way_to_it(managed: Subject):
    """The same answer, unsigned, has room."""
    query = packet.query("t400.big.test.", "TXT")
    plain = exchange(managed, query, tcp=False)
    assert not Reply.read(plain).tc
    assert len(plain) > 512 - 100
    request = SIGNER.sign(query)
    wire = exchange(managed, request, tcp=False)
    assert (Reply.read(wire).tc, Reply.read(wire).counts) == (True, (1, 0, 0, 1))
    SIGNER.check(wire, request)


@line("TSG-11")
def test_a_pipeline_of_signed_and_unsigned_requests_is_answered_each_in_its_way(managed: Subject):
    requests = [packet.query("www.plain.test.") for _ in range(6)]
    requests = [SIGNER.sign(one) if index % 2 else one for index, one in enumerate(requests)]
    with managed.connect() as talk:
        talk.write(b"".join(frame(one) for one in requests))
        replies = {wire[:2]: wire for wire in (talk.read() for _ in requests) if wire is not None}
    for index, request in enumerate(requests):
        wire = replies[request[:2]]
        if index % 2:
            SIGNER.check(wire, request)
        else:
            assert Signed.read(wire) is None


@line("TSG-19")
def test_our_time_is_now_and_our_fudge_five_minutes(managed: Subject):
    request = SIGNER.sign(packet.query("www.plain.test."), fudge=1000, at=int(time.time()) - 500)
    signed = SIGNER.check(exchange(managed, request, tcp=False), request)
    assert abs(signed.time - time.time()) < 60
    assert signed.fudge == 300
