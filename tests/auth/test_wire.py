"""Reading requests: what is understood, and each way to be malformed."""

from __future__ import annotations

import time
from collections.abc import Callable

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth import errors
from auth.wire import labels_of, read_header, read_name, read_request, skip_name, wire_of
from tests.kit import dnspacket as packet

WWW = packet.name("www.example.")


def read(message):
    return read_request(message, read_header(message))


def message(*parts, flags=0, **counts):
    return packet.header(flags, **counts) + b"".join(parts)


def test_a_plain_query_is_read_whole():
    request = read(packet.query("WwW.example.", "MX", flags=packet.RD, ident=77))
    assert request.fault is None
    assert request.header.id == 77
    assert request.header.recursion_desired
    assert request.question.name.labels[0] == b"WwW"
    assert (request.question.rdtype, request.question.rdclass) == (15, 1)
    assert request.edns is None
    assert request.tsig is None


def test_opt_and_tsig_are_read():
    request = read(packet.query("www.example.", additional=[packet.opt(size=4096), packet.tsig("key.")]))
    assert request.fault is None
    assert request.edns.udp_size == 4096
    assert request.tsig.key_name == packet.name("key.")


def test_other_additional_records_are_ignored():
    extra = packet.record("a.", "A", b"\1\2\3\4")
    request = read(packet.query("www.example.", additional=[extra, packet.opt()]))
    assert request.fault is None
    assert request.edns is not None


def test_a_sig0_is_noticed():
    sig0 = packet.record(".", "SIG", b"\0" * 20, rdclass=packet.ANY)
    assert read(packet.query("www.example.", additional=[sig0])).has_sig0


def test_ixfr_may_carry_the_soa_of_the_client():
    soa = packet.record("example.", "SOA", b"\0\0" + b"\0" * 20)
    request = read(message(packet.question("example.", "IXFR"), soa, qd=1, ns=1))
    assert request.fault is None


def test_update_sections_are_skipped_whatever_their_number():
    records = packet.record("a.example.", "A", b"\1\2\3\4") * 500
    update = message(
        packet.question("example.", "SOA"), records, packet.tsig("key."), flags=packet.opcode(5), qd=1, ns=500, ar=1
    )
    request = read(update)
    assert request.fault is None
    assert request.tsig is not None


LONG_NAME = packet.raw_name(*[b"x" * 63] * 3, b"y" * 61)  # 255 octets
OPT, TSIG = packet.opt(), packet.tsig("key.")
QUESTION = packet.question("www.example.")

