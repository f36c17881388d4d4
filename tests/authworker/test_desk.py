"""auth and its worker over a real socket: the same replies and counts as without it, and what becomes of a lost one."""

from __future__ import annotations

import asyncio
import os
import resource
import select
import socket
import threading
import time
from contextlib import asynccontextmanager, contextmanager

import msgspec
import pytest

import datasrc
from auth.client import Client, Transport
from auth.engine import Engine, Serving
from auth.rate_limit_numbers import ANSWERS, DROP, SEND
from auth.rate_limits import Weight
from auth.settings import RateLimitSettings, Settings
from auth.tally import Tally
from auth.worker_engine import WorkerEngine
from auth.worker_link import NoWorker, WorkerLink, WorkerLost
from auth.zones import ZoneRows, ZoneTable
from authworker import api
from authworker import desk as authworker_desk
from authworker.desk import Desk, Seat
from daemonkit.counters import Counters
from daemonkit.errors import PathError
from daemonkit.log import MessageLog
from daemonkit.spec import Spec
from tests.auth.sockets import DEADLINE, HeldSource, until
from tests.auth.world import load
from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply

AUTH = Spec.load("auth")
AUTHWORKER = Spec.load("authworker")
LOG = MessageLog("authworker", AUTH.messages)
ZONE = "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\n"
UDP = Client("192.0.2.53", 5353, Transport.UDP)
TCP = Client("2001:db8::53", 5353, Transport.TCP, 10.0)
UNTROUBLED = {"datasource.failures": 0, "datasource.silences": 0, "threads.lost": 0}
MESSAGES = [
    packet.query("www.example.", "A"),
    packet.query("www.example.", "A", additional=[packet.opt(flags=0x8000)]),
    packet.query("none.example.", "A", additional=[packet.opt()]),
    packet.query("www.elsewhere.", "A"),
    packet.query("www.example.", "A")[:20],
    b"short",
]
PLACES = {name: index for index, name in enumerate(AUTH.statistics)}


def source():
    made = datasrc.open("memory:", create=True)
    load(made, {"example.": ZONE})
    return made


@pytest.fixture
def link_to():
    """Makes links, and closes them."""
    links = []

    def make(run, **how):
        links.append(WorkerLink(run, **how))
        return links[-1]

    yield make
    for link in links:
        link.close()


def engine_over(link: WorkerLink, serving: Serving | None = None) -> tuple[WorkerEngine, Counters]:
    counters = Counters(AUTH.statistics)
    return WorkerEngine(serving or Serving(source()), counters, LOG, link), counters


@asynccontextmanager
async def desk_at(run, serving: Serving):
    own_log = MessageLog("authworker", AUTHWORKER.messages)
    desk = Desk(api.socket_path(run, "0"), serving, LOG, own_log, Counters(AUTHWORKER.statistics), PLACES)
    desk.open()
    try:
        yield desk
    finally:
        desk.close()


@contextmanager
def workers(run, *lives):
    """Processes of another kind at the place of the worker: each life gets a connection, until it returns."""

    path = api.socket_path(run, "0")
    path.touch()  # so that one is waited for

    def live():
        for life in lives:
            new = path.with_suffix(".new")
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
                listener.bind(str(new))
                listener.listen(1)
                new.rename(path)
                connection, _ = listener.accept()
            with connection:
                life(connection)

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    yield
    thread.join(10)
    assert not thread.is_alive()


def read(reply: bytes | None) -> Reply:
    assert reply is not None
    return Reply.read(reply)


def take(connection) -> api.Ask:
    return msgspec.msgpack.decode(connection.recv(api.MAX_PACKET), type=api.Ask)


def answer(connection) -> None:
    connection.send(msgspec.msgpack.encode(api.Answered(take(connection).number, b"an answer")))


