"""A module on the bus: commands and their arguments, catching up with the configuration."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
import pytest_asyncio

from daemonkit import api
from daemonkit.configuration import Prepared
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from daemonkit.membership import Membership
from daemonkit.module import Context, command
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from msgq.errors import BusLost, Refused
from msgq.session import Gap, IncomingCall, Session
from tests.kit import toy
from tests.kit.bus import FakeBus
from tests.kit.stopwatch import Stopwatch

DEADLINE = 30.0
LIMIT = 5.0  # seconds until all are on one revision (design section 5)


class Broken(msgspec.Struct):
    module: ClassVar[str] = "toy"
    command: ClassVar[str] = "break"
    reply: ClassVar[type[api.Nothing]] = api.Nothing


class Fragile(toy.Toy):
    """A toy that breaks when asked to."""

    @command(Broken)
    async def fall_apart(self, _: IncomingCall, _request: Broken) -> api.Nothing:
        raise ValueError("glass")


class Cfgmgr:
    """The part of cfgmgr a member talks to."""

    def __init__(self) -> None:
        self.revision = 1

    async def answer(self, call: IncomingCall) -> api.Configuration:
        assert call.command == "get"
        return api.Configuration(self.revision, {"toy": {"word": f"word{self.revision}"}})


@dataclass
class World:
    bus: FakeBus
    cfgmgr: Cfgmgr
    cfgmgr_session: Session
    asker: Session
    toy: Fragile
    membership: Membership

    async def until_word(self, word: str) -> None:
        async with asyncio.timeout(DEADLINE):
            while self.toy.word != word:
                await asyncio.sleep(0)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    bus, cfgmgr = FakeBus(), Cfgmgr()
    cfgmgr_session = await bus.member("cfgmgr/0", cfgmgr.answer)
    asker = await bus.member("cmdctl/0")
    spec = Spec.load(Path(toy.__file__).with_suffix(".yaml"))
    messages = {**Spec.load("daemonkit").messages, **spec.messages}
    places = Directories(Path("/nowhere"), Path("/nowhere"))
    log, session = MessageLog("toy", messages), bus.session("toy/0")
    context = Context("toy", "0", places, (), spec, log, Counters(()), session)
    module = Fragile(context)
    membership = Membership(module, context)
    await membership.join()
    await membership.configure()
    yield World(bus, cfgmgr, cfgmgr_session, asker, module, membership)
    await context.close()
    await bus.close()


@pytest.mark.asyncio
async def test_the_first_configuration_is_applied_before_anything_else(world):
    assert (world.membership.revision, world.toy.word) == (1, "word1")


@pytest.mark.asyncio
async def test_words_count_as_numbers_where_numbers_are_wanted(world):
    answer = await world.asker.call_raw("toy", "greet", {"name": "Ann", "times": "2"})
    assert answer == {"text": "word1 Ann word1 Ann"}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"times": 2}, "name"),
        ({"name": "Ann", "times": "often"}, "times"),
        ({"name": "Ann", "tiems": 2}, "greet has no argument tiems; it takes name, times"),
    ],
)
async def test_wrong_arguments_are_refused_as_usage(world, arguments, said):
    with pytest.raises(Refused, match=said) as refused:
        await world.asker.call_raw("toy", "greet", arguments)
    assert refused.value.code == "usage"


@pytest.mark.asyncio
async def test_an_unknown_command_is_not_found(world):
    with pytest.raises(Refused, match="toy has no command dance") as refused:
        await world.asker.call_raw("toy", "dance", {})
    assert refused.value.code == "not-found"


@pytest.mark.asyncio
async def test_a_defect_in_a_command_is_answered_logged_and_survived(world, caplog):
    with pytest.raises(Refused, match="break: glass") as refused:
        await world.asker.call_raw("toy", "break", {})
    assert refused.value.code == "failed"
    assert "DAEMON_COMMAND_FAILED" in caplog.text
    assert await world.asker.call(toy.Greet(name="Ann"))


@pytest.mark.asyncio
async def test_what_fails_while_a_process_stops_is_refused_and_told_in_the_log_as_no_defect(world, caplog):
    caplog.set_level("INFO")
    await world.toy.context.close()
    with pytest.raises(Refused, match="stopped before it was begun") as refused:
        await world.toy.context.work(int)
    assert refused.value.code == "unavailable"
    world.toy.context.stop.set()
    with pytest.raises(Refused, match="stopped before it was finished"):
        await world.asker.call_raw("toy", "break", {})
    assert "DAEMON_COMMAND_FAILED" not in caplog.text
    assert "DAEMON_COMMAND_STOPPED" in caplog.text
    assert "break could not be finished while this process stops: ValueError: glass" in caplog.text


@pytest.mark.asyncio
async def test_a_revision_that_comes_while_a_process_stops_is_left_to_its_successor(world, caplog, monkeypatch):
    caplog.set_level("INFO")
    follow = world.membership._configuration.follow

    async def gone(configuration):  # told to stop while it comes to the revision
        world.toy.context.stop.set()
        raise RuntimeError("closed already")

    monkeypatch.setattr(world.membership._configuration, "follow", gone)
    world.cfgmgr.revision = 2
    await world.membership._follow()
    assert "did not come to configuration revision 2 while this process stops: RuntimeError: closed" in caplog.text
    monkeypatch.setattr(world.membership._configuration, "follow", follow)
    await world.membership._follow()  # told so before
    with pytest.raises(Refused, match="stopping") as refused:
        await world.cfgmgr_session.call(api.Prepare(2, 1), to="toy/0")
    assert (refused.value.code, world.membership.revision, world.toy.word) == ("unavailable", 1, "word1")
    assert await world.cfgmgr_session.call(api.Commit(2), to="toy/0") == api.Nothing()
    assert "Traceback" not in caplog.text


@pytest.mark.asyncio
async def test_who_cannot_apply_a_revision_it_hears_of_ends(world, monkeypatch):
    async def halfway(_config):
        def apply() -> None:
            raise RuntimeError("halfway")

        return Prepared(apply=apply)

    monkeypatch.setattr(world.toy, "prepare", halfway)
    world.cfgmgr.revision = 2
    await world.cfgmgr_session.publish(api.RevisionCommitted.topic, api.RevisionCommitted(2))
    async with asyncio.timeout(DEADLINE):
        await world.toy.context.stop.wait()
    assert str(world.toy.context.failure) == "halfway"


@pytest.mark.asyncio
async def test_a_preparation_that_comes_before_the_first_configuration_is_taken(world):
    """As soon as a process is on the bus cfgmgr may ask it: a commit failed with "has no command prepare"."""
    spec = Spec.load(Path(toy.__file__).with_suffix(".yaml"))
    places = Directories(Path("/nowhere"), Path("/nowhere"))
    log, session = world.toy.context.log, world.bus.session("toy/1")
    context = Context("toy", "1", places, (), spec, log, Counters(()), session)
    module = toy.Toy(context)
    membership = Membership(module, context)
    membership.expect_configuration()
    await membership.join()
    answer = await world.cfgmgr_session.call(api.Prepare(2, 1, {"toy": {"word": "word2"}}), to="toy/1")
    assert (answer, membership.revision, module.word) == (api.Prepared(), 1, "word1")
    world.cfgmgr.revision = 2
    await world.cfgmgr_session.call(api.Commit(2), to="toy/1")
    await membership.configure()
    assert (membership.revision, module.word) == (2, "word2")
    await context.close()


@pytest.mark.asyncio
async def test_a_defect_in_a_preparation_is_told_as_that_of_a_command(world, caplog, monkeypatch):
    async def broken(_config):
        raise ValueError("glass")

    monkeypatch.setattr(world.toy, "prepare", broken)
    with pytest.raises(Refused, match="prepare: glass") as refused:
        await world.cfgmgr_session.call(api.Prepare(2, 1, {"toy": {"word": "x"}}), to="toy/0")
    assert (refused.value.code, "DAEMON_COMMAND_FAILED" in caplog.text) == ("failed", True)


@pytest.mark.asyncio
async def test_a_commit_does_not_stand_behind_what_the_worker_thread_has_in_hand(world, tmp_path):
    """The worker of memmgr makes records for 100 000 zones; a commit took 0.7 s, for each asked it about the log."""
    logging_values = {
        "level": "info",
        "destinations": [str(tmp_path / "log")],
        "format": "text",
        "syslog_facility": "daemon",
        "modules": {},
    }
    done = threading.Event()
    busy = asyncio.ensure_future(world.toy.context.work(done.wait))
    try:
        async with asyncio.timeout(DEADLINE):
            await world.cfgmgr_session.call(api.Prepare(2, 1, {"toy": {"word": "two"}}), to="toy/0")
            await world.cfgmgr_session.call(api.Commit(2), to="toy/0")
            await world.cfgmgr_session.call(api.Prepare(3, 2, {"logging": logging_values}), to="toy/0")
            await world.cfgmgr_session.call(api.Commit(3), to="toy/0")
        assert (world.toy.word, world.membership.revision, busy.done()) == ("two", 3, False)
    finally:
        done.set()
        await busy


@pytest.mark.asyncio
async def test_a_commit_that_was_missed_is_fetched_when_it_is_told(world):
    world.cfgmgr.revision = 2
    await world.cfgmgr_session.publish(api.RevisionCommitted.topic, api.RevisionCommitted(2))
    await world.until_word("word2")


@pytest.mark.asyncio
async def test_a_gap_in_the_events_makes_the_member_ask(world):
    world.cfgmgr.revision = 3
    await world.membership._revisions_missed(Gap(api.RevisionCommitted.topic, "", 0))
    assert world.membership.revision == 3


@pytest.mark.asyncio
async def test_after_the_death_of_the_broker_the_member_asks_again(world):
    world.cfgmgr.revision = 4
    world.bus.kill_broker()
    world.bus.start_broker()
    await world.until_word("word4")


@pytest.mark.asyncio
async def test_a_cfgmgr_that_stops_is_asked_again_and_ends_nobody(world, monkeypatch):
    monkeypatch.setattr("daemonkit.membership.RETRY_INTERVAL", 0.01)
    told, answer = 0, world.cfgmgr.answer

    async def stops(call):
        nonlocal told
        told += 1
        if told <= 3:
            raise Refused("unavailable", "stopping")
        return await answer(call)

    world.cfgmgr_session.set_command_handler(stops)
    world.cfgmgr.revision = 4
    world.membership.follow_soon()
    await world.until_word("word4")
    assert told == 4
    assert world.toy.context.failure is None

    async def refuses(_call):
        raise Refused("not-found", "there is no module 'toy'")

    world.cfgmgr_session.set_command_handler(refuses)
    with pytest.raises(Refused, match="no module"):
        await world.membership.configure()


@pytest.mark.asyncio
async def test_a_configuration_that_was_lost_on_its_way_is_asked_for_again_long_before_5_s_are_over(world, monkeypatch):
    """All are to be on one revision within 5 s, which was how long a member waited for what would never come."""
    send, lost = world.cfgmgr_session._answering._send, 0

    async def lose(frames):
        nonlocal lost
        lost += 1
        return True if lost == 1 else await send(frames)

    monkeypatch.setattr(world.cfgmgr_session._answering, "_send", lose)
    world.cfgmgr.revision = 2
    watch = Stopwatch()
    await world.cfgmgr_session.publish(api.RevisionCommitted.topic, api.RevisionCommitted(2))
    await world.until_word("word2")
    assert watch.seconds() < LIMIT / 2
    assert lost == 2


@pytest.mark.asyncio
async def test_a_cfgmgr_that_takes_its_time_is_not_asked_to_begin_anew(world, monkeypatch):
    """As one that starts with very many zones, and whose members all wait for it."""
    monkeypatch.setattr("daemonkit.membership.FIRST_PATIENCE", 0.01)
    begun, ready, answer = [], asyncio.Event(), world.cfgmgr.answer
    repeated = world.cfgmgr_session._answering.deliver
    deliveries = []

    async def slow(call):
        begun.append(call.id)
        await ready.wait()
        return await answer(call)

    def deliver(delivery, payload):
        deliveries.append(delivery.id)
        repeated(delivery, payload)

    monkeypatch.setattr(world.cfgmgr_session._answering, "deliver", deliver)
    world.cfgmgr_session.set_command_handler(slow)
    world.cfgmgr.revision = 2
    world.membership.follow_soon()
    async with asyncio.timeout(DEADLINE):
        while len(deliveries) < 4:
            await asyncio.sleep(0.001)
    ready.set()
    await world.until_word("word2")
    assert begun == [deliveries[0]]
    assert set(deliveries) == set(begun)


@pytest.mark.asyncio
async def test_a_commit_of_what_was_not_prepared_is_fetched(world):
    world.cfgmgr.revision = 5
    await world.cfgmgr_session.call(api.Commit(5), to="toy/0")
    await world.until_word("word5")


@pytest.mark.asyncio
async def test_a_refused_preparation_names_path_and_reason(world):
    with pytest.raises(Refused, match="is no greeting"):
        await world.cfgmgr_session.call(api.Prepare(2, 1, {"toy": {"word": "goodbye"}}), to="toy/0")
    assert world.toy.word == "word1"


@pytest.mark.asyncio
async def test_nobody_is_asked_while_the_bus_is_gone_and_it_is_said(world):
    world.bus.kill_broker()
    with pytest.raises(BusLost):
        await world.asker.call(toy.Greet(name="Ann"), timeout=0.05)
