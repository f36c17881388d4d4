"""A conflict, explained: who committed what since, what overlaps, how to go on."""

from __future__ import annotations

import pytest

from cfgmgr import api as cfgmgr
from msgq.errors import Refused
from tests.bobctl.run import bobctl
from tests.cmdctl.house import CHANGE, house

MINE = cfgmgr.Candidate("me", 3, 5, [CHANGE])


def revisions(path):
    theirs = cfgmgr.Change(path, 1232, 4096)
    return cfgmgr.Revisions(
        [
            cfgmgr.Revision(5, "2026-11-22T03:10:00Z", "bert", "", 1, [cfgmgr.Change("listen", [], ["::@53"])]),
            cfgmgr.Revision(4, "2026-11-22T03:05:00Z", "ann", "bigger answers", 1, [theirs]),
            cfgmgr.Revision(3, "2026-11-22T03:00:00Z", "me", "", 1, [CHANGE]),
        ],
        more=False,
    )


async def commit(path, *words):
    async with house() as here:
        here.answers["cfgmgr", "commit"] = Refused("conflict", "begun on revision 3")
        here.answers["cfgmgr", "diff"] = MINE
        here.answers["cfgmgr", "history"] = revisions(path)
        return await bobctl(here.path, "config", "commit", *words)


@pytest.mark.asyncio
async def test_who_committed_what_and_what_overlaps_is_told():
    done = await commit("auth.udp_size")
    assert (done.code, done.out) == (4, "")
    assert "revision 4 of 2026-11-22T03:05:00Z by ann: bigger answers" in done.err
    assert "revision 5 of 2026-11-22T03:10:00Z by bert" in done.err
    assert "revision 3" not in done.err.partition("begun on")[0]  # that one is known
    assert "auth.udp_size: 1232 -> 4096" in done.err
    assert "You change the same:\n    auth.udp_size: 1232 -> 1400" in done.err
    assert "config rebase" in done.err


@pytest.mark.asyncio
async def test_what_does_not_overlap_only_wants_a_rebase():
    done = await commit("auth.udp_batch")
    assert done.code == 4
    assert "Nothing of it overlaps" in done.err
    assert "`bobctl config rebase`" in done.err


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["auth", "auth.udp_size"])
async def test_programs_are_told_in_the_details(path):
    done = await commit(path, "--json")
    assert done.code == 4
    assert f"{path}: was changed in revision 4 by ann, too" in done.err
    assert "Since you began" not in done.err


@pytest.mark.asyncio
async def test_who_may_not_see_the_history_is_told_so():
    async with house() as here:
        here.answers["cfgmgr", "commit"] = Refused("conflict", "begun on revision 3")
        here.answers["cfgmgr", "diff"] = MINE
        here.answers["cfgmgr", "history"] = Refused("refused", "for some zones only")
        done = await bobctl(here.path, "config", "commit")
    assert done.code == 4
    assert "is not shown to you" in done.err
    assert "`bobctl config rebase`" in done.err
