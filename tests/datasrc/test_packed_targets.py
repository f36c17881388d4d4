"""Targets that are looked up in the packed sets of a zone: what is found is what the checks of all names find."""

from __future__ import annotations

import dns.name
import pytest
from dns.rdatatype import RdataType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasrc.findings import MAX_KEPT_PER_CODE
from datasrc.records import RRset
from datasrc.zonetext import Record
from datasrc.zonetext_zone import ZoneText
from tests.datasrc.glancing import by_glance, by_objects, doubtful
from tests.datasrc.reading import ORIGIN, gathered, zone
from tests.kit.interpreted import examples

HEAD = "$TTL 60\n@ SOA ns h 1 7200 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"
ORIGINS = st.sampled_from([ORIGIN, dns.name.root, dns.name.from_text("org."), dns.name.from_text("Example.ORG.")])
many = settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))

# Few names, so that targets meet what is there: below cuts and DNAMEs, names that only others lie below, wildcards.
NAMES = ["a", "b", "b.a", "c.b.a", "*", "*.a", "*.z", "ns.a", "x.y.z"]
ELSEWHERE = ["ns.example.net.", "EXAMPLE.org.", "a.example.org.example.org."]
names = st.sampled_from(NAMES)
targets = st.sampled_from(
    [*NAMES, *ELSEWHERE, "A", "ns", "@", "q", "q.a", "q.b.a", "r.q.a", "z", "y.z", "q.z", "q.y.z"]
)
data = st.one_of(
    st.sampled_from(["A 192.0.2.7", "AAAA ::1", "TXT x"]),
    st.builds("{} {}".format, st.sampled_from(["NS", "CNAME", "DNAME", "MX 1", "SRV 1 1 1"]), targets),
)
records = st.builds("{} {}".format, names, data)


@many
@given(st.lists(records, min_size=3, max_size=16))
def test_targets_anywhere_are_found_fault_with_as_before(lines):
    text = gathered(HEAD + "\n".join(lines) + "\n", ORIGIN)
    assert by_glance(text) == by_objects(text)


@many
@given(st.lists(st.builds("{} {}".format, names | st.just("@"), data), max_size=12), ORIGINS)
def test_zones_without_apex_are_found_fault_with_as_before(lines, origin):
    text = gathered(f"$ORIGIN {ORIGIN}\n$TTL 60\n" + "\n".join(lines) + "\n", origin)
    assert by_glance(text) == by_objects(text)


ODD = ["\\000", "\\001", "\\000\\001", "\\001\\002", "x\\.y", "X", "x", "1", "1.2.3", "1.2.3.4", "12", "1234"]
odd_owners = st.sampled_from(ODD)
odd_types = st.sampled_from(["NS", "MX 1", "CNAME"])
odd_targets = st.sampled_from(
    [*ODD, ".", "1.2.3.4.", "1.2.3.4.Example.Org.", "1.2.3.4.a", "0.1.2.3.4", "12.34.567.8", "1.2.3.4567", "1.2.3.x",
     "xexample.org.", "org.", "x.Example.ORG.", "12.example.net.", ".".join(["z" * 63] * 3)]
)  # fmt: skip


@many
@given(
    st.lists(st.builds("{} A 192.0.2.1".format, odd_owners), max_size=6),
    st.lists(
        st.builds("{} {} {}".format, odd_owners, st.sampled_from(["NS", "MX 1", "CNAME"]), odd_targets), max_size=9
    ),
    ORIGINS,
)
def test_odd_names_are_found_as_before(addresses, others, origin):
    text = gathered(f"$ORIGIN {ORIGIN}\n{HEAD}" + "\n".join([*addresses, *others]) + "\n", origin)
    assert by_glance(text) == by_objects(text)


few = st.sampled_from(["a", "b", "c", "d", "e", "f.a", "g.a"])


@many
@given(
    st.lists(st.builds("{} CNAME {}".format, few, few | st.just("x.net.")), max_size=14),
    st.lists(st.builds("{} {}".format, few, st.sampled_from(["A 192.0.2.1", "NS b", "DNAME c", "MX 1 d"])), max_size=3),
)
def test_chains_and_loops_of_aliases_are_found_as_before(aliases, others):
    text = gathered(HEAD + "\n".join([*aliases, *others]) + "\n", ORIGIN)
    assert by_glance(text) == by_objects(text)


hosts = st.sampled_from(["ns.a", "ns.b", "n2.b", "a", "b", "c", "ns", "ns.d", "ns.elsewhere.test."])


@many
@given(
    st.lists(st.builds("{} NS {}".format, st.sampled_from(["a", "b", "c", "d"]), hosts), max_size=9),
    st.lists(st.builds("{} {}".format, hosts, st.sampled_from(["A 192.0.2.1", "AAAA ::1", "TXT x"])), max_size=9),
    st.lists(records, max_size=2),
)
def test_glue_that_others_need_is_found_as_before(cuts, glue, others):
    text = gathered(HEAD + "\n".join([*cuts, *glue, *others]) + "\n", ORIGIN)
    assert by_glance(text) == by_objects(text)


wires = st.one_of(
    st.binary(max_size=12),
    st.lists(st.sampled_from([b"\x01a", b"\x02ns", b"\x00", b"\x40" + b"z" * 64, b"\x3f" + b"z" * 63]), max_size=6).map(
        b"".join
    ),
).flatmap(lambda front: st.sampled_from([front, front + b"\x07example\x03org\x00", front + b"\x07example\x03org"]))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from([RdataType.NS, RdataType.CNAME, RdataType.MX, RdataType.SRV]), wires), max_size=9
    )
)
def test_what_is_no_name_is_left_to_the_checks(rdatas):
    text = ZoneText(ORIGIN, lambda _: None)
    for number, (rdtype, rdata) in enumerate(rdatas):
        owner = dns.name.from_text("abc"[number % 3], ORIGIN)
        text.add(Record(owner, 60, rdtype, rdata, "z", number + 1))
    text.finish()
    assert by_glance(text) == by_objects(text)


