"""The example zone: which names the wildcard makes, and which it does not."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("WLD-12", "WLD-11")
def test_host3_mx_is_synthesised(subject: Subject):
    reply = subject.ask("host3.example.", "MX")
    assert reply.answer == ["host3.example. 3600 MX 10 host1.example."]
    assert reply.aa


@line("WLD-12", "WLD-06")
def test_host3_a_is_nodata_for_the_wildcard_has_no_a(subject: Subject):
    assert subject.ask("host3.example.", "A").is_nodata("example.")


@line("WLD-12")
def test_foo_bar_txt_is_synthesised_over_two_labels(subject: Subject):
    assert subject.ask("foo.bar.example.", "TXT").answer == ['foo.bar.example. 3600 TXT "this is a wildcard"']


@line("WLD-12", "WLD-02")
@pytest.mark.parametrize("name", ["host1.example.", "sub.*.example."])
def test_names_that_exist_are_not_synthesised(subject: Subject, name: str):
    assert subject.ask(name, "MX").is_nodata("example.")


@line("WLD-12", "WLD-02")
def test_telnet_tcp_host1_does_not_exist_for_tcp_host1_does(subject: Subject):
    assert subject.ask("_telnet._tcp.host1.example.", "SRV").is_nxdomain("example.")


@line("WLD-12", "WLD-02")
def test_host_subdel_is_below_a_cut(subject: Subject):
    reply = subject.ask("host.subdel.example.", "A")
    assert reply.is_referral("subdel.example.")
    assert sorted(record.text for record in reply.records[1]) == ["ns.example.com.", "ns.example.net."]


@line("WLD-12", "WLD-03")
@pytest.mark.parametrize("rdtype", ["MX", "TXT", "A"])
def test_ghost_is_below_the_wildcard_itself_which_exists(subject: Subject, rdtype: str):
    assert subject.ask("ghost.*.example.", rdtype).is_nxdomain("example.")


@line("WLD-02")
@pytest.mark.parametrize(
    "name", ["ent.any.wild.test.", "y.ent.any.wild.test.", "_tcp.host1.example.", "_tcp.host2.example."]
)
def test_empty_non_terminals_are_not_synthesised(subject: Subject, name: str):
    assert subject.ask(name, "TXT").is_nodata("wild.test." if "wild" in name else "example.")


@line("WLD-02")
def test_a_name_that_exists_blocks_the_wildcard_for_every_type(subject: Subject):
    assert subject.ask("here.any.wild.test.", "A").is_nodata("wild.test.")
    assert subject.ask("below.here.any.wild.test.", "A").is_nxdomain("wild.test.")


@line("WLD-02")
def test_a_cut_blocks_the_wildcard(subject: Subject):
    for name in ("cut.any.wild.test.", "x.cut.any.wild.test."):
        assert subject.ask(name).is_referral("cut.any.wild.test.")


@line("WLD-06")
@pytest.mark.parametrize("rdtype", ["AAAA", "MX", "NS", "SOA", "TYPE65280"])
def test_a_matched_wildcard_without_the_type_is_nodata(subject: Subject, rdtype: str):
    assert subject.ask("x.any.wild.test.", rdtype).is_nodata("wild.test.")
