from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from datasrc.records import RRset
from loadzone.difference import Tally, differences
from tests.datasrc.reading import ORIGIN, zone

HEAD = "$TTL 60\n@ SOA ns h {} 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n"


def sets(text: str) -> list[RRset]:
    return list(zone(text)[0].rrsets())


def compared(old: str, new: str) -> tuple[list[str], tuple[int, int]]:
    """Each pair as -name (gone), +name (new), ~name (changed), and how many records went and came."""
    tally = Tally()
    shown = []
    for pair in differences(ORIGIN, sets(old), sets(new)):
        tally.count(pair)
        rrset = pair.new or pair.old
        assert rrset is not None
        sign = "+" if pair.old is None else "-" if pair.new is None else "~"
        shown.append(f"{sign}{rrset.name.relativize(ORIGIN)}/{int(rrset.rdtype)}")
    return shown, (tally.deleted, tally.added)


def test_the_same_zone_does_not_differ():
    text = HEAD.format(1) + "a A 192.0.2.2\na A 192.0.2.3\n"
    assert compared(text, text) == ([], (0, 0))


def test_sets_come_go_and_change_in_canonical_order_the_soa_first():
    old = HEAD.format(1) + "a A 192.0.2.2\na A 192.0.2.3\nb A 192.0.2.4\nz.b TXT x\n"
    new = HEAD.format(2) + "a A 192.0.2.2\na A 192.0.2.9\nb AAAA ::1\n@ A 192.0.2.5\nz.b TXT x\n"
    assert compared(old, new) == (["~@/6", "+@/1", "~a/1", "-b/1", "+b/28"], (3, 4))


def test_a_ttl_or_a_spelling_that_changed_makes_all_records_differ():
    old = HEAD.format(1) + "a A 192.0.2.2\na A 192.0.2.3\nb A 192.0.2.4\n"
    new = HEAD.format(1) + "a 90 A 192.0.2.2\na 90 A 192.0.2.3\nB A 192.0.2.4\n"
    assert compared(old, new) == (["~a/1", "~B/1"], (3, 3))


def test_against_nothing_all_is_new():
    assert [pair.old for pair in differences(ORIGIN, (), sets(HEAD.format(1)))] == [None] * 3
    assert [pair.new for pair in differences(ORIGIN, sets(HEAD.format(1)), ())] == [None] * 3


lines = st.lists(
    st.tuples(st.sampled_from(["a", "b", "a.b", "@", "*"]), st.sampled_from(["A 192.0.2.1", "A 192.0.2.2", "TXT x"])),
    max_size=8,
)


@given(lines, lines)
def test_the_differences_make_the_new_zone_of_the_old_one(old_lines, new_lines):
    old, new = (
        sets(HEAD.format(serial) + "".join(f"{name} {data}\n" for name, data in part))
        for serial, part in ((1, old_lines), (2, new_lines))
    )
    result = {(rrset.name, rrset.rdtype): rrset for rrset in old}
    for pair in differences(ORIGIN, old, new):
        if pair.old is not None:
            assert result.pop((pair.old.name, pair.old.rdtype)) == pair.old
        if pair.new is not None:
            result[pair.new.name, pair.new.rdtype] = pair.new
    assert result == {(rrset.name, rrset.rdtype): rrset for rrset in new}
