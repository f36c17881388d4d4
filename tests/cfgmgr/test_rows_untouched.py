"""Nothing that an operator does to one of many listed zones takes a look at all of them."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from cfgmgr import api, directory_store
from daemonkit.rowmap import RowMap
from tests.cfgmgr.bench import Bench

pytestmark = pytest.mark.asyncio

MANY = 8
NAMES = [f"z{number}.example" for number in range(MANY)]
ZONES = "zones:\n" + "".join(f"  {name}: {{notify: off}}\n" for name in NAMES)


@contextmanager
def nobody_looks_at_all(monkeypatch):
    """Whoever goes through a map of many rows fails."""

    def refusing(method):
        def looked(self, *arguments):
            assert len(self) < MANY - 2, "all rows are looked at"
            return method(self, *arguments)

        return looked

    with monkeypatch.context() as patch:
        for name in ("__iter__", "items", "pairs", "entries_from", "flat"):
            patch.setattr(RowMap, name, refusing(getattr(RowMap, name)))
        yield


@pytest.mark.parametrize("store", ["files", "database"])
async def test_a_change_of_one_zone_takes_no_look_at_the_others(tmp_path, monkeypatch, store):
    monkeypatch.setattr(directory_store, "SMALL_SNAPSHOT", 0)
    seed = tmp_path / "bob.yaml"
    seed.write_text(ZONES)
    async with Bench(tmp_path, "--seed", str(seed), "--store", store) as bench:
        auth, memmgr = await bench.start("auth"), await bench.start("memmgr")
        monkeypatch.setattr(type(bench.manager.store), "maintain", lambda _: None)  # beside a commit, now and then
        with nobody_looks_at_all(monkeypatch):
            await bench.change("zones[z3.example].notify", "auto")
            await bench.change("zones[new.example].notify", "auto")
            await bench.call(api.Add("alice", "zones[other.example]"))
            assert (await bench.call(api.Check("alice"))).good
            await bench.call(api.Commit("alice"))
            await bench.call(api.Unset("alice", "zones[z4.example].notify"))
            await bench.call(api.Remove("alice", "zones", key="z5.example"))
            shown = await bench.call(api.Diff("alice"))
            assert [change.path for change in shown.changes] == ["zones.z4.example.notify", "zones.z5.example"]
            await bench.call(api.Commit("alice"))
            await bench.change("auth.identity", "one")
            await bench.call(api.Set("bob", "zones[z6.example].notify", "auto"))
            await bench.change("zones[z7.example].notify", "auto")
            await bench.call(api.Rebase("bob"))
            await bench.call(api.Commit("bob"))
            back = await bench.call(api.Rollback("alice", 4))
            assert len(back.changes) == 5
        zones = auth.live["zones"]
        assert sorted(zones) == sorted([*NAMES, "new.example", "other.example"])
        assert [name for name, row in zones.items() if row["notify"] == "auto"] == [
            "z3.example",
            "new.example",
            "other.example",
        ]
        assert memmgr.live["zones"] == zones
        await bench.restart_cfgmgr()
        assert dict(bench.manager.current.effective["zones"]) == dict(zones)
