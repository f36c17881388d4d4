"""A glance at each name and the checks of the doubtful ones find what the checks of all names find."""

from __future__ import annotations

import io

import dns.name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasrc.checks import check_zone
from datasrc.findings import Finding
from datasrc.packed_nodes import Glance
from datasrc.zonetext import Reader
from datasrc.zonetext_zone import ZoneText
from tests.datasrc.reading import ORIGIN

HEAD = "$TTL 60\n@ SOA ns h 1 7200 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"
names = st.sampled_from(
    ["a", "b", "b.a", "c.b.a", "*", "*.a", "*.b", "ns.a", "ns.b", "ns", "d.e.f", "f", "x*", "A", "example.org",
     "a.example.org", "1.2.3.4", "_dsboot.a", "2"]
)  # fmt: skip
outside = st.sampled_from(["ns.example.net.", ".", "1.2.3.4.", "xexample.org.", "org.", "12.example.net."])
targets = names | outside | st.just("@")
SIGNATURE = "13 2 60 20300101000000 20200101000000 1 @ AAAA"
records = st.one_of(
    st.builds("{} A 192.0.2.7".format, names),
    st.builds("{} AAAA ::1".format, names),
    st.builds("{} TXT x".format, names),
    st.builds("{} NS {}".format, names, targets),
    st.builds("{} CNAME {}".format, names, targets),
    st.builds("{} DNAME {}".format, names, targets),
    st.builds("{} MX 1 {}".format, names, targets),
    st.builds("{} SRV 1 1 1 {}".format, names, targets),
    st.builds("{} DS 1 13 2 {}".format, names, st.just("ab" * 32)),
    st.builds("{} NSEC {} A".format, names, names),
    st.builds("{} RRSIG {} {}".format, names, st.sampled_from(["A", "NS", "CNAME", "DS", "NSEC"]), st.just(SIGNATURE)),
    st.builds("{} DNSKEY 256 3 13 AAAA".format, names),
    st.builds("{} SOA a b 1 2 3 4 5".format, names),
    st.builds("{} TYPE65280 \\# 0".format, names),
)


def gathered(text: str, origin: dns.name.Name) -> ZoneText:
    findings: list[Finding] = []
    zone = ZoneText(origin, findings.append)
    for record in Reader(origin, findings.append, plain=zone.plain).read(io.BytesIO(text.encode()), "z"):
        zone.add(record)
    zone.finish()
    return zone


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([HEAD, "$TTL 60\n"]),
    st.lists(records, max_size=25),
    st.sampled_from([ORIGIN, dns.name.root, dns.name.from_text("org.")]),
)
def test_a_glance_costs_no_finding(head, lines, origin):
    zone = gathered(f"$ORIGIN {ORIGIN}\n{head}" + "\n".join(lines) + "\n", origin)
    short: list[Finding] = []
    zone.check(short.append)
    long: list[Finding] = []
    check_zone(origin, zone.rrsets(), long.append, zone.place)
    assert sorted(map(str, short)) == sorted(map(str, long))


cuts = st.sampled_from(["a", "b", "b.a", "A", "*"])
delegations = st.builds(
    lambda cut, hosts, glue: "\n".join(
        [*(f"{cut} NS {host}.{cut}" for host in hosts), *(f"{host}.{where} {kind}" for host, where, kind in glue)]
    ),
    cuts,
    st.lists(st.sampled_from(["ns", "NS", "n2", "1", "*", "x.ns", "\\000"]), min_size=1, max_size=3),
    st.lists(
        st.tuples(
            st.sampled_from(["ns", "n2", "1", "*", "x.ns", "\\000"]),
            cuts,
            st.sampled_from(["A 192.0.2.1", "AAAA ::1", "TXT x", f"RRSIG A {SIGNATURE}"]),
        ),
        max_size=5,
    ),
)


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(delegations, min_size=1, max_size=4),
    st.lists(records, max_size=4),
    st.sampled_from([ORIGIN, dns.name.root, dns.name.from_text("org.")]),
)
def test_a_glance_at_delegations_and_their_glue_costs_no_finding(blocks, lines, origin):
    zone = gathered(f"$ORIGIN {ORIGIN}\n{HEAD}" + "\n".join([*blocks, *lines]) + "\n", origin)
    short: list[Finding] = []
    zone.check(short.append)
    long: list[Finding] = []
    check_zone(origin, zone.rrsets(), long.append, zone.place)
    assert sorted(map(str, short)) == sorted(map(str, long))


def test_delegations_with_their_glue_are_left_out():
    fine = "a NS ns.a\n NS n2.A\n NS ns.example.net.\nns.a A 192.0.2.1\nns.a AAAA ::1\nn2.a A 192.0.2.2\n"
    fine += "b NS ns.b\nNS.b AAAA ::1\n"
    doubtful = "c NS ns.c\nd NS ns.d\nns.d A 192.0.2.1\nx.d A 192.0.2.1\n"
    zone = gathered(HEAD + fine + doubtful, ORIGIN)
    glance = Glance(zone._packed, b"\x07example\x03org\x00", b"org\x00example\x00", True)
    found = [zone.rrset(first).name.relativize(ORIGIN).to_text() for first, _ in glance.doubtful()]
    assert found == ["@", "c", "d", "ns.d", "x.d"]


def test_names_of_which_nothing_can_be_wrong_are_left_out():
    fine = (
        "a A 192.0.2.1\na AAAA ::1\nb NS ns.example.net.\nc CNAME x.net.\nd MX 1 m.net.\ne.f TXT x\n*.g A 192.0.2.1\n"
    )
    zone = gathered(HEAD + fine, ORIGIN)
    glance = Glance(zone._packed, b"\x07example\x03org\x00", b"org\x00example\x00", True)
    assert [zone.rrset(first).name for first, _ in glance.doubtful()] == [ORIGIN]
