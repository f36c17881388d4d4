"""Table 1: substitution; each row has an owner of its own (zone dname.test)."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("DNM-01")
@pytest.mark.parametrize(
    ("name", "dname", "target"),
    [
        ("a.r3", "r3", "a.other.test."),
        ("a.b.r3", "r3", "a.b.other.test."),
        ("www.r3", "r3", "www.other.test."),
        ("a.x.r7", "x.r7", "a.other.test."),
        ("a.r8", "r8", "a.b.other.test."),
        ("shortloop.x.r11", "r11", "shortloop.x."),
        ("shortloop.r11", "r11", "shortloop."),
    ],
)
def test_the_owner_is_replaced_by_the_target(subject: Subject, name: str, dname: str, target: str):
    reply = subject.ask(f"{name}.dname.test.")
    assert reply.owners(0)[:2] == [(f"{dname}.dname.test.", "DNAME"), (f"{name}.dname.test.", "CNAME")]
    assert reply.records[0][1].text == target
    assert reply.aa


@line("DNM-01")
@pytest.mark.parametrize("name", ["ab.r5.dname.test.", "xb.r5.dname.test."])
def test_row_5_a_suffix_that_is_no_label_does_not_match(subject: Subject, name: str):
    assert subject.ask(name).is_nxdomain("dname.test.")


@line("DNM-02")
def test_rows_1_and_2_above_the_owner_and_at_it_nothing_is_replaced(subject: Subject):
    assert subject.ask("dname.test.").is_nodata("dname.test.")
    assert subject.ask("r3.dname.test.").is_nodata("dname.test.")


@line("DNM-10", "QRY-05")
def test_row_9_a_name_replaced_by_itself_ends(subject: Subject):
    reply = subject.ask("cyc.r9.dname.test.")
    assert reply.rcode == "NOERROR"
    assert reply.owners(0) == [("r9.dname.test.", "DNAME"), ("cyc.r9.dname.test.", "CNAME")]


@line("DNM-10", "QRY-05")
def test_row_10_a_name_that_grows_without_end_ends(subject: Subject):
    reply = subject.ask("cyc.r10.dname.test.", tcp=True)
    assert reply.rcode in {"NOERROR", "YXDOMAIN"}  # at the cap, or where the name is too long
    assert reply.owners(0)[0] == ("r10.dname.test.", "DNAME")
    assert reply.records[0][1].text == "cyc.c.r10.dname.test."


@line("DNM-03")
@pytest.mark.parametrize("prefix", [58, 63])
def test_a_name_that_would_be_too_long_is_yxdomain_with_the_dname_alone(subject: Subject, prefix: int):
    reply = subject.ask(packet.raw_name(b"x" * prefix, b"long", b"dname", b"test"))
    assert (reply.rcode, reply.aa) == ("YXDOMAIN", True)
    assert reply.owners(0) == [("long.dname.test.", "DNAME")]


@line("DNM-03")
def test_a_name_of_exactly_255_octets_is_not_too_long(subject: Subject):
    reply = subject.ask(packet.raw_name(b"x" * 57, b"long", b"dname", b"test"), edns=True)
    assert reply.rcode == "NOERROR"
    assert [kind for _, kind in reply.owners(0)] == ["DNAME", "CNAME"]
