"""The broker among hostile, stuck and dying company: memory stays bounded, the others go on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest
import pytest_asyncio
import zmq

from daemonkit import control
from msgq import api, envelope
from msgq.broker import Broker
from msgq.errors import AddressError, BusLost, DeadlineExceeded, NoRecipient, RecipientDied, Refused
from msgq.link import ZmqLink
from msgq.session import Session
from tests.msgq.contract import AT_ONCE, PATIENCE, Adder, Ear, returns, settled, until
from tests.msgq.flooder import Flooder
from tests.msgq.living import ROOT, RealBus

MEBIBYTE = 1024 * 1024
# Interpreter, allocator and sockets breathe a little; what is unbounded would be hundreds of these.
MEMORY = 64 * MEBIBYTE


@pytest_asyncio.fixture
async def bus(tmp_path):
    bus = RealBus(tmp_path, (sys.executable,))
    await bus.start_broker()
    yield bus
    await bus.close()


async def steady_calls(client: Session, module: str, flooder: Flooder, minimum: int = 200) -> float:
    """Call on while the flood lasts; the slowest call in seconds."""
    slowest, calls = 0.0, 0
    while calls < minimum or not flooder.is_over:
        begun = time.monotonic()
        assert await client.call_raw(module, "echo", {"n": calls}, timeout=PATIENCE) == {"n": calls}
        slowest = max(slowest, time.monotonic() - begun)
        calls += 1
    return slowest


async def statistics(client: Session) -> dict[str, int]:
    return (await client.call(api.Statistics(), timeout=PATIENCE)).counters


# Floods.


@pytest.mark.asyncio
async def test_a_flood_of_junk_is_counted_and_stops_nobody(bus):
    """V68."""
    await bus.member("adder/0", Adder())
    client = await bus.member("client/0")
    before = bus.broker_memory()
    junk = (
        [b"junk"],
        [b"\xff" * 100, b""],
        [b'{"type":"leave"}'],
        [b'{"type":"leave"}', b"", b""],
        [b"[" * 4000, b"x"],
    )
    flooder = Flooder(bus.address, [junk[n % len(junk)] for n in range(100_000)])
    flooder.start()
    slowest = await steady_calls(client, "adder", flooder)
    while (await statistics(client))["junk"] < 100_000:  # the broker is behind the flood
        await asyncio.sleep(0.01)
    flooder.stop()
    assert slowest < AT_ONCE
    assert bus.broker_memory() - before < MEMORY


@pytest.mark.asyncio
async def test_a_flood_of_commands_from_a_stranger_is_not_carried_out(bus):
    adder = Adder()
    await bus.member("adder/0", adder)
    client = await bus.member("client/0")
    before = bus.broker_memory()
    call = envelope.Call(serial=1, id="0" * 16 + "-1", to="adder", command="add", deadline=time.monotonic() + 60)
    flooder = Flooder(bus.address, [[envelope.encode_header(call), b'{"a":1,"b":1}']] * 20_000, b"adder/0.1.1")
    flooder.start()
    await steady_calls(client, "adder", flooder)
    flooder.stop()
    assert adder.done == 0
    assert bus.broker_memory() - before < MEMORY


@pytest.mark.asyncio
async def test_oversize_messages_cost_their_sender_the_connection_and_nobody_else(bus):
    """V68."""
    await bus.member("adder/0", Adder())
    client = await bus.member("client/0")
    before = bus.broker_memory()
    oversize = b" " * (envelope.MAX_PAYLOAD + 1)
    flooder = Flooder(bus.address, [[b"{}", oversize], [oversize, b""]] * 10)
    flooder.start()
    await steady_calls(client, "adder", flooder)
    flooder.stop()
    assert bus.broker_memory() - before < MEMORY
    assert (await statistics(client))["registrations"] == 3  # the broker's own, adder and client: nobody had to return


@pytest.mark.asyncio
async def test_a_flood_of_the_largest_junk_is_bounded(bus):
    await bus.member("adder/0", Adder())
    client = await bus.member("client/0")
    before = bus.broker_memory()
    flooder = Flooder(bus.address, [[b"{}", b" " * envelope.MAX_PAYLOAD]] * 60)
    flooder.start()
    peak = 0
    while not flooder.is_over:
        await client.call_raw("adder", "echo", {}, timeout=PATIENCE)
        peak = max(peak, bus.broker_memory() - before)
    flooder.stop()
    # RECEIVE_LIMIT of them may be read ahead, some more are on their way through.
    assert peak < 16 * envelope.MAX_PAYLOAD


@pytest.mark.asyncio
async def test_a_session_whose_connection_is_cut_comes_back(bus):
    await bus.member("adder/0", Adder())
    client = await bus.member("client/0")
    epochs = []
    client.on_epoch(lambda: epochs.append("new"))
    link = client._connection._link
    assert isinstance(link, ZmqLink)
    link.send((b"{}", b" " * (envelope.MAX_PAYLOAD + 1)))  # the broker closes on this
    await until(lambda: epochs)
    assert await client.call_raw("adder", "echo", {}) == {}


# Members that do not read.


@pytest.mark.asyncio
async def test_a_subscriber_that_never_reads_costs_a_bounded_amount_and_is_told(bus):
    hung = await bus.hung_member("hung/0")
    ear = Ear()
    listener = await bus.member("listener/0")
    listener.subscribe("news", ear.hear, on_gap=ear.miss)
    await settled(listener)
    speaker = await bus.member("speaker/0")
    before = bus.broker_memory()
    hung.stop()
    content = "x" * 10_000
    for number in range(20_000):
        await speaker.publish("news", content)
        if number % 1000 == 0:  # who reads is given the time for it: it is the other one that is to lose events
            await until(lambda: len(ear.events) >= number)  # noqa: B023 - waited for here
    await until(lambda: ear.events and ear.events[-1].sequence == 20_000)
    assert len(ear.events) == 20_000
    assert ear.gaps == []
    status = await speaker.call(api.Status())
    assert [queue.member for queue in status.queues] == ["hung/0"]
    assert status.queues[0].losing == ("news",)
    assert bus.broker_memory() - before < MEMORY
    hung.resume()
    while (await speaker.call(api.Status())).queues:
        await asyncio.sleep(0.01)


@pytest.mark.asyncio
async def test_a_stopped_recipient_makes_nobody_wait(bus):
    hung = await bus.hung_member("hung/0")
    await bus.member("adder/0", Adder())
    client = await bus.member("client/0")
    before = bus.broker_memory()
    hung.stop()
    calls = [asyncio.create_task(client.call_raw("hung", "x", {"x": "x" * 1000}, timeout=60)) for _ in range(1000)]
    await until(lambda: sum(call.done() for call in calls) > 500)  # while those that found room wait
    assert await client.call_raw("adder", "echo", {}) == {}
    assert bus.broker_memory() - before < MEMORY
    begun = time.monotonic()
    await hung.kill()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert time.monotonic() - begun < AT_ONCE
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    died = [outcome for outcome in outcomes if isinstance(outcome, RecipientDied)]
    assert len(refused) + len(died) == 1000
    assert {refusal.code for refusal in refused} == {"unavailable"}
    assert len(died) >= 256


@pytest.mark.asyncio
async def test_a_stopped_recipient_that_goes_on_does_not_do_what_has_expired(bus):
    hung = await bus.hung_member("hung/0")
    client = await bus.member("client/0")
    hung.stop()
    calls = [client.call_raw("hung", "x", {}, timeout=0.2) for _ in range(100)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DeadlineExceeded}
    hung.resume()
    assert await client.call_raw("hung", "echo", {"n": 1}, timeout=PATIENCE) == {"n": 1}


@pytest.mark.asyncio
async def test_large_payloads_to_a_stopped_recipient_are_bounded(bus):
    hung = await bus.hung_member("hung/0")
    client = await bus.member("client/0")
    before = bus.broker_memory()
    hung.stop()
    arguments = {"x": "x" * (4 * MEBIBYTE)}
    calls = [client.call_raw("hung", "x", arguments, timeout=5) for _ in range(60)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    kinds = {type(outcome) for outcome in outcomes}
    assert Refused in kinds
    assert kinds <= {Refused, DeadlineExceeded}
    assert bus.broker_memory() - before < 32 * MEBIBYTE + 3 * MEMORY


# Death.


@pytest.mark.asyncio
async def test_bob_tells_of_a_death(bus):
    """The broker believes bob, also about a process it could not watch itself."""
    hung = await bus.hung_member("hung/0")
    client = await bus.member("client/0")
    call = asyncio.create_task(client.call_raw("hung", "x", {}, timeout=60))
    await client.call_raw("hung", "echo", {})
    bus.tell_broker(control.Died(pid=hung.pid, component="hung", instance="0"))
    with pytest.raises(RecipientDied):
        await asyncio.wait_for(call, PATIENCE)


@pytest.mark.asyncio
async def test_members_that_were_taken_for_dead_come_back_by_themselves(bus):
    client = await bus.member("client/0")
    other = await bus.member("other/0")
    back = returns(client, other)  # they are one process here
    bus.tell_broker(control.Died(pid=os.getpid(), component="other", instance="0"))
    await until(back)
    await settled(client)
    await until(lambda: client.members("other"))


@pytest.mark.asyncio
async def test_an_unknown_death_is_no_matter(bus):
    client = await bus.member("client/0")
    bus.tell_broker(control.Died(pid=2**22 + 1, component="x", instance="0"))
    await settled(client)


@pytest.mark.asyncio
async def test_the_broker_ends_when_bob_says_so(bus):
    hung = await bus.hung_member("hung/0")
    client = await bus.member("client/0")
    call = asyncio.create_task(client.call_raw("hung", "x", {}, timeout=60))
    await client.call_raw("hung", "echo", {})
    assert await bus.end_broker() == 0
    with pytest.raises(BusLost):
        await asyncio.wait_for(call, PATIENCE)
    await hung.kill()


@pytest.mark.asyncio
async def test_the_broker_is_killed_again_and_again_under_load(bus):
    adder = Adder()
    await bus.member("adder/0", adder)
    client = await bus.member("client/0")
    outcomes = []
    stop = asyncio.Event()

    async def load(number):
        while not stop.is_set():
            try:
                outcomes.append(await client.call_raw("adder", "echo", {"n": number}, timeout=PATIENCE))
            except (BusLost, NoRecipient) as error:
                outcomes.append(error)

    loads = [asyncio.create_task(load(number)) for number in range(20)]
    for _ in range(5):
        before = len(outcomes)
        await until(lambda before=before: any(isinstance(outcome, dict) for outcome in outcomes[before:]))
        await bus.kill_broker()
        await bus.start_broker()
    before = len(outcomes)
    await until(lambda: any(isinstance(outcome, dict) for outcome in outcomes[before:]))
    stop.set()
    await asyncio.wait_for(asyncio.gather(*loads), PATIENCE)  # nobody waits for ever


@pytest.mark.asyncio
async def test_a_stopped_broker_that_is_killed_loses_calls_clearly(bus):
    await bus.member("adder/0", Adder())
    client = await bus.member("client/0")
    await bus.stop_broker()
    call = asyncio.create_task(client.call_raw("adder", "echo", {}, timeout=60))
    await until(lambda: any(each.sent for each in client._calls._pending.values()))
    await bus.kill_broker()
    with pytest.raises(BusLost):
        await asyncio.wait_for(call, PATIENCE)


# Who may.


@pytest.mark.asyncio
async def test_a_process_cannot_register_as_another(bus):
    """V68."""
    session = Session(bus.address, "liar/0", pid=1)
    with pytest.raises(Refused, match="may not register as process 1"):
        await session.start(PATIENCE)


@pytest.mark.asyncio
async def test_a_second_connection_under_one_identity_is_not_heard(bus):
    """V68."""
    adder = await bus.member("adder/0", Adder())
    client = await bus.member("client/0")
    link = adder._connection._link
    assert isinstance(link, ZmqLink)
    identity = bytes(link._dealer_socket.getsockopt(zmq.ROUTING_ID))
    flooder = Flooder(bus.address, [[envelope.encode_header(envelope.Leave()), b""]], identity)
    flooder.start()
    await until(lambda: flooder.sent)
    assert await client.call_raw("adder", "echo", {}) == {}
    flooder.stop()


STRANGER = """
import asyncio, os, sys
from msgq.errors import BusError
from msgq.session import Session
os.setgid(65534)
os.setuid(65534)
async def main():
    try:
        await Session(sys.argv[1], "stranger/0").start(1.0)
    except BusError as error:
        print(type(error).__name__)
