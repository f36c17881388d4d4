"""Zones of zone files through the door: memmgr says what they have, and nobody reads them for it."""

from __future__ import annotations

import gc
import sys

import msgspec
import pytest
from dns.name import from_text

from cmdctl.errors import ErrorAnswer
from cmdctl.zonefiles import FileNames
from datasrc.keys import key_text, name_key
from datasrc.zonefiles import zones_in
from memmgr import api as memmgr
from msgq.errors import Refused
from tests.cmdctl.house import House, house, zone_status
from tests.kit.zones import small_zone

AT_ONCE = 4  # problems that memmgr tells here
BAD = "{place}/{origin}.zone:5: error: bad A data"


def of_files(here: House, directory, problems=None) -> None:
    """A data source of zone files, of which memmgr has images with the serial 3 but of those with other problems."""
    here.sources.clear()
    here.sources["files"] = {"type": "master-files", "directory": str(directory)}
    told = problems or {}

    def images(call):
        return memmgr.ZoneStatusReply(tuple(image(origin) for origin in call.arguments["origins"]))

    def image(origin):
        serial = told.get(origin, 3)
        text = BAD.format(place=directory, origin=origin) if origin in told else ""
        if serial is None:
            return memmgr.ZoneImage(origin, memmgr.PLAIN, reason="it has no usable data", problem=text)
        return memmgr.ZoneImage(origin, memmgr.IMAGE, 1, serial, 9, 0, records=4, source="files", problem=text)

    def faulty(call):
        asked = msgspec.convert(call.arguments, memmgr.ZoneProblems)

        def rank(text):
            key = name_key(from_text(text))
            return (key_text(key) if asked.beginning else b"", key)

        chosen = [one for one in sorted(told, key=rank) if one.startswith(asked.beginning)]
        chosen = [one for one in chosen if asked.served in (None, told[one] is not None)]
        behind = [one for one in chosen if asked.after is None or rank(one) > rank(asked.after)]
        found = [memmgr.ZoneProblem(one, BAD.format(place=directory, origin=one), told[one]) for one in behind]
        most = min(asked.limit, AT_ONCE)
        return memmgr.ZoneProblemsReply(tuple(found[:most]), len(found) > most)

    here.answers["memmgr", "zone_status"] = images
    here.answers["memmgr", "zone_problems"] = faulty
    here.answers["auth", "zone_status"] = zone_status("ready", 3)


def write(directory, *origins: str, text: str = "this is no zone") -> None:
    for origin in origins:
        (directory / f"{origin}.zone").write_text(text)


async def listed(here: House, **query):
    found, after = [], None
    while True:
        page = await here.get("zones", limit=2, after=after, **query)
        assert page["problems"] == []
        found += page["zones"]
        after = page["next"]
        if after is None:
            return found


def facts(entries):
    return [(one["origin"], one["serial"], one["state"]) for one in entries]


@pytest.mark.asyncio
async def test_a_list_of_zones_of_files_has_what_memmgr_knows_and_reads_no_file(tmp_path):
    """The files are no zones: whoever read one would have nothing to tell of it."""
    write(tmp_path, "b.example", "a.example", "example", "z.test")
    async with house() as here:
        of_files(here, tmp_path)
        found = await listed(here)
        assert facts(found) == [(one, 3, "ready") for one in ("example", "a.example", "b.example", "z.test")]
        assert {(one["records"], one["version"], one["source"], one["writable"]) for one in found} == {
            (4, 9, "files", False)
        }
        assert facts(await listed(here, name="b")) == [("b.example", 3, "ready")]
        write(tmp_path, "new.example")
        assert len(await listed(here)) == 5
        (tmp_path / "new.example.zone").unlink()
        assert len(await listed(here)) == 4
        assert (await here.get("zone-names", prefix="a"))["names"] == ["a.example"]


