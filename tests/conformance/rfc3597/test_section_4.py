"""Compression within RDATA."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject

UNCOMPRESSED = ("SRV", "DNAME", "RP", "AFSDB", "RT", "KX", "PX", "SVCB", "HTTPS", "NAPTR", "NSEC")
COMPRESSIBLE = ("NS", "PTR", "CNAME", "MX", "MB", "MG", "MR", "MINFO")


@line("NAM-07", "NAM-09")
@pytest.mark.parametrize("rdtype", UNCOMPRESSED)
def test_names_are_not_compressed_in_other_types(subject: Subject, rdtype: str):
    """The zone's name is in the question: a server that compresses would point to it."""
    record = subject.ask(f"{rdtype.lower()}.types.test.", rdtype).records[0][0]
    assert packet.raw_name(b"Target", b"types", b"test") in record.rdata


@line("NAM-09")
def test_the_signer_of_an_rrsig_is_not_compressed(subject: Subject):
    record = subject.ask("sig.u32.test.", "RRSIG").records[0][0]
    assert packet.name("u32.test.") in record.rdata


@line("NAM-07")
def test_data_of_unknown_types_is_not_compressed(subject: Subject):
    assert subject.ask("case.types.test.", 65281).records[0][0].rdata == b"\x04TEST\x04test"


@line("NAM-07")
@pytest.mark.parametrize("rdtype", COMPRESSIBLE)
def test_names_may_be_compressed_in_the_types_of_rfc_1035(subject: Subject, rdtype: str):
    """Compressed or not, it is the same name."""
    owner = "ns" if rdtype == "NS" else rdtype.lower()
    reply = subject.ask(f"{owner}.types.test.", rdtype)
    texts = " ".join(record.text for section in reply.records for record in section)
    if rdtype in {"MB", "MG", "MR", "MINFO"}:  # the reading library knows no better than \\# for these
        assert len(reply.records[0][0].rdata) <= 38
    else:
        assert "Target." in texts
