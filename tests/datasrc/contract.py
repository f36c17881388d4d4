"""What every data source must answer, writable or not. A backend's tests subclass and supply the fixture `serve`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.name
import pytest

from datasrc.errors import NotInZone, ZoneUnusable
from datasrc.records import Lookup, Match, ZoneFilter, ZoneState
from datasrc.source import DataSource, Finder
from tests.datasrc.zonemaking import SMALL, name, rdtype, rrset, texts

Serve = Callable[[dict[str, str]], DataSource]
"""Makes a data source with these zones (text by origin)."""

# RFC 4592 section 2.2.1.
RFC4592 = """
@ SOA ns hostmaster 1 3600 900 604800 300
@ NS ns.example.com.|ns.example.net.
* TXT "this is a wildcard"
* MX 10 host1
sub.* TXT "this is not a wildcard"
host1 A 192.0.2.1
_ssh._tcp.host1 SRV 0 0 22 host1
_ssh._tcp.host2 SRV 0 0 22 host1
subdel NS ns.example.com.|ns.example.net.
"""

# (name, type, outcome, closest encloser, owner of the answer, by a wildcard)
RFC4592_LOOKUPS = [
    # "The following responses would be synthesized"
    ("host3", "MX", Match.SUCCESS, "@", "*", True),
    ("host3", "A", Match.NODATA, "@", None, True),
    ("foo.bar", "TXT", Match.SUCCESS, "@", "*", True),
    # "The following responses would not be synthesized"
    ("host1", "MX", Match.NODATA, "host1", None, False),
    ("sub.*", "MX", Match.NODATA, "sub.*", None, False),
    ("_telnet._tcp.host1", "SRV", Match.NXDOMAIN, "_tcp.host1", None, False),
    ("host.subdel", "A", Match.DELEGATION, "subdel", "subdel", False),
    ("ghost.*", "MX", Match.NXDOMAIN, "*", None, False),
    # Section 3.3.2, the table of closest enclosers and sources of synthesis.
    ("host3", "TXT", Match.SUCCESS, "@", "*", True),
    ("_telnet._tcp.host1", "A", Match.NXDOMAIN, "_tcp.host1", None, False),
    ("_telnet._tcp.host2", "A", Match.NXDOMAIN, "_tcp.host2", None, False),
    ("_telnet._tcp.host3", "MX", Match.SUCCESS, "@", "*", True),
    ("_chat._udp.host3", "MX", Match.SUCCESS, "@", "*", True),
    ("foobar.*", "TXT", Match.NXDOMAIN, "*", None, False),
    # Sections 2.2.2 and 2.3: empty non-terminals exist, the asterisk asked for is an ordinary name.
    ("_tcp.host1", "MX", Match.NODATA, "_tcp.host1", None, False),
    ("host2", "MX", Match.NODATA, "host2", None, False),
    ("*", "TXT", Match.SUCCESS, "*", "*", False),
    ("*", "A", Match.NODATA, "*", None, False),
    ("_ssh._tcp.host2", "SRV", Match.SUCCESS, "_ssh._tcp.host2", "_ssh._tcp.host2", False),
    ("subdel", "TXT", Match.DELEGATION, "subdel", "subdel", False),
]

RICH = """
@ SOA ns hostmaster 7 3600 900 604800 300
@ NS ns
@ DNSKEY 257 3 13 AAAA
ns A 192.0.2.1
www CNAME ns
signed CNAME ns
signed NSEC \\000.signed CNAME RRSIG NSEC
signed RRSIG CNAME 13 2 3600 20300101000000 20200101000000 1 example. AAAA
signed RRSIG NSEC 13 2 300 20300101000000 20200101000000 1 example. AAAA
deep.below.nothing A 192.0.2.2
cut NS ns.cut|ns.sibling
cut DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.cut A 192.0.2.3
inner.cut NS ns.inner.cut
ns.inner.cut A 192.0.2.4
*.cut TXT "occluded"
sibling NS ns.sibling
ns.sibling A 192.0.2.5
away DNAME target.example.net.
away A 192.0.2.6
under.away A 192.0.2.7
cut.away NS ns
*.wild CNAME ns
*.multi A 192.0.2.8
*.multi TXT "two types"
exists.multi TXT "no synthesis here"
x.empty.multi TXT "nor at empty"
*.star.wildent.deeper TXT "an empty wildcard above"
*.dsw DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
a.*.entwild A 192.0.2.9
mixed A 192.0.2.10
mixed TXT "t"
"""

CHAIN = """
@ SOA ns hostmaster 7 3600 900 604800 300
@ NS ns
@ NSEC b NS SOA NSEC
a A 192.0.2.1
b A 192.0.2.1
b NSEC m.b A NSEC
d.b A 192.0.2.1
m.b A 192.0.2.1
m.b NSEC x A NSEC
x A 192.0.2.1
x NSEC @ A NSEC
y A 192.0.2.1
"""

RICH_LOOKUPS = [
    ("@", "SOA", Match.SUCCESS, "@", "@", False),
    ("@", "NS", Match.SUCCESS, "@", "@", False),
    ("@", "A", Match.NODATA, "@", None, False),
    ("@", "DS", Match.NODATA, "@", None, False),
    ("www", "A", Match.CNAME, "www", "www", False),
    ("www", "CNAME", Match.SUCCESS, "www", "www", False),
    ("signed", "TXT", Match.CNAME, "signed", "signed", False),
    ("signed", "NSEC", Match.SUCCESS, "signed", "signed", False),
    ("www", "NSEC", Match.NODATA, "www", None, False),
    ("www", "RRSIG", Match.NODATA, "www", None, False),
    ("below.nothing", "A", Match.NODATA, "below.nothing", None, False),
    ("nothing", "ANY", Match.NODATA, "nothing", None, False),
    ("other.nothing", "A", Match.NXDOMAIN, "nothing", None, False),
    ("nothere", "A", Match.NXDOMAIN, "@", None, False),
    ("nothere", "ANY", Match.NXDOMAIN, "@", None, False),
    # Cuts: the topmost wins; DS is the parent's; what is below is occluded, wildcards too.
    ("cut", "NS", Match.DELEGATION, "cut", "cut", False),
    ("cut", "A", Match.DELEGATION, "cut", "cut", False),
    ("cut", "ANY", Match.DELEGATION, "cut", "cut", False),
    ("cut", "SOA", Match.DELEGATION, "cut", "cut", False),
    ("cut", "DS", Match.SUCCESS, "cut", "cut", False),
    ("sibling", "DS", Match.NODATA, "sibling", None, False),
    ("ns.cut", "A", Match.DELEGATION, "cut", "cut", False),
    ("ns.cut", "DS", Match.DELEGATION, "cut", "cut", False),
    ("x.cut", "TXT", Match.DELEGATION, "cut", "cut", False),
    ("inner.cut", "NS", Match.DELEGATION, "cut", "cut", False),
    ("inner.cut", "DS", Match.DELEGATION, "cut", "cut", False),
    ("a.b.inner.cut", "A", Match.DELEGATION, "cut", "cut", False),
    # DNAME: redirects below, not at, its owner; what is below is occluded, a cut too.
    ("away", "DNAME", Match.SUCCESS, "away", "away", False),
    ("away", "A", Match.SUCCESS, "away", "away", False),
    ("away", "TXT", Match.NODATA, "away", None, False),
    ("under.away", "A", Match.DNAME, "away", "away", False),
    ("under.away", "DNAME", Match.DNAME, "away", "away", False),
    ("cut.away", "NS", Match.DNAME, "away", "away", False),
    ("a.b.c.away", "ANY", Match.DNAME, "away", "away", False),
    # Wildcards.
    ("x.wild", "A", Match.CNAME, "wild", "*.wild", True),
    ("x.y.wild", "CNAME", Match.SUCCESS, "wild", "*.wild", True),
    ("wild", "A", Match.NODATA, "wild", None, False),
    ("x.multi", "A", Match.SUCCESS, "multi", "*.multi", True),
    ("x.multi", "MX", Match.NODATA, "multi", None, True),
    ("exists.multi", "A", Match.NODATA, "exists.multi", None, False),
    ("below.exists.multi", "A", Match.NXDOMAIN, "exists.multi", None, False),
    ("empty.multi", "A", Match.NODATA, "empty.multi", None, False),
    ("y.empty.multi", "A", Match.NXDOMAIN, "empty.multi", None, False),
    ("x.dsw", "DS", Match.NODATA, "dsw", None, True),
    ("*.dsw", "DS", Match.SUCCESS, "*.dsw", "*.dsw", False),
    ("x.entwild", "A", Match.NODATA, "entwild", None, True),
    ("*.entwild", "A", Match.NODATA, "*.entwild", None, False),
    ("x.*.entwild", "A", Match.NXDOMAIN, "*.entwild", None, False),
    ("x.wildent.deeper", "TXT", Match.NXDOMAIN, "wildent.deeper", None, False),
    ("a.x.star.wildent.deeper", "TXT", Match.SUCCESS, "star.wildent.deeper", "*.star.wildent.deeper", True),
    # Names are looked up without regard to case.
    ("NS", "A", Match.SUCCESS, "ns", "ns", False),
    ("X.MULTI", "A", Match.SUCCESS, "multi", "*.multi", True),
]


@contextmanager
def zone(source: DataSource, origin: str = "example.") -> Iterator[Finder]:
    """The finder of a zone."""
    with source.snapshot() as snapshot:
        finder = snapshot.zone(dns.name.from_text(origin))
        assert finder is not None
        yield finder


def lookup(source: DataSource, owner: str, kind: str, *, below_cuts: bool = False, origin: str = "example.") -> Lookup:
    with zone(source, origin) as finder:
        return finder.find(name(owner, origin), rdtype(kind), below_cuts=below_cuts)


class LookupContract:
    """Lookups within a zone."""

    @pytest.fixture
    def rich(self, serve: Serve) -> DataSource:
        return serve({"example.": RICH})

    @pytest.mark.parametrize("case", RFC4592_LOOKUPS, ids=lambda case: f"{case[0]}-{case[1]}")
    def test_the_examples_of_rfc_4592(self, serve: Serve, case: tuple[str, str, Match, str, str | None, bool]) -> None:
        self._check(serve({"example.": RFC4592}), case)

    def test_cuts_dnames_aliases_wildcards_and_empty_names(self, rich: DataSource) -> None:
        for case in RICH_LOOKUPS:
            self._check(rich, case)

    def _check(self, source: DataSource, case: tuple[str, str, Match, str, str | None, bool]) -> None:
        owner, kind, match, encloser, answer, wildcard = case
        found = lookup(source, owner, kind)
        got = (found.match, found.closest_encloser, found.rrset and found.rrset.name, found.wildcard)
        wanted = (match, name(encloser), None if answer is None else name(answer), wildcard)
        assert got == wanted, f"{owner} {kind}"

    def test_a_lookup_gives_the_whole_set(self, rich: DataSource) -> None:
        found = lookup(rich, "cut", "NS").rrset
        assert found is not None
        assert texts([found]) == ["cut.example. 3600 NS ns.cut.example.", "cut.example. 3600 NS ns.sibling.example."]

    def test_any_gives_every_set_of_the_node(self, rich: DataSource) -> None:
        found = lookup(rich, "signed", "ANY")
        assert found.match is Match.SUCCESS
        assert found.rrset is None
        assert sorted((each.rdtype, each.covers) for each in found.rrsets) == [(5, 0), (46, 5), (46, 47), (47, 0)]

    def test_any_at_a_wildcard_gives_every_set_of_it(self, rich: DataSource) -> None:
        found = lookup(rich, "x.multi", "ANY")
        assert (found.match, found.wildcard) == (Match.SUCCESS, True)
        assert sorted(each.rdtype for each in found.rrsets) == [1, 16]

    def test_signatures_are_asked_for_as_one_set(self, rich: DataSource) -> None:
        found = lookup(rich, "signed", "RRSIG")
        assert found.match is Match.SUCCESS
        assert found.rrset is not None
        assert (len(found.rrset.rdatas), len(found.rrsets)) == (2, 2)

    @pytest.mark.parametrize(
        ("owner", "match"),
        [
            ("ns.cut", Match.SUCCESS),
            ("ns.inner.cut", Match.SUCCESS),
            ("under.away", Match.DNAME),
            ("no.cut", Match.NODATA),
        ],
    )
    def test_glue_is_found_below_cuts(self, rich: DataSource, owner: str, match: Match) -> None:
        assert lookup(rich, owner, "A", below_cuts=True).match is match

    def test_a_stored_set_is_found_whatever_is_above_it(self, rich: DataSource) -> None:
        with zone(rich) as finder:
            assert finder.rrset(name("ns.inner.cut"), rdtype("A")) == rrset("ns.inner.cut A 192.0.2.4")
            assert finder.rrset(name("signed"), rdtype("RRSIG"), rdtype("NSEC")) is not None
            assert finder.rrset(name("signed"), rdtype("RRSIG")) is None
            assert finder.rrset(name("x.multi"), rdtype("A")) is None
            assert finder.rrset(name("@"), rdtype("MX")) is None

    def test_a_name_outside_is_an_error(self, rich: DataSource) -> None:
        with zone(rich) as finder:
            for owner in ("com.", ".", "ample.", "notexample."):
                with pytest.raises(NotInZone, match="outside"):
                    finder.find(dns.name.from_text(owner), 1)

    def test_names_are_left_in_canonical_order(self, serve: Serve) -> None:
        # RFC 4034 section 6.1, its example, and bytes that an encoding of keys could get wrong.
        owners = ["@", "a", "yljkjljk.a", "Z.a", "zABC.a", "z", "\\001.z", "*.z", "\\200.z", "\\255.z", "\\255\\000.z"]
        source = serve({"example.": SMALL + "\n".join(f"{owner} TXT x" for owner in reversed(owners) if owner != "@")})
        with zone(source) as finder:
            seen = [each.name for each in finder.rrsets() if each.rdtype == rdtype("TXT")]
            assert seen == [name(owner) for owner in owners[1:]]
            assert seen == sorted(seen)
            assert finder.previous(name("z.a")) == name("yljkjljk.a")
            assert finder.previous(name("b")) == name("zABC.a")
            assert finder.previous(name("a")) == name("@")
            assert finder.previous(name("@")) is None

    def test_a_chain_is_walked_backwards_and_around(self, serve: Serve):
        """Beginning at a name of it, between two, before all and after all; other types on the way do not count."""
        source = serve({"example.": CHAIN})
        ring = ["@", "b", "m.b", "x"]
        with zone(source) as finder:
            for start, last in (("@", "@"), ("a", "@"), ("b", "b"), ("c.b", "b"), ("w", "m.b"), ("x", "x"), ("z", "x")):
                walked = [rrset.name for _, rrset in finder.backwards(finder.key_of(name(start)), rdtype("NSEC"))]
                turn = ring.index(last) + 1
                assert walked == [name(owner) for owner in reversed(ring[turn:] + ring[:turn])]
            assert [key for key, _ in finder.backwards(finder.key_of(name("a")), rdtype("NSEC"))] == [
                finder.key_of(name(owner)) for owner in ("@", "x", "m.b", "b")
            ]
            assert list(finder.backwards(finder.key_of(name("a")), rdtype("NSEC3"))) == []

    def test_a_chain_that_does_not_begin_at_the_apex_is_walked_around(self, serve: Serve):
        hashes = ["0" * 32, "a" * 32, "v" * 32]
        texts_of = "".join(f"{one} NSEC3 1 0 0 - {one} A\n" for one in hashes)
        with zone(serve({"example.": CHAIN + texts_of})) as finder:
            for start, expected in (("0" * 31, "va0"), ("0" * 32, "0va"), ("b" * 32, "a0v"), ("w" * 32, "va0")):
                key = finder.key_of(name(start))
                walked = [str(rrset.name)[0] for _, rrset in finder.backwards(key, rdtype("NSEC3"))]
                assert "".join(walked) == expected

    def test_names_of_nsec3_records_alone_do_not_exist(self, serve: Serve):
        """RFC 5155 section 7.2.8."""
        hashes = ["0" * 32, "a" * 32, "v" * 32]
        lines = "".join(f"{one} NSEC3 1 0 0 - {one} A\n" for one in hashes)
        source = serve({"example.": CHAIN + lines + f"{hashes[1]} A 192.0.2.1\nx.{hashes[2]} A 192.0.2.1\n"})
        for owner, kind, match, encloser in (
            (hashes[0], "NSEC3", Match.NXDOMAIN, "@"),
            (f"x.{hashes[0]}", "A", Match.NXDOMAIN, "@"),
            (hashes[1], "NSEC3", Match.NODATA, hashes[1]),
            (hashes[1], "A", Match.SUCCESS, hashes[1]),
            (hashes[2], "NSEC3", Match.NODATA, hashes[2]),
            (f"y.{hashes[2]}", "A", Match.NXDOMAIN, hashes[2]),
        ):
            found = lookup(source, owner, kind)
            assert (found.match, found.closest_encloser) == (match, name(encloser))

    def test_all_octets_can_be_in_a_name(self, serve: Serve) -> None:
        labels = ["".join(f"\\{octet:03}" for octet in range(start, start + 32)) for start in range(0, 256, 32)]
        source = serve({"example.": SMALL + "\n".join(f"{label}.x TXT {index}" for index, label in enumerate(labels))})
        for index, label in enumerate(labels):
            found = lookup(source, f"{label}.x", "TXT").rrset
            assert found is not None, label
            assert found.rdatas == (b"\x01%d" % index,)
            assert found.name.labels == name(f"{label}.x").labels

    def test_the_longest_name_can_be_looked_up(self, serve: Serve) -> None:
        longest = ".".join(["a"] * 123)  # 246 octets, and 9 of example.
        source = serve({"example.": f"{SMALL}\n{longest} TXT x"})
        assert lookup(source, longest, "TXT").match is Match.SUCCESS
        assert lookup(source, longest, "A").match is Match.NODATA
        assert lookup(source, longest.replace("a", "b", 1), "A").match is Match.NXDOMAIN


class ZonesContract:
    """Zones within a data source."""

    def test_the_zone_with_the_longest_match_is_found(self, serve: Serve) -> None:
        source = serve({"example.": SMALL, "sub.example.": SMALL, "a.b.example.": SMALL})
        with source.snapshot() as snapshot:
            for owner, origin in [
                ("example.", "example."),
                ("x.y.example.", "example."),
                ("b.example.", "example."),
                ("SUB.example.", "sub.example."),
                ("x.sub.example.", "sub.example."),
                ("notsub.example.", "example."),
                ("c.a.b.example.", "a.b.example."),
            ]:
                finder = snapshot.find_zone(dns.name.from_text(owner))
                assert finder is not None
                assert finder.info.origin == dns.name.from_text(origin), owner
            for owner in ("com.", "ample.", "notexample.", "."):
                assert snapshot.find_zone(dns.name.from_text(owner)) is None

    def test_the_root_can_be_a_zone(self, serve: Serve) -> None:
        source = serve(
            {".": "@ SOA ns. hostmaster. 1 2 3 4 5\n@ NS ns.\nns. A 192.0.2.1\ncom. NS ns.\n*.wild. A 192.0.2.2"}
        )
        assert lookup(source, ".", "SOA", origin=".").match is Match.SUCCESS
        assert lookup(source, "a.b.com.", "A", origin=".").match is Match.DELEGATION
        assert lookup(source, "x.wild.", "A", origin=".").wildcard
        assert lookup(source, "org.", "A", origin=".").match is Match.NXDOMAIN
        with source.snapshot() as snapshot:
            finder = snapshot.find_zone(dns.name.from_text("any.thing."))
            assert finder is not None
            assert finder.info.origin == dns.name.root

    def test_a_zone_is_found_by_its_exact_origin(self, serve: Serve) -> None:
        source = serve({"example.": SMALL})
        with source.snapshot() as snapshot:
            assert snapshot.zone(dns.name.from_text("EXAMPLE.")) is not None
            assert snapshot.zone(dns.name.from_text("sub.example.")) is None
            assert snapshot.zone(dns.name.root) is None

    def test_zones_are_listed_in_canonical_order_in_pages(self, serve: Serve) -> None:
        origins = ["b.", "a.b.", "z.b.", "c.", "aa.c.", "a.aa.c."]
        source = serve(dict.fromkeys(reversed(origins), SMALL))
        wanted = sorted(dns.name.from_text(origin) for origin in origins)
        assert [info.origin for info in source.zones()] == wanted
        assert [info.origin for info in source.zones(limit=2)] == wanted[:2]
        assert [info.origin for info in source.zones(after=wanted[1], limit=3)] == wanted[2:5]
        assert [info.origin for info in source.zones(after=wanted[-1])] == []
        assert [info.origin for info in source.zones(after=dns.name.from_text("a.bb."))] == wanted[3:]

    def test_zones_are_listed_by_how_their_names_begin(self, serve: Serve) -> None:
        """In the order of their text: dash, dot, digits, letters; a dot at the end is the end of a whole label."""
        origins = [
            "exam.",
            "Exam.net.",
            "EXAM-2.org.",
            "exam.a.org.",
            "exam0.",
            "example.",
            "xexam.",
            "a.exam.",
            "e\\.x.",
        ]
        source = serve(dict.fromkeys(origins, SMALL))

        def found(beginning: str, after: str | None = None, limit: int | None = None) -> list[str]:
            behind = None if after is None else dns.name.from_text(after)
            return [str(info.origin) for info in source.zones(behind, limit, only=ZoneFilter(beginning))]

        all_of_them = ["EXAM-2.org.", "exam.", "exam.a.org.", "Exam.net.", "exam0.", "example."]
        assert found("exam") == found("EXam") == all_of_them
        assert found("exam", limit=2) == all_of_them[:2]
        assert found("exam", after="EXAM.a.org.", limit=2) == all_of_them[3:5]
        assert found("exam", after="a.") == all_of_them
        assert found("exam", after="example.") == found("exam", after="z.") == []
        assert found("exam.") == all_of_them[1:4]
        assert found("exam.n") == found("exam.net.") == ["Exam.net."]
        assert found("e\\.") == ["e\\.x."]
        assert found("e.") == found("org") == found("exam*") == found("\u00e9") == []
        assert len(found("")) == len(origins)

    def test_zones_are_listed_by_their_state(self, serve: Serve) -> None:
        broken = "ns A 192.0.2.1\n@ NS ns"
        source = serve({"b.": SMALL, "a.b.": broken, "z.b.": SMALL, "c.": broken, "aa.c.": SMALL})

        def found(
            state: ZoneState, beginning: str = "", after: str | None = None, limit: int | None = None
        ) -> list[str]:
            behind = None if after is None else dns.name.from_text(after)
            return [str(info.origin) for info in source.zones(behind, limit, only=ZoneFilter(beginning, state))]

        assert found(ZoneState.READY) == ["b.", "z.b.", "aa.c."]
        assert found(ZoneState.BROKEN) == ["a.b.", "c."]
        assert found(ZoneState.READY, after="b.", limit=1) == ["z.b."]
        assert found(ZoneState.BROKEN, after="c.") == found(ZoneState.EMPTY) == []
        assert found(ZoneState.READY, "a") == ["aa.c."]
        assert found(ZoneState.BROKEN, "a") == ["a.b."]

    def test_a_source_tells_which_of_some_zones_it_holds(self, serve: Serve) -> None:
        source = serve(dict.fromkeys(["b.", "a.b.", "c."], SMALL))
        assert source.held([b"b\x00", b"b\x00a\x00", b"", b"d\x00", b"b"]) == {b"b\x00", b"b\x00a\x00"}
        assert source.held([]) == set()

    def test_a_zone_says_what_it_holds(self, serve: Serve) -> None:
        source = serve({"example.": RFC4592})
        info = source.zones()[0]
        assert (info.origin, info.serial, info.records, info.state) == (name("@"), 1, 11, ZoneState.READY)
        with zone(source) as finder:
            assert finder.info == info

    def test_the_soa_comes_first(self, serve: Serve) -> None:
        with zone(serve({"example.": RICH})) as finder:
            sets = list(finder.rrsets())
        assert sets[0].rdtype == rdtype("SOA")
        assert [each.rdtype for each in sets].count(rdtype("SOA")) == 1
        assert [each.name for each in sets[1:]] == sorted(each.name for each in sets[1:])

    def test_an_owner_keeps_its_case(self, serve: Serve) -> None:
        source = serve({"Example.": SMALL + "WwW.DePt A 192.0.2.2\nother A 192.0.2.3"})
        with zone(source) as finder:
            found = finder.find(name("www.dept"), 1).rrset
            assert found is not None
            assert found.name.to_text() == "WwW.DePt.Example."
            assert finder.find(name("OTHER"), 1).rrset is not None

    @pytest.mark.parametrize("value", [0, 1, 2**31 - 1, 2**31, 2**32 - 1])
    def test_numbers_of_32_bits_are_kept(self, serve: Serve, value: int) -> None:
        """V73."""
        text = f"@ SOA ns hostmaster {value} {value} {value} {value} {value}\n@ NS ns\nns A 192.0.2.1"
        source = serve({"example.": text})
        with zone(source) as finder:
            assert finder.info.serial == value
            found = finder.find(name("@"), rdtype("SOA")).rrset
        assert found is not None
        assert texts([found]) == [f"example. 3600 SOA ns.example. hostmaster.example. {' '.join([str(value)] * 5)}"]

    def test_types_nobody_knows_are_kept(self, serve: Serve) -> None:
        source = serve({"example.": f"{SMALL}\nx TYPE65280 \\# 3 00ff01\nx TYPE65535 \\# 0"})
        with zone(source) as finder:
            found = finder.find(name("x"), 65280).rrset
            assert found is not None
            assert found.rdatas == (b"\x00\xff\x01",)
            empty = finder.find(name("x"), 65535).rrset
            assert empty is not None
            assert empty.rdatas == (b"",)

    def test_a_zone_without_its_apex_is_not_answered_from(self, serve: Serve) -> None:
        source = serve({"good.": SMALL, "example.": "ns A 192.0.2.1\n@ NS ns"})
        with zone(source) as finder:
            assert finder.info.state is ZoneState.BROKEN
            assert "SOA" in finder.info.reason
            with pytest.raises(ZoneUnusable, match=r"zone example\.: broken: no SOA"):
                finder.find(name("ns"), 1)
        assert lookup(source, "ns", "A", origin="good.").match is Match.SUCCESS
        assert {str(info.origin): info.state for info in source.zones()} == {
            "example.": ZoneState.BROKEN,
            "good.": ZoneState.READY,
        }
