"""The loop: answers from images, counts as the plain implementation does, and leaves to it what it must."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import dns.name
import pytest

from auth.acl import ACCEPT_ALL, compile_acl
from auth.counted import COUNTED, OF_ZONES, PARTS
from auth.framing import frame
from auth.listed import list_zones
from auth.loop import Loop
from auth.raw import Hatch
from auth.settings import RateLimitSettings, Settings, TcpSettings
from auth.wire import wire_of
from auth.zones import ZonePolicy, ZoneRows, ZoneTable
from daemonkit.zone_page import ZonePage, ZonePages
from datasrc.keys import name_key
from image.directory import Directory
from image.layout import NEAR_NAMES, NEAR_ZONES, ROW, ROW_BUCKET_COUNT, USED_WORD
from image.responder import Responder
from tests.auth.sockets import HeldSource, bound, serving, talking, until
from tests.auth.test_udp import client, receive
from tests.auth.world import World, load
from tests.image.mapping import SEED, UDP_SIZE, Both
from tests.kit import dnspacket as packet
from tests.kit.cookies import CLIENT, cookie
from tests.kit.dnsreply import Reply

pytestmark = pytest.mark.asyncio
DGRAM = socket.SOCK_DGRAM
BELL = 0  # tag of the bell
FIRST_PLACE = 1  # of the first socket of a server
FREE_SLOT = 5  # of no image
SIZES = ["near", "far", "wide"]
ZONE = (
    "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\nsub NS ns.sub\nns.sub A 192.0.2.4\nalias CNAME www\n*.wild TXT any\n"
    + "".join(f"wide NS ns{index}{'x' * 20}.test.\n" for index in range(20))
    + "".join(f'big TXT "{index}{"x" * 200}"\n' for index in range(5))
)
NO_DEFECTS = {"failures", "udp.receive_errors", "udp.send_errors", "left.dropped"}


class Images:
    """An image of the zone example, and whoever answers from it."""

    def __init__(self, folder, text: str, size: str = "near") -> None:
        folder.mkdir(exist_ok=True)
        self.both = Both(folder)
        load(self.both.source, {"example.": text})
        self.both.build()
        self.responder = self.both.responder
        if size != "near":
            self.pretend(size)

    def pretend(self, size: str) -> None:
        """That there are so many names, and zones too where it is `wide`, that memory is fetched ahead for them."""
        self.responder.rows[FREE_SLOT * ROW + ROW_BUCKET_COUNT] = 2 * NEAR_NAMES
        if size == "wide":
            with (self.both.folder / "directory").open("r+b") as file:
                file.seek(8 * USED_WORD)
                file.write((2 * NEAR_ZONES).to_bytes(8, "little"))
        self.responder.map(self.both.arena.view, self.both.arena.address, self.responder.directory)
        assert (self.responder.is_far, self.responder.is_wide) == (1, int(size == "wide"))

    def another(self) -> Responder:
        """Another one who looks at the same."""
        other, both = Responder(SEED, UDP_SIZE), self.both
        for number, value in enumerate(both.responder.rows):
            other.rows[number] = value
        other.map(both.arena.view, both.arena.address, Directory(both.arena, both.folder / "directory").place)
        return other


@asynccontextmanager
async def answering(folder, *sockets, source=None, settings=None, size="near", **tcp):
    """A server that answers from an image of example."""
    images = Images(folder, ZONE, size)
    settings = settings or Settings(tcp=TcpSettings(**tcp))
    async with serving(*sockets, source=source or images.both.source, settings=settings) as server:
        await server.answer_from(images.responder)
        await server.answer_streams_from(images.another())
        yield server
    images.both.close()


def counted(server) -> dict[str, int]:
    return {name: value for name, value in server._counters.statistics().items() if value}


@pytest.mark.parametrize(
    ("listen", "asked"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", "127.0.0.1"), ("0.0.0.0", "127.0.0.77"), ("::", "::1")],
)
async def test_it_answers_by_itself_from_the_address_that_was_asked(tmp_path, listen, asked):
    """QRY-32: on a wildcard socket too."""
    sock = bound(DGRAM, listen)
    with client(asked, sock.getsockname()[1]) as asker:
        async with answering(tmp_path, sock) as server:
            asker.send(packet.query("www.example."))
            assert (await receive(asker)).answer == ["www.example. 300 A 192.0.2.3"]
            assert "left" not in counted(server)


QUESTIONS = {
    "a positive answer": packet.query("www.example."),
    "with recursion desired": packet.query("www.example.", flags=packet.RD),
    "no data": packet.query("www.example.", "MX"),
    "no such name": packet.query("x.example."),
    "a wildcard": packet.query("a.b.wild.example.", "TXT"),
    "a referral": packet.query("x.sub.example."),
    "an alias": packet.query("alias.example."),
    "more than fits": packet.query("big.example.", "TXT"),
    "EDNS": packet.query("ns.example.", additional=[packet.opt()]),
    "EDNS, DO": packet.query("ns.example.", additional=[packet.opt(flags=packet.DO)]),
    "a referral that is truncated": packet.query("x.wide.example."),
    "a new cookie": packet.query("ns.example.", additional=[packet.opt(packet.option(packet.COOKIE, CLIENT))]),
    "a wrong one": packet.query(
        "ns.example.", additional=[packet.opt(packet.option(packet.COOKIE, cookie("192.0.2.1", 0)))]
    ),
    "options": packet.query(
        "www.example.", additional=[packet.opt(packet.option(packet.NSID), packet.option(12, bytes(99)))]
    ),
}


@pytest.mark.parametrize(("address", "size"), [("127.0.0.1", "near"), ("::1", "near"), ("::1", "far"), ("::1", "wide")])
async def test_it_counts_what_the_plain_implementation_counts(tmp_path, address, size):
    sock = bound(DGRAM, address)
    sums = []
    with client(*sock.getsockname()[:2]) as asker:
        async with answering(tmp_path, sock, size=size) as server:
            for responder in (server._responder, None):
                before = counted(server)
                await server.answer_from(responder)
                for question in QUESTIONS.values():
                    asker.send(question)
                    await receive(asker)
                after = counted(server)
                sums.append({name: n - before.get(name, 0) for name, n in after.items() if n != before.get(name, 0)})
    by_loop, by_engine = sums
    assert by_engine.pop("left") == len(QUESTIONS)
    assert by_loop == by_engine


ACLS = {
    "admitted": ACCEPT_ALL,
    "refused": compile_acl([{"action": "ACCEPT", "from": "192.0.2.1"}, {"action": "REJECT"}]),
}

COUNTED_ZONES = ("example.", "else.where.")


def zones_counted(directory, policy: ZonePolicy) -> ZoneTable:
    """A table with zones to count, in a file there."""
    page, _ = ZonePage.take(directory, OF_ZONES, PARTS)
    origins = [dns.name.from_text(text) for text in COUNTED_ZONES]
    rows = page.rows_of([wire_of(origin) for origin in origins])
    page.mark(rows)
    of = {name_key(origin): rows[wire_of(origin)] for origin in origins}
    return ZoneTable(dict.fromkeys(list(of)[:1], policy), rows=ZoneRows(of, page.slots))


def counted_in_zones(directory) -> dict[str, dict[str, int]]:
    """What is not 0, of each zone."""
    pages = ZonePages(directory)
    assert pages.look() == {}
    found = {
        dns.name.from_wire(origin, 0)[0].to_text(): counts for origin, counts in pages.counts(pages.origins).items()
    }
    return {origin: {name: n for name, n in counts.items() if n} for origin, counts in found.items()}


@pytest.mark.parametrize("acl", list(ACLS))
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["UDP", "TCP"])
async def test_zones_are_counted_as_the_plain_implementation_counts_them(tmp_path, kind, acl):
    sock = bound(kind)
    sums = []
    async with answering(tmp_path, sock) as server:
        usual = server.engine.serving
        for is_left in (False, True):
            folder = tmp_path / f"{is_left}"
            policy = ZonePolicy(ACLS[acl], statistics=True, hook=is_left)
            server.serve_by(replace(usual, zones=zones_counted(folder, policy)))
            await server.take_zones()
            before = counted(server)
            await ask_all(sock, [*QUESTIONS.values(), packet.query("other.test."), packet.query(".", "NS")])
            after = counted(server)
            grown = {name: n - before.get(name, 0) for name, n in after.items() if n != before.get(name, 0)}
            sums.append(counted_in_zones(folder))
            in_zone = sums[-1]["example."]
            assert (in_zone["responses"], grown["responses"]) == (len(QUESTIONS), len(QUESTIONS) + 2)
    by_compiled, plain = sums
    assert by_compiled == plain
    assert plain["else.where."] == {}


NOT_US = ZonePolicy(compile_acl([{"action": "DROP", "from": ["127.0.0.0/8", "::1"]}, {"action": "ACCEPT"}]))


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["UDP", "TCP"])
async def test_whom_an_acl_drops_gets_no_reply_from_the_loop_either_and_is_counted_alike(tmp_path, kind):
    """Over TCP what was asked before is answered, and the connection ends, whatever is behind it."""
    sock = bound(kind)
    before, dropped, behind = packet.query(".", "NS"), packet.query("www.example.", flags=packet.RD), packet.query(".")
    sums = []
    async with answering(tmp_path, sock) as server:
        usual = server.engine.serving
        for is_left in (False, True):
            folder = tmp_path / f"{is_left}"
            zones = zones_counted(folder, replace(NOT_US, statistics=True, hook=is_left))
            server.serve_by(replace(usual, zones=zones))
            await server.take_zones()
            earlier = counted(server)
            if kind == socket.SOCK_STREAM:
                async with talking(sock) as talk:
                    talk.send(before)
                    assert (await talk.read()).rcode == "REFUSED"
                    talk.send(dropped, behind)
                    assert await talk.closed()
            else:
                await ask_all(sock, [before])
                with client(*sock.getsockname()) as asker:
                    asker.send(dropped)
                    asker.send(behind)
                    assert (await receive(asker)).rcode == "REFUSED"
            later = counted(server)
            assert later["dropped"] - earlier.get("dropped", 0) == 1
            left = later["left"] - earlier.get("left", 0)
            assert left == (2 if kind == socket.SOCK_DGRAM else 1) + is_left
            sums.append(counted_in_zones(folder)["example."])
    by_compiled, plain = sums
    assert by_compiled == plain
    assert (plain["opcode.query"], plain["qryrecursion"], plain.get("responses", 0)) == (1, 1, 0)


async def ask_all(sock: socket.socket, questions: list[bytes]) -> None:
    if sock.type == socket.SOCK_STREAM:
        async with talking(sock) as talk:
            for question in questions:
                talk.send(question)
                await talk.read()
        return
    with client(*sock.getsockname()) as asker:
        for question in questions:
            asker.send(question)
            await receive(asker)


async def test_what_it_leaves_is_answered_by_the_plain_implementation(tmp_path):
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock) as server:
            for message, rcode in (
                (packet.query("www.example.", "RRSIG"), "NOERROR"),
                (packet.query("x.test."), "REFUSED"),
                (packet.header(qd=1), "FORMERR"),
                (packet.query("www.example.", additional=[packet.opt(packet.option(packet.COOKIE, b"x"))]), "FORMERR"),
            ):
                asker.send(message)
                assert (await receive(asker)).rcode == rcode
            assert counted(server)["left"] == 4


async def test_a_query_of_the_largest_size_is_left_whole(tmp_path):
    """Its parts are received into two places."""
    sock = bound(DGRAM)
    padding = packet.option(12, bytes(40000))
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock):
            asker.send(packet.query("www.example.", additional=[packet.opt(padding)]))
            assert (await receive(asker)).answer == ["www.example. 300 A 192.0.2.3"]


@pytest.mark.parametrize("size", SIZES)
async def test_a_batch_of_both_kinds_is_all_answered(tmp_path, size):
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock, settings=Settings(udp_batch=8), size=size) as server:
            for ident in range(100):
                asker.send(packet.query("www.example.", "RRSIG" if ident % 3 else "A", ident=ident))
            assert sorted([(await receive(asker)).ident for _ in range(100)]) == list(range(100))
            assert not NO_DEFECTS & set(counted(server))


async def test_a_socket_that_was_busy_is_watched_again_and_can_be_closed_meanwhile(tmp_path):
    """Whole batches take it out of epoll; of two sockets neither waits for the other."""
    first, second = bound(DGRAM), bound(DGRAM)
    with client(*first.getsockname()) as one, client(*second.getsockname()) as other:
        async with answering(tmp_path, first, second, settings=Settings(udp_batch=4)) as server:
            loop = server.loop_thread.loop

            def flood() -> None:
                for ident in range(42):
                    one.send(packet.query("www.example.", ident=ident))
                    other.send(packet.query("ns.example.", ident=ident))

            for _ in range(3):
                await server.loop_thread.call(flood)
                for asker in (one, other):
                    assert sorted([(await receive(asker)).ident for _ in range(42)]) == list(range(42))
                await until(lambda: loop.busy_count == 0)

            def close_while_busy() -> None:
                for ident in range(8):
                    one.send(packet.query("www.example.", ident=ident))
                loop.wake()
                loop.run()  # one turn: the first batch
                assert loop.busy_count == 1
                loop.close_place(FIRST_PLACE)
                assert loop.busy_count == 0
                loop.open_place(FIRST_PLACE, first.fileno(), 0)

            await server.loop_thread.call(close_while_busy)
            assert sorted([(await receive(one)).ident for _ in range(8)]) == list(range(8))
            assert not NO_DEFECTS & set(counted(server))


async def test_the_last_batch_of_a_socket_is_answered_before_buffers_and_who_answers_are_others(tmp_path):
    """All of that may be called at once; what was in hand was taken for what is in the new buffers."""
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock, settings=Settings(udp_batch=64)) as server:
            thread, loop = server.loop_thread, server.loop_thread.loop
            steps = [
                lambda: loop.take_last(FIRST_PLACE),
                lambda: loop.take_batch(2),
                lambda: loop.engage(None, Settings(), None, None),
            ]
            called: list[Future[Any]] = []

            def end() -> None:
                loop.close_place(FIRST_PLACE)
                for ident in range(40):
                    asker.send(packet.query("www.example.", "RRSIG" if ident % 4 else "A", ident=ident))
                called.extend(thread._post(step) for step in steps)

            await thread.call(end)
            taken, *_ = [await asyncio.wrap_future(future) for future in called]
            assert taken == 40
            assert sorted([(await receive(asker)).ident for _ in range(40)]) == list(range(40))
            assert counted(server)["left"] == 30, counted(server)
            await thread.call(lambda: loop.open_place(FIRST_PLACE, sock.fileno(), 0))
            assert not NO_DEFECTS & set(counted(server))


async def test_a_busy_socket_that_epoll_cannot_watch_again_is_looked_at_without_haste(tmp_path):
    """Epoll refuses what it has already, as it refuses more where there is no memory."""
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock, settings=Settings(udp_batch=4)) as server:
            loop = server.loop_thread.loop

            def be_busy() -> None:
                for ident in range(8):
                    asker.send(packet.query("www.example.", ident=ident))
                loop.wake()
                loop.run()  # one turn: the first batch
                assert loop.busy_count == 1
                loop.watch(sock.fileno(), BELL)

            await server.loop_thread.call(be_busy)
            assert sorted([(await receive(asker)).ident for _ in range(8)]) == list(range(8))
            turns, began = loop.turns, time.monotonic()
            await until(lambda: loop.turns > turns + 100)
            assert loop.turns - turns < 2000 * (time.monotonic() - began)
            assert loop.busy_count == 1
            await server.loop_thread.call(lambda: loop.unwatch(sock.fileno()))
            await until(lambda: loop.busy_count == 0)
            asker.send(packet.query("www.example."))
            assert (await receive(asker)).answer == ["www.example. 300 A 192.0.2.3"]


async def test_what_the_plain_implementation_does_holds_up_no_answer_from_an_image(tmp_path):
    source, sock = HeldSource(), bound(DGRAM)
    with client(*sock.getsockname()) as slow, client(*sock.getsockname()) as fast:
        async with answering(tmp_path, sock, source=source) as server:
            source.hold()
            slow.send(packet.query("www.example.", "RRSIG"))
            await until(source.waiting.is_set)
            for ident in range(20):
                fast.send(packet.query("www.example.", ident=ident))
                assert (await receive(fast)).ident == ident
            source.released.set()
            assert (await receive(slow)).rcode == "NOERROR"
            assert counted(server)["left"] == 1


async def test_more_than_the_plain_implementation_can_take_is_dropped_and_counted(tmp_path):
    source, sock = HeldSource(), bound(DGRAM)
    asked = 600
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock, source=source) as server:
            source.hold()
            for _ in range(asked):
                asker.send(packet.query("www.example.", "RRSIG"))
                await asyncio.sleep(0)
                await server.loop_thread.call(server.loop_thread.turned)  # so that the kernel drops none
            await until(lambda: counted(server).get("left", 0) + counted(server).get("left.dropped", 0) == asked)
            left = counted(server)["left"]
            assert left < asked
            source.released.set()
            for _ in range(left):
                await receive(asker)


async def test_while_all_is_left_the_kernel_keeps_what_is_too_much():
    source, sock = HeldSource(), bound(DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    asked = 200
    with client(*sock.getsockname()) as asker:
        async with serving(sock, source=source, settings=Settings(udp_batch=8)) as server:
            source.hold()
            for ident in range(asked):
                asker.send(packet.query("www.example.", ident=ident))
            await until(source.waiting.is_set)
            await server.loop_thread.call(server.loop_thread.turned)
            assert counted(server)["left"] <= 32
            source.released.set()
            assert [(await receive(asker)).ident for _ in range(asked)] == list(range(asked))


@pytest.mark.parametrize(
    ("settings", "table"),
    [
        (Settings(udp_size=1400), ZoneTable()),
        (Settings(), ZoneTable(default=ZonePolicy(hook=True))),
    ],
    ids=["another size", "answers that a hook is to see"],
)
async def test_what_images_do_not_know_is_left_from_that_revision_on(tmp_path, settings, table):
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock) as server:
            usual = server.engine.serving
            for revision, is_left in ((usual, False), (type(usual)(usual.data, settings, table), True), (usual, False)):
                server.serve_by(revision)
                before = counted(server).get("left", 0)
                asker.send(packet.query("www.example."))
                reply = await receive(asker)
                assert (counted(server).get("left", 0) > before) is is_left
            assert reply.rcode == "NOERROR"


async def test_limits_are_kept_by_the_loop_and_by_the_plain_implementation_together(tmp_path, caplog):
    """Of a name that the loop answers some responses, of one that it leaves the others."""
    sock = bound(DGRAM)
    limits = RateLimitSettings(enabled=True, answers=1000, all=6, slip=1, window=3600.0)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock, settings=Settings(rate_limit=limits)) as server:
            for rdtype in ("A", "RRSIG") * 3:
                asker.send(packet.query("www.example.", rdtype))
                assert not (await receive(asker)).tc
            for rdtype in ("A", "RRSIG"):
                asker.send(packet.query("www.example.", rdtype))
            await until(lambda: counted(server).get("rate_limit.dropped") == 2)
            assert counted(server)["left"] == 4
            valid = packet.option(packet.COOKIE, CLIENT)
            asker.send(packet.query("www.example.", additional=[packet.opt(valid)]))
            await until(lambda: counted(server).get("rate_limit.dropped") == 3)
            await until(lambda: "AUTH_RATE_LIMITED" in caplog.text)
            server.serve_by(replace(server.engine.serving, settings=Settings()))
            asker.send(packet.query("www.example.", additional=[packet.opt(valid)]))
            opt = (await receive(asker)).opt
            assert opt is not None
            (given,) = opt.values(packet.COOKIE)
            server.serve_by(replace(server.engine.serving, settings=Settings(rate_limit=limits)))
            for _ in range(20):
                asker.send(packet.query("www.example.", additional=[packet.opt(packet.option(packet.COOKIE, given))]))
                assert (await receive(asker)).answer


async def test_full_responses_come_from_images_and_are_those_of_the_plain_implementation(tmp_path):
    sock = bound(DGRAM)
    full = Settings(minimal_responses=False)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock, settings=full) as server:
            for revision in (full, Settings()):
                server.serve_by(replace(server.engine.serving, settings=revision))
                asker.send(packet.query("www.example.", additional=[packet.opt()]))
                reply = await receive(asker)
                plain = World({"example.": ZONE}, revision).ask("www.example.")
                assert (reply.answer, reply.authority) == (plain.answer, plain.authority)
                assert sorted(reply.additional) == sorted(plain.additional)
                assert bool(reply.additional) is (revision is full)
            assert counted(server).get("left", 0) == 0


NOBODY = ZonePolicy(compile_acl([{"action": "REJECT"}]))


@pytest.mark.parametrize(
    ("origin", "policy", "rcode", "stays"),
    [
        ("example.", NOBODY, "REFUSED", False),
        ("example.", ZonePolicy(hook=True), "NOERROR", True),
        ("www.example.", ZonePolicy(), "SERVFAIL", True),
        ("other.test.", NOBODY, "NOERROR", False),
    ],
    ids=["nobody may ask", "answers that a hook is to see", "listed without data", "another zone"],
)
async def test_zones_are_left_until_it_is_known_who_may_ask(tmp_path, origin, policy, rcode, stays):
    sock = bound(DGRAM)
    table = ZoneTable(listed={name_key(dns.name.from_text(origin)): policy})
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock) as server:
            usual = server.engine.serving
            server.serve_by(type(usual)(usual.data, usual.settings, table))
            for is_left in (True, stays):  # all is left until the zones are looked through
                before = counted(server).get("left", 0)
                asker.send(packet.query("www.example."))
                assert (await receive(asker)).rcode == rcode
                assert (counted(server).get("left", 0) > before) is is_left
                await server.take_zones()


@pytest.mark.parametrize("kind", [DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
async def test_from_one_revision_to_the_next_images_go_on_answering(tmp_path, kind):
    """What is new about who may ask is known when the revision is in effect."""
    sock = bound(kind)
    async with answering(tmp_path, sock) as server:
        for policy, rcode in ((NOBODY, "REFUSED"), (ZonePolicy(), "NOERROR"), (NOBODY, "REFUSED"), (None, "NOERROR")):
            usual = server.engine.serving
            zones = ZoneTable({} if policy is None else {b"example\0": policy})
            listed = await asyncio.to_thread(server.listed_for, zones, [b"example\0"])
            server.serve_by(replace(usual, zones=zones), listed)
            reply = await asyncio.to_thread(ask_from, "127.0.0.1", sock.getsockname(), kind)
            assert reply.rcode == rcode
        assert counted(server).get("left", 0) == 0


SOME = ZonePolicy(compile_acl([{"action": "ACCEPT", "from": ["127.0.0.0/30", "::1"]}, {"action": "REJECT"}]))


@pytest.mark.parametrize("kind", [DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "all zones"])
async def test_images_answer_who_an_acl_admits_and_refuse_others(tmp_path, kind, listed):
    sock = bound(kind)
    table = ZoneTable(listed={b"example\0": SOME}) if listed else ZoneTable(default=SOME)
    async with answering(tmp_path, sock) as server:
        usual = server.engine.serving
        server.serve_by(type(usual)(usual.data, usual.settings, table))
        await server.take_zones()
        for source, rcode in (("127.0.0.1", "NOERROR"), ("127.0.0.9", "REFUSED"), ("127.0.0.2", "NOERROR")):
            reply = await asyncio.to_thread(ask_from, source, sock.getsockname(), kind)
            assert reply.rcode == rcode
        assert counted(server).get("left", 0) == 0


@pytest.mark.parametrize("size", SIZES)
async def test_each_of_a_batch_is_judged_by_its_own_address_whatever_socket_it_came_by(tmp_path, size):
    images = Images(tmp_path, ZONE, size)
    admitted = [{"action": "ACCEPT", "from": ["127.0.0.2", "127.0.0.4", "::1"]}, {"action": "REJECT"}]
    table = ZoneTable({b"example\0": ZonePolicy(compile_acl(admitted))})
    hatch = Hatch(8)
    hatch.open()
    loop = Loop(hatch, 8)
    loop.open()
    list_zones(table, SEED).tell(images.responder, loop.engine)
    loop.engage(images.responder, Settings(), None, None)
    narrow, wide = bound(DGRAM), bound(DGRAM, "::1")
    try:
        for place, sock in enumerate((narrow, wide), FIRST_PLACE):
            sock.setblocking(False)
            loop.open_place(place, sock.fileno(), 0)
        with contextlib.ExitStack() as stack:
            sources = [f"127.0.0.{number}" for number in range(1, 6)] + ["::1"]
            clients = [stack.enter_context(bound(DGRAM, source)) for source in sources]
            for _ in range(2):  # each socket behind the other one, too
                for asker in clients:
                    asker.settimeout(10)
                    asker.connect((wide if asker.family == socket.AF_INET6 else narrow).getsockname()[:2])
                    asker.send(packet.query("www.example."))
                loop.wake()
                loop.run()
                found = [Reply.read(asker.recv(65_535)).rcode for asker in clients]
                assert found == ["REFUSED", "NOERROR", "REFUSED", "NOERROR", "REFUSED", "NOERROR"]
        assert hatch.take() is None
    finally:
        loop.engage(None, Settings(), None, None)
        loop.close()
        hatch.close()
        narrow.close()
        wide.close()
        images.both.close()


def ask_from(source: str, server: tuple[str, int], kind: socket.SocketKind) -> Reply:
    with socket.socket(socket.AF_INET, kind) as asker:
        asker.settimeout(10)
        asker.bind((source, 0))
        asker.connect(server)
        query = packet.query("www.example.")
        if kind is DGRAM:
            asker.send(query)
            return Reply.read(asker.recv(65_535))
        asker.sendall(frame(query))
        octets = asker.recv(65_535)
        while len(octets) < 2 or len(octets) < 2 + int.from_bytes(octets[:2]):
            octets += asker.recv(65_535)
        return Reply.read(octets[2:])


async def test_what_waits_in_a_socket_is_answered_before_it_is_closed(tmp_path):
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock, settings=Settings(udp_batch=4)) as server:
            for ident in range(40):
                asker.send(packet.query("www.example.", "RRSIG" if ident % 2 else "A", ident=ident))
            await server.serve([])
            assert sorted([(await receive(asker)).ident for _ in range(40)]) == list(range(40))
            assert sock.fileno() == -1


async def test_port_zero_gets_no_reply(tmp_path):
    """V22: such packets are forged; so is this one."""
    sock = bound(DGRAM)
    try:
        forger = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        pytest.skip("forging packets is for root")
    with forger, client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock) as server:
            query = packet.query("www.example.")
            forger.sendto(struct.pack("!HHHH", 0, sock.getsockname()[1], 8 + len(query), 0) + query, ("127.0.0.1", 0))
            asker.send(query)
            assert (await receive(asker)).rcode == "NOERROR"
            assert counted(server)["dropped"] == 1
            assert counted(server)["responses"] == 1


async def test_replies_the_system_does_not_take_are_counted(tmp_path):
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock) as server:
            sock.connect(asker.getsockname())
            sock.shutdown(socket.SHUT_WR)
            for _ in range(3):
                asker.send(packet.query("www.example."))
            await until(lambda: counted(server).get("udp.send_errors") == 3)


async def test_a_socket_that_only_fails_does_not_hold_up_the_loop():
    loop = Loop(Hatch(1), 4)
    loop.open()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:  # not connected: nothing can be received
        loop.open_place(1, sock.fileno(), 0)
        assert loop.take_last(1) == 0
    loop.close()
    assert {name: n for name, n in zip(COUNTED, loop.tally.counts, strict=True) if n} == {"udp.receive_errors": 1}


@pytest.mark.parametrize("size", SIZES)
async def test_a_damaged_image_costs_no_answer(tmp_path, caplog, size):
    """Octets that change under it: an offset leads out of its section, which costs an exception, and no query."""
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock, size=size) as server:
            image = tmp_path / "zones.image"
            with image.open("r+b") as file:
                file.seek(image.read_bytes().index(b"\3www") - 4)
                file.write(b"\xff\xff\xff\x7f")  # where the last set of that node is
            for ident in range(3):
                asker.send(packet.query("www.example.", ident=ident))
                assert (await receive(asker)).ident == ident
            assert counted(server)["failures"] == counted(server)["left"] == 3
    assert "AUTH_LOOP_ERROR" in caplog.text


async def test_zones_may_change_while_it_answers(tmp_path):
    """Another image takes over between two turns."""
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with answering(tmp_path, sock) as server:
            other = Images(tmp_path / "other", "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.99\n")
            await server.answer_from(other.responder)
            asker.send(packet.query("www.example."))
            assert (await receive(asker)).answer == ["www.example. 300 A 192.0.2.99"]
        other.both.close()


# The same over TCP.
STREAM = socket.SOCK_STREAM


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_over_tcp_too_counts_are_those_of_the_plain_implementation(tmp_path, address):
    sock = bound(STREAM, address)
    sums = []
    restricted = ZoneTable(default=ZonePolicy(hook=True))
    async with answering(tmp_path, sock) as server:
        usual = server.engine.serving
        async with talking(sock) as talk:
            await until(lambda: server.connections == 1)
            for revision in (usual, replace(usual, zones=restricted)):
                server.serve_by(revision)
                before = counted(server)
                talk.send(*QUESTIONS.values())
                for _ in QUESTIONS:
                    await talk.read()
                after = counted(server)
                sums.append({name: n - before.get(name, 0) for name, n in after.items() if n != before.get(name, 0)})
    by_loop, by_engine = sums
    assert by_engine.pop("left") == len(QUESTIONS)
    assert by_loop == by_engine


async def test_pipelined_queries_of_both_kinds_are_answered_in_order(tmp_path):
    sock = bound(STREAM)
    async with answering(tmp_path, sock, pipeline=3) as server, talking(sock) as talk:
        talk.send(
            *(packet.query("www.example.", "RRSIG" if ident % 7 == 3 else "A", ident=ident) for ident in range(100))
        )
        assert [(await talk.read()).ident for _ in range(100)] == list(range(100))
        assert server.engine.handled < 100


async def test_a_query_in_parts_is_answered_from_the_image(tmp_path):
    """TRN-06."""
    sock = bound(STREAM)
    async with answering(tmp_path, sock) as server, talking(sock) as talk:
        for octet in frame(packet.query("www.example.", ident=1)) + frame(packet.query("www.example.", ident=2)):
            talk.writer.write(bytes((octet,)))
            await talk.writer.drain()
            await asyncio.sleep(0)
        assert [(await talk.read()).ident for _ in range(2)] == [1, 2]
        assert server.engine.handled == 0


async def test_good_queries_before_garbage_are_answered_from_the_image(tmp_path):
    sock = bound(STREAM)
    async with answering(tmp_path, sock), talking(sock) as talk:
        talk.writer.write(frame(packet.query("www.example.", ident=1)) + b"\0\5hello")
        assert (await talk.read()).ident == 1
        assert await talk.closed()


async def test_who_does_not_read_answers_from_an_image_is_cut_off(tmp_path):
    """V51: what is unsent for one client is bounded."""
    sock = bound(STREAM)
    query = frame(packet.query("big.example.", "TXT"))
    async with answering(tmp_path, sock, write_timeout=0.4) as server:
        mute = socket.create_connection(sock.getsockname())
        mute.setblocking(False)
        with mute:
            for _ in range(4000):
                try:
                    mute.send(query * 100)
                except (BlockingIOError, ConnectionError):  # all is full, or it is cut off already
                    break
                await asyncio.sleep(0)
            await until(lambda: counted(server).get("tcp.timeouts"))  # at first it may not have been accepted yet
            await until(lambda: server.connections == 0)
        assert counted(server)["tcp.timeouts"] == 1


async def test_the_limit_of_idle_connections_holds_for_who_is_answered_from_an_image(tmp_path):
    """TRN-09: of two the one that asked longest ago goes."""
    sock = bound(STREAM)
    async with answering(tmp_path, sock, connections=2) as server, talking(sock) as first, talking(sock) as second:
        for talk in (second, first):
            talk.send(packet.query("www.example."))
            await talk.read()
        async with talking(sock) as third:
            third.send(packet.query("www.example."))
            assert (await third.read()).rcode == "NOERROR"
            assert await second.closed()
            assert server.connections == 2


async def test_a_damaged_image_costs_no_answer_over_tcp(tmp_path, caplog):
    sock = bound(STREAM)
    async with answering(tmp_path, sock) as server, talking(sock) as talk:
        image = tmp_path / "zones.image"
        with image.open("r+b") as file:
            file.seek(image.read_bytes().index(b"\3www") - 4)
            file.write(b"\xff\xff\xff\x7f")  # where the last set of that node is
        talk.send(packet.query("ns.example.", ident=1), packet.query("www.example.", ident=2))
        assert [(await talk.read()).ident for _ in range(2)] == [1, 2]
        assert counted(server)["failures"] == 1
        assert counted(server)["request.tcp"] == counted(server)["request.v4"] == 2
        assert server.engine.handled == 1
    assert "AUTH_LOOP_ERROR" in caplog.text
