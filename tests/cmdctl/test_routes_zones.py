"""Zones through the door: list, show, check, export, delete, reload."""

from __future__ import annotations

import asyncio
import contextlib
import io

import dns.name
import dns.rdatatype
import pytest

import datasrc
from cmdctl.errors import ErrorAnswer, NoAnswer
from cmdctl.limits import EXPORT_BATCH
from datasrc.errors import Damaged
from datasrc.records import Provenance
from datasrc.zonetext_zone import read_zone
from msgq.errors import Refused
from tests.bobctl.run import bobctl
from tests.cmdctl.house import SERIAL, house, zone_status
from tests.cmdctl.http import Connection, exchange, get
from tests.kit.zones import small_zone

ORG = "example.org"
SLASHED = "0/25.2.0.192.in-addr.arpa"
HOSTILE = 'a\\000b\\;\\"\\010$x.example'


async def refused(coroutine) -> str:
    with pytest.raises(ErrorAnswer) as caught:
        await coroutine
    return caught.value.code


@pytest.mark.asyncio
async def test_a_zone_is_shown_with_who_serves_it():
    async with house() as here:
        here.load(ORG)
        entry = await here.do("zone_status", ORG)
    served = [{"instance": f"auth/{n}", "state": "ready", "serial": SERIAL, "reason": "", "by": ""} for n in (0, 1)]
    assert entry == {
        "origin": ORG,
        "source": "main",
        "writable": True,
        "version": 1,
        "serial": SERIAL,
        "records": 4,
        "state": "ready",
        "reason": "",
        "served": served,
        "image": "serial 7 in file 3, changed 2 times since it was built",
    }


@pytest.mark.asyncio
@pytest.mark.parametrize("spelling", ["EXAMPLE.org", "example.org.", "ex\\097mple.org"])
async def test_every_spelling_of_a_name_is_the_zone(spelling):
    async with house() as here:
        here.load(ORG)
        assert (await here.do("zone_status", spelling))["origin"] == ORG


@pytest.mark.asyncio
@pytest.mark.parametrize("origin", [".", SLASHED, "a\\.b.example", "*.example", HOSTILE, "xn--bcher-kva.example"])
async def test_odd_names_are_zones_like_others(origin):
    """V65, V66."""
    async with house() as here:
        here.load(origin, "@ 60 SOA ns host 7 3600 900 604800 300\n@ 60 NS ns\nns 60 A 192.0.2.1\n")
        found = (await here.get("zones"))["zones"][0]["origin"]
        assert (await here.do("zone_status", found))["origin"] == found
        assert b"SOA" in b"".join(await asyncio.to_thread(stream, here, found))
        await here.do("request", "DELETE", "zones", found)
        assert (await here.get("zones"))["zones"] == []


def stream(here, origin, **query):
    from cmdctl.api import Client

    return list(Client(here.path).stream("zones", origin, "export", query=query))


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["a..b", "x" * 64, ".".join(["x" * 63] * 5), "\\300", "a" * 2000, "\\"])
@pytest.mark.parametrize("rest", [(), ("check",), ("export",)])
async def test_what_is_no_name_is_refused_as_usage(name, rest):
    async with house() as here:
        assert await refused(here.get("zones", name, *rest)) == "usage"


@pytest.mark.asyncio
@pytest.mark.parametrize("rest", [(), ("check",), ("export",)])
async def test_what_is_not_there_is_not_found(rest):
    async with house() as here:
        here.load(ORG)
        assert await refused(here.get("zones", "example.net", *rest)) == "not-found"
        assert await refused(here.get("zones", ORG, *rest, source="elsewhere")) == "not-found"
        assert await refused(here.do("request", "DELETE", "zones", "example.net")) == "not-found"
        assert await refused(here.post("zones", "example.net", "reload")) == "not-found"
        assert [command for _, command, _ in here.asked] == []


