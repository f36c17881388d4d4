"""How long a data source that does not answer is left alone, and who ends that."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from datasrc.errors import Unavailable
from datasrc.memory import MemorySource
from datasrc.rest import ANSWERED, FIRST, FORGOTTEN, MOST, Rest
from datasrc.sources import Failure, Sources
from tests.datasrc.zonemaking import SMALL, load, name
from tests.kit.suite import wait_until


@pytest.fixture
def time() -> SimpleNamespace:
    return SimpleNamespace(now=1000.0)


@pytest.fixture
def rest(time: SimpleNamespace) -> Rest:
    return Rest(lambda: float(time.now))


def test_it_is_longer_each_time_and_short_again_after_long_silence_about_it(rest: Rest, time: SimpleNamespace) -> None:
    assert rest.reason() == ""
    seconds = []
    for _ in range(7):
        seconds.append(rest.begin(4.0))
        assert rest.begin(5.0) == seconds[-1]  # another one that waited for it: it is the same rest
        time.now += seconds[-1]
        assert rest.reason() == ""
    assert seconds == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, 16 * FIRST, MOST, MOST]
    time.now += FORGOTTEN
    assert rest.begin(4.0) == FIRST


def test_it_says_for_how_long_still(rest: Rest, time: SimpleNamespace) -> None:
    rest.begin(4.2)
    time.now += 10.0
    assert rest.reason() == f"it had not answered for 4 s, and is asked again in {FIRST - 10.0:.0f} s"


def test_an_answer_that_comes_late_shortens_it_and_an_operator_ends_it(rest: Rest, time: SimpleNamespace) -> None:
    rest.begin(4.0)
    rest.answered()
    time.now += ANSWERED - 1.0
    rest.answered()
    assert rest.reason() != ""
    time.now += 1.0
    assert rest.reason() == ""
    rest.begin(4.0)
    rest.end()
    assert rest.reason() == ""


class Stuck(MemorySource):
    """Answers nothing while it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.goes = threading.Event()
        self.goes.set()

    def last_change(self) -> int:
        self.goes.wait()
        return super().last_change()


@contextmanager
def held(*, remote: bool) -> Iterator[tuple[Sources, Stuck]]:
    source = Stuck()
    load(source, SMALL)
    sources = Sources({"far": lambda: source}, remote=["far"] if remote else ())
    assert not sources.status()[0].failure
    try:
        yield sources, source
    finally:
        source.goes.set()
        sources.close()


def found(sources: Sources) -> str:
    with sources.snapshot() as snapshot:
        try:
            finder = snapshot.find_zone(name("www"))
        except Unavailable as error:
            return error.reason
        return "" if finder is None else str(finder.info.origin)


@pytest.mark.parametrize("remote", [False, True])
def test_what_is_left_alone_is_not_asked_and_its_zones_are_unavailable(*, remote: bool) -> None:
    with held(remote=remote) as (sources, source):
        source.goes.clear()
        stuck = threading.Thread(target=lambda: sources.refresh() if remote else found(sources), daemon=True)
        if not remote:
            next(iter(sources._members))._next_look = 0.0  # type: ignore[attr-defined]
            stuck.start()
        assert sources.leave_alone("far", 4.0) == pytest.approx(FIRST, abs=1.0)
        assert "it had not answered for 4 s" in found(sources)
        (status,) = sources.status()
        assert "is asked again in" in status.failure
        assert status.zones == 1
        assert isinstance(next(sources.each())[1], Failure)
        source.goes.set()
        sources.refresh()
        wait_until(lambda: found(sources) == "example.")
        assert sources.status()[0].failure == ""


def test_a_source_that_is_not_there_any_more_needs_no_rest() -> None:
    with held(remote=False) as (sources, _):
        assert sources.leave_alone("other", 4.0) is None
        sources.answered("other")