MALFORMED = {
    "no question": (message(qd=0), errors.QuestionCount, False, False),
    "no question but OPT": (message(OPT, qd=0, ar=1), errors.QuestionCount, False, True),
    "two questions": (message(QUESTION, QUESTION, qd=2), errors.QuestionCount, False, False),
    "question missing": (message(qd=1), errors.NameTruncated, False, False),
    "question without type": (message(WWW, qd=1), errors.QuestionTruncated, False, False),
    "question cut within the class": (message(QUESTION[:-1], qd=1), errors.QuestionTruncated, False, False),
    "name without its root": (message(WWW[:-1], qd=1), errors.NameTruncated, False, False),
    "label past the end": (message(b"\x3fabc", qd=1), errors.NameTruncated, False, False),
    "pointer to itself": (message(b"\xc0\x0c\0\1\0\1", qd=1), errors.PointerInvalid, False, False),
    "pointer forwards": (message(b"\xc0\x20\0\1\0\1" + b"\0" * 40, qd=1), errors.PointerInvalid, False, False),
    "pointer into the header": (message(b"\1a\xc0\x04\0\1\0\1", qd=1), errors.PointerInvalid, False, False),
    "half a pointer": (message(b"\1a\xc0", qd=1), errors.NameTruncated, False, False),
    "label type 01": (message(b"\x41a\0\0\1\0\1", qd=1), errors.LabelTypeUnknown, False, False),
    "label type 10": (message(b"\x81a\0\0\1\0\1", qd=1), errors.LabelTypeUnknown, False, False),
    "label of 64 octets": (message(b"\x40" + b"a" * 64 + b"\0\0\1\0\1", qd=1), errors.LabelTypeUnknown, False, False),
    "name of 256 octets": (
        message(packet.raw_name(*[b"x" * 63] * 3, b"y" * 62) + b"\0\1\0\1", qd=1),
        errors.NameTooLong,
        False,
        False,
    ),
    "answer in a query": (
        message(QUESTION, packet.record("a.", "A", b"\1\2\3\4"), qd=1, an=1),
        errors.RecordUnexpected,
        True,
        False,
    ),
    "authority in a query": (
        message(QUESTION, packet.record("a.", "A", b"\1\2\3\4"), qd=1, ns=1),
        errors.RecordUnexpected,
        True,
        False,
    ),
    "two authority records in IXFR": (
        message(packet.question("a.", "IXFR"), packet.record("a.", "A") * 2, qd=1, ns=2),
        errors.RecordUnexpected,
        True,
        False,
    ),
    "65535 additional records that are absent": (
        message(QUESTION, qd=1, ar=65535),
        errors.RecordUnexpected,
        True,
        False,
    ),
    "additional record absent": (message(QUESTION, qd=1, ar=1), errors.NameTruncated, True, False),
    "record header cut": (message(QUESTION, b"\0\0\x29\4", qd=1, ar=1), errors.RecordTruncated, True, False),
    "RDATA cut": (
        message(QUESTION, packet.record(".", "A", b"\1", rdlength=4), qd=1, ar=1),
        errors.RecordTruncated,
        True,
        False,
    ),
    "octets behind the end": (message(QUESTION, b"garbage", qd=1), errors.TrailingBytes, True, False),
    "octets behind OPT": (message(QUESTION, OPT, b"x", qd=1, ar=1), errors.TrailingBytes, True, True),
    "two OPTs": (message(QUESTION, OPT, OPT, qd=1, ar=2), errors.OptRepeated, True, True),
    "OPT of another owner": (message(QUESTION, packet.opt(owner=WWW), qd=1, ar=1), errors.OptMisplaced, True, False),
    "OPT in the answer of a NOTIFY": (
        message(QUESTION, OPT, flags=packet.opcode(4), qd=1, an=1),
        errors.OptMisplaced,
        True,
        False,
    ),
    "OPT in the authority of an UPDATE": (
        message(QUESTION, OPT, flags=packet.opcode(5), qd=1, ns=1),
        errors.OptMisplaced,
        True,
        False,
    ),
    "OPT longer than the message": (
        message(QUESTION, packet.opt(rdlength=9), qd=1, ar=1),
        errors.RecordTruncated,
        True,
        False,
    ),
    "option longer than OPT": (
        message(QUESTION, packet.opt(packet.option(8, b"ab", length=9)), qd=1, ar=1),
        errors.OptionMalformed,
        True,
        True,
    ),
    "OPT of three octets": (message(QUESTION, packet.opt(b"abc"), qd=1, ar=1), errors.OptionMalformed, True, True),
    "TSIG before OPT": (message(QUESTION, TSIG, OPT, qd=1, ar=2), errors.TsigMisplaced, True, False),
    "two TSIGs": (message(QUESTION, TSIG, TSIG, qd=1, ar=2), errors.TsigMisplaced, True, False),
    "TSIG in the answer of a NOTIFY": (
        message(QUESTION, TSIG, flags=packet.opcode(4), qd=1, an=1),
        errors.TsigMisplaced,
        True,
        False,
    ),
    "TSIG cut": (
        message(QUESTION, packet.tsig("k.", rdata=b"\3abc\0\0\0"), qd=1, ar=1),
        errors.TsigMalformed,
        True,
        False,
    ),
    "TSIG behind a good OPT cut": (
        message(QUESTION, OPT, packet.tsig("k.", rdata=b"\0"), qd=1, ar=2),
        errors.TsigMalformed,
        True,
        True,
    ),
}


