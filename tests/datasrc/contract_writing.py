"""What every writable data source must do with a transaction. A backend's tests supply the fixture `source`."""

from __future__ import annotations

import dns.name
import pytest
from dns.name import Name

from datasrc.errors import BadRecord, Conflict, NoSuchZone, NotInZone
from datasrc.records import RRset, ZoneFilter, ZoneState
from datasrc.source import DataSource
from tests.datasrc.zonemaking import SMALL, TESTER, change, load, name, rdtype, rrset, rrsets, soa, stored, texts, wire

ORIGIN = dns.name.from_text("example.")


def info(source: DataSource, origin: Name = ORIGIN):
    with source.snapshot() as snapshot:
        finder = snapshot.zone(origin)
        return None if finder is None else finder.info


class UpdaterContract:
    """One transaction."""

    def test_a_transaction_that_was_not_committed_leaves_nothing(self, source: DataSource) -> None:
        with source.updater(ORIGIN, create=True) as updater:
            updater.add(rrset("@ NS ns"))
        assert source.zones() == []
        assert source.changes() == []

    def test_an_exception_within_a_transaction_leaves_nothing(self, source: DataSource) -> None:
        load(source, SMALL)
        before = stored(source)
        with pytest.raises(KeyError), source.updater(ORIGIN) as updater:
            updater.add(rrset("new A 192.0.2.9"))
            raise KeyError
        assert stored(source) == before

    def test_a_zone_is_made_with_its_data(self, source: DataSource) -> None:
        assert load(source, SMALL) is not None
        assert stored(source) == [
            "example. 3600 SOA ns.example. hostmaster.example. 1 3600 900 604800 300",
            "example. 3600 NS ns.example.",
            "ns.example. 3600 A 192.0.2.1",
        ]
        made = info(source)
        assert (made.version, made.serial, made.records, made.state) == (1, 1, 3, ZoneState.READY)

    def test_a_missing_zone_is_only_made_when_asked(self, source: DataSource) -> None:
        with pytest.raises(NoSuchZone, match=r"zone example\.: there is no such zone"):
            source.updater(ORIGIN)
        with pytest.raises(NoSuchZone):
            source.delete_zone(ORIGIN, TESTER)

    def test_a_zone_can_be_made_empty(self, source: DataSource) -> None:
        with source.updater(ORIGIN, create=True) as updater:
            made = updater.commit(TESTER)
        assert made is not None
        assert (made.serial, made.deleted) == (None, False)
        empty = info(source)
        assert (empty.state, empty.serial, empty.records, empty.version) == (ZoneState.EMPTY, None, 0, 1)
        assert [each.state for each in source.zones()] == [ZoneState.EMPTY]
        assert source.zones(only=ZoneFilter(state=ZoneState.EMPTY)) == source.zones()
        assert source.zones(only=ZoneFilter(state=ZoneState.READY)) == []
        load(source, SMALL)
        assert (info(source).state, info(source).version) == (ZoneState.READY, 2)

    def test_records_are_merged_sorted_and_unique(self, source: DataSource) -> None:
        load(source, SMALL + "x A 192.0.2.9\nx A 192.0.2.10|192.0.2.9\nx A 192.0.2.1")
        change(source, 2, add="x A 192.0.2.5|192.0.2.9")
        assert [line.split()[-1] for line in stored(source) if line.startswith("x.")] == [
            "192.0.2.1",
            "192.0.2.5",
            "192.0.2.9",
            "192.0.2.10",
        ]
        assert info(source).records == 7

    def test_names_in_rdata_differ_not_by_case_where_the_canonical_form_has_none(self, source: DataSource) -> None:
        load(
            source,
            SMALL + "x MX 10 Mail|10 mail|20 mail\nx TXT A|a\nx NAPTR 1 1 U s e Rep.|1 1 u s e rep.|1 1 U s e rep.",
        )
        lines = [line for line in stored(source) if line.startswith("x.")]
        assert lines == [
            "x.example. 3600 MX 10 Mail.example.",
            "x.example. 3600 MX 20 mail.example.",
            'x.example. 3600 TXT "A"',
            'x.example. 3600 TXT "a"',
            'x.example. 3600 NAPTR 1 1 "U" "s" "e" Rep.',
            'x.example. 3600 NAPTR 1 1 "u" "s" "e" rep.',
        ]

    def test_the_lowest_ttl_of_a_transaction_is_that_of_the_set(self, source: DataSource) -> None:
        load(source, SMALL + "x 300 A 192.0.2.1\nx 60 A 192.0.2.2\nx 600 A 192.0.2.3")
        assert {line.split()[1] for line in stored(source) if line.startswith("x.")} == {"60"}

    def test_a_ttl_added_later_wins_for_the_whole_set(self, source: DataSource) -> None:
        load(source, SMALL + "x 300 A 192.0.2.1")
        change(source, 2, add="x 900 A 192.0.2.2")
        assert [line for line in stored(source) if line.startswith("x.")] == [
            "x.example. 900 A 192.0.2.1",
            "x.example. 900 A 192.0.2.2",
        ]

    def test_a_new_soa_takes_the_place_of_the_old_one(self, source: DataSource) -> None:
        load(source, SMALL)
        changed = change(source, 5)
        assert changed is not None
        assert (changed.serial, changed.version) == (5, 2)
        assert [line for line in stored(source) if " SOA " in line] == [
            "example. 3600 SOA ns.example. hostmaster.example. 5 3600 900 604800 300"
        ]

    def test_the_spelling_of_a_stored_owner_stays(self, source: DataSource) -> None:
        load(source, SMALL + "WwW A 192.0.2.2")
        change(source, 2, add="www A 192.0.2.3")
        assert [line.split()[0] for line in stored(source) if line.lower().startswith("www")] == ["WwW.example."] * 2

    def test_a_replacement_may_spell_an_owner_anew(self, source: DataSource) -> None:
        load(source, SMALL + "WwW A 192.0.2.2")
        assert load(source, SMALL + "www A 192.0.2.2") is not None
        assert "www.example. 3600 A 192.0.2.2" in stored(source)

    def test_records_and_sets_are_deleted(self, source: DataSource) -> None:
        load(source, SMALL + "x A 192.0.2.1|192.0.2.2\ny A 192.0.2.1\nz A 192.0.2.3")
        with source.updater(ORIGIN) as updater:
            updater.delete(name("X"), 1, rdatas=(wire("A", "192.0.2.2"), wire("A", "192.0.2.77")))
            updater.delete(name("y"), 1, rdatas=(wire("A", "192.0.2.1"),))
            updater.delete(name("z"), 1)
            updater.delete(name("never.there"), 1)
            assert updater.commit(TESTER) is not None
        assert [line for line in stored(source) if line[0] in "xyz"] == ["x.example. 3600 A 192.0.2.1"]
        assert info(source).records == 4
        with source.snapshot() as snapshot:
            finder = snapshot.zone(ORIGIN)
            assert finder is not None
            assert finder.find(name("z"), 1).match.value == "nxdomain"

    def test_later_calls_of_a_transaction_count(self, source: DataSource) -> None:
        load(source, SMALL + "x A 192.0.2.1|192.0.2.2")
        with source.updater(ORIGIN) as updater:
            updater.delete(name("x"), 1)
            updater.add(rrset("x 60 A 192.0.2.2|192.0.2.3"))
            updater.add(rrset("y A 192.0.2.4|192.0.2.5"))
            updater.delete(name("y"), 1, rdatas=(wire("A", "192.0.2.4"),))
            updater.add(rrset("w A 192.0.2.6"))
            updater.delete(name("w"), 1)
            updater.delete(name("ns"), 1, rdatas=(wire("A", "192.0.2.1"),))
            updater.add(rrset("ns A 192.0.2.1|192.0.2.7"))
            updater.commit(TESTER)
        assert stored(source)[2:] == [
            "ns.example. 3600 A 192.0.2.1",
            "ns.example. 3600 A 192.0.2.7",
            "x.example. 60 A 192.0.2.2",
            "x.example. 60 A 192.0.2.3",
            "y.example. 3600 A 192.0.2.5",
        ]

    def test_a_replacement_leaves_only_what_was_given(self, source: DataSource) -> None:
        load(source, SMALL + "old A 192.0.2.1\nboth A 192.0.2.1")
        load(source, f"{soa(2)}\n@ NS ns\nnew A 192.0.2.2\nboth A 192.0.2.1")
        assert [line.split()[0] for line in stored(source)] == ["example.", "example.", "both.example.", "new.example."]
        assert (info(source).version, info(source).records) == (2, 4)

    def test_a_zone_can_be_replaced_by_nothing(self, source: DataSource) -> None:
        load(source, SMALL)
        assert load(source, "") is not None
        assert (info(source).state, info(source).version) == (ZoneState.EMPTY, 2)

    @pytest.mark.parametrize("replace", [True, False])
    def test_the_same_data_is_no_change(self, source: DataSource, replace: bool) -> None:
        text = SMALL + "x A 192.0.2.1|192.0.2.2\nWwW A 192.0.2.1"
        load(source, text)
        assert load(source, text, replace=replace) is None
        assert info(source).version == 1
        assert len(source.changes()) == 1

    def test_deleting_what_is_not_there_is_no_change(self, source: DataSource) -> None:
        load(source, SMALL)
        with source.updater(ORIGIN) as updater:
            updater.delete(name("x"), 1)
            updater.delete(name("ns"), 1, rdatas=(wire("A", "192.0.2.77"),))
            assert updater.commit(TESTER) is None

    def test_data_may_change_under_one_serial(self, source: DataSource) -> None:
        load(source, SMALL)
        changed = load(source, SMALL + "x A 192.0.2.1")
        assert changed is not None
        assert (changed.version, changed.serial) == (2, 1)

    @pytest.mark.parametrize(
        ("bad", "fault"),
        [
            (RRset(name("x"), rdtype("OPT"), 0, (b"",)), "OPT is not a type a zone can hold"),
            (RRset(name("x"), rdtype("ANY"), 0, (b"",)), "ANY is not"),
            (RRset(name("x"), 128, 0, (b"",)), "is not a type"),
            (RRset(name("x"), 0, 0, (b"",)), "type 0"),
            (RRset(name("x"), 65536, 0, (b"",)), "type 65536"),
            (RRset(name("x"), 1, -1, (b"1234",)), "TTL -1"),
            (RRset(name("x"), 1, 2**32, (b"1234",)), "TTL 4294967296"),
            (RRset(name("x"), 1, 0, ()), "without records"),
            (RRset(name("x"), 16, 0, (b"x" * 65536,)), "65536 octets"),
            (RRset(name("x"), 1, 0, (b"1234",), covers=1), "covering type 1"),
            (RRset(name("x"), 46, 0, (b"\x00\x01" + b"x" * 18,)), "covering type 0"),
            (RRset(name("x"), 46, 0, (b"\x00\x02" + b"x" * 18,), covers=1), "covers another type"),
            (RRset(name("@"), 6, 0, (b"\x00\x00",)), "SOA"),
            (RRset(Name(["x"]), 1, 0, (b"1234",)), "relative"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_no_zone_may_hold_is_refused(self, source: DataSource, bad: RRset, fault: str) -> None:
        with source.updater(ORIGIN, create=True) as updater, pytest.raises(BadRecord, match=fault):
            updater.add(bad)

    def test_what_is_outside_of_the_zone_is_refused(self, source: DataSource) -> None:
        with source.updater(ORIGIN, create=True) as updater:
            for owner in ("com.", "notexample.", "."):
                with pytest.raises(NotInZone, match="outside"):
                    updater.add(RRset(dns.name.from_text(owner), 1, 0, (b"1234",)))
                with pytest.raises(NotInZone, match="outside"):
                    updater.delete(dns.name.from_text(owner), 1)

    def test_a_transaction_ends_with_its_commit(self, source: DataSource) -> None:
        with source.updater(ORIGIN, create=True) as updater:
            updater.add(rrset("@ NS ns"))
            updater.commit(TESTER)
            with pytest.raises(RuntimeError, match="ended"):
                updater.add(rrset("@ NS ns2"))
            with pytest.raises(RuntimeError, match="ended"):
                updater.commit(TESTER)

    def test_a_large_set_is_kept_whole(self, source: DataSource) -> None:
        addresses = "|".join(f"10.{index >> 8}.{index & 255}.1" for index in range(3000))
        load(source, f"{SMALL}\nx A {addresses}")
        assert len([line for line in stored(source) if line.startswith("x.")]) == 3000
        change(source, 2, add="x A 10.200.0.1", delete=f"x A {addresses}")
        assert [line for line in stored(source) if line.startswith("x.")] == ["x.example. 3600 A 10.200.0.1"]


class ConcurrencyContract:
    """Several transactions and snapshots at once."""

    def test_of_two_transactions_one_wins(self, source: DataSource) -> None:
        load(source, SMALL)
        with source.updater(ORIGIN) as first, source.updater(ORIGIN) as second:
            first.add(rrset("first A 192.0.2.1"))
            second.add(rrset("second A 192.0.2.2"))
            assert first.commit(TESTER) is not None
            with pytest.raises(Conflict, match=r"zone example\.: changed by another writer"):
                second.commit(TESTER)
        assert [line.split()[0] for line in stored(source)][2:] == ["first.example.", "ns.example."]
        assert len(source.changes()) == 2

    def test_of_two_that_make_a_zone_one_wins(self, source: DataSource) -> None:
        with source.updater(ORIGIN, create=True) as first, source.updater(ORIGIN, create=True) as second:
            for each in rrsets(SMALL):
                first.add(each)
            second.add(rrset("@ NS other"))
            first.commit(TESTER)
            with pytest.raises(Conflict):
                second.commit(TESTER)
        assert info(source).records == 3

    def test_a_transaction_does_not_bring_a_deleted_zone_back(self, source: DataSource) -> None:
        load(source, SMALL)
        with source.updater(ORIGIN) as updater:
            updater.add(rrset("x A 192.0.2.1"))
            source.delete_zone(ORIGIN, TESTER)
            with pytest.raises(Conflict):
                updater.commit(TESTER)
        assert source.zones() == []

    def test_a_transaction_on_the_older_of_two_zones_of_one_name_conflicts(self, source: DataSource) -> None:
        load(source, SMALL)
        with source.updater(ORIGIN) as updater:
            updater.add(rrset("x A 192.0.2.1"))
            source.delete_zone(ORIGIN, TESTER)
            load(source, SMALL)
            with pytest.raises(Conflict):
                updater.commit(TESTER)

    def test_transactions_on_different_zones_do_not_meet(self, source: DataSource) -> None:
        load(source, SMALL)
        load(source, SMALL, "other.")
        with source.updater(ORIGIN) as first, source.updater(dns.name.from_text("other.")) as second:
            first.add(rrset("x A 192.0.2.1"))
            second.add(rrset("x A 192.0.2.2", "other."))
            assert first.commit(TESTER) is not None
            assert second.commit(TESTER) is not None

    def test_the_transaction_knows_what_it_began_with(self, source: DataSource) -> None:
        with source.updater(ORIGIN, create=True) as updater:
            assert updater.base is None
        load(source, SMALL)
        with source.updater(ORIGIN) as updater:
            assert updater.base == info(source)

    def test_a_snapshot_does_not_see_later_changes(self, source: DataSource) -> None:
        load(source, SMALL)
        with source.snapshot() as snapshot:
            finder = snapshot.find_zone(name("x"))
            assert finder is not None
            change(source, 2, add="x A 192.0.2.9")
            assert finder.find(name("x"), 1).match.value == "nxdomain"
            again = snapshot.zone(ORIGIN)
            assert again is not None
            assert again.info.version == 1
            assert len(texts(again.rrsets())) == 3
        assert info(source).version == 2

    def test_a_snapshot_outlives_the_deletion_of_its_zone(self, source: DataSource) -> None:
        load(source, SMALL)
        with source.snapshot() as snapshot:
            finder = snapshot.find_zone(name("x"))
            assert finder is not None
            source.delete_zone(ORIGIN, TESTER)
            assert finder.find(name("ns"), 1).match.value == "success"
        assert info(source) is None
