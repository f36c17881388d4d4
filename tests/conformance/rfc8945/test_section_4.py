"""The record, and what its MAC covers."""

import struct

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import KEY, SIGNER
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply
from tests.kit.tsigning import Signed, Signer, with_records

QUERY = packet.query("www.plain.test.")


def rcode(subject: Subject, request: bytes) -> str:
    reply = subject.send(request)
    assert reply is not None
    return Reply.read(reply).rcode


@line("TSG-02")
@pytest.mark.parametrize(("rdclass", "ttl"), [(packet.IN, 0), (packet.NONE, 0), (packet.ANY, 1), (packet.ANY, 2**31)])
def test_another_class_or_ttl_is_a_format_error(managed: Subject, rdclass: int, ttl: int):
    signed = Signed.read(SIGNER.sign(QUERY))
    assert signed is not None
    rdata = SIGNER.sign(QUERY)[len(QUERY) + len(packet.name(KEY)) + 10 :]
    record = packet.record(KEY, packet.TSIG, rdata, rdclass=rdclass, ttl=ttl)
    assert rcode(managed, with_records(QUERY, 1) + record) == "FORMERR"


@line("TSG-02")
def test_a_compressed_algorithm_is_a_format_error(managed: Subject):
    rdata = struct.pack("!H", 0xC00C) + SIGNER.sign(QUERY)[-58:]
    record = packet.record(KEY, packet.TSIG, rdata, rdclass=packet.ANY)
    assert rcode(managed, with_records(QUERY, 1) + record) == "FORMERR"


@line("TSG-02")
def test_ours_have_class_any_ttl_0_and_whole_names(managed: Subject):
    request = SIGNER.sign(QUERY)
    wire = managed.send(request)
    assert wire is not None
    signed = SIGNER.check(wire, request)  # which reads both names without following a pointer
    record = Reply.read(wire).records[2][-1]
    assert (record.rdclass, record.ttl) == (packet.ANY, 0)
    assert signed.algorithm == packet.name("hmac-sha256.")


@line("TSG-16")
def test_a_request_under_another_id_is_verified_under_the_original_one(managed: Subject):
    request = SIGNER.sign(QUERY, ident=struct.unpack_from("!H", QUERY)[0] ^ 0xFFFF)
    wire = managed.send(request)
    assert wire is not None
    signed, asked = SIGNER.check(wire, request), Signed.read(request)
    assert asked is not None
    assert (signed.ident, wire[:2]) == (asked.ident, QUERY[:2])


@line("TSG-18")
@pytest.mark.parametrize("algorithm", ["hmac-sha256", "HMAC-SHA256", "Hmac-Sha256"])
@pytest.mark.parametrize("name", [KEY, KEY.upper()])
def test_letters_of_names_match_in_either_case(managed: Subject, name: str, algorithm: str):
    signer = Signer(name, SIGNER.secret)
    request = signer.sign(QUERY, algorithm=algorithm)
    wire = managed.send(request)
    assert wire is not None
    assert Reply.read(wire).rcode == "NOERROR"
    signer.check(wire, request)
