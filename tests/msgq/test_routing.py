"""The broker's rules, without sockets: each call one outcome, each queue its bound, nothing for strangers."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from msgq import envelope, flights, peers, routing
from msgq.envelope import MAX_TIMEOUT, WINDOW_BYTES, WINDOW_MESSAGES
from msgq.outbound import Decision, Send, Watch
from msgq.peers import Kind
from msgq.routing import Routing

TOKEN = "f" * 16
NOW = 1000.0


def token(number: int) -> str:
    return f"{number:016x}"


class Wire:
    """A routing with members that keep what they are sent, and take it only when told to."""

    def __init__(self) -> None:
        self.routing = Routing(TOKEN)
        self.now = NOW
        self.inbox: dict[bytes, list[tuple[envelope.FromBroker, bytes]]] = {}
        self.taken: dict[bytes, list[int]] = {}
        self.watched: list[int] = []

    def join(self, member: str, pid: int, epoch: int = 1) -> bytes:
        identity = f"{member}.{pid}.{epoch}".encode()
        self.send(identity, envelope.Register(member=member, pid=pid, token=token(pid)))
        return identity

    def send(self, identity: bytes, header: envelope.FromMember, payload: bytes = b"") -> None:
        self.carry_out(self.routing.receive(identity, [envelope.encode_header(header), payload], self.now))

    def raw(self, identity: bytes, *frames: bytes) -> None:
        self.carry_out(self.routing.receive(identity, list(frames), self.now))

    def carry_out(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Watch):
                self.watched.append(decision.pid)
            else:
                assert isinstance(decision, Send)
                header = envelope.decode_from_broker(decision.frames[0])
                self.inbox.setdefault(decision.identity, []).append((header, decision.frames[1]))
                total = self.taken.setdefault(decision.identity, [0, 0])
                if not isinstance(header, envelope.Rejected | envelope.Stranger):
                    total[0] += 1
                    total[1] += sum(map(len, decision.frames))

    def take(self, identity: bytes) -> list[envelope.FromBroker]:
        """Everything there is for this member, its window opened as often as it takes."""
        headers = []
        while self.inbox.get(identity):
            headers += [header for header, _ in self.inbox.pop(identity)]
            messages, size = self.taken[identity]
            self.send(identity, envelope.Consumed(messages=messages, bytes=size))
        return headers

    def call(self, identity: bytes, serial: int, to: str, *, seconds: float = 5.0, size: int = 2) -> None:
        header = envelope.Call(
            serial=serial, id=f"{token(1)}-{serial}", to=to, command="x", deadline=self.now + seconds
        )
        self.send(identity, header, b" " * size)


@pytest.fixture
def wire():
    return Wire()


def only(headers, kind):
    return [header for header in headers if isinstance(header, kind)]


# Registration.


def test_the_first_message_is_the_welcome_with_everybody_in_it(wire):
    a = wire.join("a/0", 1)
    b = wire.join("b/0", 2)
    header, payload = wire.inbox[b][0]
    assert header == envelope.Welcome()
    assert envelope.decode_payload(payload, list[envelope.MemberEntry]) == [
        envelope.MemberEntry("a/0", 1),
        envelope.MemberEntry("b/0", 2),
    ]
    assert [header.topic for header in only(wire.take(a), envelope.Event)] == ["membership"]
    assert wire.watched == [1, 2]


def test_a_stranger_is_told_so_and_nothing_else_happens(wire):
    wire.join("a/0", 1)
    wire.call(b"x/0.9.1", 1, "a")
    assert [header for header, _ in wire.inbox[b"x/0.9.1"]] == [envelope.Stranger()]
    assert only(wire.take(b"a/0.1.1"), envelope.Delivery) == []
    assert wire.routing.counts.junk == 1


@pytest.mark.parametrize(
    "frames",
    [(), (b"",), (b"{}", b""), (b'{"type":"leave"}',), (b'{"type":"leave"}', b"", b""), (b"\xff" * 5000, b"")],
    ids=lambda frames: str(len(frames)),
)
def test_what_is_no_message_is_counted_and_ignored(wire, frames):
    a = wire.join("a/0", 1)
    for identity in (a, b"stranger"):
        wire.raw(identity, *frames)
    assert wire.routing.counts.junk == 2
    assert [entry.member for entry in wire.routing.roster()] == ["a/0"]
    assert b"stranger" not in wire.inbox


@pytest.mark.parametrize("identity", [b"b/0.1.1", b"a/0.2.1", b"a/0.1", b"a/0.1.x", b"", b"\xff.1.1"])
def test_an_identity_must_be_that_of_the_member(wire, identity):
    wire.send(identity, envelope.Register(member="a/0", pid=1, token=token(1)))
    ((header, _),) = wire.inbox[identity]
    assert header.code == "refused"
    assert wire.routing.roster() == []


def test_a_process_cannot_register_as_another(wire):
    frames = [envelope.encode_header(envelope.Register(member="a/0", pid=1, token=token(1))), b""]
    wire.carry_out(wire.routing.receive(b"a/0.1.1", frames, NOW, sender_pid=2))
    ((header, _),) = wire.inbox[b"a/0.1.1"]
    assert (header.code, "process 2" in header.text) == ("refused", True)


def test_a_name_of_a_live_process_is_not_given_twice(wire):
    wire.join("a/0", 1)
    second = wire.join("a/0", 2)
    assert [header.code for header, _ in wire.inbox[second]] == ["conflict"]
    wire.carry_out(wire.routing.died(1))
    wire.inbox.clear()
    assert wire.join("a/0", 2) == second
    assert only(wire.take(second), envelope.Welcome)


def test_another_session_of_the_same_process_is_not_the_same_member(wire):
    wire.join("a/0", 1)
    wire.send(b"a/0.1.2", envelope.Register(member="a/0", pid=1, token=token(99)))
    assert [header.code for header, _ in wire.inbox[b"a/0.1.2"]] == ["conflict"]


def test_a_session_that_comes_back_replaces_itself(wire):
    caller = wire.join("c/0", 2)
    wire.join("a/0", 1)
    wire.call(caller, 1, "a")
    wire.join("a/0", 1, epoch=2)
    assert [header.kind for header in only(wire.take(caller), envelope.Outcome)] == ["recipient-died"]
    assert [entry.member for entry in wire.routing.roster()] == ["c/0", "a/0"]


def test_a_connection_registers_once(wire):
    a = wire.join("a/0", 1)
    wire.send(a, envelope.Register(member="b/0", pid=1, token=token(1)))
    assert wire.routing.counts.junk == 1
    assert [entry.member for entry in wire.routing.roster()] == ["a/0"]


def test_members_are_bounded(wire, monkeypatch):
    monkeypatch.setattr(routing, "MAX_MEMBERS", 3)
    for pid in range(1, 4):
        wire.join(f"a/{pid}", pid)
    last = wire.join("a/9", 9)
    assert [header.code for header, _ in wire.inbox[last]] == ["unavailable"]


def test_renaming_to_a_taken_name_is_rejected(wire):
    wire.join("a/1", 1)
    spare = wire.join("a/spare", 2)
    wire.send(spare, envelope.Rename(member="a/1"))
    assert [header.code for header in only(wire.take(spare), envelope.Rejected)] == ["conflict"]
    wire.carry_out(wire.routing.died(1))
    wire.send(spare, envelope.Rename(member="a/1"))
    assert only(wire.take(spare), envelope.Renamed) == [envelope.Renamed(member="a/1")]


# Calls.


def test_a_call_is_delivered_and_its_answer_comes_back(wire):
    caller, recipient = wire.join("c/0", 1), wire.join("a/0", 2)
    wire.call(caller, 7, "a")
    (delivery,) = only(wire.take(recipient), envelope.Delivery)
    assert (delivery.caller, delivery.deadline, delivery.id) == ("c/0", NOW + 5, f"{token(1)}-7")
    wire.send(recipient, envelope.Answer(number=delivery.number), b"42")
    assert wire.inbox[caller][-1] == (envelope.Result(serial=7), b"42")
    wire.send(recipient, envelope.Answer(number=delivery.number), b"43")
    assert len(only(wire.take(caller), envelope.Result)) == 1
    assert wire.routing.counts.late_answers == 1


def test_only_the_one_who_was_asked_may_answer(wire):
    caller, recipient, liar = wire.join("c/0", 1), wire.join("a/0", 2), wire.join("l/0", 3)
    wire.call(caller, 1, "a")
    (delivery,) = only(wire.take(recipient), envelope.Delivery)
    wire.send(liar, envelope.Answer(number=delivery.number), b'"lie"')
    wire.send(liar, envelope.Refusal(number=delivery.number, code="failed", text="lie"))
    assert only(wire.take(caller), envelope.Result | envelope.Outcome) == []
    wire.send(recipient, envelope.Refusal(number=delivery.number, code="conflict", text="no"))
    (outcome,) = only(wire.take(caller), envelope.Outcome)
    assert (outcome.kind, outcome.code, outcome.text) == ("refused", "conflict", "no")


def test_a_command_that_has_expired_is_not_delivered(wire):
    caller, recipient = wire.join("c/0", 1), wire.join("a/0", 2)
    wire.call(caller, 1, "a", seconds=0)
    assert [header.kind for header in only(wire.take(caller), envelope.Outcome)] == ["deadline"]
    assert only(wire.take(recipient), envelope.Delivery) == []


def test_a_command_may_not_last_for_ever(wire):
    caller = wire.join("c/0", 1)
    wire.call(caller, 1, "c", seconds=MAX_TIMEOUT + 1)
    assert [header.code for header in only(wire.take(caller), envelope.Outcome)] == ["usage"]


def test_a_command_that_expires_in_the_queue_is_not_delivered(wire):
    caller, recipient = wire.join("c/0", 1), wire.join("a/0", 2)
    for serial in range(2 * WINDOW_MESSAGES):
        wire.call(caller, serial, "a")
    wire.now += 6
    headers = wire.take(recipient)
    assert 0 < len(only(headers, envelope.Delivery)) <= WINDOW_MESSAGES
    assert wire.routing.counts.deadlines > 0


def test_expiry_makes_room_in_the_queue_of_a_member_that_does_not_read(wire):
    caller = wire.join("c/0", 1)
    wire.join("a/0", 2)
    for serial in range(2000):
        wire.call(caller, serial, "a")
        wire.take(caller)
    queued = wire.routing.members.named("a/0").queue_length
    assert queued == peers.QUEUE_MESSAGES[Kind.COMMAND]
    wire.now += 6
    wire.carry_out(wire.routing.expire(wire.now))
    assert wire.routing.members.named("a/0").queue_length == 0
    wire.take(caller)
    assert wire.routing.queued_bytes == 0
    assert len(wire.routing.flights) == 0


def test_a_late_answer_is_a_deadline(wire):
    caller, recipient = wire.join("c/0", 1), wire.join("a/0", 2)
    wire.call(caller, 1, "a")
    (delivery,) = only(wire.take(recipient), envelope.Delivery)
    wire.now += 5
    wire.send(recipient, envelope.Answer(number=delivery.number), b"1")
    assert [header.kind for header in only(wire.take(caller), envelope.Outcome)] == ["deadline"]


def test_a_full_queue_refuses_commands_at_once_and_others_go_on(wire):
    caller = wire.join("c/0", 1)
    wire.join("stuck/0", 2)
    well = wire.join("well/0", 3)
    outcomes = []
    for serial in range(1000):
        wire.call(caller, serial, "stuck")
        outcomes += only(wire.take(caller), envelope.Outcome)
    room = WINDOW_MESSAGES + peers.QUEUE_MESSAGES[Kind.COMMAND]
    assert {(header.kind, header.code) for header in outcomes} == {("refused", "unavailable")}
    assert len(outcomes) >= 1000 - room
    wire.call(caller, 5000, "well")
    (delivery,) = only(wire.take(well), envelope.Delivery)
    wire.send(well, envelope.Answer(number=delivery.number), b"1")
    assert only(wire.take(caller), envelope.Result) == [envelope.Result(serial=5000)]


def test_calls_in_flight_of_one_member_are_bounded(wire, monkeypatch):
    monkeypatch.setattr(flights, "MAX_CALLS_OF_ONE", 5)
    caller = wire.join("c/0", 1)
    wire.join("a/0", 2)
    for serial in range(6):
        wire.call(caller, serial, "a")
    (outcome,) = only(wire.take(caller), envelope.Outcome)
    assert (outcome.serial, outcome.code) == (5, "unavailable")
    wire.send(caller, envelope.Forget(serial=0))
    wire.call(caller, 7, "a")
    assert only(wire.take(caller), envelope.Outcome) == []


def test_a_serial_in_flight_cannot_be_used_again(wire):
    caller, recipient = wire.join("c/0", 1), wire.join("a/0", 2)
    wire.call(caller, 1, "a")
    wire.call(caller, 1, "a")
    assert len(only(wire.take(recipient), envelope.Delivery)) == 1
    assert wire.routing.counts.junk == 1


def test_a_forgotten_call_leaves_nothing(wire):
    caller, recipient = wire.join("c/0", 1), wire.join("a/0", 2)
    wire.call(caller, 1, "a")
    (delivery,) = only(wire.take(recipient), envelope.Delivery)
    wire.send(caller, envelope.Forget(serial=1))
    assert len(wire.routing.flights) == 0
    wire.send(recipient, envelope.Answer(number=delivery.number), b"1")
    assert only(wire.take(caller), envelope.Result | envelope.Outcome) == []


def test_large_commands_to_a_member_that_does_not_read_are_bounded_in_bytes(wire):
    caller = wire.join("c/0", 1)
    wire.join("stuck/0", 2)
    for serial in range(100):
        wire.call(caller, serial, "stuck", size=1024 * 1024)
    assert wire.routing.queued_bytes <= peers.QUEUE_BYTES
    sent = sum(len(payload) for _, payload in wire.inbox[b"stuck/0.2.1"])
    assert sent <= WINDOW_BYTES + 1024 * 1024


def test_all_queues_together_are_bounded_in_bytes(wire, monkeypatch):
    monkeypatch.setattr(peers, "ALL_QUEUES_BYTES", 10_000_000)
    caller = wire.join("c/0", 1)
    for pid in range(2, 12):
        wire.join(f"stuck/{pid}", pid)
    for serial in range(100):
        wire.call(caller, serial, f"stuck/{2 + serial % 10}", size=1024 * 1024)
    assert wire.routing.queued_bytes <= 10_000_000
    for pid in range(2, 12):
        wire.carry_out(wire.routing.died(pid))
    wire.take(caller)
    assert wire.routing.queued_bytes == 0


# Events.


def publish(wire, identity, sequence, topic="news", size=1):
    wire.send(identity, envelope.Publish(topic=topic, sequence=sequence), b" " * size)


def test_a_subscriber_that_does_not_read_is_told_what_it_lost(wire):
    publisher, stuck, well = (wire.join(f"{name}/0", pid) for pid, name in enumerate("psw", 1))
    for listener in (stuck, well):
        wire.send(listener, envelope.Subscribe(topic="news"))
    heard = []
    for sequence in range(1, 1001):
        publish(wire, publisher, sequence)
        heard += only(wire.take(well), envelope.Event)
    assert len([event for event in heard if event.topic == "news"]) == 1000
    assert wire.routing.members.named("s/0").queue_length <= peers.QUEUE_MESSAGES[Kind.EVENT]
    headers = wire.take(stuck)
    events = [event for event in only(headers, envelope.Event) if event.topic == "news"]
    assert len(events) + wire.routing.counts.events_dropped == 1000
    assert only(headers, envelope.Lost) == [envelope.Lost(topic="news")]
    assert headers[-1] == envelope.Lost(topic="news")
    publish(wire, publisher, 1001)
    assert only(wire.take(stuck), envelope.Event | envelope.Lost)[-1].sequence == 1001


def test_a_member_that_lost_membership_events_gets_the_roster(wire):
    stuck = wire.join("stuck/0", 1)
    for pid in range(2, 500):
        wire.join("a/0", pid)
        wire.carry_out(wire.routing.died(pid))
    wire.join("b/0", 500)
    assert isinstance(wire.take(stuck)[-1], envelope.Roster)


def test_what_a_publisher_could_not_send_its_subscribers_learn(wire):
    publisher, listener = wire.join("p/0", 1), wire.join("l/0", 2)
    wire.send(listener, envelope.Subscribe(topic="news"))
    wire.send(publisher, envelope.Missed(topic="news"))
    wire.send(publisher, envelope.Missed(topic="weather"))
    assert only(wire.take(listener), envelope.Lost) == [envelope.Lost(topic="news")]


def test_unsubscribing_ends_it(wire):
    publisher, listener = wire.join("p/0", 1), wire.join("l/0", 2)
    wire.send(listener, envelope.Subscribe(topic="news"))
    wire.send(listener, envelope.Unsubscribe(topic="news"))
    publish(wire, publisher, 1)
    assert only(wire.take(listener), envelope.Event) == []


def test_topics_of_one_member_are_bounded(wire):
    listener = wire.join("l/0", 1)
    for number in range(envelope.MAX_TOPICS + 5):
        wire.send(listener, envelope.Subscribe(topic=f"t{number}"))
    assert len(wire.routing.members.named("l/0").topics) == envelope.MAX_TOPICS


@pytest.mark.parametrize("totals", [(2, 0), (0, 10**6), (10**6, 10**6)])
def test_a_member_cannot_have_taken_more_than_was_sent(wire, totals):
    a = wire.join("a/0", 1)
    wire.send(a, envelope.Consumed(messages=totals[0], bytes=totals[1]))
    assert wire.routing.counts.junk == 1


# Whatever the order.

NAMES = ["a/0", "a/1", "a/spare", "b/0", "b/7", "c/0"]


class RoutingLife(RuleBasedStateMachine):
    """Members that join, call, answer, stop reading, die: each call that could have an outcome has exactly one."""

    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire()
        self.pid = 0
        self.serial = 0
        self.members: dict[bytes, int] = {}  # registered, with its pid
        self.calls: dict[bytes, set[int]] = {}  # made and not forgotten
        self.outcomes: dict[bytes, list[int]] = {}
        self.tasks: list[tuple[bytes, int]] = []  # deliveries seen
        self.sequence = 0

    def read(self, identity: bytes) -> None:
        for header in self.wire.take(identity):
            if isinstance(header, envelope.Result | envelope.Outcome):
                self.outcomes[identity].append(header.serial)
            elif isinstance(header, envelope.Delivery):
                self.tasks.append((identity, header.number))

    def one(self, data, label="member") -> bytes:
        identity: bytes = data.draw(st.sampled_from(sorted(self.members)), label=label)
        return identity

    @rule(name=st.sampled_from(NAMES))
    def join(self, name):
        self.pid += 1
        identity = self.wire.join(name, self.pid)
        if any(isinstance(header, envelope.Welcome) for header, _ in self.wire.inbox.get(identity, [])):
            self.members[identity] = self.pid
            self.calls[identity], self.outcomes[identity] = set(), []
            self.wire.send(identity, envelope.Subscribe(topic="news"))

    @precondition(lambda self: self.members)
    @rule(
        data=st.data(),
        to=st.sampled_from([*NAMES, "a", "b", "nobody"]),
        seconds=st.sampled_from([0.0, 1.0, 5.0, 1e6]),
        size=st.sampled_from([0, 10, 700_000]),
        times=st.sampled_from([1, 1, 100]),
    )
    def call(self, data, to, seconds, size, times):
        caller = self.one(data)
        for _ in range(times):
            self.serial += 1
            self.calls[caller].add(self.serial)
            self.wire.call(caller, self.serial, to, seconds=seconds, size=size)

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def read_some(self, data):
        self.read(self.one(data))

    @precondition(lambda self: self.tasks)
    @rule(data=st.data(), refuse=st.booleans(), size=st.sampled_from([0, 700_000]))
    def answer(self, data, refuse, size):
        identity, number = data.draw(st.sampled_from(self.tasks))
        if refuse:
            self.wire.send(identity, envelope.Refusal(number=number, code="failed", text="no"))
        else:
            self.wire.send(identity, envelope.Answer(number=number), b" " * size)

    @precondition(lambda self: self.members)
    @rule(data=st.data(), times=st.sampled_from([1, 400]))
    def publish(self, data, times):
        publisher = self.one(data)
        for _ in range(times):
            self.sequence += 1
            publish(self.wire, publisher, self.sequence)

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def forget(self, data):
        caller = self.one(data)
        waiting = sorted(self.calls[caller] - set(self.outcomes[caller]))
        if waiting:
            serial = data.draw(st.sampled_from(waiting))
            self.read(caller)
            if serial not in self.outcomes[caller]:
                self.wire.send(caller, envelope.Forget(serial=serial))
                self.calls[caller].discard(serial)

    @precondition(lambda self: self.members)
    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def rename(self, data, name):
        self.wire.send(self.one(data), envelope.Rename(member=name))

    @precondition(lambda self: self.members)
    @rule(data=st.data(), how=st.sampled_from(["leave", "die", "vanish"]))
    def go(self, data, how):
        identity = self.one(data)
        pid = self.members.pop(identity)
        if how == "leave":
            self.wire.send(identity, envelope.Leave())
        elif how == "die":
            self.wire.carry_out(self.wire.routing.died(pid))
        else:
            self.wire.carry_out(self.wire.routing.gone(identity))
        self.calls.pop(identity)
        self.outcomes.pop(identity)
        self.tasks = [task for task in self.tasks if task[0] != identity]

    @rule(seconds=st.sampled_from([0.5, 10.0]), tidy=st.booleans())
    def pass_time(self, seconds, tidy):
        self.wire.now += seconds
        if tidy:
            self.wire.carry_out(self.wire.routing.expire(self.wire.now))

    @rule(frames=st.lists(st.binary(max_size=30), max_size=4), data=st.data())
    def say_nonsense(self, frames, data):
        self.wire.raw(data.draw(st.sampled_from([*sorted(self.members), b"stranger"])), *frames)

    @invariant()
    def windows_and_queues_keep_their_bounds(self):
        core = self.wire.routing
        for peer in core.members:
            assert peer.sent_messages - peer.consumed_messages <= WINDOW_MESSAGES
            assert peer.sent_bytes - peer.consumed_bytes <= WINDOW_BYTES + 800_000
            assert peer.queue_length <= sum(peers.QUEUE_MESSAGES.values())
            assert peer.queued_bytes <= peers.QUEUE_BYTES
        assert core.queued_bytes == sum(peer.queued_bytes for peer in core.members)

    @invariant()
    def the_tables_agree(self):
        core = self.wire.routing
        numbers = {flight.number for flight in core.flights}
        assert numbers == {number for peer in core.members for number in peer.calls.values()}
        assert numbers == {number for peer in core.members for number in peer.tasks}
        assert {peer.identity for peer in core.members} == set(self.members)

    @invariant()
    def no_call_has_two_outcomes(self):
        for outcomes in self.outcomes.values():
            assert len(outcomes) == len(set(outcomes))

    def teardown(self):
        """In the end, when all have read and time has run out, each call has had its outcome."""
        for identity in self.members:
            self.read(identity)
        self.wire.now += MAX_TIMEOUT
        self.wire.carry_out(self.wire.routing.expire(self.wire.now))
        for identity in self.members:
            self.read(identity)
        assert len(self.wire.routing.flights) == 0
        missing = sum(len(self.calls[identity] - set(self.outcomes[identity])) for identity in self.members)
        assert missing <= self.wire.routing.counts.outcomes_dropped


RoutingLife.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestRoutingLife = RoutingLife.TestCase
