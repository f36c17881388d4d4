"""A member that fetches many rows in pages has all of them, whatever becomes of cfgmgr meanwhile."""

from __future__ import annotations

import pytest
import pytest_asyncio

from cfgmgr import api, handing
from cfgmgr.current import Current
from daemonkit.membership import Membership
from tests.cfgmgr.bench import Bench

pytestmark = pytest.mark.asyncio

NAMES = [f"z{number}.example" for number in range(8)]
LEFT = NAMES[2:]  # the places of the others are left behind in the map of the cfgmgr that removed them
ZONES = "zones:\n" + "".join(f"  {name}: {{notify: off}}\n" for name in NAMES)


@pytest_asyncio.fixture
async def bench(tmp_path, monkeypatch):
    monkeypatch.setattr(handing, "MAX_ROWS", 2)
    seed = tmp_path / "bob.yaml"
    seed.write_text(ZONES)
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        for name in NAMES[:2]:
            await bench.call(api.Remove("alice", "zones", key=name))
        await bench.call(api.Commit("alice"))
        yield bench


def before_the_second_page(monkeypatch, happens):
    """Something happens, once, between two pages; the places that are asked for."""
    asked, page = [], Membership._page

    async def interrupted(self, request):
        asked.append(request.start)
        if request.start and sum(map(bool, asked)) == 1:
            await happens()
        return await page(self, request)

    monkeypatch.setattr(Membership, "_page", interrupted)
    return asked


async def test_a_member_that_fetches_while_cfgmgr_restarts_misses_no_row(bench, monkeypatch):
    """The new cfgmgr has the same revision without the holes: behind the same place fewer rows are left."""
    asked = before_the_second_page(monkeypatch, bench.restart_cfgmgr)
    auth = await bench.start("auth")
    assert list(auth.live["zones"]) == LEFT
    assert bench.members["auth/0"].revision == await bench.revision()
    assert asked[:5] == [0, 4, 0, 2, 4]  # it began again, once


async def test_a_member_that_fetches_a_revision_being_prepared_begins_again_where_that_is_made_anew(bench, monkeypatch):
    auth = await bench.start("auth")

    async def made_anew():
        committer = bench.manager.committer
        now = committer._in_hand
        assert now is not None
        substitute = committer.rules.substitute
        committer._in_hand = Current.of(now.revision, now.state, now.stored, now.running, substitute)

    asked = before_the_second_page(monkeypatch, made_anew)
    await bench.change("templates", {"default": {"health": {"every": "2d"}}})
    assert list(auth.live["zones"]) == LEFT
    assert {row["health"]["every"] for row in auth.live["zones"].values()} == {2 * 86400}
    assert asked.count(0) == 2
    assert auth.events[-2:] == ["prepare 3", "apply 3"]
