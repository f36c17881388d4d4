"""The examples, asked of a server that has the zones of C.ISI.EDU, and of A.ISI.EDU's disjoint third one."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject

ROOT_SOA = ". 86400 SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870611 1800 300 604800 86400"


@line("QRY-02", "HDR-05")
def test_6_2_1_addresses_of_sri_nic(root_subject: Subject):
    reply = root_subject.ask("SRI-NIC.ARPA.")
    assert sorted(reply.answer) == ["SRI-NIC.ARPA. 86400 A 10.0.0.51", "SRI-NIC.ARPA. 86400 A 26.0.0.73"]
    assert reply.aa


@line("QRY-23")
def test_6_2_2_any_gets_one_set_of_those_that_are_there(root_subject: Subject):
    """RFC 1034 gives all three; RFC 8482 section 4.1 lets us give one."""
    reply = root_subject.ask("SRI-NIC.ARPA.", "ANY")
    assert len({record.type for record in reply.records[0]}) == 1
    assert reply.records[0][0].type in {"A", "MX", "HINFO"}
    assert reply.aa


@line("QRY-02")
def test_6_2_3_mail_exchanger_of_sri_nic(root_subject: Subject):
    reply = root_subject.ask("SRI-NIC.ARPA.", "MX")
    assert reply.answer == ["SRI-NIC.ARPA. 86400 MX 0 SRI-NIC.ARPA."]
    assert set(reply.owners(2)) <= {("SRI-NIC.ARPA.", "A")}


@line("QRY-15")
def test_6_2_4_sri_nic_has_no_name_servers(root_subject: Subject):
    reply = root_subject.ask("SRI-NIC.ARPA.", "NS")
    assert reply.is_nodata(".")
    assert reply.authority == [ROOT_SOA]


@line("QRY-13")
def test_6_2_5_a_mistyped_name_does_not_exist(root_subject: Subject):
    reply = root_subject.ask("SIR-NIC.ARPA.")
    assert reply.is_nxdomain(".")
    assert reply.authority == [ROOT_SOA]


@line("QRY-07", "QRY-18")
def test_6_2_6_brl_mil_is_referred_to_the_servers_of_mil(root_subject: Subject):
    reply = root_subject.ask("BRL.MIL.")
    assert reply.is_referral("MIL.")
    assert sorted(reply.authority) == ["MIL. 86400 NS A.ISI.EDU.", "MIL. 86400 NS SRI-NIC.ARPA."]
    assert sorted(reply.additional) == [
        "A.ISI.EDU. 86400 A 26.3.0.103",
        "SRI-NIC.ARPA. 86400 A 10.0.0.51",
        "SRI-NIC.ARPA. 86400 A 26.0.0.73",
    ]


@line("QRY-04", "QRY-05")
def test_6_2_7_an_alias_into_a_disjoint_zone_of_ours_is_followed(root_subject: Subject):
    reply = root_subject.ask("USC-ISIC.ARPA.")
    assert reply.answer == ["USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU.", "C.ISI.EDU. 86400 A 10.0.0.52"]
    assert reply.aa


@line("QRY-06")
def test_6_2_8_the_alias_itself_can_be_asked_for(root_subject: Subject):
    assert root_subject.ask("USC-ISIC.ARPA.", "CNAME").answer == ["USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU."]


@line("QRY-01")
@pytest.mark.parametrize(
    ("name", "cut"), [("X.UCI.EDU.", "UCI.EDU."), ("MIT.EDU.", "MIT.EDU."), ("LCS.MIT.EDU.", "MIT.EDU.")]
)
def test_a_child_of_the_root_that_is_served_refers_to_its_own_children(root_subject: Subject, name: str, cut: str):
    assert root_subject.ask(name).is_referral(cut)


@line("QRY-02")
def test_the_root_has_its_own_records(root_subject: Subject):
    assert root_subject.ask(".", "SOA").answer == [ROOT_SOA]
    assert sorted(root_subject.ask(".", "NS").answer) == [
        ". 86400 NS A.ISI.EDU.",
        ". 86400 NS C.ISI.EDU.",
        ". 86400 NS SRI-NIC.ARPA.",
    ]


@line("QRY-10", "QRY-12")
def test_the_root_has_no_ds_and_arpa_is_an_empty_non_terminal(root_subject: Subject):
    assert root_subject.ask(".", "DS").is_nodata(".")
    assert root_subject.ask("ARPA.").is_nodata(".")
