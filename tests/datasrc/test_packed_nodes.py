"""A glance at each name and the checks of the doubtful ones find what the checks of all names find."""

from __future__ import annotations

import dns.name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.datasrc.glancing import by_glance, by_objects, doubtful
from tests.datasrc.reading import ORIGIN, gathered
from tests.kit.interpreted import examples

HEAD = "$TTL 60\n@ SOA ns h 1 7200 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"
names = st.sampled_from(
    ["a", "b", "b.a", "c.b.a", "*", "*.a", "*.b", "ns.a", "ns.b", "ns", "d.e.f", "f", "x*", "A", "example.org",
     "a.example.org", "1.2.3.4", "_dsboot.a", "2"]
)  # fmt: skip
outside = st.sampled_from(["ns.example.net.", ".", "1.2.3.4.", "xexample.org.", "org.", "12.example.net."])
targets = names | outside | st.just("@")
SIGNATURE = "13 2 60 20300101000000 20200101000000 1 @ AAAA"
OTHER_SIGNATURE = SIGNATURE.replace("13", "8", 1)
SIGNED_HEAD = HEAD + "@ DNSKEY 257 3 13 AAAA\n@ RRSIG DNSKEY " + SIGNATURE + "\n"
TWICE_SIGNED_HEAD = SIGNED_HEAD + "@ DNSKEY 256 3 8 AAAA\n@ RRSIG DNSKEY " + OTHER_SIGNATURE + "\n"
# Types that a check looks at, or that a zone may not have; and some that are fine.
OTHERS = [
    *(f"TYPE{number} \\# 0" for number in (19, 20, 31, 127, 256, 258, 32769, 65280, 65535)),
    *(f"TYPE{number} \\# 4 00000000" for number in (10, 24, 25, 30, 49, 59, 60, 62, 63, 104)),
    "NSEC3PARAM 1 0 9 -",
    "CDS 1 13 2 " + "ab" * 32,
    "SSHFP 4 2 " + "ab" * 32,
    'CAA 0 issue "ca.example.net"',
]
records = st.one_of(
    st.builds("{} A 192.0.2.7".format, names),
    st.builds("{} AAAA ::1".format, names),
    st.builds("{} TXT x".format, names),
    st.builds("{} PTR {}".format, names, targets),
    st.builds("{} NS {}".format, names, targets),
    st.builds("{} CNAME {}".format, names, targets),
    st.builds("{} DNAME {}".format, names | st.just("@"), targets),
    st.builds("{} MX 1 {}".format, names, targets),
    st.builds("{} SRV 1 1 1 {}".format, names, targets),
    st.builds("{} DS 1 13 2 {}".format, names, st.just("ab" * 32)),
    st.builds("{} NSEC {} A".format, names, names),
    st.builds(
        "{} RRSIG {} {}".format,
        names,
        st.sampled_from(["A", "AAAA", "TXT", "NS", "CNAME", "DS", "NSEC"]),
        st.sampled_from([SIGNATURE, OTHER_SIGNATURE]),
    ),
    st.builds(
        "{} DNSKEY {}".format, names | st.just("@"), st.sampled_from(["256 3 13 AAAA", "257 3 8 AAAA", "0 3 5 AAAA"])
    ),
    st.builds("{} SOA a b 1 2 3 4 5".format, names),
    st.builds("{} {}".format, names | st.just("@"), st.sampled_from(OTHERS)),
)
# With all that it needs in a zone with one algorithm or with two, or with half of it.
signed_records = st.builds(
    lambda owner, data, covered, signatures: "\n".join(
        [f"{owner} {data}", *(f"{owner} RRSIG {covered} {signature}" for signature in signatures)]
    ),
    names,
    st.sampled_from(["A 192.0.2.7", "NS ns.example.net.", f"DS 1 13 2 {'ab' * 32}", "NSEC @ A"]),
    st.sampled_from(["A", "DS", "NSEC"]),
    st.lists(st.sampled_from([SIGNATURE, OTHER_SIGNATURE]), max_size=2),
)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([HEAD, SIGNED_HEAD, TWICE_SIGNED_HEAD, "$TTL 60\n"]),
    st.lists(records | signed_records, max_size=25),
    st.sampled_from([ORIGIN, dns.name.root, dns.name.from_text("org.")]),
)
def test_a_glance_costs_no_finding(head, lines, origin):
    zone = gathered(f"$ORIGIN {ORIGIN}\n{head}" + "\n".join(lines) + "\n", origin)
    assert by_glance(zone) == by_objects(zone)


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


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([HEAD, SIGNED_HEAD]),
    st.lists(delegations, min_size=1, max_size=4),
    st.lists(records | signed_records, max_size=4),
    st.sampled_from([ORIGIN, dns.name.root, dns.name.from_text("org.")]),
)
def test_a_glance_at_delegations_and_their_glue_costs_no_finding(head, blocks, lines, origin):
    zone = gathered(f"$ORIGIN {ORIGIN}\n{head}" + "\n".join([*blocks, *lines]) + "\n", origin)
    assert by_glance(zone) == by_objects(zone)


def test_names_of_which_nothing_can_be_wrong_are_left_out():
    fine = (
        "a A 192.0.2.1\na AAAA ::1\nb NS ns.example.net.\nc CNAME x.net.\nd MX 1 m.net.\ne.f TXT x\n*.g A 192.0.2.1\n"
    )
    assert doubtful(HEAD + fine) == []


def test_addresses_need_a_look_where_their_name_or_their_size_is_odd():
    """And their neighbours, before and behind, none."""
    repeated = (
        "org A 192.0.2.1\nexample.org A 192.0.2.1\n*.example.org PTR a\nexample.org2 A 192.0.2.1\nexampl.org TXT x\n"
    )
    large = "".join(f"many AAAA 2001:db8::{number:x}\n" for number in range(1000))
    assert doubtful(HEAD + repeated + large + "mano A 192.0.2.1\nmanz A 192.0.2.1\n") == [
        "many", "example.org", "*.example.org",
    ]  # fmt: skip


def test_names_with_all_signatures_are_left_out_and_others_are_not():
    signed = f"a A 192.0.2.1\na RRSIG A {SIGNATURE}\na RRSIG A {OTHER_SIGNATURE}\n"
    cut = f"b NS ns.b\nns.b A 192.0.2.1\nb NSEC c NS\nb RRSIG NSEC {SIGNATURE}\nb RRSIG NSEC {OTHER_SIGNATURE}\n"
    half = f"c A 192.0.2.1\nc RRSIG A {SIGNATURE}\nd NS ns.d\nns.d A 192.0.2.1\nd NSEC @ NS\nd RRSIG NSEC {SIGNATURE}\n"
    assert doubtful(TWICE_SIGNED_HEAD + signed + cut + half, bytes([8, 13])) == ["c", "d", "ns"]
