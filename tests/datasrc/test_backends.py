"""Backends are found by the scheme of a URL, those of others by entry point."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

import datasrc
from datasrc import backends
from datasrc.errors import UnknownBackend
from datasrc.memory import MemorySource


def announce(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    def entry_points(*, group: str, name: str | None = None) -> list[EntryPoint]:
        return [point for point in points if point.group == group and name in {None, point.name}]

    monkeypatch.setattr(backends, "entry_points", entry_points)


def test_an_entry_point_adds_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    announce(monkeypatch, EntryPoint("shelf", "datasrc.memory:open_source", backends.GROUP))
    source = datasrc.open("shelf://somewhere", name="mine", read_only=True)
    assert isinstance(source, MemorySource)
    assert (source.name, source.writable) == ("mine", False)


@pytest.mark.parametrize("value", ["datasrc.nothing:open_source", "datasrc.memory:nothing", "datasrc.keys:APEX"])
def test_an_entry_point_that_leads_nowhere_is_told(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    announce(monkeypatch, EntryPoint("shelf", value, backends.GROUP))
    with pytest.raises(UnknownBackend, match="its backend"):
        datasrc.open("shelf://somewhere")


def test_an_unknown_scheme_names_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    announce(monkeypatch, EntryPoint("shelf", "datasrc.memory:open_source", backends.GROUP))
    with pytest.raises(
        UnknownBackend, match="there are mariadb, master-files, memory, mysql, postgresql, shelf, sqlite"
    ):
        datasrc.open("oracle://host")


def test_what_opens_is_of_the_interface() -> None:
    source = datasrc.open("memory:")
    assert isinstance(source, datasrc.DataSource)
    assert source.zones() == []
    source.close()