asyncio.run(main())
"""


@pytest.mark.asyncio
@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
async def test_another_user_is_not_heard_even_where_the_directory_lets_it_in(bus):
    """V68."""
    for directory in (bus.directory, *bus.directory.parents):
        if directory.stat().st_uid == os.getuid() and str(directory) != "/tmp":
            directory.chmod(directory.stat().st_mode | 0o755)
    (bus.directory / "bus").chmod(0o755)
    (bus.directory / "bus" / "msgq.sock").chmod(0o666)
    stranger = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", STRANGER, bus.address], capture_output=True, text=True, cwd=ROOT
    )
    assert stranger.stdout.strip() == "DeadlineExceeded", stranger.stderr


# Places.


@pytest.mark.asyncio
@pytest.mark.parametrize("address", ["ipc:///" + "x" * 107, "tcp://127.0.0.1:1", "ipc://relative/path", "ipc://*", ""])
async def test_an_address_that_cannot_work_is_refused_early(address):
    with pytest.raises(AddressError):
        Session(address, "a/0")
    with pytest.raises(AddressError):
        Broker(address)


@pytest.mark.asyncio
async def test_the_longest_path_works(tmp_path):
    path = str(tmp_path / "bus" / "x")
    broker = Broker("ipc://" + path + "x" * (107 - len(path)))
    broker.start()
    broker.close()
    with pytest.raises(AddressError, match="108 bytes are too many"):
        Broker("ipc://" + path + "x" * (108 - len(path)))


@pytest.mark.asyncio
async def test_a_directory_others_can_enter_is_refused(tmp_path):
    """V68."""
    (tmp_path / "bus").mkdir(mode=0o755)
    broker = Broker(f"ipc://{tmp_path}/bus/msgq.sock")
    with pytest.raises(AddressError, match="must be 700"):
        broker.start()
    broker.close()


@pytest.mark.asyncio
@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
async def test_a_directory_of_another_user_is_refused(tmp_path):
    (tmp_path / "bus").mkdir(mode=0o700)
    os.chown(tmp_path / "bus", 65534, 65534)
    broker = Broker(f"ipc://{tmp_path}/bus/msgq.sock")
    with pytest.raises(AddressError, match="belongs to uid 65534"):
        broker.start()
    broker.close()


@pytest.mark.asyncio
async def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "bus").write_text("a file")
    broker = Broker(f"ipc://{tmp_path}/bus/msgq.sock")
    with pytest.raises(AddressError):
        broker.start()
    broker.close()


@pytest.mark.asyncio
async def test_a_second_broker_is_refused_and_the_first_goes_on(bus):
    client = await bus.member("client/0")
    second = Broker(bus.address)
    with pytest.raises(AddressError, match="another broker"):
        second.start()
    second.close()
    await settled(client)


@pytest.mark.asyncio
async def test_the_socket_is_its_owners_alone(bus):
    """V68."""
    assert (bus.directory / "bus").stat().st_mode & 0o777 == 0o700
    assert (bus.directory / "bus" / "msgq.sock").stat().st_mode & 0o777 == 0o600
