"""Candidates as they are kept, taken up again, and made fresh."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cfgmgr.candidates import Candidate, Candidates, restored, undoing
from cfgmgr.catalogue import our_catalogue
from cfgmgr.errors import NoCandidate, NoRoom, Stale
from cfgmgr.store import Draft, Revision
from cfgmgr.tree import Change

ROOT = our_catalogue().root
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def revision(number, *changes, author="bert", reason=""):
    return Revision(number, NOW, author, reason, tuple(changes))


def test_a_draft_on_the_newest_revision_is_taken_up_as_it_was():
    draft = Draft("alice", 3, (Change(("n",), 1, 2),))
    candidate = restored(draft, revision(3), {"n": 1}, [])
    assert candidate == Candidate("alice", 3, {"n": 1}, {"n": 2})


def test_a_draft_on_an_older_revision_is_taken_up_on_that_one():
    newer = [revision(5, Change(("m",), 1, 2)), revision(4, Change(("m",), None, 1))]
    candidate = restored(Draft("alice", 3, (Change(("n",), 1, 2),)), newer[0], {"n": 1, "m": 2}, newer)
    assert candidate == Candidate("alice", 3, {"n": 1}, {"n": 2})


def test_a_draft_that_was_committed_is_not_taken_up():
    change = Change(("n",), 1, 2)
    head = revision(4, change, author="alice")
    assert restored(Draft("alice", 3, (change,)), head, {"n": 2}, [head]) is None


def test_the_same_change_by_another_author_does_not_count_as_committed():
    change = Change(("n",), 1, 2)
    head = revision(4, change, author="bert")
    assert restored(Draft("alice", 3, (change,)), head, {"n": 2}, [head]) is not None


def test_a_stale_candidate_says_who_was_first():
    candidate = Candidate("alice", 1, {}, {"n": 1})
    newer = [revision(number, author=f"user{number}", reason="because") for number in (6, 5, 4, 3)]
    with pytest.raises(Stale, match=r"revision 6 by user6 \(because\); .* and 1 more: rebase or revert them"):
        candidate.require_fresh(6, newer)
    candidate.require_fresh(1, [])


def test_a_candidate_on_a_revision_that_was_lost_is_stale():
    with pytest.raises(Stale, match="begun on revision 9; which was lost with a damaged file"):
        Candidate("alice", 9, {}, {}).require_fresh(8, [])


def test_a_rebase_keeps_what_others_changed_beside():
    candidate = Candidate("alice", 1, {}, {"auth": {"udp_size": 1400}, "zones": {"a.example": {}}})
    rebased = candidate.rebased(2, {"auth": {"version": "9"}, "zones": {"b.example": {}}}, ROOT)
    assert rebased.tree == {
        "auth": {"udp_size": 1400, "version": "9"},
        "zones": {"a.example": {}, "b.example": {}},
    }


def test_a_rebase_takes_a_map_with_a_default_as_one():
    """An entry beside the default is not the same as the entry alone."""
    candidate = Candidate("alice", 1, {}, {"data_sources": {"main": {}, "files": {}}})
    with pytest.raises(Stale, match="changed in the meantime: data_sources"):
        candidate.rebased(2, {"data_sources": {"other": {}}}, ROOT)


def test_changes_are_undone_backwards():
    changes = [Change(("a",), None, 1), Change(("b",), 1, None)]
    assert undoing(changes) == [Change(("b",), None, 1), Change(("a",), 1, None)]


def test_who_has_none_is_told():
    with pytest.raises(NoCandidate, match="alice has no uncommitted changes"):
        Candidates().require("alice")


def changing(author):
    return Candidate(author, 1, {}, {"n": author}, frozenset({()}))


def test_those_that_change_nothing_go_where_room_is_short(monkeypatch):
    monkeypatch.setattr("cfgmgr.candidates.MAX_CANDIDATES", 2)
    candidates = Candidates()
    candidates.put(changing("alice"))
    assert candidates.room_for("cecil") == []
    candidates.put(Candidate("bert", 1, {}, {}, frozenset()))
    assert candidates.room_for("cecil") == ["bert"]
    candidates.put(changing("bert"))
    with pytest.raises(NoRoom, match="there are 2 candidates already"):
        candidates.room_for("cecil")
