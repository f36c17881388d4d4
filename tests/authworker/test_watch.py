"""A data source that says nothing: its question is left to itself, and everything else goes on."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

import datasrc
from auth.client import Client, Transport
from authworker import api, watch
from authworker import daemon as authworker_daemon
from authworker.errors import SourceSilent
from datasrc import rest
from datasrc.memory import MemorySnapshot, MemorySource
from datasrc.silence import Asking, Unanswered
from msgq.errors import Refused
from tests.auth.sockets import until
from tests.auth.world import load
from tests.authworker.test_daemon import ZONE, Daemon, running
from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply

pytestmark = pytest.mark.asyncio
CLIENT = Client("192.0.2.53", 5353, Transport.UDP)
LIMIT = 0.2  # s, in place of four
SILENT = re.compile(r"AUTHWORKER_SOURCE_SILENT the data source far has not answered for \d+ s")


class Server(MemorySource):
    """Says nothing to questions while it is held. To who only looks whether it is there it always answers."""

    def __init__(self) -> None:
        super().__init__()
        self.goes = threading.Event()
        self.goes.set()
        self.asked = 0
        self.waiting: set[int] = set()  # threads that it says nothing to

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        if not threading.current_thread().name.startswith("source "):
            self.asked += 1
            if not self.goes.is_set():
                self.waiting.add(threading.get_ident())
                self.goes.wait()
                self.waiting.discard(threading.get_ident())
        with super().snapshot() as found:
            yield found


@asynccontextmanager
async def beside(tmp_path, monkeypatch, server):
    """A worker with that server before a database."""
    monkeypatch.setattr(watch, "SOURCE_LIMIT", LIMIT)
    monkeypatch.setattr(authworker_daemon, "STALL_LOOK", LIMIT / 10)
    opened, unanswered = datasrc.open, Asking.unanswered

    def waiting(asking: Asking) -> list[Unanswered]:
        return [
            one for one in unanswered(asking) if one.thread in server.waiting
        ]  # others wait to run, on a busy machine

    monkeypatch.setattr(Asking, "unanswered", waiting)

    def opening(url, **options):
        return server if url.startswith("postgresql") else opened(url, **options)

    monkeypatch.setattr(datasrc, "open", opening)
    load(server, {"far.": ZONE})
    async with running(tmp_path) as daemon:
        await daemon.configure(
            sources={
                "far": {"type": "database", "url": "postgresql+pg8000://bob@/far"},
                "near": {"type": "database", "url": f"sqlite:///{tmp_path}/zones.sqlite"},
            }
        )
        await daemon.module.on_start()
        try:
            yield daemon
        finally:
            server.goes.set()


async def answer(daemon: Daemon, name: str) -> str:
    answered = await asyncio.to_thread(daemon.link.ask, packet.query(name, "A"), CLIENT)
    assert answered.reply is not None
    return Reply.read(answered.reply).rcode


def counted(daemon: Daemon, name: str) -> int:
    return daemon.context.counters.statistics()[name]


async def test_zones_of_others_are_answered_while_a_question_waits(tmp_path, monkeypatch, caplog):
    """Each instance of auth got no answer to anything, until the process was ended; and the next one was, too."""
    server = Server()
    async with beside(tmp_path, monkeypatch, server) as daemon:
        assert await answer(daemon, "www.far.") == "NOERROR"
        server.goes.clear()
        assert await answer(daemon, "www.example.") == "NOERROR"  # the longest match may be there: it is asked, once
        asked = server.asked
        assert await answer(daemon, "www.far.") == "SERVFAIL"
        assert await answer(daemon, "www.example.") == "NOERROR"
        assert server.asked == asked
        status = await daemon.caller.call(api.Status())
        assert (status.lost, status.connections, status.in_hand) == (1, 1, 0)
        assert "it had not answered for" in status.sources[0].failure
        assert len(SILENT.findall(caplog.text)) == 1
        assert counted(daemon, "datasource.silences") == 1
        await until(lambda: counted(daemon, "threads.lost") == 1)
        assert counted(daemon, "answers") == 4
        assert not daemon.context.stop.is_set()


async def test_it_is_asked_again_when_who_waited_has_an_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(rest, "ANSWERED", 0.0)
    server = Server()
    async with beside(tmp_path, monkeypatch, server) as daemon:
        server.goes.clear()
        assert await answer(daemon, "www.far.") == "SERVFAIL"
        server.goes.set()
        await until(lambda: counted(daemon, "threads.lost") == 0)
        assert await answer(daemon, "www.far.") == "NOERROR"
        assert counted(daemon, "answers") == 2  # what came late went nowhere
        assert (await daemon.caller.call(api.Status())).lost == 0


async def test_a_command_that_asks_it_is_refused_and_holds_nothing_up(tmp_path, monkeypatch):
    """It waited in the thread that takes configurations, too."""
    monkeypatch.setattr(rest, "ANSWERED", 0.0)
    server = Server()
    async with beside(tmp_path, monkeypatch, server) as daemon:
        server.goes.clear()
        with pytest.raises(Refused, match="the data source far does not answer") as refused:
            await daemon.caller.call(api.ZoneStatus(["example"]))
        assert refused.value.code == "unavailable"
        assert (await daemon.caller.call(api.ZoneStatus(["example"]))).zones[0].state == "ready"
        await until(lambda: counted(daemon, "threads.lost") == 1)
        server.goes.set()
        await until(lambda: counted(daemon, "threads.lost") == 0)
        assert (await daemon.caller.call(api.ZoneStatus(["far"]))).zones[0].state == "ready"


async def test_too_many_threads_that_wait_for_ever_end_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "LOST_MOST", 1)
    monkeypatch.setattr(rest, "FIRST", 0.0)  # it is asked again at once, and says nothing again
    server = Server()
    async with beside(tmp_path, monkeypatch, server) as daemon:
        server.goes.clear()

        async def ask_on() -> None:
            while not daemon.context.stop.is_set():  # who asks while it is left alone gets an answer without it
                await answer(daemon, "www.far.")

        asking = asyncio.ensure_future(ask_on())
        await asyncio.wait_for(daemon.context.stop.wait(), 60)
        assert isinstance(daemon.context.failure, SourceSilent)
        assert "2 threads wait for data sources that do not answer: far" in str(daemon.context.failure)
        server.goes.set()
        await asking
