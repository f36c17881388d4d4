"""Size limits of names."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply

LABEL63 = b"a" * 63
ZONE = (b"names", b"test")


@line("NAM-01")
def test_a_label_of_63_octets_is_found(subject: Subject):
    assert subject.ask(packet.raw_name(LABEL63, *ZONE), "TXT").records[0][0].text == '"63"'


@line("NAM-01")
def test_a_name_of_255_octets_is_found(subject: Subject):
    name = packet.raw_name(LABEL63, LABEL63, LABEL63, b"a" * 50, *ZONE)
    assert len(name) == 255
    assert subject.ask(name, "TXT").records[0][0].text == '"255"'


@line("NAM-01")
def test_a_name_of_as_many_labels_as_fit_is_found(subject: Subject):
    assert subject.ask(packet.raw_name(*[b"1"] * 121, *ZONE), "TXT").records[0][0].text == '"many"'


@line("NAM-01")
@pytest.mark.parametrize(
    "name",
    [
        packet.raw_name(LABEL63, LABEL63, LABEL63, b"a" * 51, *ZONE),
        packet.raw_name(*[b"1"] * 128),
        packet.raw_name(*[LABEL63] * 200),
        b"\x40" + b"a" * 64 + packet.raw_name(*ZONE),
    ],
    ids=["256 octets", "128 labels", "12801 octets", "a label of 64 octets"],
)
def test_a_name_or_label_too_long_is_a_format_error(subject: Subject, name: bytes):
    wire = subject.send(packet.query(name))
    assert wire is not None
    reply = Reply.read(wire)
    assert (reply.rcode, reply.header_only) == ("FORMERR", True)


@line("NAM-01")
@pytest.mark.parametrize("zone", ["label64.test", "name256.test", "empty-label.test"])
def test_a_name_or_label_too_long_or_empty_is_refused_in_zone_text(loaded: Loaded, zone: str):
    loaded.assert_refused(zone, line=5)
