"""What every bus keeps: the same tests run on the real one (test_real_bus.py) and on the fake (test_fake_bus.py)."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any, ClassVar, Protocol

import msgspec
import pytest

from msgq import answering, connection, envelope
from msgq.envelope import MembershipChange
from msgq.errors import BusLost, CallError, DeadlineExceeded, NoRecipient, ProtocolError, RecipientDied, Refused
from msgq.incoming import CommandHandler
from msgq.session import Event, Gap, IncomingCall, Session

AT_ONCE = 10.0  # seconds; what is meant takes milliseconds, and what is not takes a minute
PATIENCE = 60.0  # seconds a condition may take to become true on a busy machine


class Killable(Protocol):
    async def kill(self) -> None: ...


class Bus(Protocol):
    def session(self, member: str) -> Session: ...
    async def member(self, member: str, handler: CommandHandler | None = None) -> Session: ...
    async def hung_member(self, member: str) -> Killable: ...
    async def kill_broker(self) -> None: ...
    async def start_broker(self) -> None: ...
    async def stop_broker(self) -> None: ...
    async def resume_broker(self) -> None: ...


class Sum(msgspec.Struct, frozen=True):
    total: int


class Add(msgspec.Struct, frozen=True):
    module: ClassVar[str] = "adder"
    command: ClassVar[str] = "add"
    reply: ClassVar[type[Sum]] = Sum

    a: int
    b: int


class Adder:
    """A recipient that counts what it carries out, and can be held up."""

    def __init__(self) -> None:
        self.done = 0
        self.calls: list[IncomingCall] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, call: IncomingCall) -> Any:
        self.calls.append(call)
        await self.gate.wait()
        if call.command == "refuse":
            raise Refused("conflict", "no, because")
        if call.command == "fail":
            raise RuntimeError("broken inside")
        if call.command == "nonsense":
            return object()
        if call.command == "large":
            return "x" * (envelope.MAX_PAYLOAD + 1)
        if call.command == "echo":
            return call.arguments
        request = msgspec.convert(call.arguments, Add)
        self.done += 1
        return Sum(request.a + request.b)


class Ear:
    """A subscriber that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.gaps: list[Gap] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def hear(self, event: Event) -> None:
        await self.gate.wait()
        self.events.append(event)

    async def miss(self, gap: Gap) -> None:
        self.gaps.append(gap)

    @property
    def contents(self) -> list[Any]:
        return [event.decode() for event in self.events]


