"""Which serials are read where there are more zones than are told of: those of counted zones, and of all sources."""

from __future__ import annotations

import json

import pytest

import datasrc
from stats import zoneserials
from stats.bind import document
from stats.view import look
from stats.zonecounts import ZoneCounts
from stats.zoneserials import ZoneSerials
from tests.datasrc.zonemaking import load, soa
from tests.kit.zones import small_zone

LIMIT = 6


@pytest.fixture
def few(monkeypatch):
    """A limit that small sources reach."""
    monkeypatch.setattr(zoneserials, "MAX_ZONES", LIMIT)


@pytest.fixture
def sources(tmp_path):
    """Makes data sources of zone files: {source: {zone: serial}}."""
    opened = []

    def make(zones):
        for source, serials in zones.items():
            (tmp_path / source).mkdir()
            for zone, serial in serials.items():
                (tmp_path / source / f"{zone}.zone").write_text(small_zone(zone, serial))
        opened.append(
            ZoneSerials({source: {"type": "master-files", "directory": tmp_path / source} for source in zones})
        )
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def numbered(letter, count, serial=1):
    return {f"{letter}{number}.example": serial for number in range(count)}


@pytest.mark.usefixtures("few")
def test_counted_zones_have_a_serial_however_many_zones_there_are_and_wherever_they_are(sources):
    many = sources({"one": numbered("a", 9) | {"z.example": 7}, "two": numbered("b", 9) | {"y.example": 8}})
    found = many.read(["z.example", "y.example"])
    assert (found.serials["z.example"], found.serials["y.example"]) == (7, 8)
    assert (len(found.serials), found.more) == (LIMIT, True)


@pytest.mark.usefixtures("few")
def test_each_source_has_its_share_of_the_serials_and_the_rest_goes_to_who_has_more(sources):
    found = sources({"one": numbered("a", 9), "two": numbered("b", 1), "three": numbered("c", 9)}).read()
    assert sorted(found.serials) == [f"{zone}.example" for zone in ("a0", "a1", "a2", "b0", "c0", "c1")]
    assert found.more
    assert found.sources == {"one": True, "two": True, "three": True}


@pytest.mark.usefixtures("few")
def test_of_two_sources_with_a_zone_the_first_one_counts_even_where_it_is_not_among_its_first_zones(sources):
    both = sources({"one": numbered("a", 9) | {"z.example": 7}, "two": {"z.example": 8, "b.example": 9}})
    assert both.read(["z.example"]).serials["z.example"] == 7
    assert "z.example" not in both.read().serials
    assert both.read().serials["b.example"] == 9


@pytest.mark.usefixtures("few")
def test_as_many_zones_as_are_told_of_leave_none_out(sources):
    all_of_them = sources({"one": numbered("a", LIMIT - 1), "two": numbered("a", LIMIT - 1) | {"b.example": 1}})
    found = all_of_them.read(["a0.example"])
    assert (len(found.serials), found.more) == (LIMIT, False)


@pytest.mark.usefixtures("few")
def test_counted_zones_of_a_database_are_found_behind_the_first_ones(tmp_path):
    url = f"sqlite:///{tmp_path / 'zones.sqlite'}"
    with_data = datasrc.open(url, create=True)
    for zone, serial in (numbered("a", 9) | {"Z.example": 7}).items():
        load(with_data, f"{soa(serial)}\n@ NS ns\nns A 192.0.2.1", f"{zone}.")
    with_data.close()
    serials = ZoneSerials({"main": {"type": "database", "url": url}})
    assert serials.read(["z.example"]).serials["z.example"] == 7
    serials.close()


@pytest.mark.usefixtures("few")
def test_a_source_that_cannot_be_read_takes_nothing_from_the_others(sources, tmp_path):
    broken = sources({"one": numbered("a", 2), "two": numbered("b", 2)})
    for file in (tmp_path / "one").iterdir():
        file.unlink()
    (tmp_path / "one").rmdir()
    found = broken.read(["b1.example"])
    assert list(found.serials) == ["b1.example", "b0.example"]
    assert found.sources == {"one": False, "two": True}


def test_bind_has_zones_that_are_counted_and_have_no_serial(sources, tmp_path):
    view = look(tmp_path / "none", None)
    zones = sources({"one": {"a.example": 5}}).read()
    counted = ZoneCounts({"gone.example": {"qrysuccess": 3}})
    xml = document("/xml/v3/zones", view, zones, counted, "1")
    assert xml is not None
    assert (
        '<zone name="gone.example" rdataclass="IN"><type>primary</type><serial>-</serial><counters type="rcode">'
        in (xml[0].decode())
    )
    told = document("/json/v1/zones", view, zones, counted, "1")
    assert told is not None
    first, second = json.loads(told[0])["views"]["_default"]["zones"]
    assert (first["name"], first["serial"]) == ("a.example", 5)
    assert (second["name"], second["rcodes"], "serial" in second) == ("gone.example", {"QrySuccess": 3}, False)