@pytest.mark.asyncio
async def test_a_zone_with_a_bad_file_is_told_with_what_goes_on_being_served(tmp_path):
    write(tmp_path, "a.example", "b.example", "c.example", "d.example")
    async with house() as here:
        of_files(here, tmp_path, {"b.example": 1, "c.example": None})
        here.answers["auth", "zone_status"] = zone_status("broken", None, "it is bad")
        assert facts(await listed(here)) == [
            ("a.example", 3, "ready"),
            ("b.example", 1, "stale"),
            ("c.example", None, "broken"),
            ("d.example", 3, "ready"),
        ]
        assert facts(await listed(here, state="stale")) == [("b.example", 1, "stale")]
        assert facts(await listed(here, state="broken")) == [("c.example", None, "broken")]
        assert facts(await listed(here, state="ready")) == [("a.example", 3, "ready"), ("d.example", 3, "ready")]
        assert await listed(here, state="empty") == []
        shown = await here.do("zone_status", "b.example")
        assert shown["reason"] == f"{tmp_path}/b.example.zone:5: error: bad A data; serial 1 goes on being served"
        assert shown["image"] == "serial 1 in file 1"
        here.answers["auth", "zone_status"] = zone_status("ready", 2)  # the worker still has what the file was
        shown = await here.do("zone_status", "c.example")
        assert (shown["state"], shown["serial"]) == ("stale", 2)
        assert shown["reason"].endswith("; serial 2 goes on being served")


def questions(here: House) -> list[dict[str, object]]:
    return [arguments for _, command, arguments in here.asked if command == "zone_problems"]


@pytest.mark.asyncio
@pytest.mark.parametrize("beginning", ["", "z"])
async def test_no_more_of_what_is_wrong_is_asked_for_than_a_page_tells(tmp_path, beginning):
    """All of it was, for each page: with 100 000 bad files that took seconds."""
    names = [f"z{number:02}.example" for number in range(30)]
    write(tmp_path, *names, "a.example")
    bad = {name: None if number % 3 else 1 for number, name in enumerate(names[:20])}
    async with house() as here:
        of_files(here, tmp_path, bad)
        here.answers["auth", "zone_status"] = zone_status("broken", None, "it is bad")
        asking = {"name": beginning} if beginning else {}
        page = await here.get("zones", limit=2, state="broken", after="z03.example", **asking)
        assert facts(page["zones"]) == [(one, None, "broken") for one in ("z04.example", "z05.example")]
        assert page["next"] == "z05.example"
        (asked,) = questions(here)
        assert (asked["after"], asked["limit"], asked["beginning"], asked["served"]) == (
            "z03.example.",
            4,
            beginning,
            False,
        )
        assert len(await listed(here, state="broken", **asking)) == 13
        assert len(await listed(here, state="stale", **asking)) == 7
        assert await listed(here, state="stale", name="a") == []
        good = [*([] if beginning else ["a.example"]), *names[20:]]
        here.answers["auth", "zone_status"] = zone_status("ready", 3)
        assert facts(await listed(here, state="ready", **asking)) == [(one, 3, "ready") for one in good]


@pytest.mark.asyncio
async def test_a_page_is_full_where_another_source_hides_bad_files(tmp_path):
    """What was told of the files it is to have ends with those that are hidden."""
    first, second = tmp_path / "first", tmp_path / "second"
    names = [f"z{number}.example" for number in range(8)]
    for place, origins in ((first, names[:6]), (second, names)):
        place.mkdir()
        write(place, *origins)
    async with house() as here:
        of_files(here, second, dict.fromkeys(names))
        here.sources.clear()
        here.sources["first"] = {"type": "master-files", "directory": str(first)}
        here.sources["second"] = {"type": "master-files", "directory": str(second)}
        here.answers["auth", "zone_status"] = zone_status("broken", None, "it is bad")
        page = await here.get("zones", limit=1, state="broken", source="second")
        assert facts(page["zones"]) == [("z6.example", None, "broken")]
        assert page["next"] == "z6.example"
        page = await here.get("zones", limit=1, state="broken", source="second", after="z6.example")
        assert (facts(page["zones"]), page["next"]) == ([("z7.example", None, "broken")], None)


@pytest.mark.asyncio
async def test_without_memmgr_zone_files_are_read_here(tmp_path):
    write(tmp_path, "a.example", text=small_zone("a.example", 5))
    write(tmp_path, "b.example", text=small_zone("b.example", 5, "bad A 192.0.2.300"))
    async with house() as here:
        of_files(here, tmp_path)
        for command in ("zone_status", "zone_problems"):
            here.answers["memmgr", command] = Refused("unavailable", "memmgr is still starting")
        here.answers["auth", "zone_status"] = zone_status("broken", None, "it is bad")
        assert facts(await listed(here)) == [("a.example", 5, "ready"), ("b.example", None, "broken")]
        assert facts(await listed(here, state="broken")) == [("b.example", None, "broken")]
        assert await listed(here, state="stale") == []
        assert f"{tmp_path}/b.example.zone:7: error: " in (await here.do("zone_status", "b.example"))["reason"]


