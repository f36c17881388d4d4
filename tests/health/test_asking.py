"""How servers are asked: what is sent how often, and how long it takes."""

from __future__ import annotations

import asyncio
import time

import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from health.engine.asking import Asker
from health.engine.clock import FixedClock
from health.engine.errors import DeadlinePassed
from health.engine.network import DNSSEC, EDNS, NoResponse, Query, Silence, Transport
from health.engine.profiles import Profile
from health.engine.reply import Reply
from tests.kit import internet_time
from tests.kit.internet import NOW, Internet
from tests.kit.internet_behaviour import drops_edns, loses, no_tcp, no_udp, silent, to, truncates

SERVER = "192.0.2.11"
CHILD = dns.name.from_text("child.example")
SOA, NS, MX, DNSKEY = dns.rdatatype.SOA, dns.rdatatype.NS, dns.rdatatype.MX, dns.rdatatype.DNSKEY


@pytest.fixture
def internet():
    made = Internet()
    made.zone("child.example", {"ns1.child.example": [SERVER]}, delegated=False)
    return made


def asker(internet, changes=None, deadline=None):
    return Asker(internet, FixedClock(NOW), Profile.default().overlaid(changes or {}), deadline)


def ask(internet, *queries, changes=None, deadline=None):
    """The outcomes of queries asked one after the other, and the time all took."""

    async def run():
        asking = asker(internet, changes, deadline)
        outcomes = [await asking.ask(query) for query in queries]
        taken = asyncio.get_running_loop().time()
        await asking.close()
        return outcomes, taken

    return internet_time.run(run())


def query(rdtype=SOA, **more):
    return Query(SERVER, CHILD, rdtype, **more)


def test_the_same_query_is_sent_once(internet):
    async def run():
        asking = asker(internet)
        return await asyncio.gather(*(asking.ask(query()) for _ in range(5)))

    assert len(set(map(id, internet_time.run(run())))) == 1
    assert len(internet.at(SERVER).asked) == 1


def test_another_case_of_the_name_is_another_query(internet):
    ask(internet, query(), Query(SERVER, dns.name.from_text("Child.Example"), SOA))
    assert len(internet.at(SERVER).asked) == 2


def test_one_lost_packet_does_not_condemn_a_server(internet):
    internet.behave(SERVER, loses(1))
    outcomes, taken = ask(internet, query(), query(NS))
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert 3 <= taken < 4


def test_a_silent_address_costs_one_query_with_its_attempts_however_many_there_are(internet):
    internet.behave(SERVER, silent)
    outcomes, taken = ask(internet, query(), query(NS), query(MX), query(DNSKEY, edns=DNSSEC), query(edns=EDNS))
    assert [outcome.reason for outcome in outcomes] == [Silence.TIMEOUT] * 5
    assert taken == 6
    assert len(internet.at(SERVER).asked) == 3  # two attempts, and another type beside the second


def test_queries_at_the_same_time_wait_for_the_first(internet):
    internet.behave(SERVER, silent)

    async def run():
        asking = asker(internet)
        await asyncio.gather(*(asking.ask(query(rdtype)) for rdtype in (SOA, NS, MX, DNSKEY)))
        return asyncio.get_running_loop().time()

    assert internet_time.run(run()) == 6
    assert len(internet.at(SERVER).asked) == 3  # two attempts, and another type beside the second


@pytest.mark.parametrize(("dropped", "asked"), [("SOA", NS), ("NS", SOA)])
def test_a_server_that_drops_one_type_is_not_silent(internet, dropped, asked):
    internet.behave(SERVER, to(dropped, silent))
    outcomes, taken = ask(internet, query(dns.rdatatype.from_text(dropped)), query(asked), query(MX))
    assert [bool(outcome) for outcome in outcomes] == [False, True, True]
    assert 6 <= taken < 7