@pytest.mark.asyncio
async def test_replies_and_counts_are_those_of_the_engine(tmp_path, link_to):
    serving = Serving(source())
    here = Counters(AUTH.statistics)
    plain = Engine(serving, Tally(here), LOG)
    async with desk_at(tmp_path, serving) as desk:
        link = link_to(tmp_path)
        by_worker, there = engine_over(link, Serving(source()))
        for message in MESSAGES:
            for client in (UDP, TCP):
                reply = await asyncio.to_thread(by_worker.respond, message, client)
                assert reply == plain.respond(message, client)
        assert there.statistics() == here.statistics()
        assert desk.counters.statistics() == {**UNTROUBLED, "answers": 2 * len(MESSAGES), "connections": 1}
        link.close()
        await until(lambda: desk.connections == 0)


@pytest.mark.asyncio
async def test_zones_are_counted_where_they_were_asked(tmp_path, link_to):
    slots = memoryview(bytearray(8 * 4096)).cast("Q")
    table = ZoneTable(rows=ZoneRows({b"example\0": 1}, slots))
    async with desk_at(tmp_path, Serving(source())):
        engine, _ = engine_over(link_to(tmp_path), Serving(source(), zones=table))
        await asyncio.to_thread(engine.respond, MESSAGES[3], UDP)
        assert sum(slots) == 0
        await asyncio.to_thread(engine.respond, MESSAGES[0], UDP)
        assert sum(slots) > 0


@pytest.mark.asyncio
async def test_a_query_that_hangs_holds_up_nobody_on_another_connection(tmp_path, link_to):
    held = HeldSource()
    async with desk_at(tmp_path, Serving(held)) as desk:
        slow, _ = engine_over(link_to(tmp_path))
        held.hold()
        asking = asyncio.ensure_future(asyncio.to_thread(slow.respond, MESSAGES[0], UDP))
        await until(held.waiting.is_set)
        assert len(desk.in_hand()) == 1
        desk.serve_by(Serving(source()))  # what is in hand finishes with what it began with
        other, _ = engine_over(link_to(tmp_path))
        assert await asyncio.to_thread(other.respond, MESSAGES[0], UDP)
        held.released.set()
        assert await asking
        await asyncio.to_thread(desk.finish_in_hand)


@pytest.mark.asyncio
async def test_looking_afresh_is_answered_when_it_is_done(tmp_path, link_to):
    looked = []
    async with desk_at(tmp_path, Serving(source())) as desk:
        desk.look = lambda: looked.append(1)
        await asyncio.to_thread(link_to(tmp_path).look)
    assert looked == [1]


@pytest.mark.asyncio
async def test_a_look_that_fails_is_told_and_answered(tmp_path, link_to, caplog):
    def leave():
        raise SystemExit("no more")

    async with desk_at(tmp_path, Serving(source())) as desk:
        desk.look = leave
        link = link_to(tmp_path)
        for _ in range(2):
            await asyncio.to_thread(link.look)
        assert desk.connections == 1
    assert (
        "AUTHWORKER_INTERNAL_ERROR a request of auth could not be seen to because of an error: no more" in caplog.text
    )


