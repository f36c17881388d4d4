"""The member's side of the commit protocol."""

from __future__ import annotations

import asyncio

import pytest

from daemonkit import api
from daemonkit.configuration import Config, ConfigurationMember, MemberState, Prepared
from daemonkit.errors import Rejected


class Owner:
    """A module that keeps what it is given."""

    def __init__(self) -> None:
        self.live: Config | None = None
        self.discarded: list[int] = []
        self.member = ConfigurationMember("toy", self.prepare)

    async def prepare(self, config: Config) -> Prepared:
        if config.own.get("bad"):
            raise Rejected("toy.bad", "may not be")

        def apply() -> None:
            self.live = config

        return Prepared(apply, lambda: self.discarded.append(config.revision))


@pytest.fixture
def owner():
    return Owner()


def values(**own):
    return {"toy": own, "listen": []}


def test_nothing_is_visible_before_the_commit(owner):
    asyncio.run(owner.member.prepare(1, values(colour="red")))
    assert owner.live is None
    assert owner.member.state is MemberState.PREPARED


def test_the_commit_applies_what_was_prepared(owner):
    asyncio.run(owner.member.prepare(1, values(colour="red")))
    assert owner.member.commit(1)
    assert owner.live is not None
    assert owner.live.own == {"colour": "red"}
    assert owner.member.revision == 1
    assert owner.discarded == []


def test_a_repeated_commit_is_done_once(owner):
    asyncio.run(owner.member.prepare(1, values()))
    assert owner.member.commit(1)
    assert owner.member.commit(1)


def test_an_abort_gives_everything_back(owner):
    asyncio.run(owner.member.prepare(1, values()))
    owner.member.abort(1)
    assert owner.discarded == [1]
    assert owner.member.state is MemberState.IDLE
    assert not owner.member.commit(1)


def test_the_abort_of_another_revision_is_none_of_ours(owner):
    asyncio.run(owner.member.prepare(2, values()))
    owner.member.abort(1)
    assert owner.member.prepared_revision == 2


def test_a_new_prepare_replaces_the_one_before(owner):
    asyncio.run(owner.member.prepare(1, values()))
    asyncio.run(owner.member.prepare(2, values()))
    assert owner.discarded == [1]
    assert owner.member.commit(2)


def test_a_refusal_leaves_the_live_configuration_alone(owner):
    asyncio.run(owner.member.prepare(1, values(colour="red")))
    owner.member.commit(1)
    with pytest.raises(Rejected, match="may not be"):
        asyncio.run(owner.member.prepare(2, values(bad=True)))
    assert owner.member.revision == 1
    assert owner.member.state is MemberState.IDLE


def test_a_commit_that_was_never_prepared_has_to_be_fetched(owner):
    assert not owner.member.commit(5)


@pytest.mark.parametrize("prepared", [None, 1, 2, 3])
def test_following_ends_on_the_committed_revision_whatever_was_in_hand(owner, prepared):
    asyncio.run(owner.member.prepare(1, values(number=1)))
    owner.member.commit(1)
    if prepared is not None:
        asyncio.run(owner.member.prepare(prepared, values(number=prepared)))
    asyncio.run(owner.member.follow(api.Configuration(2, values(number=2))))
    assert owner.member.revision == 2
    assert owner.live is not None
    assert owner.live.own == {"number": 2}
    assert owner.member.state is MemberState.IDLE


def test_following_the_revision_one_has_discards_what_was_in_hand(owner):
    asyncio.run(owner.member.prepare(1, values()))
    owner.member.commit(1)
    asyncio.run(owner.member.prepare(2, values()))
    asyncio.run(owner.member.follow(api.Configuration(1, values())))
    assert owner.discarded == [2]
    assert owner.member.revision == 1


def test_what_was_only_asked_about_is_not_taken_for_what_got_its_number(owner):
    """A check prepares a revision that another change may become."""
    asyncio.run(owner.member.prepare(1, values(number=1)))
    owner.member.commit(1)
    asyncio.run(owner.member.prepare(2, values(number="asked")))
    asyncio.run(owner.member.follow(api.Configuration(2, values(number="committed"))))
    assert owner.live.own == {"number": "committed"}
    assert owner.discarded == [2]


def test_whom_a_revision_does_not_concern_only_notes_its_number(owner):
    asyncio.run(owner.member.prepare(1, values(number=1)))
    owner.member.commit(1)
    asyncio.run(owner.member.prepare(2, values(number="asked")))
    asyncio.run(owner.member.follow(api.Configuration(2, {}, unchanged=True)))
    assert owner.member.revision == 2
    assert owner.live.own == {"number": 1}
    assert owner.discarded == [2]
