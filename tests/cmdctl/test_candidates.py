"""Candidates of users and tokens that are no more take no places, and who may administer sees and discards any."""

from __future__ import annotations

import json

import pytest

from cfgmgr import api as cfgmgr
from cmdctl.errors import ErrorAnswer
from cmdctl.roles import Role
from cmdctl.store import StoreFailed
from msgq.errors import Refused
from tests.bobctl.run import bobctl
from tests.cmdctl.house import CANDIDATE, CHANGE, House, house

pytestmark = pytest.mark.asyncio

ZONE = ("example.org",)
NO_ROOM = Refused("unavailable", "there are 100 candidates already")


class Kept:
    """The candidates as a cfgmgr with a bounded number of places has them."""

    def __init__(self, here: House, *authors: str, room: int = 100) -> None:
        self.authors, self.room = set(authors), room
        here.answers["cfgmgr", "candidates"] = lambda _call: cfgmgr.CandidateList(
            [cfgmgr.OneCandidate(author, 3, 1) for author in sorted(self.authors)], 4
        )
        here.answers["cfgmgr", "discard"] = self._discard
        here.answers["cfgmgr", "set"] = self._set
        here.answers["cfgmgr", "diff"] = lambda call: cfgmgr.Candidate(call.arguments["author"], 3, 4, [CHANGE])

    def _discard(self, call):
        author = call.arguments["author"]
        if author not in self.authors:
            return Refused("not-found", f"{author} has no uncommitted changes")
        self.authors.remove(author)
        return CANDIDATE

    def _set(self, call):
        if call.arguments["author"] not in self.authors and len(self.authors) >= self.room:
            return NO_ROOM
        self.authors.add(call.arguments["author"])
        return CANDIDATE


def authors_in(here: House) -> dict[str, str]:
    """A user with a token that lasts, one that has expired and one that was revoked, and a user that is gone."""
    accounts = here.services.accounts
    assert accounts is not None
    accounts.add_user("ann", Role.CONFIGURE, None)
    lasting, _ = accounts.add_token("ann", Role.CONFIGURE, ZONE, "", None)
    expired, _ = accounts.add_token("ann", Role.CONFIGURE, ZONE, "", 1e-9)
    revoked, _ = accounts.add_token("ann", Role.CONFIGURE, ZONE, "", None)
    accounts.remove_token(revoked.id)
    tokens = {"lasting": lasting, "expired": expired, "revoked": revoked}
    told = {name: f"user:ann/{token.id}" for name, token in tokens.items()}
    return {**told, "ann": "user:ann", "gone": "user:bert", "clerk": "clerk"}


async def test_the_list_has_none_of_who_is_no_more():
    async with house() as here:
        authors = authors_in(here)
        kept = Kept(here, *authors.values())
        found = await here.get("config", "candidates")
    left = {authors[name] for name in ("lasting", "ann", "clerk")}
    assert {one["author"] for one in found["candidates"]} == kept.authors == left
    assert sum(line.startswith("CMDCTL_CANDIDATE_LET_GO") for line in here.log.lines) == 3


async def test_where_there_is_no_room_those_of_who_is_no_more_go():
    async with house() as here:
        authors = authors_in(here)
        kept = Kept(here, *authors.values(), room=len(authors))
        await here.post("config", "set", body={"path": "auth.udp_size", "value": 1400})
    assert kept.authors == {*(authors[name] for name in ("lasting", "ann", "clerk")), here.asked[-1][2]["author"]}


async def test_where_all_are_there_no_room_stays_no_room():
    async with house() as here:
        authors = authors_in(here)
        kept = Kept(here, authors["lasting"], room=1)
        with pytest.raises(ErrorAnswer, match="there are 100 candidates already") as caught:
            await here.post("config", "set", body={"path": "auth.udp_size", "value": 1400})
    assert (caught.value.code, kept.authors) == ("unavailable", {authors["lasting"]})


async def test_while_users_cannot_be_read_nobody_is_taken_for_gone(monkeypatch):
    async with house() as here:
        authors = authors_in(here)
        kept = Kept(here, *authors.values())

        def broken() -> set[str]:
            raise StoreFailed("the disk is gone")

        monkeypatch.setattr(type(here.services.accounts), "authors", lambda _self: broken())
        found = await here.get("config", "candidates")
    assert {one["author"] for one in found["candidates"]} == kept.authors == set(authors.values())
    assert any("the disk is gone" in line for line in here.log.lines)


async def test_who_is_removed_has_no_candidate_left():
    async with house() as here:
        authors = authors_in(here)
        kept = Kept(here, authors["lasting"], authors["ann"], "clerk")
        await here.do("request", "DELETE", "tokens", authors["lasting"].rpartition("/")[2])
        assert kept.authors == {authors["ann"], "clerk"}
        await here.do("request", "DELETE", "users", "ann")
        assert kept.authors == {"clerk"}


async def test_an_admin_sees_and_discards_the_candidate_of_another():
    async with house() as here:
        authors = authors_in(here)
        kept = Kept(here, authors["lasting"], "clerk")
        listed = await bobctl(here.path, "config", "candidates")
        assert (listed.code, authors["lasting"] in listed.out, "to be rebased" in listed.out) == (0, True, True)
        shown = await bobctl(here.path, "config", "diff", "--of", authors["lasting"])
        assert (shown.code, "+ auth.udp_size: 1400" in shown.out) == (0, True), shown.err
        told = await bobctl(here.path, "--json", "config", "revert", "--of", authors["lasting"])
        assert (told.code, json.loads(told.out)["changes"][0]["path"]) == (0, "auth.udp_size")
        assert kept.authors == {"clerk"}
        again = await bobctl(here.path, "config", "revert", "--of", authors["lasting"])
        assert (again.code, "has no uncommitted changes" in again.err) == (3, True)
        missing = await bobctl(here.path, "config", "diff", "--of", "clark")
        assert (missing.code, "did you mean 'clerk'" in missing.err) == (3, True)
        assert here.services.audit is not None
        entries = here.services.audit.page(0, 10, "", "changes")
    assert [entry.changed.names for entry in entries if entry.status == 200] == [
        (f"the candidate of {authors['lasting']}",)
    ]


async def test_a_dry_run_discards_no_candidate_of_another(tmp_path):
    script = tmp_path / "script"
    script.write_text("config candidates\nconfig revert --of clerk\n")
    async with house() as here:
        kept = Kept(here, "clerk")
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
        assert (done.code, kept.authors) == (0, {"clerk"}), done.err
        script.write_text("config revert --of nobody\n")
        done = await bobctl(here.path, "execute", "--dry-run", str(script))
    assert (done.code, "nobody has no uncommitted changes" in done.err) == (3, True)