@pytest.mark.parametrize("kind", ["NS", "CNAME", "MX 1", "SRV 1 1 1"])
@pytest.mark.parametrize(
    "target",
    [
        "ns.example.net.",
        "org.",
        ".",
        "xexample.org.",  # its octets end as those of the origin do, its labels do not
        "a\\007example.org.",
        "1.example.net.",
        "1.2.3.example.net.",
        "12a.example.net.",
    ],
)
def test_a_target_outside_of_the_zone_needs_no_look(kind, target):
    assert doubtful(HEAD + f"a {kind} {target}\n") == []


@pytest.mark.parametrize("kind", ["NS", "MX 1", "SRV 1 1 1"])
@pytest.mark.parametrize("target", ["a.b.c", "@", "b.EXAMPLE.oRg.", "192.0.2.1.", "192.0.2.1", "*.b"])
def test_a_target_without_address_needs_a_look(kind, target):
    assert doubtful(HEAD + f"a {kind} {target}\n") == ["a"]


def test_a_set_needs_a_look_for_one_of_its_targets():
    targets = "\n".join(f"a MX {number} ns" for number in range(5))
    assert doubtful(f"{HEAD}{targets}\n") == []
    assert doubtful(f"{HEAD}{targets}\na MX 9 missing\n") == ["a"]


def test_delegations_with_their_glue_are_left_out():
    fine = "a NS ns.a\n NS n2.A\n NS ns.example.net.\nns.a A 192.0.2.1\nns.a AAAA ::1\nn2.a A 192.0.2.2\n"
    fine += "b NS ns.b\nNS.b AAAA ::1\n"
    others = "c NS ns.c\nd NS ns.d\nns.d A 192.0.2.1\nx.d A 192.0.2.1\n"
    assert doubtful(HEAD + fine + others) == ["c", "d", "x.d"]


FINE = {
    "mx": "a A 192.0.2.1\nb MX 1 a\nc MX 1 A\n",
    "srv": "a AAAA ::1\n_sip._tcp.b SRV 1 1 5060 a\n",
    "shared hosts": "b NS ns\nc NS ns\nc NS ns.elsewhere.test.\n",
    "glue of others": "a NS ns.b\nb NS ns.b\nns.b A 192.0.2.1\nc NS ns.elsewhere.test.\nns.c A 192.0.2.1\nd NS ns.c\n",
    "aliases": "a CNAME b\nb CNAME ns\nc CNAME not-there\nd CNAME b\ne CNAME x.net.\n",
    "made up": "*.a A 192.0.2.1\nb MX 1 mx.a\nc MX 1 x.y.a\n",
    "below a dname": "a DNAME x.net.\nb CNAME c.a\n",
    "below a cut": "a NS ns.elsewhere.test.\nb MX 1 mx.a\nc CNAME d.a\n",
    "numbers": "1 CNAME 1.0-127\n2.1 A 192.0.2.1\n3 MX 1 2.1\n",
}


@pytest.mark.parametrize("kind", FINE)
def test_of_targets_that_are_fine_no_object_is_made(monkeypatch, kind):
    text = gathered(HEAD + FINE[kind], ORIGIN)
    assert by_objects(text) == []
    made = []
    rrset = text.rrset

    def make(index: int) -> RRset:
        made.append(index)
        return rrset(index)

    monkeypatch.setattr(text, "rrset", make)
    assert by_glance(text) == []
    assert {rrset(index).name for index in made} == {ORIGIN}


def test_a_server_named_by_four_numbers_below_an_origin_in_other_letters_is_one():
    origin = dns.name.from_text("Example.ORG.")
    for spelled in ("example.org.", "EXAMPLE.ORG."):
        text = gathered(f"{HEAD}4 NS 1.2.3.4.{spelled}\n1.2.3.4 A 192.0.2.1\n", origin)
        assert by_glance(text) == by_objects(text) == []


def test_of_many_findings_as_many_are_kept_as_before():
    many_of_each = "".join(f"m{n:02} MX 1 no{n}\nn{n:02} MX 1 alias\nd{n:02} NS ns.d{n:02}\n" for n in range(40))
    text = HEAD + "alias CNAME ns\n" + many_of_each
    found = zone(text)[1]
    assert [(code, line) for code, line in found if code == "target-without-address"] == [
        ("target-without-address", 6 + 3 * n) for n in range(MAX_KEPT_PER_CODE)
    ]


def test_names_below_a_dname_of_the_apex_are_told_of():
    text = gathered(HEAD + "@ DNAME x.net.\na A 192.0.2.1\n", ORIGIN)
    assert len(by_glance(text)) == len(by_objects(text)) > 1


def test_a_chain_of_very_many_aliases_is_followed_once():
    count = 5_000
    chain = "".join(f"a{number} CNAME a{number + 1}\n" for number in range(count)) + f"a{count} A 192.0.2.1\n"
    assert by_glance(gathered(HEAD + chain, ORIGIN)) == []
    circle = chain.replace(f"a{count} A 192.0.2.1\n", f"a{count} CNAME a{count - 1}\n")
    assert [line.rsplit(" ", 1)[1] for line in by_glance(gathered(HEAD + circle, ORIGIN))] == ["[cname-loop]"]