@pytest.mark.asyncio
async def test_instances_that_differ_are_told_apart():
    async with house() as here:
        here.load(ORG)
        here.answers["auth", "zone_status"] = lambda call: (
            zone_status("ready", 6)(call) if len(here.asked) % 2 else zone_status("broken", None, "no SOA")(call)
        )
        served = (await here.do("zone_status", ORG))["served"]
    assert sorted((one["state"], one["serial"], one["reason"]) for one in served) == [
        ("broken", None, "no SOA"),
        ("ready", 6, ""),
    ]


@pytest.mark.asyncio
async def test_an_instance_that_does_not_answer_is_unreachable_and_the_others_are_told():
    async with house() as here:
        here.load(ORG)
        here.answers["auth", "zone_status"] = lambda call: (
            zone_status()(call) if here.asked[-1][0] == "auth/0" else Refused("unavailable", "busy")
        )
        served = (await here.do("zone_status", ORG))["served"]
    assert [(one["instance"], one["state"]) for one in served] == [("auth/0", "ready"), ("auth/1", "unreachable")]
    assert "busy" in served[1]["reason"]


@pytest.mark.asyncio
async def test_without_any_auth_nobody_serves():
    async with house(("bob/0",)) as here:
        here.load(ORG)
        assert (await here.do("zone_status", ORG))["served"] == []


@pytest.mark.asyncio
async def test_the_list_is_paged_in_canonical_order():
    names = ["example", "a.example", "b.a.example", "z.example", "net", "a.net"]
    async with house() as here:
        for name in names:
            here.load(name)
        found, after = [], None
        while True:
            page = await here.get("zones", limit=2, after=after)
            found += [entry["origin"] for entry in page["zones"]]
            after = page["next"]
            if after is None:
                break
            assert len(page["zones"]) == 2
    assert found == ["example", "a.example", "b.a.example", "z.example", "net", "a.net"]


@pytest.mark.asyncio
@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1e2", "99999999999999999999", ""])
async def test_a_limit_that_cannot_be_is_refused(limit):
    async with house() as here:
        assert await refused(here.get("zones", limit=limit)) == "usage"


@pytest.mark.asyncio
async def test_a_fresh_suite_has_no_zones_and_no_problem():
    async with house() as here:
        assert await here.get("zones") == {"zones": [], "next": None, "problems": []}
        assert await refused(here.do("zone_status", ORG)) == "not-found"


@pytest.mark.asyncio
async def test_the_first_of_two_sources_wins_and_the_other_is_shadowed():
    async with house() as here:
        here.load(ORG)
        here.sources["second"] = {"type": "database", "url": f"sqlite:///{here.directory}/second.sqlite"}
        here.load(ORG, small_zone(ORG, 99), source="second")
        here.load("example.net", source="second")
        first, zones = (
            (await here.get("zones", limit=1))["zones"],
            (await here.get("zones", after="example.net"))["zones"],
        )
        assert [entry["origin"] for entry in first] == ["example.net"]
        assert [(entry["source"], entry["state"], len(entry["served"])) for entry in zones] == [
            ("main", "ready", 2),
            ("second", "shadowed", 0),
        ]
        assert "main" in zones[1]["reason"]
        assert (await here.do("zone_status", ORG))["serial"] == SERIAL
        assert (await here.get("zones", ORG, source="second"))["serial"] == 99
        await here.do("request", "DELETE", "zones", ORG, query={"source": "second"})
        assert [entry["source"] for entry in (await here.get("zones"))["zones"]] == ["second", "main"]