@pytest.mark.asyncio
async def test_without_descriptors_accepting_pauses_is_told_once_and_goes_on(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(authworker_desk, "ACCEPT_PAUSE", 0.05)
    pauses: list[float] = []
    loop = asyncio.get_running_loop()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with desk_at(tmp_path, Serving(source())) as desk:
        wait = desk._wait

        def noting(*how):
            pauses.append(loop.time())
            wait(*how)

        monkeypatch.setattr(desk, "_wait", noting)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as late:
            late.setblocking(False)
            lowest = os.dup(0)
            os.close(lowest)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
            try:
                await loop.sock_connect(late, str(desk.path))
                await loop.sock_sendall(late, msgspec.msgpack.encode(api.Look(1)))
                await until(lambda: len(pauses) == 3)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert pauses[2] - pauses[0] >= 0.09  # two pauses, but for the resolution of the clock
            async with asyncio.timeout(DEADLINE):
                assert await loop.sock_recv(late, api.MAX_PACKET)
    assert caplog.text.count("AUTHWORKER_ACCEPT_PAUSED no instance of auth can be accepted: Too many open files") == 1


@pytest.mark.asyncio
async def test_an_instance_that_no_thread_can_be_had_for_comes_again(tmp_path, link_to, monkeypatch, caplog):
    begin, begun = Seat.begin, []

    def refuse_once(seat):
        begun.append(seat)
        if len(begun) == 1:
            raise RuntimeError("can't start new thread")
        begin(seat)

    monkeypatch.setattr(Seat, "begin", refuse_once)
    async with desk_at(tmp_path, Serving(source())) as desk:
        engine, _ = engine_over(link_to(tmp_path))
        assert read(await asyncio.to_thread(engine.respond, MESSAGES[0], UDP)).rcode == "NOERROR"
        assert desk.connections == desk.counters.statistics()["connections"] == 1
    assert "AUTHWORKER_ACCEPT_PAUSED no instance of auth can be accepted: can't start new thread" in caplog.text


@pytest.mark.asyncio
async def test_responses_of_the_worker_and_of_auth_itself_are_one_account(tmp_path, link_to, caplog):
    """Four responses a network may have: two that the loop makes, say, leave two."""
    limits = RateLimitSettings(enabled=True, answers=1000, all=4, window=3600.0)
    serving = Serving(source(), Settings(rate_limit=limits))
    async with desk_at(tmp_path, serving) as desk:
        engine, counters = engine_over(link_to(tmp_path), serving)
        for _ in range(2):
            assert engine.limits.weigh(Weight(UDP.address, ANSWERS, b"\3www\7example\0", 1), limits) == SEND
        found = [await asyncio.to_thread(engine.respond, MESSAGES[0], UDP) for _ in range(4)]
        assert [reply is not None for reply in found] == [True, True, False, False]
        assert engine.limits.weigh(Weight(UDP.address, ANSWERS, b"\3www\7example\0", 1), limits) == DROP
        assert await asyncio.to_thread(engine.respond, MESSAGES[0], TCP) is not None
        assert desk.counters.statistics()["answers"] == 5
    counted = counters.statistics()
    assert (counted["rate_limit.dropped"], counted["responses"]) == (3, 3)
    assert caplog.text.count("AUTH_RATE_LIMITED") == 1


@pytest.mark.asyncio
async def test_what_the_worker_answers_slips_as_what_auth_answers(tmp_path, link_to):
    limits = RateLimitSettings(enabled=True, answers=1, slip=1, window=3600.0)
    serving = Serving(source(), Settings(rate_limit=limits))
    async with desk_at(tmp_path, serving):
        engine, counters = engine_over(link_to(tmp_path), serving)
        alone = Counters(AUTH.statistics)
        here = Engine(serving, Tally(alone), LOG)
        for message in (*MESSAGES, *MESSAGES, MESSAGES[0]):
            there = await asyncio.to_thread(engine.respond, message, UDP)
            assert there == here.respond(message, UDP)
        assert counters.statistics() == alone.statistics()
        assert counters.statistics()["rate_limit.slipped"] > 2


@pytest.mark.asyncio
async def test_limits_are_those_of_auth_where_the_worker_has_another_revision(tmp_path, link_to):
    limits = RateLimitSettings(enabled=True, answers=1, slip=0, window=3600.0)
    data = source()
    async with desk_at(tmp_path, Serving(data, Settings(rate_limit=limits))):
        engine, _ = engine_over(link_to(tmp_path), Serving(data))
        assert all([await asyncio.to_thread(engine.respond, MESSAGES[0], UDP) for _ in range(4)])


def test_a_worker_that_dies_with_a_response_weighed_had_the_query_in_hand(tmp_path, link_to):
    weighed = []

    def ask_and_die(connection):
        number = take(connection).number
        connection.send(msgspec.msgpack.encode(api.Weigh(number, ANSWERS, b"", 1)))
        weighed.append(msgspec.msgpack.decode(connection.recv(api.MAX_PACKET), type=api.Weighed).outcome)

    with workers(tmp_path, ask_and_die, answer):
        assert link_to(tmp_path).ask(MESSAGES[0], UDP, lambda _response: DROP).reply == b"an answer"
    with workers(tmp_path, ask_and_die, ask_and_die), pytest.raises(WorkerLost, match="2 times the worker ended"):
        link_to(tmp_path).ask(MESSAGES[0], UDP)
    assert weighed == [DROP, SEND, SEND]


def test_a_worker_that_asks_without_end_is_given_up(tmp_path, link_to):
    def ask_on(connection):
        number = take(connection).number
        while True:
            try:
                connection.send(msgspec.msgpack.encode(api.Weigh(number, ANSWERS, b"", 1)))
            except OSError:
                return
            if not connection.recv(api.MAX_PACKET):
                return

    with workers(tmp_path, ask_on), pytest.raises(WorkerLost, match="again and again"):
        link_to(tmp_path).ask(MESSAGES[0], UDP)


@pytest.mark.asyncio
async def test_what_fails_while_a_response_is_weighed_does_not_meet_the_next_query(tmp_path, link_to):
    def fail(_response):
        raise ZeroDivisionError

    limits = RateLimitSettings(enabled=True)
    async with desk_at(tmp_path, Serving(source(), Settings(rate_limit=limits))):
        link = link_to(tmp_path)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(link.ask, MESSAGES[0], UDP, fail)
        answered = await asyncio.to_thread(link.ask, MESSAGES[0], UDP)
        assert read(answered.reply).rcode == "NOERROR"


@pytest.mark.asyncio
async def test_a_closed_desk_takes_its_own_socket_away_and_no_other(tmp_path):
    async with desk_at(tmp_path, Serving(source())) as first, desk_at(tmp_path, Serving(source())):
        first.close()
        assert api.socket_path(tmp_path, "0").exists()
    assert not api.socket_path(tmp_path, "0").exists()


def test_without_a_worker_the_engine_answers_here(tmp_path, link_to):
    engine, counters = engine_over(link_to(tmp_path))
    with pytest.raises(NoWorker):
        link_to(tmp_path).ask(MESSAGES[0], UDP)
    assert read(engine.respond(MESSAGES[0], UDP)).rcode == "NOERROR"
    assert counters.statistics()["responses"] == 1


@pytest.mark.asyncio
async def test_a_worker_that_is_just_starting_is_waited_for(tmp_path, link_to):
    link = link_to(tmp_path, expected=True)
    asking = asyncio.ensure_future(asyncio.to_thread(link.ask, MESSAGES[0], UDP))
    await until(lambda: link._lost)  # it waits
    async with desk_at(tmp_path, Serving(source())):
        assert (await asking).reply is not None
    with pytest.raises(NoWorker):  # it was there, and is not meant to be any more
        await asyncio.to_thread(link.ask, MESSAGES[0], UDP)


def test_a_worker_that_does_not_start_is_not_waited_for_long(tmp_path, link_to, monkeypatch):
    monkeypatch.setattr("auth.worker_link.SUCCESSOR_LIMIT", 0.05)
    link = link_to(tmp_path, expected=True)
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(NoWorker):
            link.ask(MESSAGES[0], UDP)
    assert time.monotonic() - began >= 0.05


def test_what_one_worker_dies_of_the_next_is_asked(tmp_path, link_to):
    with workers(tmp_path, take, answer):
        assert link_to(tmp_path).ask(MESSAGES[0], UDP).reply == b"an answer"


def test_a_worker_that_was_gone_before_does_not_count(tmp_path, link_to):
    link = link_to(tmp_path)
    with workers(tmp_path, answer, take, answer):
        for _ in range(2):  # the first one has ended when the second query comes
            assert link.ask(MESSAGES[0], UDP).reply == b"an answer"


def test_a_query_that_ends_the_same_worker_or_its_connection_twice_is_not_asked_again(tmp_path, link_to):
    with workers(tmp_path, take, take), pytest.raises(WorkerLost, match="2 times the worker ended"):
        link_to(tmp_path).ask(MESSAGES[0], UDP)


def test_a_worker_that_ended_without_reading_the_query_does_not_count(tmp_path, link_to):
    def leave_unread(connection):
        select.select([connection], [], [], DEADLINE)

    with workers(tmp_path, leave_unread, leave_unread, leave_unread, answer):
        assert link_to(tmp_path).ask(MESSAGES[0], UDP).reply == b"an answer"


def test_a_worker_that_never_reads_is_not_asked_after_the_deadline(tmp_path, link_to):
    def turn_away(listener):
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return

    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(api.socket_path(tmp_path, "0")))
        listener.listen(1)
        turning = threading.Thread(target=turn_away, args=(listener,))
        turning.start()
        with pytest.raises(WorkerLost, match=r"no answer in 0\.1 seconds"):
            link_to(tmp_path, answer_limit=0.1).ask(MESSAGES[0], UDP)
        listener.shutdown(socket.SHUT_RDWR)
        turning.join(DEADLINE)


