"""Comparison without case: 26 letters, and nothing else."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("NAM-03")
@pytest.mark.parametrize("name", ["www.plain.test.", "WWW.PLAIN.TEST.", "wWw.PlAiN.tEsT.", "www.plain.TEST."])
def test_letters_match_in_either_case(subject: Subject, name: str):
    assert [record.text for record in subject.ask(name).records[0]] == ["192.0.2.1"]


@line("NAM-03")
@pytest.mark.parametrize(
    ("label", "text"),
    [(b"[", "0x5b"), (b"{", "0x7b"), (b"@", "0x40"), (b"`", "0x60"), (b"\xc9", "0xc9"), (b"\xe9", "0xe9")],
)
def test_other_octets_equal_only_themselves(subject: Subject, label: bytes, text: str):
    records = subject.ask(packet.raw_name(label, b"names", b"test"), "TXT").records[0]
    assert [record.text for record in records] == [f'"{text}"']


@line("NAM-03")
@pytest.mark.parametrize("name", ["X.ANY.wild.test.", "y.upper.WILD.test.", "Y.UPPER.wild.test."])
def test_wildcards_and_cuts_match_in_either_case(subject: Subject, name: str):
    assert len(subject.ask(name).answer) == 1
    assert subject.ask("WWW.SUB.PLAIN.TEST.").is_referral("sub.plain.test.")
    assert subject.ask("A.MIXEDCASE.dname.test.").answer[-1].endswith("A 192.0.2.31")
