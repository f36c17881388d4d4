"""Closest encloser and source of synthesis."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("WLD-12", "WLD-01")
@pytest.mark.parametrize("name", ["host3", "_telnet._tcp.host3", "_chat._udp.host3"])
def test_3_3_2_names_whose_closest_encloser_is_the_apex_are_synthesised(subject: Subject, name: str):
    assert subject.ask(f"{name}.example.", "MX").answer == [f"{name}.example. 3600 MX 10 host1.example."]


@line("WLD-12", "WLD-01")
@pytest.mark.parametrize("name", ["_telnet._tcp.host1", "_dns._udp.host2", "_telnet._tcp.host2", "foobar.*"])
def test_3_3_2_names_with_a_closer_encloser_are_not(subject: Subject, name: str):
    assert subject.ask(f"{name}.example.", "MX").is_nxdomain("example.")


@line("WLD-01")
def test_the_search_does_not_go_further_up(subject: Subject):
    """The closest encloser is ent.any: *.ent.any is not there, *.any is, and is not asked."""
    assert subject.ask("q.ent.any.wild.test.").is_nxdomain("wild.test.")


@line("WLD-07")
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("x.cname", ["x.cname.wild.test. 3600 CNAME host.wild.test.", "host.wild.test. 3600 A 192.0.2.9"]),
        ("x.cname-out", ["x.cname-out.wild.test. 3600 CNAME www.other.test.", "www.other.test. 3600 A 192.0.2.2"]),
    ],
)
def test_a_wildcard_alias_is_synthesised_and_followed(subject: Subject, name: str, answer: list[str]):
    reply = subject.ask(f"{name}.wild.test.")
    assert reply.answer == answer
    assert reply.aa


@line("WLD-07")
def test_a_wildcard_alias_to_nothing_is_nxdomain(subject: Subject):
    reply = subject.ask("x.cname-nx.wild.test.")
    assert reply.rcode == "NXDOMAIN"
    assert reply.answer == ["x.cname-nx.wild.test. 3600 CNAME nothing.wild.test."]


@line("WLD-07", "QRY-05")
@pytest.mark.parametrize(("name", "links"), [("x.self", ["x.self"]), ("y.self", ["y.self", "x.self"])])
def test_a_wildcard_alias_that_matches_itself_ends(subject: Subject, name: str, links: list[str]):
    reply = subject.ask(f"{name}.wild.test.")
    assert reply.rcode == "NOERROR"
    assert reply.owners(0) == [(f"{link}.wild.test.", "CNAME") for link in links]


@line("WLD-07")
def test_a_wildcard_alias_asked_for_is_not_followed(subject: Subject):
    assert subject.ask("x.cname.wild.test.", "CNAME").answer == ["x.cname.wild.test. 3600 CNAME host.wild.test."]
