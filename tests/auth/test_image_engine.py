"""From images and by the plain implementation the same: cookies of all ages and kinds, and every mixture of options."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import replace

import dns.name
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from auth.client import Client, Transport
from auth.cookie_secrets import CookieSecrets
from auth.counted import COUNTED, LOOP_PART, QTYPE_PLACES, QTYPES
from auth.image_engine import ImageEngine
from auth.rate_limit_numbers import NODATA, SECOND
from auth.reply_tally import ReplyTally
from auth.settings import CookieSettings, RateLimitSettings, Settings
from auth.sizes import NOTHING
from tests.auth.world import World
from tests.datasrc.zonemaking import rrsets
from tests.image.mapping import Both, meaning
from tests.kit import dnspacket as packet
from tests.kit.cookies import CLIENT, OLD_SECRET, SECRET, cookie
from tests.kit.interpreted import examples

ZONE = """
@ SOA ns hostmaster 1 3600 900 604800 300
@ NS ns
ns A 192.0.2.1
sub NS ns.sub
ns.sub A 192.0.2.4
alias CNAME ns
www A 192.0.2.2
www TXT "{long}"
*.wild TXT any
to-wild CNAME a.wild
away CNAME www.elsewhere.test.
bag DNAME www
""".replace("{long}", "x" * 250)
NAMES = ("ns.example.", "no.example.", "a.sub.example.", "alias.example.", "example.", "elsewhere.test.")
ROLLOVER = 86400
BOOTED = 20_000 * ROLLOVER
MASTER = bytes(range(32))
KEEPALIVE = 100  # tenths of a second
LEFT = {"request.v4", "request.v6", "request.udp", "request.tcp"}  # counted by who receives
PLACE = 3  # of the reply
QUERY = 2  # where a query begins


class Engines:
    """Both, over the same zone."""

    def __init__(self, folder) -> None:
        self.both = Both(folder)
        self.both.put(dns.name.from_text("example."), rrsets(ZONE))
        self.both.build()
        self.now = 0.0
        self.tally = ReplyTally()
        self.images = ImageEngine(self.tally, LOOP_PART)
        self.addresses = memoryview(bytearray(40))
        self.tell(Settings(), None)

    def tell(self, settings: Settings, secrets: CookieSecrets | None) -> None:
        """Other settings, from now on."""
        self.both.vouch()
        self.plain = self.world(settings, secrets)
        self.table = None
        if settings.rate_limit.enabled:
            self.table = self.plain.engine.limits.table(settings.rate_limit)
        self.images.engage(self.both.responder, settings, secrets, self.table, self.now)
        self.images.serve(self.both.queries, self.both.replies, self.addresses)
        self.before = list(self.tally.counts)

    def world(self, settings: Settings, secrets: CookieSecrets | None) -> World:
        """The plain implementation alone."""
        world = World({}, settings, cookies=secrets, clock=lambda: self.now)
        world.engine.serving = replace(world.engine.serving, data=self.both.source)
        world.engine.limits._clock = self.moment
        return world

    def moment(self) -> int:
        """The monotonic clock, which begins with the machine."""
        return int((self.now - BOOTED) * SECOND)

    def by_images(self, message: bytes, client: Client) -> bytes | None:
        address = ipaddress.ip_address(client.address).packed
        self.addresses[5 : 5 + len(address)] = address
        self.both.vouch()  # again: tests take longer than it is good for
        self.both.queries[QUERY : QUERY + len(message)] = message
        self.both.responder.stream = client.transport is Transport.TCP
        self.images.set_time(int(self.now), self.moment(), KEEPALIVE)
        size = self.images.respond(QUERY, len(message), PLACE, 5, len(address))
        return bytes(self.both.replies[PLACE : PLACE + size]) if size > 0 else b"" if size == NOTHING else None

    def counted(self) -> dict[str, int]:
        """What the image engine has counted."""
        return {name: n for name, n in zip(COUNTED, self.tally.counts, strict=True) if n}

    def compare(self, message: bytes, client: Client) -> bool:
        """Whether the image answered: what the plain implementation answers, and counted alike."""
        found = self.by_images(message, client)
        counts = dict(zip(COUNTED, list(self.tally.counts), strict=True))
        before = dict(zip(COUNTED, self.before, strict=True))
        self.before = list(counts.values())
        counted = {name: counts[name] - before[name] for name in counts if counts[name] != before[name]}
        if found is None:
            assert not counted
            return False
        earlier = self.plain.counted()
        plain = self.plain.engine.respond(message, client)
        if plain is None:
            assert found == b""
        else:
            assert found[:12] == plain[:12]
            assert meaning(found) == meaning(plain)
            assert options(found) == options(plain)
        later = self.plain.counted()
        assert counted == {
            name: value - earlier.get(name, 0)
            for name, value in later.items()
            if value != earlier.get(name, 0) and name not in LEFT
        }
        return True


def options(message: bytes) -> list[tuple[int, bytes]]:
    import dns.message

    return [(int(one.otype), one.to_wire()) for one in dns.message.from_wire(message).options]


@pytest.fixture(scope="module")
def engines(tmp_path_factory) -> Iterator[Engines]:
    engines = Engines(tmp_path_factory.mktemp("images"))
    yield engines
    engines.both.close()


def secret_at(secrets: CookieSecrets, when: int) -> bytes:
    (key0, key1), *_ = secrets.at(when)[0]
    return struct.pack("<2Q", key0, key1)


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
clients = st.builds(
    lambda address, transport: Client(address, 5353, transport, idle_timeout=KEEPALIVE / 10),
    addresses,
    st.sampled_from([Transport.UDP, Transport.UDP, Transport.TCP]),
)
# Around every edge: of a period, of what may be made ahead, of what is renewed and what is too old.
EDGES = [0, 1, 299, 300, 301, 1799, 1800, 1801, 3599, 3600, 3601, ROLLOVER - 1, ROLLOVER]
moments = st.builds(
    lambda period, edge, sign, off: period * ROLLOVER + sign * edge + off,
    st.sampled_from([20_000, 24_855, 49_710, 49_711]),  # the last ones are where 31 and 32 bits end
    st.sampled_from(EDGES),
    st.sampled_from([-1, 1]),
    st.integers(-2, 2),
)
ages = st.one_of(st.integers(-400, 4000), st.sampled_from(EDGES), st.sampled_from([-edge for edge in EDGES]))
odd = st.binary(max_size=45)
others = st.lists(
    st.one_of(
        st.just(packet.option(packet.NSID)),
        st.just(packet.option(packet.NSID, b"x")),
        st.just(packet.option(packet.KEEPALIVE)),
        st.just(packet.option(packet.KEEPALIVE, b"\0\1")),
        st.just(packet.option(packet.CLIENT_SUBNET, b"\0\1\x18\0\xc0\0\2")),
        st.integers(0, 200).map(lambda size: packet.option(12, bytes(size))),
        st.builds(packet.option, st.integers(0, 65535), st.binary(max_size=9)),
        st.builds(lambda data, length: packet.option(9, data, length=length), st.binary(max_size=5), st.integers(0, 8)),
    ),
    max_size=3,
)
SECRETS = [
    CookieSecrets((SECRET,)),
    CookieSecrets((SECRET, OLD_SECRET)),
    CookieSecrets(master=MASTER, rollover=ROLLOVER),
    None,
]
kinds = st.sampled_from(["ours", "ours", "ours", "another's", "new", "odd", "none"])


@hypothesis(max_examples=examples(300), deadline=None)
@given(
    secrets=st.sampled_from(SECRETS),
    required=st.booleans(),
    nsid=st.sampled_from([b"", b"ns1.example"]),
    asked=st.lists(
        st.tuples(moments, ages, kinds, odd, clients, st.sampled_from(NAMES), others, st.booleans()), max_size=6
    ),
)
def test_replies_and_counts_are_those_of_the_plain_implementation(engines, secrets, required, nsid, asked):
    """Times go to and fro, so that secrets change at run time."""
    engines.tell(Settings(nsid=nsid, cookies=CookieSettings(required=required)), secrets)
    for now, age, kind, noise, client, name, mixed, in_front in asked:
        engines.now = now + 0.75
        made = now - age
        if kind == "ours" and secrets is not None:
            secret = secrets.fixed[-1] if secrets.fixed else secret_at(secrets, made)
            content = cookie(client.address, made, secret=secret)
        elif kind == "another's":
            content = cookie("198.51.100.99", made)
        else:
            content = CLIENT if kind == "new" else noise
        sent = [] if kind == "none" else [packet.option(packet.COOKIE, content)]
        every = [*sent, *mixed] if in_front else [*mixed, *sent]
        message = packet.query(name, "A", additional=[packet.opt(*every)])
        is_new_time = engines.images.is_stale
        if not engines.compare(message, client) and (is_new_time or engines.images.is_stale):
            engines.images.renew()
            engines.compare(message, client)


def test_a_query_is_counted_by_its_type_whoever_answers(engines):
    """Those at the end of the table are counted as others."""
    engines.tell(Settings(), None)
    numbers = [*QTYPES.values(), 3, 256, QTYPE_PLACES, QTYPE_PLACES + 1, 65280, 65535]
    client = Client("192.0.2.1", 5353, Transport.UDP)
    by_images = {number for number in numbers if engines.compare(packet.query(NAMES[0], number), client)}
    assert {QTYPES["qtype.a"], QTYPES["qtype.caa"], QTYPES["qtype.https"], QTYPE_PLACES, 65280} <= by_images


@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("age", [0, 1801, 3601, -301])
@pytest.mark.parametrize("secrets", SECRETS[:3], ids=["one", "two", "own"])
def test_queries_with_cookies_are_answered_from_images(engines, transport, required, age, secrets):
    engines.now = 20_000 * ROLLOVER + 5000
    engines.tell(Settings(nsid=b"ns1", cookies=CookieSettings(required=required)), secrets)
    client = Client("2001:db8::7", 5353, transport, idle_timeout=KEEPALIVE / 10)
    made = int(engines.now) - age
    secret = secrets.fixed[-1] if secrets.fixed else secret_at(secrets, made)
    for content in (CLIENT, cookie(client.address, made, secret=secret), cookie("192.0.2.1", made)):
        every = [packet.option(packet.NSID), packet.option(packet.COOKIE, content), packet.option(12, bytes(60))]
        for name in NAMES:
            assert engines.compare(packet.query(name, "A", additional=[packet.opt(*every)]), client)


def test_a_cookie_of_another_time_is_left_until_there_are_secrets_of_it(engines):
    secrets = CookieSecrets(master=MASTER, rollover=ROLLOVER)
    engines.now = 20_000 * ROLLOVER + 5000
    engines.tell(Settings(), secrets)
    client = Client("192.0.2.7", 5353, Transport.UDP)
    query = packet.query("ns.example.", additional=[packet.opt(packet.option(packet.COOKIE, CLIENT))])
    assert engines.compare(query, client)
    engines.now += ROLLOVER
    assert not engines.compare(query, client)
    assert engines.compare(packet.query("ns.example.", additional=[packet.opt()]), client)
    engines.images.renew()
    assert engines.compare(query, client)


def test_a_cookie_that_is_no_cookie_is_left(engines):
    engines.tell(Settings(), SECRETS[0])
    for size in (0, 7, 9, 15, 41):
        query = packet.query("ns.example.", additional=[packet.opt(packet.option(packet.COOKIE, bytes(size)))])
        assert not engines.compare(query, Client("192.0.2.7", 5353, Transport.UDP))


# Limits.
WHAT = [
    ("ns.example.", "A"),
    ("NS.example.", "A"),
    ("ns.example.", "TXT"),
    ("www.example.", "TXT"),
    ("a.no.example.", "A"),
    ("b.no.example.", "MX"),
    ("a.sub.example.", "A"),
    ("sub.example.", "NS"),
    ("a.wild.example.", "TXT"),
    ("b.wild.example.", "TXT"),
    ("b.wild.example.", "A"),
    ("to-wild.example.", "TXT"),
    ("alias.example.", "A"),
    ("away.example.", "A"),
    ("www.example.", "ANY"),
    ("www.example.", "RRSIG"),  # it is left
    ("a.bag.example.", "A"),
    ("b.bag.example.", "A"),
    ("a.elsewhere.test.", "A"),
    ("b.elsewhere.test.", "A"),
]
rate = st.sampled_from([0, 1, 2, 4])
limits = st.builds(
    RateLimitSettings,
    enabled=st.just(True),
    answers=rate,
    referrals=st.none() | rate,
    nodata=st.none() | rate,
    nxdomains=st.none() | rate,
    errors=st.none() | rate,
    all=st.sampled_from([0, 0, 3]),
    window=st.sampled_from([1.0, 2.0]),
    slip=st.integers(0, 3),
    exempt=st.sampled_from([(), ("192.0.2.77/32", "2001:db8:77::/48")]),
    log_only=st.sampled_from([False, False, True]),
    memory=st.just(1 << 16),
)
hosts = st.sampled_from(["192.0.2.7", "192.0.2.77", "192.0.3.7", "2001:db8::1", "2001:db8::ff:1", "2001:db8:77::1"])


@hypothesis(max_examples=examples(300), deadline=None)
@given(
    limits=limits,
    required=st.booleans(),
    asked=st.lists(
        st.tuples(
            st.sampled_from(WHAT),
            hosts,
            st.sampled_from([0.0, 0.0, 0.01, 0.3, 2.5]),
            st.sampled_from([None, None, "EDNS", "DO", "valid", "wrong"]),
            st.booleans(),
        ),
        max_size=40,
    ),
)
def test_who_is_limited_is_the_same_whoever_answers(engines, limits, required, asked):
    """Each response is judged once, by who gives it: the loop, or for what it leaves and at random the plain one."""
    engines.now = 20_000.0 * ROLLOVER + 5000
    settings = Settings(nsid=b"n" * 128, rate_limit=limits, cookies=CookieSettings(required=required))
    engines.tally.counts[:] = memoryview(bytearray(8 * len(COUNTED))).cast("Q")
    engines.tell(settings, SECRETS[0])
    alone = engines.world(settings, SECRETS[0])
    for (name, rdtype), host, pause, edns, is_for_loop in asked:
        engines.now += pause
        given = cookie(host if edns == "valid" else "198.51.100.1", engines.now)
        every = [packet.option(packet.COOKIE, given)] if edns in ("valid", "wrong") else []
        every += [packet.option(packet.NSID, b"")] if edns in ("EDNS", "wrong") else []
        additional = [] if edns is None else [packet.opt(*every, flags=packet.DO if edns == "DO" else 0)]
        message = packet.query(name, rdtype, additional=additional)
        client = Client(host, 5353, Transport.UDP)
        found = engines.by_images(message, client) if is_for_loop else None
        if found is None:
            found = engines.plain.engine.respond(message, client)
        expected = alone.engine.respond(message, client)
        assert bool(found) == bool(expected)
        if found and expected:
            assert found[:12] == expected[:12]
            assert meaning(found) == meaning(expected)
    counts = alone.counted()
    together = engines.plain.counted()
    for counter, number in engines.counted().items():
        together[counter] = together.get(counter, 0) + number
    assert {name: n for name, n in together.items() if name not in LEFT} == {
        name: n for name, n in counts.items() if name not in LEFT
    }


def test_who_comes_to_a_limit_is_told_once_a_second(engines):
    engines.now = 20_000.0 * ROLLOVER + 5000
    limits = RateLimitSettings(enabled=True, answers=1, slip=0)
    engines.tell(Settings(rate_limit=limits), None)
    found = []
    for pause in (0, 0, 0, 0.1, 5, 0, 0):
        engines.now += pause
        for host in ("192.0.2.7", "2001:db8::7"):
            for name in ("Ns.example.", "a.wild.example."):
                engines.by_images(packet.query(name, "TXT"), Client(host, 5353, Transport.UDP))
                found.append(engines.images.take_notice())
    told = [notice for notice in found if notice]
    assert told == [
        (limits, NODATA, ipaddress.ip_address("192.0.2.7").packed, b"\2ns\7example\0"),
        (limits, NODATA, ipaddress.ip_address("192.0.2.7").packed, b"\2ns\7example\0"),
    ]
