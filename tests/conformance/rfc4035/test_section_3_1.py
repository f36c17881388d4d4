"""What an answer from a signed zone adds to who asks with DO; a validator written from section 5 judges."""

import pytest

from tests.conformance.lines import line
from tests.conformance.signed import CHAINS, ask, assert_valid, needs_signer, types
from tests.kit.dnsclient import Subject

pytestmark = needs_signer

EVERY = pytest.mark.parametrize("zone", CHAINS)


@line("DSV-01")
@EVERY
@pytest.mark.parametrize("name", ["www", "nowhere", "x.wild", "sub", "secure", "x.alias", "b.c"])
def test_without_do_nothing_of_dnssec_is_added(subject: Subject, zone: str, name: str):
    for edns in (False, True):
        reply = subject.ask(f"{name}.{zone}", "MX", edns=edns)
        assert not {"RRSIG", "NSEC", "NSEC3", "DS"} & {kind for part in (0, 1, 2) for _, kind in reply.owners(part)}


@line("DSV-02", "HDR-15")
@EVERY
@pytest.mark.parametrize(("name", "rdtype"), [("www", "A"), ("link", "A"), ("tree", "DNAME"), ("@", "SOA")])
def test_every_set_is_followed_by_its_signatures(subject: Subject, zone: str, name: str, rdtype: str):
    reply = assert_valid(subject, zone if name == "@" else f"{name}.{zone}", rdtype, zone)
    kinds = [kind for _, kind in reply.owners(0)]
    assert kinds[-1] == "RRSIG"
    assert reply.aa
    assert not reply.authority
    assert not reply.flags & 0x20


@line("DSV-02")
@EVERY
def test_signatures_that_do_not_fit_set_tc(subject: Subject, zone: str):
    """The set alone would fit into 1280 octets, with its signature it does not."""
    unsigned = len(subject.ask(f"big.{zone}", "TXT", size=1400).wire)
    reply = ask(subject, f"big.{zone}", "TXT", size=unsigned + 20, tcp=False)
    assert reply.tc
    assert not ask(subject, f"big.{zone}", "TXT").tc


@line("DSV-04")
@EVERY
@pytest.mark.parametrize(
    ("name", "rdtype"), [("www", "MX"), ("", "A"), ("secure", "DNSKEY"), ("www", "DS"), ("", "DS")]
)
def test_no_data_is_proven(subject: Subject, zone: str, name: str, rdtype: str):
    owner = f"{name}.{zone}" if name else zone
    reply = assert_valid(subject, owner, rdtype, zone)
    assert (reply.rcode, reply.answer) == ("NOERROR", [])


@line("DSV-04", "NS3-11")
@EVERY
@pytest.mark.parametrize("name", ["c", "b.c", "wild", "out"])
def test_an_empty_non_terminal_is_proven_to_be_empty(subject: Subject, zone: str, name: str):
    reply = assert_valid(subject, f"{name}.{zone}", "A", zone)
    assert (reply.rcode, reply.answer) == ("NOERROR", [])


@line("DSV-05")
@EVERY
@pytest.mark.parametrize("name", ["nowhere", "x.www", "x.a.b.c", "x.b.c", "a.b.x.y.z", "x.out", "zzz", "0", "gone"])
def test_that_a_name_is_not_there_is_proven(subject: Subject, zone: str, name: str):
    reply = assert_valid(subject, f"{name}.{zone}", "A", zone)
    assert reply.rcode == "NXDOMAIN"
    proof = [record for record in reply.owners(1) if record[1].startswith("NSEC")]
    assert len(set(proof)) == len(proof)


@line("DSV-06")
@EVERY
@pytest.mark.parametrize(
    ("name", "rdtype"), [("x.wild", "MX"), ("y.x.wild", "MX"), ("x.alias", "A"), ("x.alias", "MX")]
)
def test_of_a_wildcard_it_is_proven_that_nothing_is_closer(subject: Subject, zone: str, name: str, rdtype: str):
    reply = assert_valid(subject, f"{name}.{zone}", rdtype, zone)
    signature = next(record for record in reply.records[0] if record.type == "RRSIG")
    assert str(signature.owner) == f"{name}.{zone}."
    assert signature.rdata[3] == 3  # labels: as many as those of the wildcard without its asterisk


