"""Our own rules about headers and errors."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject, frame
from tests.kit.dnsreply import Reply


@line("HDR-03")
@pytest.mark.parametrize("opcode", range(16))
@pytest.mark.parametrize("code", [0, 1, 5, 9])
def test_a_response_is_never_answered(subject: Subject, opcode: int, code: int):
    """Else two servers could answer each other for ever (VU#417980)."""
    assert subject.send(packet.query("www.plain.test.", flags=packet.QR | packet.opcode(opcode) | code)) is None


@line("HDR-03")
def test_our_own_replies_sent_back_to_us_are_not_answered(subject: Subject):
    for name in (
        "www.plain.test.",
        "nothing.plain.test.",
        "www.sub.plain.test.",
        "elsewhere.invalid.",
    ):
        assert subject.send(subject.ask(name, edns=True).wire) is None


@line("HDR-10")
@pytest.mark.parametrize(
    "tail",
    [b"x", b"\0" * 20, packet.opt()[:5], packet.record("x.", "A", rdlength=9)],
    ids=["an octet too many", "20 octets too many", "half an OPT", "RDATA past the end"],
)
def test_a_fault_behind_the_question_leaves_the_question_echoed(subject: Subject, tail: bytes):
    message = packet.header(qd=1, ar=1 if len(tail) in (5, 13) else 0) + packet.question("wWw.plain.test.") + tail
    wire = subject.send(message)
    assert wire is not None
    reply = Reply.read(wire)
    assert reply.rcode == "FORMERR"
    assert reply.question == packet.question("wWw.plain.test.")
    assert reply.counts[1:] == (0, 0, 0)


@line("HDR-10")
@pytest.mark.parametrize(
    "question",
    [
        b"",
        b"\x05ab",
        b"\x03www\x05plain\x04test",
        packet.name("www.plain.test."),
        packet.name("www.plain.test.") + b"\0\1\0",
    ],
    ids=["none", "half a label", "no root", "no type", "half a class"],
)
def test_a_question_that_cannot_be_read_leaves_a_header(subject: Subject, question: bytes):
    message = packet.header(packet.RD, qd=1) + question
    wire = subject.send(message)
    assert wire is not None
    reply = Reply.read(wire)
    assert (reply.rcode, reply.header_only, reply.ident) == ("FORMERR", True, int.from_bytes(message[:2]))
    assert reply.flags & packet.RD


@line("HDR-10")
def test_a_message_of_any_length_below_its_own_is_a_format_error(subject: Subject):
    message = packet.query("www.plain.test.", additional=[packet.opt()])
    for length in range(12, len(message)):
        wire = subject.send(message[:length])
        assert wire is not None
        assert Reply.read(wire).rcode == "FORMERR"
    for length in range(12):
        assert subject.send(message[:length]) is None


@line("HDR-12")
@pytest.mark.parametrize("name", ["elsewhere.invalid.", "com.", ".", "test.", "xplain.test.", "plain.test.invalid."])
@pytest.mark.parametrize("rdtype", ["A", "NS", "SOA", "DS", "ANY"])
def test_a_name_in_no_zone_of_ours_is_refused_without_a_referral(subject: Subject, name: str, rdtype: str):
    reply = subject.ask(name, rdtype)
    assert reply.rcode == "REFUSED"
    assert reply.counts == (1, 0, 0, 0)


@line("HDR-13")
@pytest.mark.parametrize(
    "name", ["broken.test.", "www.broken.test.", "nothing.broken.test.", "empty.test.", "www.empty.test."]
)
@pytest.mark.parametrize("rdtype", ["A", "SOA", "NS", "ANY"])
def test_a_zone_that_cannot_be_used_is_servfail(managed: Subject, name: str, rdtype: str):
    reply = managed.ask(name, rdtype)
    assert (reply.rcode, reply.aa) == ("SERVFAIL", False)


@line("HDR-13")
def test_one_damaged_row_fails_one_name_or_its_zone_and_nothing_else(managed: Subject):
    """V73."""
    assert managed.ask("www.damaged.test.").rcode == "SERVFAIL"
    assert managed.ask("www.plain.test.").rcode == "NOERROR"


@line("HDR-14")
@pytest.mark.parametrize("rdclass", [0, 2, packet.CH, 4, 5, packet.NONE, packet.ANY, 256, 4321, 65280, 65535])
@pytest.mark.parametrize("name", ["www.plain.test.", "elsewhere.invalid."])
def test_a_class_that_is_not_served_is_refused(subject: Subject, rdclass: int, name: str):
    reply = subject.ask(name, rdclass=rdclass)
    assert reply.rcode == "REFUSED"


@line("HDR-20")
@pytest.mark.parametrize(
    ("message", "rcode"),
    [
        (packet.query("elsewhere.invalid."), "REFUSED"),
        (packet.query("www.plain.test.", additional=[packet.opt(version=1)]), "BADVERS"),
        (packet.query("www.plain.test.") + b"x", "FORMERR"),
        (packet.query("www.plain.test.", flags=packet.opcode(2)), "NOTIMP"),
        (packet.query("www.plain.test.", "AXFR"), "FORMERR"),
        (packet.query("www.plain.test.", additional=[packet.tsig("key.")]), "NOTAUTH"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("tcp", [False, True])
def test_errors_carry_no_data(subject: Subject, message: bytes, rcode: str, tcp: bool):
    if tcp:
        with subject.connect() as talk:
            talk.write(frame(message))
            wire = talk.read()
    else:
        wire = subject.send(message)
    assert wire is not None
    reply = Reply.read(wire)
    expected = {"FORMERR", "REFUSED", "NOTAUTH"} if rcode == "FORMERR" and message[-4:-2] == b"\0\xfc" else {rcode}
    assert reply.rcode in expected
    assert not reply.answer
    assert not reply.authority
