"""Lookups from the root, and what goes wrong with them."""

from __future__ import annotations

import random

import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from health.engine.asking import Asker
from health.engine.clock import FixedClock
from health.engine.profiles import Profile
from health.engine.recursor import Recursor
from tests.kit import internet_time
from tests.kit.internet import NOW, Internet
from tests.kit.internet_behaviour import answers_with, says, silent, to

A, MX = dns.rdatatype.A, dns.rdatatype.MX


@pytest.fixture
def internet():
    made = Internet()
    made.zone("example", {"ns1.nic.example": ["192.0.2.1"], "ns2.nic.example": ["192.0.2.2"]})
    made.zone(
        "child.example",
        {"ns1.child.example": ["192.0.2.11"]},
        records="""
            www 60 IN A 192.0.2.80
            alias 60 IN CNAME www
            out 60 IN CNAME www.other.example.
            loop 60 IN CNAME back.other.example.
            a 60 IN CNAME b
            b 60 IN CNAME a
        """,
    )
    made.zone(
        "other.example",
        {"ns1.other.example": ["192.0.2.21"]},
        records="www 60 IN A 192.0.2.81\nback 60 IN CNAME loop.child.example.",
    )
    return made


def look_up(internet, name, rdtype=A, pretended=None):
    """The resolution, and the tags said meanwhile."""
    said: list[str] = []

    async def run():
        asker = Asker(internet, FixedClock(NOW), Profile.default())
        recursor = Recursor(asker, dict(internet.root_servers), pretended or {}, lambda tag, **_: said.append(tag))
        found = await recursor.resolve(dns.name.from_text(name), rdtype)
        await recursor.close()
        await asker.close()
        return found

    return internet_time.run(run()), said


def texts(resolution):
    return [record.rdata.to_text() for record in resolution.records]


def test_it_follows_referrals(internet):
    found, said = look_up(internet, "www.child.example")
    assert texts(found) == ["192.0.2.80"]
    assert said == []


def test_it_follows_an_alias_in_the_zone(internet):
    found, _ = look_up(internet, "alias.child.example")
    assert texts(found) == ["192.0.2.80"]
    assert found.name == dns.name.from_text("www.child.example")
    assert found.aliases == (found.name,)


def test_it_follows_an_alias_out_of_the_zone(internet):
    found, said = look_up(internet, "out.child.example")
    assert texts(found) == ["192.0.2.81"]
    assert said == ["CNAME_FOLLOWED_OUT_OF_ZONE"]


def test_which_server_is_asked_does_not_depend_on_the_order_of_records():
    found = set()
    for seed in range(8):
        random.seed(seed)  # what goes over the wire is shuffled
        internet = Internet()
        internet.zone("example", {"ns1.example": ["192.0.2.1"], "ns2.example": ["192.0.2.2"]})
        internet.records(internet.own_copy("192.0.2.2", "example"), "www 60 IN A 192.0.2.80")
        found.add(tuple(texts(look_up(internet, "www.example")[0])))
    assert found == {()}


def test_a_loop_over_two_zones_ends(internet):
    found, said = look_up(internet, "loop.child.example")
    assert texts(found) == []
    assert said[-1] == "CNAME_LOOP_OUTER"


def test_a_loop_in_one_response_ends(internet):
    found, said = look_up(internet, "a.child.example")
    assert texts(found) == []
    assert said == ["CNAME_LOOP_INNER"]


def chain(length):
    return [f"a{i}.child.example. 60 IN CNAME a{i + 1}.child.example." for i in range(length)]


@pytest.mark.parametrize(
    ("answers", "tag"),
    [
        (["a0.child.example. 60 IN CNAME x.child.example.", "a0.child.example. 60 IN CNAME y.child.example."],
         "CNAME_RECORDS_MULTIPLE_FOR_NAME"),
        (["a0.child.example. 60 IN CNAME x.child.example.", "z.child.example. 60 IN CNAME y.child.example."],
         "CNAME_RECORDS_CHAIN_BROKEN"),
        (chain(10), "CNAME_RECORDS_TOO_MANY"),
        (["a0.child.example. 60 IN CNAME x.child.example.", "z.child.example. 60 IN A 192.0.2.1"], "CNAME_NO_MATCH"),
    ],
)  # fmt: skip
def test_an_improper_chain_ends_the_lookup(internet, answers, tag):
    internet.behave("192.0.2.11", answers_with(*answers))
    found, said = look_up(internet, "a0.child.example")
    assert texts(found) == []
    assert said == [tag]