@line("DSV-07")
@EVERY
@pytest.mark.parametrize("name", ["x.wild", "z.y.x.wild"])
def test_that_a_wildcard_has_no_data_is_proven(subject: Subject, zone: str, name: str):
    reply = assert_valid(subject, f"{name}.{zone}", "TXT", zone)
    assert (reply.rcode, reply.answer) == ("NOERROR", [])


@line("DSV-08", "DSV-20")
@EVERY
def test_a_secure_delegation_has_its_ds(subject: Subject, zone: str):
    reply = assert_valid(subject, f"x.secure.{zone}", "A", zone)
    assert reply.is_referral(f"secure.{zone}.") or types(reply.owners(1)) == ["NS", "DS", "RRSIG"]
    assert reply.owners(1)[0][1] == "NS"
    assert not reply.aa


@line("DSV-08")
@EVERY
@pytest.mark.parametrize("name", ["sub", "left.out"])
def test_an_insecure_delegation_is_proven_to_be_one(subject: Subject, zone: str, name: str):
    for owner in (f"{name}.{zone}", f"x.{name}.{zone}"):
        reply = assert_valid(subject, owner, "A", zone)
        assert reply.owners(1)[0] == (f"{name}.{zone}.", "NS")
        assert not reply.aa
        assert any(kind.startswith("NSEC") for _, kind in reply.owners(1))


@line("DSV-08")
@EVERY
@pytest.mark.parametrize("name", ["sub", "left.out"])
def test_that_a_delegation_has_no_ds_is_proven(subject: Subject, zone: str, name: str):
    reply = assert_valid(subject, f"{name}.{zone}", "DS", zone)
    assert (reply.rcode, reply.aa, reply.answer) == ("NOERROR", True, [])


@line("DSV-09")
@EVERY
def test_neither_the_ns_of_a_cut_nor_glue_is_signed(subject: Subject, zone: str):
    reply = ask(subject, f"secure.{zone}", "A")
    covered = {record.text.split()[0] for section in reply.records for record in section if record.type == "RRSIG"}
    assert covered == {"DS"}
    assert [kind for _, kind in reply.owners(2)] == ["A"]


@line("DSV-11")
@EVERY
def test_signatures_are_data_for_who_asks_for_them(subject: Subject, zone: str):
    reply = subject.ask(f"www.{zone}", "RRSIG")
    covered = {record.text.split()[0] for record in reply.records[0]}
    assert {"A", "TXT"} <= covered
    assert {kind for _, kind in reply.owners(0)} == {"RRSIG"}
    assert ask(subject, f"www.{zone}", "ANY").owners(0)[-1][1] == "RRSIG"


@line("DNM-08")
@EVERY
def test_the_alias_that_a_dname_stands_for_is_not_signed(subject: Subject, zone: str):
    reply = assert_valid(subject, f"a.b.tree.{zone}", "TXT", zone)
    signed = {(str(record.owner), record.text.split()[0]) for record in reply.records[0] if record.type == "RRSIG"}
    assert signed == {(f"tree.{zone}.", "DNAME"), (f"a.b.c.{zone}.", "TXT")}


@line("DSV-08", "HDR-11")
@EVERY
def test_an_alias_into_an_insecure_delegation_is_proven_to_be_one(subject: Subject, zone: str):
    reply = assert_valid(subject, f"into.{zone}", "A", zone)
    assert types(reply.owners(0)) == ["CNAME", "RRSIG"]
    assert any(kind.startswith("NSEC") for _, kind in reply.owners(1))


@line("DSV-19")
@EVERY
def test_the_records_of_dnssec_are_served_as_they_are(subject: Subject, zone: str):
    assert assert_valid(subject, zone, "DNSKEY", zone).owners(0)[0][1] == "DNSKEY"
    if zone == "nsec.test":
        assert assert_valid(subject, f"www.{zone}", "NSEC", zone).owners(0)[0][1] == "NSEC"
    else:
        assert assert_valid(subject, zone, "NSEC3PARAM", zone).owners(0)[0][1] == "NSEC3PARAM"
