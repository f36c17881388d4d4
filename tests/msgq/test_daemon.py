"""The broker as bob runs it: its commands, its spec, its log."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
import pytest_asyncio

from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from daemonkit.membership import Membership
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from msgq import api
from msgq.counts import Counts
from msgq.daemon import MsgqDaemon
from msgq.errors import Refused
from msgq.session import IncomingCall, Session
from tests.msgq.contract import PATIENCE, Adder, settled
from tests.msgq.living import RealBus


@pytest_asyncio.fixture
async def bus(tmp_path):
    bus = RealBus(tmp_path, (sys.executable, "-X", "dev", "-W", "error"))
    await bus.start_broker()
    yield bus
    await bus.close()


def test_the_spec_names_what_is_counted():
    assert tuple(Spec.load("msgq").statistics) == Counts.names


@pytest.mark.asyncio
async def test_it_says_who_is_on_the_bus(bus):
    client = await bus.member("client/0")
    assert bus.process is not None
    assert [(entry.member, entry.pid) for entry in (await client.call(api.Members())).members] == [
        ("msgq/0", bus.process.pid),
        ("client/0", os.getpid()),
    ]
    assert client.members() == list((await client.call(api.Members())).members)[::-1]


@pytest.mark.asyncio
async def test_it_says_how_it_is(bus):
    client = await bus.member("client/0")
    status = await client.call(api.Status())
    assert (status.members, status.calls_in_flight, status.queued_bytes, status.queues) == (2, 1, 0, ())


@pytest.mark.asyncio
async def test_it_counts_outcomes(bus):
    await bus.member("adder/0", Adder())
    client = await bus.member("client/0")
    await client.call_raw("adder", "echo", {})
    await settled(client)
    with pytest.raises(Refused):
        await client.call_raw("adder", "refuse", {})
    counters = (await client.call(api.Statistics())).counters
    assert {name: counters[name] for name in ("answers", "no_recipient", "refusals", "registrations", "junk")} == {
        "answers": 1,
        "no_recipient": 1,
        "refusals": 1,
        "registrations": 3,
        "junk": 0,
    }


@pytest.mark.asyncio
async def test_a_cancelled_call_leaves_the_broker_too(bus):
    hung = await bus.hung_member("hung/0")
    client = await bus.member("client/0")
    calls = [asyncio.create_task(client.call_raw("hung", "x", {}, timeout=60)) for _ in range(10)]
    await client.call_raw("hung", "echo", {})
    assert (await client.call(api.Status())).calls_in_flight == 11
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert (await client.call(api.Status())).calls_in_flight == 1
    await hung.kill()


@pytest.mark.asyncio
async def test_unknown_commands_and_arguments_are_refused(bus):
    client = await bus.member("client/0")
    with pytest.raises(Refused) as refused:
        await client.call_raw("msgq", "dance", {})
    assert refused.value.code == "not-found"


@pytest.mark.asyncio
async def test_it_ends_when_bob_does(bus):
    assert bus.process is not None
    bus._hang_up()
    assert await asyncio.wait_for(bus.process.wait(), 60) != 0


@pytest.mark.asyncio
async def test_a_cfgmgr_that_joined_before_the_broker_heard_who_joins_is_asked(tmp_path, monkeypatch):
    """Restarted under load it never came to its configuration: it went on logging where a new process does."""
    directories = Directories(tmp_path, tmp_path)
    spec = Spec.load("msgq")
    messages = {**Spec.load("daemonkit").messages, **spec.messages}
    asked = asyncio.Event()

    async def answer(call: IncomingCall) -> None:
        asked.set()
        raise Refused("unavailable", "the test is over")

    cfgmgr = Session(directories.bus_address, "cfgmgr/0")
    cfgmgr.set_command_handler(answer)
    joining = Membership.join

    async def join_late(membership: Membership) -> None:
        await cfgmgr.start(PATIENCE)
        await joining(membership)

    monkeypatch.setattr(Membership, "join", join_late)
    context = Context(
        component="msgq",
        instance="0",
        directories=directories,
        arguments=(),
        spec=spec,
        log=MessageLog("msgq", messages),
        counters=Counters(spec.statistics),
        session=Session(directories.bus_address, "msgq/0"),
    )
    daemon = MsgqDaemon(context)
    await daemon.on_start()
    try:
        await asyncio.wait_for(asked.wait(), PATIENCE)
    finally:
        await cfgmgr.close()
        await context.close()
        await daemon.on_stop()
