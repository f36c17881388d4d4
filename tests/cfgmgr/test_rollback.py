"""Going back: the values of an older revision as a new one."""

from __future__ import annotations

import pytest

from cfgmgr import api, directory_store
from msgq.errors import Refused
from tests.cfgmgr.bench import Bench

pytestmark = pytest.mark.asyncio


async def value(bench, path="auth.version"):
    return (await bench.call(api.Show(path))).value


async def with_history(bench):
    """Revisions 2 to 4 say so; 3 lists a zone, 4 takes another list for it."""
    await bench.change("auth.version", "2")
    await bench.change("zones[a.example]", {"notify": "off"})
    await bench.change("zones[a.example].notify", "auto")
    await bench.change("auth.version", "5")


async def test_the_values_of_a_revision_come_back_as_a_new_one(tmp_path):
    async with Bench(tmp_path) as bench:
        auth = await bench.start("auth")
        await with_history(bench)
        done = await bench.call(api.Rollback("bert", 2))
        assert (done.target, done.revision) == (2, 6)
        assert [change.path for change in done.changes] == ["auth.version", "zones.a.example"]
        assert auth.live["auth"]["version"] == "2"
        assert auth.live["zones"] == {}
        newest = (await bench.call(api.History(limit=1, changes_too=True))).revisions[0]
        assert (newest.author, newest.reason, newest.count) == ("bert", "back to revision 2", 2)


async def test_a_rollback_can_be_undone(tmp_path):
    async with Bench(tmp_path) as bench:
        await with_history(bench)
        before = (await bench.call(api.Show(form="stored"))).value
        await bench.call(api.Rollback("bert", 1, "by mistake"))
        await bench.call(api.Rollback("bert", 5))
        assert (await bench.call(api.Show(form="stored"))).value == before


async def test_it_can_be_looked_at_before(tmp_path):
    async with Bench(tmp_path) as bench:
        await with_history(bench)
        shown = await bench.call(api.Rollback("bert", 4, apply=False))
        assert [(change.path, change.old, change.new) for change in shown.changes] == [("auth.version", "5", "2")]
        assert shown.revision == 0
        assert await value(bench) == "5"


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (5, "usage", "nothing is different from the current revision"),
        (9, "not-found", "there is no revision 9"),
        (0, "not-found", "there is no revision 0"),
    ],
)
async def test_where_nothing_leads_back_to_is_said(tmp_path, number, code, said):
    async with Bench(tmp_path) as bench:
        await with_history(bench)
        with pytest.raises(Refused, match=said) as caught:
            await bench.call(api.Rollback("bert", number))
        assert caught.value.code == code


async def test_a_damaged_revision_in_between_is_no_way_back(tmp_path, monkeypatch):
    monkeypatch.setattr(directory_store, "SMALL_SNAPSHOT", 10**9)
    async with Bench(tmp_path) as bench:
        await with_history(bench)
        (bench.store / "revision-00000004").write_text("junk")
        with pytest.raises(Refused, match="there is no way back behind revision 3: one before it is damaged"):
            await bench.call(api.Rollback("bert", 2))
        assert await value(bench) == "5"


async def test_candidates_of_others_become_old(tmp_path):
    async with Bench(tmp_path) as bench:
        await with_history(bench)
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        await bench.call(api.Rollback("bert", 2))
        with pytest.raises(Refused, match=r"revision 6 by bert \(back to revision 2\)"):
            await bench.call(api.Commit("alice"))


async def test_what_is_not_right_any_more_is_refused(tmp_path):
    """The template that a zone named is gone, and the zone comes back without it? No: both come back."""
    async with Bench(tmp_path) as bench:
        await bench.change("templates", {"t": {"notify": "off"}})
        await bench.change("zones", {"a.example": {"template": "t"}})
        await bench.change("zones", {})
        await bench.change("templates", {})
        await bench.call(api.Rollback("bert", 3))
        assert (await value(bench, "zones[a.example]"))["notify"] == "off"
