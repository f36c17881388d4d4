"""Glue in referrals."""

import pytest

from tests.conformance.lines import line
from tests.conformance.zonefiles import FAN
from tests.kit.dnsclient import Subject


@line("QRY-17")
@pytest.mark.parametrize("name", ["sub", "www.sub", "x.y.z.sub"])
def test_3_1_all_glue_of_in_domain_name_servers_is_there(subject: Subject, name: str):
    reply = subject.ask(f"{name}.plain.test.")
    assert sorted(reply.additional) == [
        "ns1.sub.plain.test. 3600 A 192.0.2.61",
        "ns1.sub.plain.test. 3600 AAAA 2001:db8::61",
        "ns2.sub.plain.test. 3600 A 192.0.2.62",
    ]
    assert not reply.tc


@line("QRY-17")
def test_3_1_glue_that_does_not_fit_sets_tc(subject: Subject):
    reply = subject.ask("www.fan.big.test.")
    assert reply.tc
    assert len(reply.wire) <= 512


@line("QRY-17")
@pytest.mark.parametrize("tcp", [False, True])
def test_3_1_where_it_fits_it_is_whole(subject: Subject, tcp: bool):
    reply = subject.ask("www.fan.big.test.", edns=True, tcp=tcp)
    assert not reply.tc
    expected = {(f"n{number}.fan.big.test.", kind) for number in range(FAN) for kind in ("A", "AAAA")}
    assert set(reply.owners(2)) == expected


@line("QRY-18")
def test_3_2_sibling_glue_is_there(subject: Subject):
    reply = subject.ask("www.sib1.plain.test.")
    assert reply.is_referral("sib1.plain.test.")
    assert sorted(reply.additional) == [
        "ns.sib2.plain.test. 3600 A 192.0.2.71",
        "ns.sib2.plain.test. 3600 AAAA 2001:db8::71",
    ]


@line("QRY-18", "QRY-20")
def test_3_2_sibling_glue_that_does_not_fit_is_left_out_without_tc(subject: Subject):
    reply = subject.ask("www.sibling-fan.big.test.")
    assert reply.is_referral("sibling-fan.big.test.")
    assert len(reply.records[1]) == FAN
    assert not reply.tc
    assert subject.ask("www.sibling-fan.big.test.", edns=True).additional


@line("QRY-17")
def test_name_servers_elsewhere_need_no_glue(subject: Subject):
    reply = subject.ask("www.away.plain.test.")
    assert reply.is_referral("away.plain.test.")
    assert not reply.tc
    assert "ns1.elsewhere.invalid." not in {owner for owner, _ in reply.owners(2)}


@line("QRY-18", "QRY-11")
def test_addresses_of_a_name_server_in_a_child_we_serve_are_never_mixed(subject: Subject):
    """The parent's glue or the child's own address, one of them: a set is in a message once."""
    reply = subject.ask("www.cousin.parent.test.")
    assert reply.is_referral("cousin.parent.test.")
    addresses = {record.text for record in reply.records[2] if record.type == "A"}
    assert addresses in ({"192.0.2.88"}, {"192.0.2.82"})