def test_a_record_that_is_there_twice_is_said_and_followed(internet):
    alias = "a0.child.example. 60 IN CNAME www.child.example."
    internet.behave("192.0.2.11", to("A", answers_with(alias, alias), "a0.child.example"))
    found, said = look_up(internet, "a0.child.example")
    assert texts(found) == ["192.0.2.80"]
    assert "CNAME_RECORDS_DUPLICATES" in said


@pytest.mark.parametrize(("length", "found"), [(10, ["192.0.2.80"]), (11, [])])
def test_a_chain_is_followed_over_ten_aliases(internet, length, found):
    links = [f"x{i} 60 IN CNAME x{i + 1}.{'other' if i % 2 else 'child'}.example." for i in range(length)]
    for origin, first in (("child.example", 1), ("other.example", 0)):
        zone = internet.zones[dns.name.from_text(origin)]
        internet.records(zone, "\n".join(links[first::2]) + f"\nx{length} 60 IN A 192.0.2.80")
    resolution, said = look_up(internet, "x0.other.example")
    assert texts(resolution) == found
    assert ("CNAME_CHAIN_TOO_LONG" in said) == (found == [])


def test_a_silent_server_is_passed_over(internet):
    internet.behave("192.0.2.1", silent)
    assert texts(look_up(internet, "www.child.example")[0]) == ["192.0.2.80"]


def test_a_refusing_server_is_passed_over(internet):
    internet.behave("192.0.2.1", says(dns.rcode.REFUSED))
    assert texts(look_up(internet, "www.child.example")[0]) == ["192.0.2.80"]


def test_where_all_refuse_that_is_the_reply(internet):
    internet.behave("192.0.2.11", says(dns.rcode.REFUSED))
    found, _ = look_up(internet, "www.child.example")
    assert found.reply is not None
    assert found.reply.rcode == dns.rcode.REFUSED


def test_where_nobody_answers_there_is_no_reply(internet):
    internet.behave("192.0.2.11", silent)
    assert look_up(internet, "www.child.example")[0].reply is None


def test_an_upward_referral_is_not_followed(internet):
    def upward(query, answer):
        response = dns.message.make_response(query.message())
        response.authority.append(dns.rrset.from_text(".", 60, "IN", "NS", "a.root-servers.test."))
        return response

    internet.behave("192.0.2.11", upward)
    found, _ = look_up(internet, "www.child.example")
    assert texts(found) == []
    assert len(internet.at("192.0.2.11").asked) == 1


def test_glue_outside_the_zone_of_the_asked_is_not_believed(internet):
    """The servers of test delegate far.test to a server of another zone, and give a false address for it."""
    internet.zone("test", {"ns.test": ["192.0.2.41"]})
    internet.zone("far.test", {"ns1.child.example": ["192.0.2.11"]}, records="www 60 IN A 192.0.2.90")

    def with_false_glue(_query, answer):
        if answer.authority:
            answer.additional.append(dns.rrset.from_text("ns1.child.example.", 60, "IN", "A", "203.0.113.66"))
        return answer

    internet.behave("192.0.2.41", with_false_glue)
    found, _ = look_up(internet, "www.far.test")
    assert texts(found) == ["192.0.2.90"]
    assert "203.0.113.66" not in internet.hosts


def test_name_servers_in_each_others_zones_without_glue_end(internet):
    internet.zone("one.test", {"ns.two.test": ["192.0.2.31"]}, delegation={"ns.two.test": []})
    internet.zone("two.test", {"ns.one.test": ["192.0.2.32"]}, delegation={"ns.one.test": []})
    found, _ = look_up(internet, "www.one.test")
    assert found.reply is None


def test_a_name_server_outside_is_looked_up(internet):
    internet.zone("far.test", {"ns1.child.example": ["192.0.2.11"]}, records="www 60 IN A 192.0.2.90")
    assert texts(look_up(internet, "www.far.test")[0]) == ["192.0.2.90"]


def test_a_pretended_delegation_stands_in(internet):
    internet.zone("new.example", {"ns1.new.example": ["192.0.2.41"]}, records="www 60 IN A 192.0.2.91", delegated=False)
    name = dns.name.from_text("new.example")
    given = {name: {dns.name.from_text("ns1.new.example"): ("192.0.2.41",)}}
    assert texts(look_up(internet, "www.new.example", pretended=given)[0]) == ["192.0.2.91"]
    assert look_up(internet, "www.new.example")[0].reply.rcode == dns.rcode.NXDOMAIN


def test_ds_is_asked_above_the_cut(internet):
    found, _ = look_up(internet, "child.example", dns.rdatatype.DS)
    assert found.reply is not None
    assert found.reply.query.address in ("192.0.2.1", "192.0.2.2")