@pytest.mark.asyncio
async def test_a_reload_that_finds_a_bad_file_says_so(tmp_path):
    write(tmp_path, "a.example", "b.example")
    async with house() as here:
        of_files(here, tmp_path, {"b.example": 1})
        problem = BAD.format(place=tmp_path, origin="b.example")
        here.answers["memmgr", "reload"] = memmgr.ReloadReply(0, (memmgr.SourceProblems("files", 3, (problem,)),))
        good = await here.post("zones", "a.example", "reload")
        bad = await here.post("zones", "b.example", "reload")
        every = await here.post("reload")
    assert (good["problems"], good["left_out"]) == ([], 0)
    assert (bad["problems"], bad["left_out"]) == ([f"{problem}; serial 1 goes on being served"], 0)
    assert (every["problems"], every["left_out"]) == ([problem], 2)


@pytest.mark.asyncio
async def test_a_directory_that_is_not_there_has_no_zones(tmp_path):
    async with house() as here:
        of_files(here, tmp_path / "nothing")
        assert (await here.get("zones"))["zones"] == []


def test_names_of_files_are_zones_in_canonical_order_whatever_is_beside_them(tmp_path):
    for name in ("b.example.zone", "a.example", "EXAMPLE.zone", ".hidden", "old.zone~", "bad..name", "a\\.b.example"):
        (tmp_path / name).write_text("")
    (tmp_path / "directory").mkdir()
    found = [key_text(key) for key in zones_in(tmp_path)]
    assert found == [b"example.", b"a.example.", b"a\\.b.example.", b"b.example."]
    (tmp_path / "bad..name").unlink()
    (tmp_path / "a\\.b.example").unlink()
    (tmp_path / "EXAMPLE.zone").unlink()
    assert [key_text(key) for key in zones_in(tmp_path)] == [b"a.example.", b"b.example."]


def test_the_name_of_a_file_is_not_taken_for_that_of_its_zone(tmp_path):
    """`example.org.zone` is the file of example.org, and `old.org~` is a backup: no zones have these names."""
    for name in ("example.org.zone", "plain.org", "old.org~", "copy.org.zone~", ".hidden.org", "two.zone.zone"):
        (tmp_path / name).write_text("this is no zone")
    names = FileNames("files", tmp_path)

    def has(text):
        return names.has(name_key(from_text(text)))

    asked = ("example.org", "plain.org", "two.zone", "old.org", "copy.org", "hidden.org")
    assert [has(text) for text in asked] == [True, True, True, False, False, False]
    files = ("example.org.zone", "old.org~", "copy.org.zone~", "two.zone.zone", r"\.hidden.org")
    assert not any(has(text) for text in files)


@pytest.mark.parametrize("beginning", ["", "z"])
def test_no_zone_of_a_list_costs_an_object(tmp_path, beginning):
    def blocks(count: int) -> int:
        place = tmp_path / f"{count}"
        place.mkdir()
        write(place, *(f"z{number:04}.example" for number in range(count)), text="")
        names = FileNames("files", place)
        gc.collect()
        before = sys.getallocatedblocks()
        page = names.zones(from_text(f"z{count // 2:04}.example"), 2, beginning, None)
        assert [str(one.origin) for one in page] == [f"z{count // 2 + more:04}.example." for more in (1, 2)]
        gc.collect()  # tuples that the interpreter keeps for other uses are no matter
        return sys.getallocatedblocks() - before

    blocks(10)
    assert blocks(1500) - blocks(500) < 100  # fewer may be: what others let go of meanwhile


@pytest.mark.asyncio
async def test_a_zone_that_is_only_the_name_of_a_file_is_not_there(tmp_path):
    write(tmp_path, "example.org", "old.org")
    (tmp_path / "old.org.zone").rename(tmp_path / "old.org~")
    async with house() as here:
        of_files(here, tmp_path)
        for origin in ("example.org.zone", "old.org~"):
            for asking in (here.get("zones", origin), here.post("zones", origin, "reload")):
                with pytest.raises(ErrorAnswer) as told:
                    await asking
                assert told.value.code == "not-found"
        assert (await here.get("zones", "example.org"))["serial"] == 3
