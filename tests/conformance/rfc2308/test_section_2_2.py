"""NODATA."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-15")
@pytest.mark.parametrize(
    ("name", "rdtype"), [("www", "TXT"), ("txtonly", "A"), ("multi", "AAAA"), ("www", "TYPE65280")]
)
def test_a_type_that_is_not_there_is_nodata(subject: Subject, name: str, rdtype: str):
    assert subject.ask(f"{name}.plain.test.", rdtype).is_nodata("plain.test.")


@line("QRY-15", "QRY-13")
def test_nodata_behind_an_alias_keeps_the_alias(subject: Subject):
    reply = subject.ask("alias-nodata.plain.test.")
    assert (reply.rcode, reply.aa) == ("NOERROR", True)
    assert reply.owners(0) == [("alias-nodata.plain.test.", "CNAME")]
    assert reply.owners(1) == [("plain.test.", "SOA")]


@line("QRY-15", "QRY-13")
def test_nodata_in_another_zone_carries_that_zones_soa(subject: Subject):
    reply = subject.ask("to-nodata.chain.test.")
    assert reply.rcode == "NOERROR"
    assert [kind for _, kind in reply.owners(0)] == ["CNAME", "CNAME"]
    assert reply.owners(1) == [("plain.test.", "SOA")]
