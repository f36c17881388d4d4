"""Why queries are answered as they are: every rule, from the very code that answers."""

from __future__ import annotations

import dns.name
import pytest

from auth import api
from auth.acl import compile_acl
from auth.explain import explain
from auth.keys import ALGORITHMS, Key, KeyRing
from auth.settings import Settings
from auth.zones import ZonePolicy, ZoneTable
from daemonkit.secretfiles import Secret
from msgq.errors import Refused
from tests.auth.world import SPEC, UDP, World

ZONES = {
    "example.": """
@ NS ns
ns A 192.0.2.1
www A 192.0.2.3
www TXT "a"
alias CNAME www
far CNAME www.other.
loop CNAME loop
*.wild TXT "b"
a.ent A 192.0.2.4
old DNAME new
x.new A 192.0.2.5
sub NS ns.sub
sub DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub A 192.0.2.6
""",
    "other.": "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.7\n",
    "empty.": "",
}


class Holders:
    """One source for all."""

    def __init__(self, world):
        self.source = world.source

    def holder_of(self, origin):
        return "main", self.source


def explained(name, rdtype="A", table=None, settings=None, world=None, listening=(), **how):
    world = world or World(ZONES, settings, table)
    request = api.Explain(name, rdtype, **how)
    return explain(request, world.engine.serving, Holders(world), listening, SPEC)


@pytest.mark.parametrize(
    ("name", "rdtype", "rules", "rcode"),
    [
        ("www.example", "A", ["exact"], "NOERROR"),
        ("www.example", "AAAA", ["nodata"], "NOERROR"),
        ("x.wild.example", "TXT", ["wildcard"], "NOERROR"),
        ("x.wild.example", "A", ["nodata"], "NOERROR"),
        ("ent.example", "A", ["empty-non-terminal"], "NOERROR"),
        ("none.example", "A", ["nxdomain"], "NXDOMAIN"),
        ("host.sub.example", "A", ["delegation"], "NOERROR"),
        ("sub.example", "DS", ["exact"], "NOERROR"),
        ("example", "DS", ["nodata"], "NOERROR"),
        ("alias.example", "A", ["cname", "exact"], "NOERROR"),
        ("far.example", "A", ["cname", "exact"], "NOERROR"),
        ("loop.example", "A", ["cname"], "NOERROR"),
        ("x.old.example", "A", ["dname", "exact"], "NOERROR"),
        ("y.old.example", "A", ["dname", "nxdomain"], "NXDOMAIN"),
        ("www.elsewhere", "A", [""], "REFUSED"),
        ("www.empty", "A", [""], "SERVFAIL"),
    ],
)
@pytest.mark.parametrize("minimal", [True, False])
def test_every_rule_has_its_name(name, rdtype, rules, rcode, minimal):
    found = explained(name, rdtype, settings=Settings(minimal_responses=minimal))
    assert [step.rule for step in found.steps] == rules
    assert found.reply is not None
    assert found.reply.rcode == rcode


@pytest.mark.parametrize("name", ["www.example", "alias.example", "x.wild.example", "x.old.example", "none.example"])
def test_the_reply_is_what_a_client_gets(name):
    world = World(ZONES)
    found = explained(name, world=world)
    assert world.counted() == {}  # nothing is counted
    reply = world.ask(name)
    assert found.reply.octets == len(reply.wire)
    assert len(found.reply.answer) == len(reply.answer)


def test_the_zone_is_told_with_who_wrote_it():
    (step,) = explained("www.example").steps
    assert (step.zone.origin, step.zone.source, step.zone.serial, step.zone.state) == ("example.", "main", 1, "ready")
    assert (step.zone.written.author, step.zone.written.source) == ("test", "test")


def test_the_node_and_what_is_there_instead_are_told():
    (step,) = explained("www.example", "AAAA").steps
    assert step.types == ("A", "TXT")
    (step,) = explained("x.wild.example", "TXT").steps
    assert (step.node, step.wildcard, step.closest_encloser) == ("*.wild.example.", True, "wild.example.")


def test_each_name_of_a_chain_has_its_zone():
    steps = explained("far.example").steps
    assert [(step.name, step.zone.origin) for step in steps] == [("far.example.", "example."), ("www.other.", "other.")]


