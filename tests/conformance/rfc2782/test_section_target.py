"""SRV: its target is never compressed, and gets addresses."""

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("NAM-09")
def test_the_target_is_sent_uncompressed(subject: Subject):
    record = subject.ask("_sip._tcp.plain.test.", "SRV").records[0][0]
    assert record.rdata == bytes.fromhex("000a001413c4") + packet.name("mail.plain.test.")


@line("QRY-22")
def test_the_addresses_of_the_target_are_added_where_policy_allows(talkative: Subject):
    additional = talkative.ask("_sip._tcp.plain.test.", "SRV").additional
    assert "mail.plain.test. 3600 A 192.0.2.25" in additional
    assert "mail.plain.test. 3600 AAAA 2001:db8::25" in additional
