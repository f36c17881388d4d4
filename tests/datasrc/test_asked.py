"""What is asked while an answer is made is noted, and the answer is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import dns.name
import pytest
from dns.rdatatype import RdataType

from datasrc.asked import AskedSnapshot
from datasrc.keys import AFTER_ALL, APEX
from datasrc.memory import MemorySource
from datasrc.silence import Asking
from datasrc.source import DataSource, Finder, Snapshot
from tests.datasrc.contract import LookupContract, ZonesContract
from tests.datasrc.zonemaking import SMALL, load

ORIGIN = dns.name.from_text("example.")


class Quiet:
    """The snapshots of a source, as they are."""

    def __init__(self, source: MemorySource) -> None:
        self.snapshot = lambda: MemorySource.snapshot(source)


class Noting(MemorySource):
    """Notes each question, and who is asked notes what was noted then."""

    def __init__(self) -> None:
        super().__init__()
        self.asking = Asking()

    def snapshot(self) -> AbstractContextManager[Snapshot]:  # type: ignore[override]
        return AskedSnapshot(Quiet(self), "far", self.asking)  # type: ignore[arg-type]


@pytest.fixture
def source() -> DataSource:
    return Noting()


class TestLookup(LookupContract):
    pass


class TestZones(ZonesContract):
    pass


@pytest.mark.parametrize(
    "ask",
    [
        lambda finder: finder.neighbours(b"www\x00"),
        lambda finder: finder.rows_at([APEX]),
        lambda finder: finder.row(APEX, RdataType.SOA),
        lambda finder: list(finder.rows()),
        lambda finder: list(finder.backwards(AFTER_ALL, RdataType.NS)),
        lambda finder: finder.touched(0, 10),
    ],
)
def test_each_question_is_noted_while_it_is_not_answered(
    ask: Callable[[Finder], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Noting()
    load(source, SMALL)
    noted: list[str] = []

    def note() -> None:
        noted.extend(one.source for one in source.asking.unanswered())

    def at_once(ask: Callable[..., object], *arguments: object) -> object:
        note()
        return ask(*arguments)

    def one_by_one(ask: Callable[..., Iterator[object]], *arguments: object) -> Iterator[object]:
        note()
        yield from ask(*arguments)

    with source.snapshot() as snapshot:
        finder = snapshot.find_zone(ORIGIN)
        assert finder is not None
        inner = finder._finder  # type: ignore[attr-defined]
        for name in ("neighbours", "_walk", "_row"):
            monkeypatch.setattr(inner, name, partial(at_once, getattr(inner, name)))
        for name in ("_rows", "_backwards", "_touched"):
            monkeypatch.setattr(inner, name, partial(one_by_one, getattr(inner, name)))
        ask(finder)
        assert set(noted) == {"far"}
        assert source.asking.unanswered() == []
