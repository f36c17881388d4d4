"""The daemon: configuration, sockets, commands; over a bus within the loop and databases in a real directory."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import dns.name
import pytest

from auth import api
from auth import daemon as auth_daemon
from auth.daemon import AnswersStalled
from daemonkit.errors import Rejected
from daemonkit.spec import Spec
from daemonkit.zone_page import ZonePages
from msgq.errors import Refused
from tests.auth.house import ZONE, running
from tests.auth.sockets import HeldSource, until
from tests.auth.test_udp import client
from tests.auth.world import SOA
from tests.kit import dnspacket as packet

pytestmark = pytest.mark.asyncio


async def test_it_answers_on_the_sockets_it_is_given(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        await daemon.module.on_start()
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.example.")).answer == ["www.example. 300 A 192.0.2.3"]


async def test_a_first_start_without_a_database_refuses_until_there_is_one(tmp_path, caplog):
    async with running(tmp_path) as daemon:
        await daemon.configure()
        assert "AUTH_DATA_SOURCE_WAITING the data source main cannot be read now" in caplog.text
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.example.")).rcode == "REFUSED"
        daemon.load(example=ZONE)
        async with asyncio.timeout(60):
            while (await daemon.ask(sock, "www.example.")).rcode != "NOERROR":
                await asyncio.sleep(0.02)


async def test_new_zones_and_new_data_are_seen_at_once(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.second.")).rcode == "REFUSED"
        daemon.load(second=ZONE)
        assert (await daemon.ask(sock, "www.second.")).rcode == "NOERROR"


async def test_options_take_effect_with_their_revision(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "id.server.", "TXT", rdclass=3)).rcode == "REFUSED"
        prepared = await daemon.prepare(2, own={"identity": "here", "minimal_responses": False})
        assert (await daemon.ask(sock, "id.server.", "TXT", rdclass=3)).rcode == "REFUSED"
        prepared.apply()
        assert (await daemon.ask(sock, "id.server.", "TXT", rdclass=3)).answer == ['id.server. 0 TXT "here"']
        assert (await daemon.ask(sock, "www.example.")).owners(1) == [("example.", "NS")]


async def test_a_discarded_revision_changes_nothing(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        sock = await daemon.listen()
        sources = {"main": {"type": "database", "url": f"sqlite:///{tmp_path}/other.sqlite"}}
        (await daemon.prepare(2, sources=sources, own={"identity": "never"})).discard()
        assert (await daemon.ask(sock, "www.example.")).rcode == "NOERROR"


async def test_acls_of_zones_and_of_the_default_template(tmp_path):
    async with running(tmp_path, example=ZONE, second=ZONE) as daemon:
        reject = {"query_acl": [{"action": "REJECT"}]}
        await daemon.configure(zones={"example": reject})
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.example.")).errors() == {18: ""}
        assert (await daemon.ask(sock, "www.second.")).rcode == "NOERROR"
        accept = {"query_acl": [{"action": "ACCEPT", "from": "127.0.0.0/8"}]}
        await daemon.configure(zones={"example": accept}, templates={"default": reject})
        assert (await daemon.ask(sock, "www.example.")).rcode == "NOERROR"
        assert (await daemon.ask(sock, "www.second.")).errors() == {18: ""}


def counted_in_zones(directory) -> dict[str, int]:
    pages = ZonePages(directory / "counters")
    assert pages.look() == {}
    told = pages.counts(pages.origins)
    return {dns.name.from_wire(origin, 0)[0].to_text(): counts["responses"] for origin, counts in told.items()}


async def test_zones_are_counted_where_the_configuration_says_so(tmp_path):
    async with running(tmp_path, example=ZONE, second=ZONE) as daemon:
        await daemon.configure(zones={"second": {}})
        assert not (tmp_path / "counters").exists()  # nothing is taken for what nobody wants
        sock = await daemon.listen()
        await daemon.ask(sock, "www.example.")
        zones = {"Example": {"statistics": True}, "second": {}}
        await daemon.configure(zones=zones)
        await daemon.ask(sock, "www.example.")
        await daemon.ask(sock, "www.second.")
        assert counted_in_zones(tmp_path) == {"example.": 1}
        counting = zones | {"second": {"statistics": True}}
        await daemon.configure(zones=counting)
        await daemon.ask(sock, "www.second.")
        await daemon.configure(zones=dict(counting))  # the same handed over whole, as after a commit that was missed
        await daemon.ask(sock, "none.example.")
        assert counted_in_zones(tmp_path) == {"example.": 2, "second.": 1}
        await daemon.configure(zones={"second": {"statistics": True}})
        await daemon.ask(sock, "www.example.")
        assert counted_in_zones(tmp_path) == {"second.": 1}


async def test_where_counters_of_zones_have_no_room_a_change_is_refused_and_a_start_is_not(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("daemonkit.zone_page.os.posix_fallocate", full)
    counting = {"zones": {"example": {"statistics": True}}}
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure(**counting)
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.example.")).rcode == "NOERROR"
        await daemon.configure()
        with pytest.raises(Rejected, match="no room for the counters: No space left on device"):
            await daemon.prepare(2, **counting)
        monkeypatch.undo()
        await daemon.configure(**counting)
        await daemon.ask(sock, "www.example.")
        assert counted_in_zones(tmp_path) == {"example.": 1}


async def test_a_zone_listed_without_data_is_servfail(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure(zones={"sub.example": {}})
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "x.sub.example.")).errors() == {14: "no zone data loaded"}


# Commands.
async def test_status_tells_sockets_and_sources(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        sock = await daemon.listen(socket.SOCK_STREAM)
        status = await daemon.call(api.Status())
        assert status.sockets == (f"tcp 127.0.0.1@{sock.getsockname()[1]}",)
        assert status.connections == 0
        assert [(one.name, one.failure, one.zones) for one in status.sources] == [("main", "", 1)]


async def test_an_answer_is_explained(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure(zones={"example": {}})
        await daemon.listen()
        found = await daemon.caller.call(api.Explain("www.example", client="192.0.2.9"))
    (step,) = found.steps
    assert (step.rule, step.zone.source, step.zone.written.author) == ("exact", "main", "test")
    assert step.acl == api.ExplainedAcl("zones.example.query_acl", "ACCEPT", 0, {"action": "ACCEPT"})
    assert len(found.taken_by) == 1
    assert found.reply.answer == ("www.example. 300 IN A 192.0.2.3",)
    assert daemon.context.counters.statistics()["request.udp"] == 0


async def test_zone_status_tells_what_each_zone_is(tmp_path):
    async with running(tmp_path, example=ZONE, empty="") as daemon:
        await daemon.configure(zones={"listed.test": {}})
        reply = await daemon.call(api.ZoneStatus(["example", "EXAMPLE.", "empty", "listed.test", "nowhere"]))
        assert [(zone.origin, zone.state, zone.serial) for zone in reply.zones] == [
            ("example", "ready", 1),
            ("EXAMPLE.", "ready", 1),
            ("empty", "empty", None),
            ("listed.test", "empty", None),
            ("nowhere", "absent", None),
        ]
        assert reply.zones[0].version == 1
        assert reply.zones[3].reason == "it is configured, but no data source has it"


@pytest.mark.parametrize("origins", [["a..b"], ["x"] * (api.MAX_ORIGINS + 1)])
async def test_zone_status_refuses_nonsense(tmp_path, origins):
    async with running(tmp_path) as daemon:
        await daemon.configure()
        with pytest.raises(Refused) as caught:
            await daemon.call(api.ZoneStatus(origins))
        assert caught.value.code == "usage"


async def test_a_failing_data_source_shows_in_status_and_zone_status(tmp_path):
    async with running(tmp_path) as daemon:
        (tmp_path / "zones.sqlite").write_bytes(b"this is no database" * 100)
        await daemon.configure()
        (source,) = (await daemon.call(api.Status())).sources
        assert source.failure
        (zone,) = (await daemon.call(api.ZoneStatus(["example"]))).zones
        assert (zone.state, zone.serial) == ("unavailable", None)
        assert zone.reason


async def test_reload_uses_what_is_there_now(tmp_path):
    async with running(tmp_path) as daemon:
        await daemon.configure()
        daemon.load(example=ZONE)
        reply = await daemon.call(api.Reload("example"))
        assert [(zone.state, zone.serial) for zone in reply.zones] == [("ready", 1)]
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.example.")).rcode == "NOERROR"
        assert (await daemon.call(api.Reload())).zones == ()


@pytest.mark.parametrize(
    "request_", [api.Status(), api.Reload(), api.ZoneStatus(["example"]), api.Explain("a.example", "A")], ids=type
)
async def test_what_is_asked_before_the_first_configuration_is_refused(tmp_path, request_):
    async with running(tmp_path) as daemon:
        with pytest.raises(Refused, match="auth is still starting"):
            await daemon.call(request_)


@pytest.mark.parametrize(("origin", "code"), [("nowhere", "not-found"), ("empty", "unavailable"), ("a..b", "usage")])
async def test_reload_of_a_zone_that_cannot_be_served_is_refused(tmp_path, origin, code):
    async with running(tmp_path, example=ZONE, empty="") as daemon:
        await daemon.configure()
        with pytest.raises(Refused) as caught:
            await daemon.call(api.Reload(origin))
        assert caught.value.code == code


async def test_statistics_are_the_counters(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        await daemon.ask(await daemon.listen(), "www.example.")
        counters = (await daemon.call(api.Statistics())).counters
        assert set(counters) == set(Spec.load("auth").statistics)
        assert counters["qrysuccess"] == 1


async def test_a_directory_of_zone_files_is_served_and_its_faults_are_told(tmp_path, caplog):
    async with running(tmp_path) as daemon:
        (tmp_path / "zones").mkdir()
        good, bad = tmp_path / "zones" / "example.zone", tmp_path / "zones" / "bad.zone"
        good.write_text(SOA + ZONE)
        bad.write_text("this is no zone\n")
        await daemon.configure(sources={"files": {"type": "master-files", "directory": str(tmp_path / "zones")}})
        sock = await daemon.listen()
        assert (await daemon.ask(sock, "www.example.")).rcode == "NOERROR"
        assert (await daemon.ask(sock, "www.bad.")).errors() == {24: "zone data unusable"}
        (source,) = (await daemon.call(api.Status())).sources
        assert source.problems[0].startswith(f"{bad}:1")
        await daemon.call(api.Reload(None))
        assert f"AUTH_DATA_SOURCE_PROBLEM the data source files: {bad}:1" in caplog.text
        bad.write_text(SOA + ZONE)
        good.write_text("now this is none\n")
        (zone,) = (await daemon.call(api.Reload("bad"))).zones
        assert zone.state == "ready"
        assert (await daemon.ask(sock, "www.bad.")).rcode == "NOERROR"
        assert (await daemon.ask(sock, "www.example.")).rcode == "NOERROR"  # its last good version


# Beside a worker.
async def test_with_a_worker_data_sources_are_opened_when_something_is_asked_of_them(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("auth.worker_link.SUCCESSOR_LIMIT", 0.01)
    async with running(tmp_path) as daemon:
        (tmp_path / "zones.sqlite").write_bytes(b"this is no database" * 100)
        await daemon.configure(worker=True)
        sock = await daemon.listen()
        assert (await daemon.call(api.Status())).sources == ()
        assert "AUTH_DATA_SOURCE_WAITING" not in caplog.text
        assert (await daemon.ask(sock, "www.example.")).rcode == "SERVFAIL"  # the worker does not come
        assert "AUTH_DATA_SOURCE_WAITING the data source main cannot be read now" in caplog.text
        (source,) = (await daemon.call(api.Status())).sources
        assert source.failure
        assert daemon.context.counters.statistics()["datasource.failures"] == 1


async def test_a_worker_that_is_disabled_leaves_auth_to_tell_of_data_sources(tmp_path, caplog):
    async with running(tmp_path) as daemon:
        (tmp_path / "zones.sqlite").write_bytes(b"this is no database" * 100)
        await daemon.configure(worker=True)
        await daemon.configure(worker=False)
        assert "AUTH_DATA_SOURCE_WAITING the data source main cannot be read now" in caplog.text
        (source,) = (await daemon.call(api.Status())).sources
        assert source.failure


async def test_how_zones_are_served_is_asked_of_the_worker(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure(worker=True)
        asked: list[tuple[str, object]] = []
        outcome: list[Any] = [api.ZoneStatusReply((api.ZoneServed("example", "ready", 7, 3),))]

        async def answer(call):
            asked.append((call.command, call.arguments))
            if isinstance(outcome[0], Exception):
                raise outcome[0]
            return outcome[0]

        await daemon.bus.member("authworker/0", answer)
        (zone,) = (await daemon.call(api.ZoneStatus(["example"]))).zones
        assert (zone.state, zone.serial) == ("ready", 7)
        assert asked == [("zone_status", {"origins": ["example"]})]
        outcome[0] = Refused("usage", "'a..b' is not a zone")
        with pytest.raises(Refused, match="is not a zone"):
            await daemon.call(api.ZoneStatus(["a..b"]))
        outcome[0] = ValueError("a defect")
        (zone,) = (await daemon.call(api.ZoneStatus(["example"]))).zones
        assert zone.state == "unavailable"
        assert zone.reason.startswith("the worker: ")
        assert (await daemon.call(api.Status())).sources == ()


# Under way.
async def test_queries_in_hand_finish_with_the_data_they_began_with(tmp_path):
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        sock = await daemon.listen()
        held = HeldSource()
        serving = daemon.module._at_work().engine.serving
        daemon.module._at_work().engine.serving = type(serving)(held)
        held.hold()
        asking = asyncio.ensure_future(daemon.ask(sock, "www.example."))
        await until(held.waiting.is_set)
        await daemon.configure(zones={"example": {"query_acl": [{"action": "REJECT"}]}})
        held.released.set()
        assert (await asking).rcode == "NOERROR"
        assert (await daemon.ask(sock, "www.example.")).rcode == "REFUSED"


async def test_an_answering_thread_that_hangs_ends_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr(auth_daemon, "STALL_LIMIT", 0.1)
    monkeypatch.setattr(auth_daemon, "STALL_LOOK", 0.01)
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        await daemon.module.on_start()
        sock = await daemon.listen()
        held = HeldSource()
        daemon.module._at_work().engine.serving = type(daemon.module._at_work().engine.serving)(held)
        held.hold()
        with client(*sock.getsockname()) as asker:
            asker.send(packet.query("www.example."))
            await asyncio.wait_for(daemon.context.stop.wait(), 60)
        assert isinstance(daemon.context.failure, AnswersStalled)
        held.released.set()


async def test_an_answering_thread_at_work_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(auth_daemon, "STALL_LIMIT", 1.0)
    monkeypatch.setattr(auth_daemon, "STALL_LOOK", 0.001)
    async with running(tmp_path, example=ZONE) as daemon:
        await daemon.configure()
        await daemon.module.on_start()
        sock = await daemon.listen()
        for _ in range(20):
            await daemon.ask(sock, "www.example.")
        assert daemon.context.failure is None
