"""Long maps: in pages by key, and never whole in one answer."""

from __future__ import annotations

import pytest

from cfgmgr import api, showing
from msgq.errors import Refused
from tests.cfgmgr.bench import Bench

pytestmark = pytest.mark.asyncio

NAMES = [f"z{number:03}.example" for number in range(25)]


@pytest.fixture
def seed(tmp_path):
    file = tmp_path / "bob.yaml"
    file.write_text("zones:\n" + "".join(f"  {name}: {{notify: off}}\n" for name in reversed(NAMES)))
    return str(file)


async def test_pages_have_every_entry_once_in_order(tmp_path, seed):
    async with Bench(tmp_path, "--seed", seed) as bench:
        found, after = [], ""
        while True:
            page = await bench.call(api.Entries("zones", after, 10, "stored"))
            assert page.total == len(NAMES)
            found += [entry.key for entry in page.entries]
            assert all(entry.value == {"notify": "off"} for entry in page.entries)
            if not page.more:
                break
            after = found[-1]
        assert found == NAMES


async def test_a_page_begins_behind_a_name_that_is_gone(tmp_path, seed):
    async with Bench(tmp_path, "--seed", seed) as bench:
        await bench.call(api.Remove("alice", "zones", key=NAMES[10]))
        await bench.call(api.Commit("alice"))
        page = await bench.call(api.Entries("zones", NAMES[10], 2))
        assert [entry.key for entry in page.entries] == NAMES[11:13]
        assert page.entries[0].value["query_acl"] == [{"action": "ACCEPT"}]  # complete
        assert page.total == len(NAMES) - 1


async def test_pages_are_in_order_when_rows_came_and_went(tmp_path, seed):
    async with Bench(tmp_path, "--seed", seed) as bench:
        assert (await bench.call(api.Entries("zones", "", 1, "stored"))).total == len(NAMES)  # the order is known
        for name in ("a.example", "z010x.example", "zz.example", NAMES[3]):
            await bench.change(f"zones[{name}].notify", "auto")
        await bench.call(api.Remove("alice", "zones", key=NAMES[11]))
        await bench.call(api.Commit("alice"))
        expected = sorted({*NAMES, "a.example", "z010x.example", "zz.example"} - {NAMES[11]})
        found, after = [], ""
        while True:
            page = await bench.call(api.Entries("zones", after, 4, "stored"))
            assert page.total == len(expected)
            found += [(entry.key, entry.value) for entry in page.entries]
            if not page.more:
                break
            after = found[-1][0]
        assert [name for name, _ in found] == expected
        assert dict(found)[NAMES[3]] == {"notify": "auto"}
        assert [entry.key for entry in (await bench.call(api.Entries("zones", NAMES[10], 2))).entries] == [
            "z010x.example",
            NAMES[12],
        ]


@pytest.mark.parametrize("path", ["auth", "zones[z001.example].notify", "nonsense"])
async def test_what_has_no_entries_is_said(tmp_path, seed, path):
    async with Bench(tmp_path, "--seed", seed) as bench:
        with pytest.raises(Refused, match=r"(has no entries to list|no part of the configuration)"):
            await bench.call(api.Entries(path))


async def test_of_very_many_changes_the_first_are_told_and_how_many_more_there_are(tmp_path, seed, monkeypatch):
    """All of 100 000 in one answer had cfgmgr's loop stand still for seconds, and bob take it for hung."""
    monkeypatch.setattr(api, "MAX_SHOWN_CHANGES", 10)
    async with Bench(tmp_path, "--seed", seed) as bench:
        (first,) = (await bench.call(api.History(changes_too=True))).revisions
        assert (len(first.changes or ()), first.left_out, first.count) == (10, 15, 1)
        await bench.call(api.Set("alice", "auth.identity", "x"))
        edited = await bench.call(api.Unset("alice", "zones"))
        for told in (edited, await bench.call(api.Diff("alice")), await bench.call(api.Check("alice"))):
            assert (len(told.changes), told.left_out) == (10, 16)
            assert told.changes[0].path == "auth.identity"
            assert told.changes[1].old == {"notify": "off"}
        (mine,) = (await bench.call(api.ListCandidates())).candidates
        assert mine.count == 26
        committed = await bench.call(api.Commit("alice"))
        assert (len(committed.changes), committed.left_out) == (10, 16)
        for apply in (False, True):
            back = await bench.call(api.Rollback("alice", 1, apply=apply))
            assert (len(back.changes), back.left_out) == (10, 16)
        zones: dict[str, object] = {name: {} for name in NAMES}
        edited = await bench.call(api.Set("alice", "zones", zones))  # others in place of those there
        assert (len(edited.changes), edited.left_out) == (10, 15)
        short = (await bench.call(api.History())).revisions
        assert [(one.revision, one.count, one.changes, one.left_out) for one in short] == [
            (3, 2, None, 0),
            (2, 2, None, 0),
            (1, 1, None, 0),
        ]


@pytest.mark.parametrize("path", ["", "zones"])
async def test_a_value_with_many_rows_has_the_first_and_tells_the_rest(tmp_path, seed, path, monkeypatch):
    monkeypatch.setattr(showing, "MAX_SHOWN_ROWS", 10)
    async with Bench(tmp_path, "--seed", seed) as bench:
        shown = await bench.call(api.Show(path))
        rows = shown.value["zones"] if path == "" else shown.value
        assert len(rows) == 10
        assert shown.left_out == {"zones": 15}
        one = await bench.call(api.Show("zones[z020.example].notify"))
        assert (one.value, one.left_out) == ("off", {})