@pytest.mark.parametrize(("wire", "fault", "has_question", "has_opt"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_is_read_up_to_its_fault(wire, fault, has_question, has_opt):
    request = read(wire)
    assert type(request.fault) is fault
    assert (request.question is not None) is has_question
    assert (request.edns is not None) is has_opt


def test_a_name_of_255_octets_is_read():
    assert len(LONG_NAME) == 255
    assert read(message(LONG_NAME, b"\0\1\0\1", qd=1)).fault is None


def test_a_fault_names_its_place():
    assert str(read(message(QUESTION, b"x", qd=1)).fault) == f"trailing bytes at offset {12 + len(QUESTION)}"


def test_the_owner_of_a_tsig_may_be_compressed():
    compressed = packet.tsig("key.").replace(packet.name("key."), b"\x03key\xc0\x10", 1)
    request = read(packet.query("www.example.", additional=[compressed]))
    assert request.fault is None
    assert request.tsig.key_name == packet.name("key.example.")


def quickest(work: Callable[[], object]) -> float:
    """Seconds of processor time, without what came between: collections of garbage, others in the same cache."""
    times = []
    for _ in range(5):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize("target", range(64))
def test_no_pointer_anywhere_is_followed_for_long(target):
    """V01: every place of a message, every pointer."""
    base = bytearray(packet.query("www.example.", additional=[packet.opt(packet.option(10, b"12345678"))]))
    odd = [base[:place] + bytes((0xC0, target)) + base[place + 2 :] for place in range(12, len(base) - 1)]
    assert quickest(lambda: [read(bytes(message)) for message in odd]) / len(odd) < 0.001


def test_a_chain_of_pointers_is_cut():
    hops = b"".join((0xC000 | 12 + 2 * index).to_bytes(2) for index in range(200))
    wire = packet.header() + b"\0\0" + hops
    with pytest.raises(errors.PointerInvalid):
        read_name(wire, 12 + len(hops))


def test_a_huge_query_is_refused_in_bounded_time():
    """V02: a message of 65535 octets with as many records as fit."""
    records = packet.record(packet.raw_name(b"a" * 10), "A") * 2800
    wire = (message(QUESTION, qd=1, ar=2800) + records)[:65535]
    assert isinstance(read(wire).fault, errors.RecordUnexpected)
    assert quickest(lambda: read(wire)) < 0.05  # a tenth of that; what looks at each octet again takes seconds


def test_skipping_a_name_ends_where_reading_it_does():
    wire = packet.header() + b"\3com\0" + b"\3www\xc0\x0c" + b"\1x"
    assert skip_name(wire, 17) == read_name(wire, 17)[1] == 23


@given(st.binary(max_size=600))
def test_reading_raises_nothing(data):
    wire = packet.header(qd=1, ar=1) + data
    request = read(wire)
    assert request.fault is None or isinstance(request.fault, errors.WireError)


@given(st.binary(min_size=12, max_size=80))
def test_reading_any_octets_raises_nothing(data):
    read(data)


VALID = packet.query("www.example.", additional=[packet.opt(packet.option(3), packet.option(10, b"12345678")), TSIG])


@given(st.integers(12, len(VALID) - 1), st.integers(0, 255))
def test_reading_a_mutated_request_raises_nothing(place, octet):
    odd = bytearray(VALID)
    odd[place] = octet
    read(bytes(odd))


@pytest.mark.parametrize("length", range(12, len(VALID)))
def test_every_prefix_of_a_request_is_a_fault(length):
    assert read(VALID[:length]).fault is not None


LABELS = st.lists(st.binary(min_size=1, max_size=63), max_size=8).filter(lambda labels: sum(map(len, labels)) < 240)


@given(LABELS)
def test_names_of_any_octets_round_trip(labels):
    name = dns.name.Name([*labels, b""])
    wire = packet.header() + wire_of(name)
    octets, end = read_name(wire, 12)
    assert end == len(wire)
    assert labels_of(octets).labels == name.labels
    assert dns.name.from_text(name.to_text()).labels == name.labels
