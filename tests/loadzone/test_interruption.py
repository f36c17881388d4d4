from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import dns.exception
import pytest

from loadzone import directory
from loadzone.errors import ExitCode, Interrupted
from loadzone.interruption import Interruption
from loadzone.loading import Manner, open_text
from loadzone.program import Program
from loadzone.target import Selection
from tests.loadzone.running import zone_text


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    interruption = Interruption()
    interruption.install()
    yield interruption
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_raises_where_the_program_is(interruption, number):
    with pytest.raises(Interrupted, match=number.name):
        signal.raise_signal(number)


def test_while_held_back_a_signal_waits_for_the_next_check(interruption):
    with interruption.held():
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(Interrupted):
        interruption.check()


def test_what_is_held_back_does_not_begin_after_a_signal(interruption):
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted), interruption.held():
        raise AssertionError("it began")


def test_a_signal_swallowed_on_the_way_is_seen_at_the_next_check(interruption):
    swallowing = dns.exception.ExceptionWrapper(dns.exception.SyntaxError)  # as around all reading of RDATA
    with pytest.raises(dns.exception.SyntaxError), swallowing:
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(Interrupted):
        interruption.check()


def test_between_zones_of_a_directory_it_is_said_how_many_were_done(interruption, tmp_path, monkeypatch, capsys):
    (tmp_path / "zones").mkdir()
    for name in ("a.example", "b.example", "c.example"):
        (tmp_path / "zones" / name).write_text(zone_text(1))

    def interrupted_at_b(file: Path) -> BinaryIO:
        if file.name == "b.example":
            signal.raise_signal(signal.SIGTERM)
        return open_text(file)

    monkeypatch.setattr(directory, "open_text", interrupted_at_b)
    program = Program(Manner(), Selection(state_dir=tmp_path / "state"), interruption)
    assert program.load_all(tmp_path / "zones") is ExitCode.FAILED
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", "loadzone: SIGTERM: 1 zone had been done, nothing else was written")