@pytest.mark.parametrize("odd", [b"garbage", msgspec.msgpack.encode(api.Answered(77, b"an answer"))])
def test_an_answer_to_something_else_is_no_answer_and_the_next_query_gets_its_own(tmp_path, link_to, odd):
    link = link_to(tmp_path)
    with workers(tmp_path, lambda connection: (take(connection), connection.send(odd)), answer):
        with pytest.raises(WorkerLost):
            link.ask(MESSAGES[0], UDP)
        assert link.ask(MESSAGES[0], UDP).reply == b"an answer"


def test_without_descriptors_a_query_is_answered_with_servfail(tmp_path, link_to, caplog):
    api.socket_path(tmp_path, "0").touch()
    engine, counters = engine_over(link_to(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        reply = engine.respond(MESSAGES[0], UDP)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert read(reply).rcode == "SERVFAIL"
    assert counters.statistics()["worker.lost"] == 1
    assert "Too many open files" in caplog.text


@pytest.mark.asyncio
async def test_what_a_query_provokes_does_not_end_the_thread_that_answers(tmp_path, link_to, caplog):
    """sys.exit() raises what is no Exception."""

    class Leaving:
        def snapshot(self):
            raise SystemExit

    async with desk_at(tmp_path, Serving(Leaving())) as desk:
        engine, counters = engine_over(link_to(tmp_path))
        for _ in range(2):
            assert read(await asyncio.to_thread(engine.respond, MESSAGES[0], UDP)).rcode == "SERVFAIL"
        assert desk.counters.statistics() == {**UNTROUBLED, "answers": 2, "connections": 1}
        assert counters.statistics()["worker.lost"] == 0
    assert "AUTH_INTERNAL_ERROR" in caplog.text


def test_an_answer_that_does_not_come_is_not_waited_for(tmp_path, link_to, caplog):
    done = threading.Event()
    with workers(tmp_path, lambda connection: (take(connection), done.wait(10))):
        engine, counters = engine_over(link_to(tmp_path, answer_limit=0.1))
        reply = read(engine.respond(packet.query("www.example.", "A", additional=[packet.opt()]), UDP))
        done.set()
    assert reply.errors() == {14: "data source failing"}
    assert reply.rcode == "SERVFAIL"
    assert counters.statistics()["worker.lost"] == 1
    assert "AUTH_WORKER_LOST a query of 192.0.2.53" in caplog.text


def test_nobody_waits_for_a_successor_after_the_link_is_closed(tmp_path, link_to):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(api.socket_path(tmp_path, "0")))  # and nobody listens
    link = link_to(tmp_path)
    link.close()
    with pytest.raises(WorkerLost, match="this process ends"):
        link.ask(MESSAGES[0], UDP)


def test_a_path_that_is_too_long_is_named(tmp_path):
    with pytest.raises(PathError, match=r"worker\.0\.sock: \d+ bytes are too many"):
        api.socket_path(tmp_path / ("x" * 100), "0")