ACL = [
    {"action": "REJECT", "from": ["192.0.2.0/25"]},
    {"action": "DROP", "from": ["198.51.100.1"]},
    {"action": "ACCEPT"},
]
LISTED = ZoneTable({b"example\0": ZonePolicy(compile_acl(ACL))})


@pytest.mark.parametrize(
    ("client", "rule", "action", "rcode"),
    [
        ("192.0.2.1", 0, "REJECT", "REFUSED"),
        ("198.51.100.1", 1, "DROP", None),
        ("203.0.113.1", 2, "ACCEPT", "NOERROR"),
    ],
)
def test_the_rule_that_decided_is_named(client, rule, action, rcode):
    found = explained("www.example", table=LISTED, client=client)
    (step,) = found.steps
    assert step.acl == api.ExplainedAcl("zones.example.query_acl", action, rule, ACL[rule])
    assert (None if found.reply is None else found.reply.rcode) == rcode
    assert step.rule == ("exact" if action == "ACCEPT" else "")


def test_no_rule_that_matches_is_told():
    table = ZoneTable(default=ZonePolicy(compile_acl([{"action": "ACCEPT", "from": "192.0.2.1"}])))
    (step,) = explained("www.example", table=table, client="192.0.2.2").steps
    assert step.acl == api.ExplainedAcl("templates.default.query_acl", "REJECT", None, None)


def test_what_would_be_logged_is_told_and_not_logged(caplog):
    found = explained("www.empty")
    assert any(note.startswith("AUTH_ZONE_UNUSABLE: ") for note in found.notes)
    assert caplog.records == []


PLACES = ("udp 127.0.0.1@53", "tcp 127.0.0.1@53", "udp ::@53", "udp 0.0.0.0@5300")


@pytest.mark.parametrize(
    ("how", "taken_by"),
    [
        ({}, ["udp 127.0.0.1@53", "udp 0.0.0.0@5300"]),
        ({"tcp": True}, ["tcp 127.0.0.1@53"]),
        ({"client": "2001:db8::1"}, ["udp ::@53"]),
        ({"to": "127.0.0.1@53"}, ["udp 127.0.0.1@53"]),
        ({"to": "192.0.2.1@5300"}, ["udp 0.0.0.0@5300"]),
        ({"to": "192.0.2.1@53"}, []),
        ({"client": "2001:db8::1", "to": "2001:db8::2@53"}, ["udp ::@53"]),
    ],
)
def test_where_the_query_would_come_in(how, taken_by):
    assert list(explained("www.example", listening=PLACES, **how).taken_by) == taken_by


def test_dnssec_and_tcp_are_as_if_asked_so():
    found = explained("www.example", dnssec=True, tcp=True)
    assert found.reply.rcode == "NOERROR"


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"name": "a..b"}, "no domain name"),
        ({"rdtype": "NONSENSE"}, "no record type"),
        ({"client": "somebody"}, "somebody"),
        ({"to": "192.0.2.1"}, "ADDRESS@PORT"),
    ],
)
def test_what_cannot_be_asked_is_refused(how, says):
    with pytest.raises(Refused, match=says) as caught:
        explained(**{"name": "www.example", **how})
    assert caught.value.code == "usage"


def test_a_transfer_is_explained_too():
    assert explained("example", "AXFR", tcp=True).reply.rcode == "REFUSED"


def test_answers_go_on_as_before():
    world = World(ZONES)
    explained("www.example", world=world)
    assert world.send(b"\0" * 3, UDP) is None
    assert world.ask("www.example").rcode == "NOERROR"


def test_a_query_may_be_as_if_it_were_signed():
    """By the very key: the engine verifies it."""
    key = Key(dns.name.from_text("partner.example."), ALGORITHMS["hmac-sha256"], Secret(b"secret"), 32)
    rules = [{"action": "ACCEPT", "key": "partner.example"}, {"action": "REJECT"}]
    world = World(ZONES, table=ZoneTable({}, ZonePolicy(compile_acl(rules))), keys=KeyRing([key]))
    refused = explained("www.example.", world=world)
    assert (refused.reply.rcode, refused.steps[0].acl.rule) == ("REFUSED", 1)
    accepted = explained("www.example.", world=world, key="Partner.Example")
    assert (accepted.reply.rcode, accepted.steps[0].acl.rule, accepted.notes) == ("NOERROR", 0, ())
    with pytest.raises(Refused) as caught:
        explained("www.example.", world=world, key="nobody.example")
    assert caught.value.code == "not-found"