async def until(condition, patience: float = PATIENCE) -> None:
    """Wait for a condition with a deadline."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.005)


async def settled(session: Session) -> None:
    """Everything that was sent is with the broker."""
    with pytest.raises(NoRecipient):
        await session.call_raw("nobody", "x", {}, timeout=PATIENCE)


async def in_hand(session: Session) -> None:
    """A call waits for its outcome."""
    await until(lambda: len(session._calls))


async def arrived(caller: Session, *, at: Session | None = None) -> None:
    """The call that was just made is with the broker, and with the recipient: messages overtake none of their link."""
    await in_hand(caller)
    await settled(caller)
    if at is not None:
        await settled(at)


async def refused_once(session: Session) -> None:
    """The broker told that the name is taken; the session asks again."""
    await until(lambda: session._connection._conflict_since is not None)


async def lose_broker(bus: Bus, *sessions: Session) -> None:
    """Kill the broker, and wait until these sessions know."""
    await bus.kill_broker()
    await until(lambda: not any(session._connection.ready for session in sessions))


def returns(*sessions: Session):
    """A condition that is true once these sessions are back on a new broker."""
    back: set[Session] = set()
    for session in sessions:
        session.on_epoch(partial(back.add, session))
    return lambda: len(back) == len(sessions)


async def renew(bus: Bus, *sessions: Session) -> None:
    """Kill the broker, start another, and wait until these sessions are back."""
    back = returns(*sessions)
    await bus.kill_broker()
    await bus.start_broker()
    await until(back)


class Contract:
    """Run by a class that has a `bus` fixture."""

    # Answers and refusals.

    @pytest.mark.asyncio
    async def test_a_call_is_answered_with_the_reply_type(self, bus: Bus):
        adder = Adder()
        await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        assert await client.call(Add(2, 3)) == Sum(5)
        (call,) = adder.calls
        assert (call.command, call.arguments, call.caller) == ("add", {"a": 2, "b": 3}, "client/0")
        assert time.monotonic() < call.deadline < time.monotonic() + 5

    @pytest.mark.asyncio
    async def test_a_call_by_name_gives_plain_json(self, bus: Bus):
        await bus.member("adder/0", Adder())
        client = await bus.member("client/0")
        assert await client.call_raw("adder", "add", {"a": 2, "b": 3}) == {"total": 5}

    @pytest.mark.asyncio
    async def test_a_member_can_call_itself(self, bus: Bus):
        session = await bus.member("adder/0", Adder())
        assert await session.call(Add(1, 1)) == Sum(2)

    @pytest.mark.asyncio
    async def test_answers_find_their_calls_whatever_their_order(self, bus: Bus):
        gates = [asyncio.Event() for _ in range(10)]

        async def answer(call: IncomingCall) -> Any:
            await gates[call.arguments["n"]].wait()
            return call.arguments

        await bus.member("adder/0", answer)
        client = await bus.member("client/0")
        calls = [asyncio.create_task(client.call_raw("adder", "echo", {"n": n})) for n in range(10)]
        for n in reversed(range(10)):
            gates[n].set()
            assert await calls[n] == {"n": n}

    @pytest.mark.asyncio
    async def test_a_refusal_carries_its_code_and_text(self, bus: Bus):
        await bus.member("adder/0", Adder())
        client = await bus.member("client/0")
        with pytest.raises(Refused, match="no, because") as refused:
            await client.call_raw("adder", "refuse", {})
        assert refused.value.code == "conflict"
        assert not refused.value.maybe_done

    @pytest.mark.asyncio
    async def test_an_exception_in_a_handler_is_answered_failed_and_logged(self, bus: Bus, caplog):
        await bus.member("adder/0", Adder())
        client = await bus.member("client/0")
        with pytest.raises(Refused, match="broken inside") as refused:
            await client.call_raw("adder", "fail", {})
        assert refused.value.code == "failed"
        assert "broken inside" in caplog.text

    @pytest.mark.asyncio
    @pytest.mark.parametrize("command", ["nonsense", "large"])
    async def test_a_result_that_cannot_be_sent_is_answered_failed(self, bus: Bus, command):
        await bus.member("adder/0", Adder())
        client = await bus.member("client/0")
        with pytest.raises(Refused) as refused:
            await client.call_raw("adder", command, {})
        assert refused.value.code == "failed"
        assert await client.call(Add(1, 1)) == Sum(2)

    @pytest.mark.asyncio
    async def test_a_member_without_a_handler_is_unavailable(self, bus: Bus):
        await bus.member("adder/0")
        client = await bus.member("client/0")
        with pytest.raises(Refused) as refused:
            await client.call(Add(1, 1))
        assert refused.value.code == "unavailable"

    @pytest.mark.asyncio
    async def test_handlers_run_side_by_side_up_to_a_limit(self, bus: Bus, monkeypatch):
        monkeypatch.setattr(answering, "MAX_RUNNING", 3)
        adder = Adder()
        adder.gate.clear()
        await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        calls = [asyncio.create_task(client.call(Add(n, n))) for n in range(3)]
        await until(lambda: len(adder.calls) == 3)
        with pytest.raises(Refused) as refused:
            await client.call(Add(9, 9))
        assert refused.value.code == "unavailable"
        adder.gate.set()
        assert await asyncio.gather(*calls) == [Sum(0), Sum(2), Sum(4)]

    # What is over the limits.

    @pytest.mark.asyncio
    async def test_arguments_over_the_size_limit_are_an_error_of_the_caller(self, bus: Bus):
        await bus.member("adder/0", Adder())
        client = await bus.member("client/0")
        with pytest.raises(ProtocolError, match="over the limit"):
            await client.call_raw("adder", "echo", {"x": "x" * envelope.MAX_PAYLOAD})
        assert await client.call(Add(1, 1)) == Sum(2)

    @pytest.mark.asyncio
    async def test_the_largest_payload_makes_it_there_and_back(self, bus: Bus):
        await bus.member("adder/0", Adder())
        client = await bus.member("client/0")
        arguments = {"x": "x" * (envelope.MAX_PAYLOAD - 8)}
        assert await client.call_raw("adder", "echo", arguments, timeout=PATIENCE) == arguments

    @pytest.mark.asyncio
    async def test_arguments_nested_too_deep_are_refused(self, bus: Bus):
        await bus.member("adder/0", Adder())
        client = await bus.member("client/0")
        deep: Any = 0
        for _ in range(envelope.MAX_DEPTH):
            deep = [deep]
        with pytest.raises(Refused) as refused:
            await client.call_raw("adder", "echo", {"deep": deep})
        assert refused.value.code == "usage"

    @pytest.mark.asyncio
    async def test_arguments_json_cannot_say_are_an_error_of_the_caller(self, bus: Bus):
        client = await bus.member("client/0")
        with pytest.raises(ProtocolError):
            await client.call_raw("adder", "echo", {"x": object()})

    @pytest.mark.asyncio
    @pytest.mark.parametrize("name", ["", "a b", "a/b/c", "-a", "a\n", "a" * 200, "../x", "é"])
    async def test_names_that_cannot_be_are_an_error_of_the_caller(self, bus: Bus, name):
        client = await bus.member("client/0")
        with pytest.raises(ProtocolError):
            await client.call_raw(name, "echo", {})
        with pytest.raises(ProtocolError):
            await client.call_raw("adder", name, {})
        with pytest.raises(ProtocolError):
            await client.publish(name, {})
        with pytest.raises(ProtocolError):
            client.subscribe(name, Ear().hear)
        with pytest.raises(ProtocolError):
            await client.rename(name)
        with pytest.raises(ProtocolError):
            bus.session(name)

    # Who gets it.

    @pytest.mark.asyncio
    async def test_no_recipient_is_said_at_once(self, bus: Bus):
        client = await bus.member("client/0")
        begun = time.monotonic()
        with pytest.raises(NoRecipient) as missing:
            await client.call_raw("nobody", "x", {}, timeout=60)
        assert time.monotonic() - begun < AT_ONCE
        assert not missing.value.maybe_done

    @pytest.mark.asyncio
    async def test_a_module_is_its_lowest_numbered_instance(self, bus: Bus):
        adders = {name: Adder() for name in ("adder/10", "adder/spare", "adder/9")}
        for name, adder in adders.items():
            await bus.member(name, adder)
        client = await bus.member("client/0")
        await client.call(Add(1, 1))
        assert [name for name, adder in adders.items() if adder.done] == ["adder/9"]

    @pytest.mark.asyncio
    async def test_an_instance_is_addressed_by_its_name(self, bus: Bus):
        adders = {name: Adder() for name in ("adder/0", "adder/spare")}
        for name, adder in adders.items():
            await bus.member(name, adder)
        client = await bus.member("client/0")
        await client.call(Add(1, 1), "adder/spare")
        assert [name for name, adder in adders.items() if adder.done] == ["adder/spare"]

    @pytest.mark.asyncio
    async def test_a_spare_alone_is_not_the_module(self, bus: Bus):
        await bus.member("adder/spare", Adder())
        client = await bus.member("client/0")
        with pytest.raises(NoRecipient):
            await client.call(Add(1, 1))

    # Death and time.

    @pytest.mark.asyncio
    async def test_the_death_of_the_recipient_is_said_at_once(self, bus: Bus):
        hung = await bus.hung_member("hung/0")
        client = await bus.member("client/0")
        call = asyncio.create_task(client.call_raw("hung", "x", {}, timeout=60))
        assert await client.call_raw("hung", "echo", {"n": 1}) == {"n": 1}  # so the first one has arrived
        begun = time.monotonic()
        await hung.kill()
        with pytest.raises(RecipientDied) as died:
            await call
        assert time.monotonic() - begun < AT_ONCE
        assert died.value.maybe_done

    @pytest.mark.asyncio
    async def test_a_recipient_that_leaves_refuses_what_it_has_in_hand(self, bus: Bus):
        adder = Adder()
        adder.gate.clear()
        session = await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        call = asyncio.create_task(client.call(Add(1, 1), timeout=60))
        await until(lambda: adder.calls)
        await session.close()
        with pytest.raises(CallError) as outcome:
            await call
        assert isinstance(outcome.value, Refused | RecipientDied)
        with pytest.raises(NoRecipient):
            await client.call(Add(1, 1))

    @pytest.mark.asyncio
    async def test_a_caller_that_dies_does_no_harm(self, bus: Bus):
        adder = Adder()
        adder.gate.clear()
        await bus.member("adder/0", adder)
        caller = await bus.member("caller/0")
        client = await bus.member("client/0")
        call = asyncio.create_task(caller.call(Add(1, 1)))
        await until(lambda: adder.calls)
        await caller.close()
        with pytest.raises(BusLost):
            await call
        adder.gate.set()
        assert await client.call(Add(2, 2)) == Sum(4)
        assert adder.done == 2

    @pytest.mark.asyncio
    async def test_a_deadline_ends_a_call(self, bus: Bus):
        await bus.hung_member("hung/0")
        client = await bus.member("client/0")
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded) as late:
            await client.call_raw("hung", "x", {}, timeout=0.1)
        assert 0.09 < time.monotonic() - begun < AT_ONCE
        assert late.value.maybe_done

    @pytest.mark.asyncio
    async def test_an_answer_after_the_deadline_goes_nowhere(self, bus: Bus):
        adder = Adder()
        adder.gate.clear()
        await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        with pytest.raises(DeadlineExceeded):
            await client.call(Add(1, 1), timeout=0.1)
        adder.gate.set()
        await until(lambda: adder.done == 1)
        assert await client.call(Add(2, 2)) == Sum(4)

    @pytest.mark.asyncio
    async def test_a_cancelled_caller_leaves_nothing_behind(self, bus: Bus):
        adder = Adder()
        adder.gate.clear()
        await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        for _ in range(3 * envelope.WINDOW_MESSAGES):
            call = asyncio.create_task(client.call(Add(1, 1), timeout=60))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        adder.gate.set()
        assert await client.call(Add(2, 2), timeout=PATIENCE) == Sum(4)

    # Repeating.

    @pytest.mark.asyncio
    async def test_a_repeat_gets_the_same_outcome_and_is_not_done_again(self, bus: Bus):
        adder = Adder()
        adder.gate.clear()
        await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        with pytest.raises(DeadlineExceeded) as late:
            await client.call(Add(1, 1), timeout=0.1)
        adder.gate.set()
        await until(lambda: adder.done == 1)
        assert await client.call(Add(1, 1), call_id=late.value.call_id) == Sum(2)
        assert adder.done == 1

    @pytest.mark.asyncio
    async def test_a_repeat_of_a_refused_call_is_refused_alike(self, bus: Bus):
        adder = Adder()
        await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        texts = []
        call_id = None
        for _ in range(2):
            with pytest.raises(Refused) as refused:
                await client.call_raw("adder", "refuse", {}, call_id=call_id)
            call_id = refused.value.call_id
            texts.append((refused.value.code, refused.value.text))
        assert texts[0] == texts[1]
        assert len(adder.calls) == 1

    @pytest.mark.asyncio
    async def test_a_repeat_joins_the_call_that_is_still_running(self, bus: Bus):
        adder = Adder()
        adder.gate.clear()
        recipient = await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        with pytest.raises(DeadlineExceeded) as late:
            await client.call(Add(1, 1), timeout=0.1)
        repeat = asyncio.create_task(client.call(Add(1, 1), call_id=late.value.call_id))
        await arrived(client, at=recipient)
        adder.gate.set()
        assert await repeat == Sum(2)
        assert adder.done == 1

    @pytest.mark.asyncio
    async def test_a_call_id_that_cannot_be_is_an_error_of_the_caller(self, bus: Bus):
        client = await bus.member("client/0")
        with pytest.raises(ProtocolError):
            await client.call(Add(1, 1), call_id="mine")

    @pytest.mark.asyncio
    async def test_a_reading_call_is_not_remembered(self, bus: Bus):
        adder = Adder()
        await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        call_id = "0123456789abcdef-1"
        for _ in range(2):
            await client.call_raw("adder", "echo", {}, call_id=call_id, changes=False)
        assert len(adder.calls) == 2

    # The broker dies, stops, comes back.

    @pytest.mark.asyncio
    async def test_the_death_of_the_broker_fails_calls_in_flight_at_once(self, bus: Bus):
        adder = Adder()
        adder.gate.clear()
        await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        calls = [asyncio.create_task(client.call(Add(n, n), timeout=60)) for n in range(5)]
        await until(lambda: len(adder.calls) == 5)
        begun = time.monotonic()
        await bus.kill_broker()
        for call in calls:
            with pytest.raises(BusLost) as lost:
                await call
            assert lost.value.maybe_done
        assert time.monotonic() - begun < AT_ONCE

    @pytest.mark.asyncio
    async def test_a_repeat_through_the_next_broker_is_not_done_again(self, bus: Bus):
        adder = Adder()
        adder.gate.clear()
        recipient = await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        call = asyncio.create_task(client.call(Add(1, 1), timeout=60))
        await until(lambda: adder.calls)
        await renew(bus, recipient, client)
        with pytest.raises(BusLost) as lost:
            await call
        adder.gate.set()
        assert await client.call(Add(1, 1), timeout=PATIENCE, call_id=lost.value.call_id) == Sum(2)
        assert adder.done == 1

    @pytest.mark.asyncio
    async def test_calls_made_while_there_is_no_broker_wait_for_the_next(self, bus: Bus):
        recipient = await bus.member("adder/0", Adder())
        client = await bus.member("client/0")
        back = returns(recipient)
        await lose_broker(bus, client)
        call = asyncio.create_task(client.call(Add(1, 2), timeout=PATIENCE))
        await in_hand(client)
        assert not call.done()
        await bus.start_broker()
        try:
            assert await call == Sum(3)
        except NoRecipient:  # the caller may be back before the recipient is
            await until(back)
            assert await client.call(Add(1, 2)) == Sum(3)

    @pytest.mark.asyncio
    async def test_calls_made_while_there_is_no_broker_end_with_their_deadline(self, bus: Bus):
        client = await bus.member("client/0")
        await lose_broker(bus, client)
        with pytest.raises(DeadlineExceeded) as late:
            await client.call(Add(1, 2), timeout=0.2)
        assert not late.value.maybe_done

    @pytest.mark.asyncio
    async def test_a_stopped_broker_holds_no_deadline_up(self, bus: Bus):
        await bus.member("adder/0", Adder())
        client = await bus.member("client/0")
        await bus.stop_broker()
        begun = time.monotonic()
        calls = [asyncio.create_task(client.call(Add(n, n), timeout=0.3)) for n in range(500)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {DeadlineExceeded}
        assert time.monotonic() - begun < AT_ONCE
        await bus.resume_broker()
        assert await client.call(Add(1, 1), timeout=PATIENCE) == Sum(2)

    @pytest.mark.asyncio
    async def test_commands_that_expired_on_their_way_are_not_carried_out(self, bus: Bus):
        adder = Adder()
        await bus.member("adder/0", adder)
        client = await bus.member("client/0")
        await bus.stop_broker()
        calls = [asyncio.create_task(client.call(Add(n, n), timeout=0.1)) for n in range(20)]
        await asyncio.gather(*calls, return_exceptions=True)
        await bus.resume_broker()
        assert await client.call(Add(1, 1), timeout=PATIENCE) == Sum(2)
        assert adder.done == 1

    @pytest.mark.asyncio
    async def test_owners_are_told_of_each_new_epoch_but_not_of_the_first(self, bus: Bus):
        epochs = []
        client = bus.session("client/0")
        client.on_epoch(lambda: epochs.append("new"))
        await client.start(PATIENCE)
        assert epochs == []
        for expected in (1, 2):
            await renew(bus, client)
            assert len(epochs) == expected
        assert names_on(client) == ["client/0"]

    @pytest.mark.asyncio
    async def test_a_failing_epoch_handler_harms_nobody(self, bus: Bus, caplog):
        client = await bus.member("client/0")
        epochs = []

        def fail() -> None:
            raise RuntimeError("cannot")

        client.on_epoch(fail)
        client.on_epoch(lambda: epochs.append("new"))
        await bus.kill_broker()
        await bus.start_broker()
        await until(lambda: epochs)
        assert "cannot" in caplog.text

    @pytest.mark.asyncio
    async def test_subscriptions_outlive_the_broker(self, bus: Bus):
        ear = Ear()
        listener = await bus.member("listener/0")
        listener.subscribe("news", ear.hear)
        speaker = await bus.member("speaker/0")
        await renew(bus, listener, speaker)
        await settled(listener)
        await speaker.publish("news", 1)
        await until(lambda: ear.contents == [1])

    # Events.

    @pytest.mark.asyncio
    async def test_events_reach_the_subscribers_of_their_topic_in_order(self, bus: Bus):
        ear, deaf, own = Ear(), Ear(), Ear()
        listener = await bus.member("listener/0")
        listener.subscribe("news", ear.hear, on_gap=ear.miss)
        listener.subscribe("weather", deaf.hear)
        speaker = await bus.member("speaker/0")
        speaker.subscribe("news", own.hear)
        await settled(listener)
        for n in range(1000):
            await speaker.publish("news", {"n": n})
        await until(lambda: len(ear.events) == 1000)
        assert [content["n"] for content in ear.contents] == list(range(1000))
        assert {event.publisher for event in ear.events} == {"speaker/0"}
        assert (ear.gaps, deaf.events, own.events) == ([], [], [])

    @pytest.mark.asyncio
    async def test_a_handler_that_fails_hears_the_next_event(self, bus: Bus, caplog):
        heard = []

        async def hear(event: Event) -> None:
            heard.append(event.decode())
            raise RuntimeError("deaf")

        listener = await bus.member("listener/0")
        listener.subscribe("news", hear)
        await settled(listener)
        speaker = await bus.member("speaker/0")
        for n in range(3):
            await speaker.publish("news", n)
        await until(lambda: heard == [0, 1, 2])
        assert "deaf" in caplog.text

    @pytest.mark.asyncio
    async def test_several_handlers_hear_one_topic(self, bus: Bus):
        ears = [Ear(), Ear()]
        listener = await bus.member("listener/0")
        for ear in ears:
            listener.subscribe("news", ear.hear)
        await settled(listener)
        speaker = await bus.member("speaker/0")
        await speaker.publish("news", "x")
        await until(lambda: all(ear.contents == ["x"] for ear in ears))

    @pytest.mark.asyncio
    async def test_a_handler_that_falls_behind_is_told_of_the_gap(self, bus: Bus, monkeypatch):
        monkeypatch.setattr("msgq.subscriptions.QUEUE_EVENTS", 10)
        ear = Ear()
        ear.gate.clear()
        listener = await bus.member("listener/0")
        listener.subscribe("news", ear.hear, on_gap=ear.miss)
        await settled(listener)
        speaker = await bus.member("speaker/0")
        for n in range(50):
            await speaker.publish("news", n)
        await settled(speaker)
        await settled(listener)
        ear.gate.set()
        await until(lambda: ear.gaps)
        assert len(ear.events) + sum(gap.lost for gap in ear.gaps) == 50

    @pytest.mark.asyncio
    async def test_events_lost_with_the_broker_show_as_a_gap(self, bus: Bus):
        ear = Ear()
        listener = await bus.member("listener/0")
        listener.subscribe("news", ear.hear, on_gap=ear.miss)
        await settled(listener)
        speaker = await bus.member("speaker/0")
        await speaker.publish("news", 1)
        await until(lambda: ear.contents == [1])
        back = returns(listener, speaker)
        await lose_broker(bus, listener, speaker)
        await speaker.publish("news", 2)
        await bus.start_broker()
        await until(back)
        await settled(listener)
        # Who was back before the publisher hears it from the publisher, who came later re-reads all on its own account.
        await speaker.publish("news", 3)
        await until(lambda: ear.contents == [1, 3])
        assert ear.gaps

    @pytest.mark.asyncio
    async def test_publishing_never_fails_and_never_waits_long(self, bus: Bus):
        speaker = await bus.member("speaker/0")
        await bus.stop_broker()
        begun = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(speaker.publish("news", "x" * 1000) for _ in range(5000)))
        await bus.resume_broker()
        assert time.monotonic() - begun < 10
        await settled(speaker)

    # Membership.

    @pytest.mark.asyncio
    async def test_members_are_listed_by_module_and_number(self, bus: Bus):
        for name in ("auth/10", "auth/spare", "auth/2", "zonemgr/0"):
            await bus.member(name)
        client = await bus.member("client/0")
        assert names_on(client) == ["auth/2", "auth/10", "auth/spare", "client/0", "zonemgr/0"]
        assert [entry.instance for entry in client.members("auth")] == ["2", "10", "spare"]
        assert {entry.module for entry in client.members("auth")} == {"auth"}

    @pytest.mark.asyncio
    async def test_joining_leaving_and_dying_are_events(self, bus: Bus):
        ear = Ear()
        client = await bus.member("client/0")
        client.subscribe("membership", ear.hear)
        other = await bus.member("other/0")
        await until(lambda: len(ear.events) == 1)
        assert names_on(client) == ["client/0", "other/0"]
        await other.close()
        await until(lambda: len(ear.events) == 2)
        hung = await bus.hung_member("hung/0")
        await until(lambda: len(ear.events) == 3)
        await hung.kill()
        await until(lambda: len(ear.events) == 4)
        changes = [event.decode(MembershipChange) for event in ear.events]
        assert [(change.change, change.member) for change in changes] == [
            ("joined", "other/0"),
            ("left", "other/0"),
            ("joined", "hung/0"),
            ("died", "hung/0"),
        ]
        assert names_on(client) == ["client/0"]

    @pytest.mark.asyncio
    async def test_only_the_broker_speaks_about_membership(self, bus: Bus):
        ear = Ear()
        client = await bus.member("client/0")
        client.subscribe("membership", ear.hear)
        liar = await bus.member("liar/0")
        await until(lambda: len(ear.events) == 1)
        await liar.publish("membership", MembershipChange("died", "client/0", 1))
        await settled(liar)
        await settled(client)
        assert len(ear.events) == 1
        assert "client/0" in names_on(client)

    @pytest.mark.asyncio
    async def test_a_taken_name_is_refused(self, bus: Bus, monkeypatch):
        monkeypatch.setattr(connection, "CONFLICT_PATIENCE", 0.2)
        await bus.hung_member("hung/0")
        with pytest.raises(Refused) as refused:
            await bus.session("hung/0").start(PATIENCE)
        assert refused.value.code == "conflict"

    @pytest.mark.asyncio
    async def test_a_name_is_free_soon_after_its_holder_died(self, bus: Bus):
        hung = await bus.hung_member("hung/0")
        session = bus.session("hung/0")
        session.set_command_handler(Adder())
        starting = asyncio.create_task(session.start(PATIENCE))
        await refused_once(session)
        await hung.kill()
        await starting
        client = await bus.member("client/0")
        assert await client.call(Add(1, 1), "hung/0") == Sum(2)

    @pytest.mark.asyncio
    async def test_a_spare_becomes_a_numbered_instance(self, bus: Bus):
        ear = Ear()
        client = await bus.member("client/0")
        client.subscribe("membership", ear.hear)
        spare = await bus.member("adder/spare", Adder())
        await spare.rename("adder/1")
        assert spare.member == "adder/1"
        assert await client.call(Add(1, 1)) == Sum(2)
        await until(lambda: len(ear.events) == 3)
        changes = [event.decode(MembershipChange) for event in ear.events]
        assert [(change.change, change.member) for change in changes[1:]] == [
            ("left", "adder/spare"),
            ("joined", "adder/1"),
        ]
        await spare.rename("adder/1")

    @pytest.mark.asyncio
    async def test_a_spare_takes_the_place_of_one_whose_death_is_news(self, bus: Bus):
        hung = await bus.hung_member("hung/1")
        spare = await bus.member("hung/spare", Adder())
        renaming = asyncio.create_task(spare.rename("hung/1"))
        await refused_once(spare)
        assert not renaming.done()
        await hung.kill()
        await renaming
        client = await bus.member("client/0")
        assert await client.call(Add(1, 1), "hung/1") == Sum(2)

    @pytest.mark.asyncio
    async def test_a_taken_name_is_not_given_twice(self, bus: Bus, monkeypatch):
        monkeypatch.setattr(connection, "CONFLICT_PATIENCE", 0.2)
        await bus.member("adder/1", Adder())
        spare = await bus.member("adder/spare", Adder())
        with pytest.raises(Refused) as refused:
            await spare.rename("adder/1")
        assert refused.value.code == "conflict"
        assert spare.member == "adder/spare"
        await spare.rename("adder/2")
        assert spare.member == "adder/2"

    @pytest.mark.asyncio
    async def test_a_new_name_outlives_the_broker(self, bus: Bus):
        spare = await bus.member("adder/spare", Adder())
        await spare.rename("adder/1")
        await renew(bus, spare)
        client = await bus.member("client/0")
        await until(lambda: "adder/1" in names_on(client))
        assert await client.call(Add(1, 1)) == Sum(2)

    @pytest.mark.asyncio
    async def test_the_wish_for_a_name_outlives_the_broker(self, bus: Bus):
        spare = await bus.member("adder/spare", Adder())
        await bus.kill_broker()
        with pytest.raises(DeadlineExceeded):
            await spare.rename("adder/1", timeout=0.1)
        await bus.start_broker()
        client = await bus.member("client/0")
        await until(lambda: "adder/1" in names_on(client))
        assert spare.member == "adder/1"

    # Beginning and end.

    @pytest.mark.asyncio
    async def test_a_session_that_finds_no_broker_says_so_in_time(self, bus: Bus):
        await bus.kill_broker()
        with pytest.raises(DeadlineExceeded, match="no broker"):
            await bus.session("client/0").start(0.2)

    @pytest.mark.asyncio
    async def test_a_session_may_start_before_the_broker(self, bus: Bus):
        await bus.kill_broker()
        session = bus.session("client/0")
        starting = asyncio.create_task(session.start(PATIENCE))
        await until(lambda: session._connection._state is connection.State.CONNECTING)
        await bus.start_broker()
        await starting

    @pytest.mark.asyncio
    async def test_closing_ends_waiting_calls_and_is_repeatable(self, bus: Bus):
        await bus.hung_member("hung/0")
        client = await bus.member("client/0")
        call = asyncio.create_task(client.call_raw("hung", "x", {}, timeout=60))
        await arrived(client)
        await client.close()
        with pytest.raises(BusLost):
            await call
        await client.close()
        with pytest.raises(BusLost, match="closed"):
            await client.call_raw("hung", "x", {})
        await client.publish("news", 1)

    @pytest.mark.asyncio
    async def test_closing_ends_calls_that_were_never_sent(self, bus: Bus):
        client = await bus.member("client/0")
        await lose_broker(bus, client)
        call = asyncio.create_task(client.call(Add(1, 1), timeout=60))
        await in_hand(client)
        await client.close()
        with pytest.raises(BusLost) as lost:
            await asyncio.wait_for(call, AT_ONCE)
        assert not lost.value.maybe_done

    @pytest.mark.asyncio
    async def test_a_handler_may_close_its_own_session(self, bus: Bus):
        closed = asyncio.Event()

        async def answer(call: IncomingCall) -> None:
            await session.close()
            closed.set()

        session = await bus.member("suicidal/0", answer)
        client = await bus.member("client/0")
        with pytest.raises(CallError):
            await client.call_raw("suicidal", "x", {}, timeout=PATIENCE)
        await asyncio.wait_for(closed.wait(), PATIENCE)

    @pytest.mark.asyncio
    async def test_closing_a_session_that_never_started_is_no_error(self, bus: Bus):
        await bus.session("client/0").close()


def names_on(session: Session) -> list[str]:
    """The names a session sees, the broker's own left out."""
    return [entry.member for entry in session.members() if entry.member != envelope.BROKER]