def test_a_dead_address_costs_less_than_ten_seconds_with_tcp(internet):
    internet.behave(SERVER, silent)
    _, taken = ask(internet, query(), query(transport=Transport.TCP), query(NS, transport=Transport.TCP))
    assert taken == 8


def test_a_server_without_udp_is_asked_over_tcp(internet):
    internet.behave(SERVER, no_udp)
    outcomes, _ = ask(internet, query(), query(transport=Transport.TCP))
    assert [bool(outcome) for outcome in outcomes] == [False, True]


def test_a_server_that_drops_edns_is_still_asked_without(internet):
    internet.behave(SERVER, drops_edns)
    outcomes, _ = ask(internet, query(edns=EDNS), query(), query(MX))
    assert [bool(outcome) for outcome in outcomes] == [False, True, True]


def test_a_server_that_drops_edns_is_not_waited_for_each_time(internet):
    internet.behave(SERVER, drops_edns)
    queries = [query(rdtype, edns=DNSSEC) for rdtype in (DNSKEY, SOA, NS, MX, dns.rdatatype.CDS)]
    _, taken = ask(internet, query(), *queries)
    assert taken < 13


def test_a_server_that_drops_one_type_is_asked_for_others(internet):
    internet.behave(SERVER, to("MX", silent))
    outcomes, _ = ask(internet, query(MX), query(), query(NS))
    assert [bool(outcome) for outcome in outcomes] == [False, True, True]


def test_a_truncated_reply_is_repeated_over_tcp(internet):
    internet.behave(SERVER, truncates)
    (outcome,), _ = ask(internet, query())
    assert isinstance(outcome, Reply)
    assert outcome.query.transport is Transport.TCP
    assert outcome.asked()


def test_a_big_response_is_worth_a_word(internet):
    internet.records(internet.zones[CHILD], "\n".join(f'@ 60 IN TXT "{"x" * 200}{number}"' for number in range(20)))
    said = []

    async def run():
        asking = Asker(internet, FixedClock(NOW), Profile.default(), say=lambda tag, **more: said.append((tag, more)))
        await asking.ask(query())
        await asking.ask(query(dns.rdatatype.TXT))
        await asking.close()

    internet_time.run(run())
    ((tag, arguments),) = said
    assert tag == "PACKET_BIG"
    assert arguments["ns_ip"] == SERVER
    assert arguments["size"] > 4096


def test_a_truncated_reply_without_tcp_is_no_response(internet):
    internet.behave(SERVER, truncates, no_tcp)
    (outcome,), _ = ask(internet, query())
    assert isinstance(outcome, NoResponse)
    assert outcome.reason is Silence.CLOSED


def test_a_truncated_reply_is_kept_where_the_profile_says_so(internet):
    internet.behave(SERVER, truncates)
    (outcome,), _ = ask(internet, query(), changes={"resolver": {"defaults": {"fallback": False}}})
    assert outcome.truncated


def test_a_family_that_is_off_is_not_asked(internet):
    (outcome,), _ = ask(internet, query(), changes={"net": {"ipv4": False}})
    assert outcome.reason is Silence.DISABLED
    assert internet.at(SERVER).asked == []


def test_a_reply_that_is_a_query_is_malformed(internet):
    internet.behave(SERVER, lambda asked, _answer: asked.message())
    (outcome,), _ = ask(internet, query())
    assert outcome.reason is Silence.MALFORMED


def test_at_the_deadline_waiting_ends_without_a_finding(internet):
    internet.behave(SERVER, silent)
    with pytest.raises(DeadlinePassed):
        ask(internet, query(), deadline=2.0)
    assert len(internet.at(SERVER).asked) == 1


def test_nothing_is_sent_after_the_deadline(internet):
    with pytest.raises(DeadlinePassed):
        ask(internet, query(), deadline=0.0)
    assert internet.at(SERVER).asked == []


def test_simulated_time_is_no_real_time(internet):
    begun = time.monotonic()
    internet.behave(SERVER, silent)
    ask(internet, query())
    assert time.monotonic() - begun < 2