@pytest.mark.asyncio
async def test_a_source_that_fails_takes_no_other_down():
    async with house() as here:
        here.load(ORG)
        (here.directory / "bad.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
        here.sources["bad"] = {"type": "database", "url": f"sqlite:///{here.directory}/bad.sqlite"}
        page = await here.get("zones")
        assert [entry["origin"] for entry in page["zones"]] == [ORG]
        assert [problem["source"] for problem in page["problems"]] == ["bad"]
        assert (await here.do("zone_status", ORG))["source"] == "main"
        assert await refused(here.do("zone_status", "example.net")) == "unavailable"


@pytest.mark.asyncio
async def test_a_source_of_an_unknown_kind_is_a_problem_of_its_own():
    async with house() as here:
        here.load(ORG)
        here.sources["odd"] = {"type": "database", "url": "oddsql://somewhere/x"}
        page = await here.get("zones")
        assert len(page["zones"]) == 1
        assert "oddsql" in page["problems"][0]["reason"]


@pytest.mark.asyncio
async def test_a_check_tells_errors_and_warnings_with_their_codes():
    async with house() as here:
        here.load(ORG, small_zone(ORG, SERIAL, "sub NS ns.sub\nmx MX 10 nothing"))
        outcome = await here.get("zones", ORG, "check")
        here.load("example.net")
        good = await here.get("zones", "example.net", "check")
    assert outcome["origin"] == ORG
    assert outcome["errors"] == 0
    assert outcome["warnings"] == len(outcome["findings"]) > 0
    assert "missing-glue" in {finding["code"] for finding in outcome["findings"]}
    assert all(finding["severity"] == "warning" and finding["place"] for finding in outcome["findings"])
    assert (good["errors"], good["warnings"], good["findings"]) == (0, 0, [])


@pytest.mark.asyncio
async def test_findings_beyond_what_is_kept_are_counted():
    extra = "\n".join(f"mx{n} MX 10 nothing{n}" for n in range(60))
    async with house() as here:
        here.load(ORG, small_zone(ORG, SERIAL, extra))
        outcome = await here.get("zones", ORG, "check")
    assert outcome["warnings"] == 60
    assert len(outcome["findings"]) + sum(outcome["left_out"].values()) == 60


@pytest.mark.asyncio
async def test_an_export_reads_back_as_the_same_zone():
    extra = "\n".join(f"h{n} A 192.0.2.{n % 250 + 1}" for n in range(3 * EXPORT_BATCH + 1))
    async with house() as here:
        here.load(ORG, small_zone(ORG, SERIAL, extra))
        pieces = await asyncio.to_thread(stream, here, ORG)
        source = datasrc.open(here.url)
        with source.snapshot() as snapshot:
            finder = snapshot.zone(dns.name.from_text(ORG))
            assert finder is not None
            stored = list(finder.rrsets())
        source.close()
    zone, findings = read_zone(io.BytesIO(b"".join(pieces)), "text", dns.name.from_text(ORG))
    assert not findings.errors
    assert list(zone.rrsets()) == stored


@pytest.mark.asyncio
async def test_an_export_is_zone_text_by_its_media_type():
    async with house() as here:
        here.load(ORG)
        with contextlib.closing(Connection(here.path)) as connection:
            connection.send(get(f"/v1/zones/{ORG}/export", "Connection: close"))
            data = await asyncio.to_thread(connection.rest)
    assert b"content-type: text/dns\r\n" in data
    assert b"transfer-encoding: chunked\r\n" in data.lower()


@pytest.mark.asyncio
async def test_an_export_that_breaks_off_is_noticed_and_logged_with_nothing_but_its_own_message(monkeypatch, caplog):
    def broken(rrsets):
        for index, rrset in enumerate(rrsets):
            if index == 2:
                raise Damaged("a row is bad", database="x")
            yield from (f"{rrset.name}\n" for _ in range(EXPORT_BATCH))

    monkeypatch.setattr("cmdctl.export.zone_lines", broken)
    async with house() as here:
        here.load(ORG)
        with pytest.raises(NoAnswer):
            await asyncio.to_thread(stream, here, ORG)
        assert here.log.ids() == ["CMDCTL_READ", "CMDCTL_EXPORT_BROKEN"]
    assert [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")] == []


@pytest.mark.asyncio
async def test_an_export_of_a_zone_that_cannot_be_read_is_refused_with_file_and_line(tmp_path, caplog):
    """Before its head is sent: where the answer broke off nobody was told why."""
    (tmp_path / f"{ORG}.zone").write_text(small_zone(ORG, SERIAL, "bad A 192.0.2.300"))
    async with house() as here:
        here.sources.clear()
        here.sources["files"] = {"type": "master-files", "directory": str(tmp_path)}
        with pytest.raises(ErrorAnswer) as caught:
            await asyncio.to_thread(stream, here, ORG)
        assert await refused(here.get("zones", ORG, "check")) == "unavailable"
    assert caught.value.code == "unavailable"
    assert f"{tmp_path}/{ORG}.zone:7: error: " in caught.value.message
    assert [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")] == []


@pytest.mark.asyncio
async def test_an_export_nobody_reads_is_given_up_and_its_snapshot_closed(monkeypatch):
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    extra = "\n".join(f"h{n} TXT {'x' * 200}" for n in range(8000))
    async with house() as here:
        here.load(ORG, small_zone(ORG, SERIAL, extra))
        finder = here.services.zones.finder

        @contextlib.contextmanager
        def watched(*arguments):
            with finder(*arguments) as found:
                yield found
            loop.call_soon_threadsafe(closed.set)

        monkeypatch.setattr(here.services.zones, "finder", watched)
        with contextlib.closing(Connection(here.path)) as connection:
            connection.send(get(f"/v1/zones/{ORG}/export"))
            await asyncio.to_thread(connection.socket.recv, 100)
        await asyncio.wait_for(closed.wait(), 60)
        assert (await here.do("zone_status", ORG))["serial"] == SERIAL


@pytest.mark.asyncio
async def test_deleting_a_zone_keeps_who_and_why_and_tells_the_others():
    heard: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    async with house() as here:
        here.load(ORG)

        async def hear(event):
            heard.put_nowait(event.decode())

        here.members["bob/0"].subscribe("zones", hear)
        await here.bus.member("late/0")  # behind it on the bus: the subscription is known
        answer = await here.do("request", "DELETE", "zones", ORG, query={"reason": "not ours any more"})
        assert answer == {"origin": ORG, "source": "main", "records": 4}
        assert await refused(here.do("zone_status", ORG)) == "not-found"
        source = datasrc.open(here.url)
        change = source.changes()[-1]
        source.close()
        event = await asyncio.wait_for(heard.get(), 60)
    assert change.serial is None
    assert (change.provenance.source, change.provenance.reason) == ("rest", "not ours any more")
    assert change.provenance.author
    assert event == {"origin": ORG, "source": "main", "version": change.version, "serial": None}


@pytest.mark.asyncio
async def test_the_history_of_a_zone_tells_who_changed_it_also_when_it_is_gone():
    async with house() as here:
        here.load("other.example")
        for serial in (1, 2, 3):
            here.load(ORG, small_zone(ORG, serial))
        found = await here.get("zones", ORG, "history")
        assert (found["origin"], found["source"], found["more"]) == (ORG, "main", False)
        assert [(one["version"], one["serial"], one["deleted"]) for one in found["changes"]] == [
            (3, 3, False),
            (2, 2, False),
            (1, 1, False),
        ]
        assert {(one["author"], one["by"], one["reason"]) for one in found["changes"]} == {("test", "test", "")}
        first = await here.get("zones", ORG, "history", limit="2")
        rest = await here.get("zones", ORG, "history", limit="2", before=str(first["changes"][-1]["id"]))
        assert first["changes"] + rest["changes"] == found["changes"]
        assert (first["more"], rest["more"]) == (True, False)
        await here.do("request", "DELETE", "zones", ORG, query={"reason": "sold"})
        newest = (await here.get("zones", "EXAMPLE.org.", "history"))["changes"][0]
        assert (newest["deleted"], newest["serial"], newest["by"], newest["reason"]) == (True, None, "rest", "sold")
        for zone, query in (("none.example", {}), (ORG, {"source": "none"})):
            assert await refused(here.get("zones", zone, "history", **query)) == "not-found"
        assert await refused(here.get("zones", ORG, "history", before="x")) == "usage"
        shown = await bobctl(here.path, "zone", "history", ORG, "--limit", "2")
        none = await bobctl(here.path, "zone", "history", "none.example")
    assert (shown.code, none.code) == (0, 3)
    head, *rows = shown.out.splitlines()
    assert head.split() == ["ID", "TIME", "AUTHOR", "BY", "VERSION", "SERIAL", "REASON"]
    assert [row.split()[-3:] for row in rows] == [["4", "deleted", "sold"], ["3", "3", "-"]]
    assert f"there are more: --before {newest['id'] - 1}" in shown.err


@pytest.mark.asyncio
async def test_zone_files_are_served_as_they_are_and_have_no_history(tmp_path):
    (tmp_path / "example.net.zone").write_text(small_zone("example.net", 1))
    async with house() as here:
        here.sources["files"] = {"type": "master-files", "directory": str(tmp_path)}
        found = await here.get("zones", "example.net", "history")
        shown = await bobctl(here.path, "zone", "history", "example.net")
    assert (found["source"], found["changes"]) == ("files", [])
    assert "the data source files keeps no history of example.net" in shown.err


@pytest.mark.asyncio
async def test_a_read_only_source_refuses_deletion(tmp_path):
    (tmp_path / f"{ORG}.zone").write_text(small_zone(ORG, SERIAL))
    async with house() as here:
        here.sources.clear()
        here.sources["files"] = {"type": "master-files", "directory": str(tmp_path)}
        assert (await here.do("zone_status", ORG))["writable"] is False
        assert await refused(here.do("request", "DELETE", "zones", ORG)) == "refused"
    assert (tmp_path / f"{ORG}.zone").exists()


@pytest.mark.asyncio
async def test_reload_reaches_every_instance_but_the_spare():
    async with house() as here:
        here.load(ORG)
        one = await here.post("zones", ORG, "reload")
        everything = await here.post("reload")
    assert one["instances"] == [{"instance": f"auth/{n}", "error": "", "serial": SERIAL} for n in (0, 1)]
    assert everything["origin"] is None
    asked = [(member, arguments) for member, command, arguments in here.asked if command == "reload"]
    assert [member for member, _ in asked][::3] == ["memmgr/0", "memmgr/0"]  # before those who answer from its images
    assert [arguments["source"] for member, arguments in asked if member == "memmgr/0"] == ["main", None]
    reloads = [(member, arguments["origin"]) for member, arguments in asked if member != "memmgr/0"]
    assert sorted(reloads, key=str) == [("auth/0", ORG), ("auth/0", None), ("auth/1", ORG), ("auth/1", None)]


@pytest.mark.asyncio
async def test_a_reload_has_no_file_read_by_the_door(tmp_path, monkeypatch):
    reads = []

    def read(stream, file, *rest, **options):
        reads.append(file)
        return read_zone(stream, file, *rest, **options)

    monkeypatch.setattr("datasrc.filezones.read_zone", read)
    path = tmp_path / f"{ORG}.zone"
    path.write_text(small_zone(ORG, SERIAL))
    async with house() as here:
        here.sources.clear()
        here.sources["files"] = {"type": "master-files", "directory": str(tmp_path)}
        assert (await here.post("zones", ORG, "reload"))["origin"] == ORG
        assert await refused(here.post("zones", "example.net", "reload")) == "not-found"
        assert reads == []
        await here.do("zone_status", ORG)  # what it has must be read
        assert reads == [str(path)]


@pytest.mark.asyncio
async def test_an_instance_that_cannot_reload_says_why():
    async with house() as here:
        here.answers["auth", "reload"] = Refused("unavailable", "the disk is gone")
        answer = await here.post("reload")
    assert [one["error"] for one in answer["instances"]] == ["the disk is gone"] * 2


@pytest.mark.asyncio
async def test_many_zones_are_listed_without_holding_the_loop_up():
    async with house() as here:
        for number in range(120):
            here.load(f"z{number:03}.example")
        late = 0.0

        async def watch():
            nonlocal late
            loop = asyncio.get_running_loop()
            while True:
                before = loop.time()
                await asyncio.sleep(0.001)
                late = max(late, loop.time() - before)

        watching = asyncio.create_task(watch())
        page = await here.get("zones", limit=1000)
        watching.cancel()
    assert len(page["zones"]) == 120
    assert late < 0.5  # ten times what is promised


@pytest.mark.asyncio
async def test_the_largest_serial_travels_whole():
    """V73."""
    async with house() as here:
        here.load(ORG, small_zone(ORG, 2**32 - 1))
        status, _, document = await exchange(here.path, get(f"/v1/zones/{ORG}"))
    assert (status, document["serial"]) == (200, 2**32 - 1)


@pytest.mark.asyncio
async def test_names_of_zones_are_told_for_who_types_one():
    async with house() as here:
        for origin in (ORG, "example.net", SLASHED):
            here.load(origin)
        assert await here.get("zone-names", prefix="exam", limit=1) == {"names": ["example.net"], "more": True}
        assert await here.get("zone-names", prefix="0/") == {"names": [SLASHED], "more": False}
        assert await refused(here.get("zone-names", prefix="x" * 2000)) == "usage"
        assert not here.commands("auth/0")  # nobody is asked how they are served


@pytest.mark.asyncio
async def test_a_source_that_cannot_be_read_has_no_names():
    async with house() as here:
        here.sources["broken"] = {"type": "database", "url": f"sqlite:///{here.directory}/none.sqlite"}
        here.load(ORG)
        assert (await here.get("zone-names"))["names"] == [ORG]


async def origins(here, **query):
    """All pages of two."""
    found, after = [], None
    while True:
        page = await here.get("zones", limit=2, after=after, **query)
        found += [(entry["origin"], entry["source"], entry["state"]) for entry in page["zones"]]
        after = page["next"]
        if after is None:
            return found


@pytest.fixture
def two_sources():
    @contextlib.asynccontextmanager
    async def made():
        async with house() as here:
            here.sources["more"] = {"type": "database", "url": f"sqlite:///{here.directory}/more.sqlite"}
            for origin in ("b.example", "c.example", "a.b.example"):
                here.load(origin)
            without_servers(here.sources["main"]["url"], dns.name.from_text("c.example"))
            for origin in ("c.example", "b.example", "d.example", "b-2.example"):
                here.load(origin, source="more")
            yield here

    return made


def without_servers(url, origin):
    with contextlib.closing(datasrc.open(url)) as source, source.updater(origin) as updater:
        updater.delete(origin, dns.rdatatype.NS)
        updater.commit(Provenance("ann", "test"))


@pytest.mark.asyncio
async def test_a_list_has_the_zones_whose_names_begin_so_in_the_order_of_their_text(two_sources):
    async with two_sources() as here:
        assert await origins(here, name="B") == [
            ("b-2.example", "more", "ready"),
            ("b.example", "main", "ready"),
            ("b.example", "more", "shadowed"),
        ]
        assert await origins(here, name="b.") == [("b.example", "main", "ready"), ("b.example", "more", "shadowed")]
        assert await origins(here, name="a.b.example.") == [("a.b.example", "main", "ready")]
        assert await origins(here, name="example") == []
        assert await here.get("zone-names", prefix="b") == {"names": ["b-2.example", "b.example"], "more": False}


@pytest.mark.asyncio
async def test_a_list_has_the_zones_of_one_state_or_one_source(two_sources):
    async with two_sources() as here:
        hidden = [("b.example", "more", "shadowed"), ("c.example", "more", "shadowed")]
        assert await origins(here, state="shadowed") == hidden
        assert await origins(here, state="broken") == [("c.example", "main", "broken")]
        ready = [("b.example", "main"), ("a.b.example", "main"), ("b-2.example", "more"), ("d.example", "more")]
        assert await origins(here, state="ready") == sorted(
            ((*one, "ready") for one in ready), key=lambda one: dns.name.from_text(one[0])
        )
        assert await origins(here, state="empty") == await origins(here, state="shadowed", source="main") == []
        assert await origins(here, source="more", state="ready", name="b") == [("b-2.example", "more", "ready")]
        assert len(await origins(here, source="more")) == 4
        assert await refused(here.get("zones", source="none")) == "not-found"
        assert await refused(here.get("zones", state="shiny")) == "usage"
        assert await refused(here.get("zones", name="x" * 2000)) == "usage"
