"""What every writable data source must remember: differences, changes, deletions."""

from __future__ import annotations

import time

import dns.name
import pytest

from datasrc.records import Difference, Provenance, ZoneFilter, ZoneState
from datasrc.source import DataSource
from tests.datasrc.contract_writing import ORIGIN, info
from tests.datasrc.zonemaking import SMALL, TESTER, change, load, rrset, soa, stored, texts


def lines(difference: Difference | None) -> tuple[int | None, int | None, list[str], list[str]]:
    """A difference with everything but the SOAs shortened."""
    assert difference is not None
    return (
        difference.from_serial,
        difference.to_serial,
        [_short(line) for line in texts(difference.deleted)],
        [_short(line) for line in texts(difference.added)],
    )


def _short(line: str) -> str:
    words = line.split()
    return f"SOA {words[5]}" if words[2] == "SOA" else f"{words[0].removesuffix('.example.')} {words[-1]}"


class JournalContract:
    """Difference sequences."""

    def test_a_change_is_a_difference(self, source: DataSource) -> None:
        load(source, SMALL + "a A 192.0.2.1\nz A 192.0.2.1|192.0.2.2")
        change(source, 2, add="b A 192.0.2.2\nz A 192.0.2.3", delete="a A 192.0.2.1\nz A 192.0.2.2")
        chain = source.journal(ORIGIN, 1, 2)
        assert chain is not None
        wanted = (1, 2, ["SOA 1", "a 192.0.2.1", "z 192.0.2.2"], ["SOA 2", "b 192.0.2.2", "z 192.0.2.3"])
        assert [lines(each) for each in chain] == [wanted]

    def test_what_transactions_touched_is_told_by_key(self, source: DataSource) -> None:
        load(source, SMALL + "a A 192.0.2.1\nz A 192.0.2.1|192.0.2.2")
        change(source, 2, add="b A 192.0.2.2\nz A 192.0.2.3", delete="a A 192.0.2.1")
        change(source, 3, add="b TXT x\nb RRSIG A 8 2 3600 20300101000000 20200101000000 1 example. AAAA")
        with source.snapshot() as snapshot:
            finder = snapshot.zone(ORIGIN)
            assert finder is not None
            last = finder.info.version
            assert finder.touched(last, 100) == {}
            assert finder.touched(last - 1, 100) == {b"": {6}, b"b\0": {16, 46, 1}}
            assert finder.touched(last - 2, 100) == {b"": {6}, b"a\0": {1}, b"b\0": {1, 16, 46}, b"z\0": {1}}
            assert finder.touched(last - 2, 3) is None
            assert finder.touched(last - 3, 100) is None  # it had no data

    def test_a_replacement_is_a_difference(self, source: DataSource) -> None:
        load(source, SMALL + "a A 192.0.2.1\nb A 192.0.2.1")
        load(source, f"{soa(7)}\n@ NS ns\nns A 192.0.2.1\nb A 192.0.2.1\nc A 192.0.2.1")
        chain = source.journal(ORIGIN, 1, 7)
        assert chain is not None
        assert [lines(each) for each in chain] == [(1, 7, ["SOA 1", "a 192.0.2.1"], ["SOA 7", "c 192.0.2.1"])]

    def test_a_new_ttl_replaces_the_whole_set(self, source: DataSource) -> None:
        load(source, SMALL + "x 60 A 192.0.2.1")
        change(source, 2, add="x 90 A 192.0.2.2")
        difference = source.difference(ORIGIN, 2)
        assert difference is not None
        assert texts(difference.deleted)[1:] == ["x.example. 60 A 192.0.2.1"]
        assert texts(difference.added)[1:] == ["x.example. 90 A 192.0.2.1", "x.example. 90 A 192.0.2.2"]

    def test_differences_make_a_chain(self, source: DataSource) -> None:
        load(source, SMALL)
        for serial in (2, 3, 10, 11):
            change(source, serial, add=f"x{serial} A 192.0.2.1")
        steps = {
            (1, 11): [(1, 2), (2, 3), (3, 10), (10, 11)],
            (3, 11): [(3, 10), (10, 11)],
            (2, 10): [(2, 3), (3, 10)],
            (11, 11): [],
        }
        for (first, last), wanted in steps.items():
            chain = source.journal(ORIGIN, first, last)
            assert chain is not None
            assert [(each.from_serial, each.to_serial) for each in chain] == wanted
        for first, last in ((0, 11), (4, 11), (1, 12), (11, 1), (5, 5)):
            assert source.journal(ORIGIN, first, last) is None, (first, last)
        assert source.journal(dns.name.from_text("other."), 1, 2) is None

    def test_who_made_a_version_is_told(self, source: DataSource) -> None:
        load(source, SMALL)
        load(source, SMALL, "other.")
        change(source, 2)
        made = source.change_of(ORIGIN, 2)
        assert made is not None
        assert (made.origin, made.version, made.serial, made.provenance) == (ORIGIN, 2, 2, TESTER)
        assert source.change_of(ORIGIN, 1) is not None
        assert source.change_of(ORIGIN, 3) is None
        told = source.history(ORIGIN, 0, 10)
        assert [change.version for change in told] == [2, 1]
        assert told[0] == made
        assert source.history(ORIGIN, 0, 1) == told[:1]
        assert source.history(ORIGIN, told[0].id, 10) == told[1:]
        assert source.history(dns.name.from_text("none."), 0, 10) == []
        assert source.change_of(dns.name.from_text("none."), 1) is None

    def test_the_chain_follows_serials_around(self, source: DataSource) -> None:
        load(source, SMALL)
        for serial in (2**31, 2**32 - 1, 0, 1, 2):
            change(source, serial)
        chain = source.journal(ORIGIN, 2**32 - 1, 2)
        assert chain is not None
        assert [each.to_serial for each in chain] == [0, 1, 2]

    def test_a_change_under_one_serial_breaks_the_chain(self, source: DataSource) -> None:
        load(source, SMALL)
        change(source, 2)
        with source.updater(ORIGIN) as updater:
            updater.add(rrset("x A 192.0.2.1"))
            updater.commit(TESTER)
        change(source, 3)
        assert source.journal(ORIGIN, 1, 2) is None
        assert source.journal(ORIGIN, 1, 3) is None
        assert source.journal(ORIGIN, 2, 3) is not None
        assert lines(source.difference(ORIGIN, 3)) == (2, 2, [], ["x 192.0.2.1"])

    def test_deletion_breaks_the_chain(self, source: DataSource) -> None:
        load(source, SMALL)
        source.delete_zone(ORIGIN, TESTER)
        load(source, f"{soa(2)}\n@ NS ns")
        assert source.journal(ORIGIN, 1, 2) is None

    def test_differences_applied_backwards_undo_them(self, source: DataSource) -> None:
        load(source, SMALL + "x 60 A 192.0.2.1\nWwW TXT a|b")
        before = stored(source)
        load(source, f"{soa(9)}\n@ NS other\nx 90 A 192.0.2.1|192.0.2.2\nwww TXT b|c\nnew AAAA ::1")
        difference = source.difference(ORIGIN, 2)
        assert difference is not None
        with source.updater(ORIGIN) as updater:
            for each in difference.added:
                updater.delete(each.name, each.rdtype, each.covers, each.rdatas)
            for each in difference.deleted:
                updater.add(each)
            updater.commit(TESTER)
        assert stored(source) == before

    def test_the_journal_of_a_zone_is_bounded(self, source: DataSource, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("datasrc.journal.JOURNAL_SEQUENCES", 3)
        load(source, SMALL)
        for serial in range(2, 8):
            change(source, serial)
        assert source.journal(ORIGIN, 3, 7) is None
        assert source.journal(ORIGIN, 4, 7) is not None
        assert source.difference(ORIGIN, 4) is None
        assert source.difference(ORIGIN, 7) is not None

    def test_the_journal_is_bounded_by_records_and_keeps_the_newest(
        self, source: DataSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("datasrc.journal.JOURNAL_LEAST", 10)
        many = "\n".join(f"x{index} A 192.0.2.1" for index in range(40))
        load(source, SMALL)
        change(source, 2)
        change(source, 3, add=many)  # 42 records, within twice the 43 of the zone
        assert source.journal(ORIGIN, 1, 3) is not None
        load(source, f"{soa(4)}\n@ NS ns\nns A 192.0.2.1")  # and now the zone has 3
        assert source.journal(ORIGIN, 2, 4) is None
        assert source.journal(ORIGIN, 3, 4) is not None
        change(source, 5)
        assert source.journal(ORIGIN, 3, 5) is None
        assert source.journal(ORIGIN, 4, 5) is not None


class ChangesContract:
    """The outbox."""

    def test_each_transaction_is_a_change(self, source: DataSource) -> None:
        start = time.time()
        made = load(source, SMALL)
        changed = change(source, 5)
        gone = source.delete_zone(ORIGIN, Provenance("ann", "bobctl", "not needed"))
        assert source.changes() == [made, changed, gone]
        assert made is not None
        assert made.provenance == TESTER
        assert start - 1 <= made.time <= time.time() + 1
        facts = [(each.id, each.version, each.serial, each.deleted) for each in source.changes()]
        assert facts == [(1, 1, 1, False), (2, 2, 5, False), (3, 3, None, True)]
        assert source.changes()[2].provenance == Provenance("ann", "bobctl", "not needed")
        assert source.last_change() == 3

    def test_what_changed_comes_with_the_state_it_led_to(self, source: DataSource) -> None:
        load(source, SMALL)
        change(source, 2, add="b A 192.0.2.2")
        with source.since(1, 10) as (changes, snapshot):
            assert [(each.id, each.serial) for each in changes] == [(2, 2)]
            assert changes == source.changes(1, 10)
            change(source, 3, add="c A 192.0.2.3")
            finder = None if snapshot is None else snapshot.zone(ORIGIN)
            assert finder is None or finder.info.version == changes[-1].version  # not what came meanwhile
        with source.since(3, 10) as (changes, _):
            assert changes == []

    def test_changes_come_in_pages(self, source: DataSource) -> None:
        assert source.changes() == []
        assert source.last_change() == 0
        for origin in ("a.", "b.", "c.", "d."):
            load(source, SMALL, origin)
        assert [each.id for each in source.changes(limit=2)] == [1, 2]
        assert [each.id for each in source.changes(after_id=2)] == [3, 4]
        assert [str(each.origin) for each in source.changes(after_id=1, limit=2)] == ["b.", "c."]
        assert source.changes(after_id=4) == []
        assert source.changes(after_id=77) == []

    def test_a_transaction_that_lost_leaves_no_gap(self, source: DataSource) -> None:
        load(source, SMALL)
        with source.updater(ORIGIN) as updater:
            updater.add(rrset("x A 192.0.2.1"))
            change(source, 2)
            with pytest.raises(Exception, match="another writer"):
                updater.commit(TESTER)
        change(source, 3)
        assert [each.id for each in source.changes()] == [1, 2, 3]

    def test_the_version_goes_on_after_a_deletion(self, source: DataSource) -> None:
        load(source, SMALL)
        source.delete_zone(ORIGIN, TESTER)
        assert info(source) is None
        assert source.zones() == []
        assert list(source.each_key()) == []
        assert len(source.zone_keys()) == 0
        assert source.held([b"example\x00"]) == set()
        assert [source.zones(only=ZoneFilter("example", state)) for state in (None, *ZoneState)] == [[]] * 4
        made = load(source, SMALL, "EXAMPLE.")
        assert made is not None
        assert made.version == 3
        assert info(source).origin.to_text() == "EXAMPLE."
        assert source.zones(only=ZoneFilter("example.", ZoneState.READY)) == source.zones()
        assert list(source.each_key()) == [b"example\x00"]
        assert b"example\x00" in source.zone_keys()

    def test_a_deleted_zone_can_be_brought_back(self, source: DataSource) -> None:
        load(source, SMALL + "x 60 A 192.0.2.1|192.0.2.2\nWwW TXT a")
        before = stored(source)
        gone = source.delete_zone(ORIGIN, TESTER)
        difference = source.difference(ORIGIN, gone.version)
        assert difference is not None
        assert (difference.from_serial, difference.to_serial, difference.added) == (1, None, ())
        assert difference.deleted[0].rdtype == 6
        with source.updater(ORIGIN, create=True) as updater:
            for each in difference.deleted:
                updater.add(each)
            updater.commit(TESTER)
        assert stored(source) == before

    def test_the_first_data_of_a_zone_has_nothing_before_it(self, source: DataSource) -> None:
        load(source, SMALL)
        assert source.difference(ORIGIN, 1) == Difference(None, 1, (), ())
        assert source.difference(ORIGIN, 2) is None
        assert source.difference(dns.name.from_text("other."), 1) is None

    def test_only_the_last_deleted_zones_are_kept(self, source: DataSource, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("datasrc.journal.DELETED_ZONES", 2)
        for origin in ("a.", "b.", "c."):
            load(source, SMALL, origin)
        for origin in ("b.", "a.", "c."):
            source.delete_zone(dns.name.from_text(origin), TESTER)
        kept = [source.difference(dns.name.from_text(origin), 2) is not None for origin in ("a.", "b.", "c.")]
        assert kept == [True, False, True]
        made = load(source, SMALL, "b.")
        assert made is not None
        assert made.version == 3

    def test_old_changes_are_trimmed_with_a_gap_that_readers_see(
        self, source: DataSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("datasrc.journal.OUTBOX_ROWS", 3)
        load(source, SMALL)
        for serial in range(2, 6):
            change(source, serial)
        assert [each.id for each in source.changes(after_id=1)] == [3, 4, 5]
        assert source.last_change() == 5
