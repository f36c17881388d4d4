"""The target is not compressed."""

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("DNM-09")
def test_the_target_of_a_dname_is_sent_uncompressed(subject: Subject):
    assert subject.ask("chain1.dname.test.", "DNAME").records[0][0].rdata == packet.name("chain2.dname.test.")
    assert subject.ask("x.chain1.dname.test.").records[0][0].rdata == packet.name("chain2.dname.test.")


@line("DNM-09")
def test_its_case_is_kept(subject: Subject):
    assert subject.ask("mixedcase.dname.test.", "DNAME").records[0][0].rdata == packet.raw_name(b"Other", b"Test")
