"""Answers to ANY."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("QRY-23", "QRY-24")
@pytest.mark.parametrize(
    "name", ["plain.test.", "www.plain.test.", "t60000.big.test.", "big.test.", "opaque.types.test."]
)
@pytest.mark.parametrize("tcp", [False, True])
def test_one_set_of_the_name_is_given(subject: Subject, name: str, tcp: bool):
    reply = subject.ask(name, "ANY", tcp=tcp)
    assert len({record.type for record in reply.records[0]} - {"RRSIG"}) == (0 if reply.tc else 1)
    assert (reply.rcode, reply.aa) == ("NOERROR", True)


@line("QRY-24")
@pytest.mark.parametrize("name", ["plain.test.", "www.plain.test.", "multi.plain.test.", "big.test."])
def test_the_answer_is_small_and_not_truncated_for_being_part_of_what_is_there(subject: Subject, name: str):
    reply = subject.ask(name, "ANY")
    assert not reply.tc
    assert len(reply.wire) <= 4 * len(packet.query(name))


@line("QRY-23")
def test_an_alias_is_given_and_not_followed(subject: Subject):
    assert subject.ask("alias.plain.test.", "ANY").answer == ["alias.plain.test. 3600 CNAME www.plain.test."]


@line("QRY-23")
def test_wildcards_cuts_and_missing_names_are_as_for_any_type(subject: Subject):
    assert len({kind for _, kind in subject.ask("x.any.wild.test.", "ANY").owners(0)}) == 1
    assert subject.ask("www.sub.plain.test.", "ANY").is_referral("sub.plain.test.")
    assert subject.ask("nothing.plain.test.", "ANY").is_nxdomain("plain.test.")
    assert subject.ask("ent.plain.test.", "ANY").is_nodata("plain.test.")


@line("QRY-24")
@pytest.mark.parametrize("name", ["plain.test.", "t60000.big.test.", "x.any.wild.test."])
def test_configured_so_it_is_a_synthesised_hinfo(talkative: Subject, name: str):
    reply = talkative.ask(name, "ANY")
    assert [(str(record.owner), record.type, record.text) for record in reply.records[0]] == [
        (name, "HINFO", '"RFC8482" ""')
    ]
    assert reply.records[0][0].ttl == 120
    assert not reply.tc


@line("QRY-23")
def test_a_name_with_an_alias_gets_no_hinfo_beside_it(talkative: Subject):
    assert talkative.ask("alias.plain.test.", "ANY").owners(0) == [("alias.plain.test.", "CNAME")]
    assert talkative.ask("nothing.plain.test.", "ANY").rcode == "NXDOMAIN"
