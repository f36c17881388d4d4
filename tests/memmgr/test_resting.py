"""Data sources that did not answer are left alone, longer each time, over the life of the process that asked."""

from __future__ import annotations

import pytest

from daemonkit.log import MessageLog
from daemonkit.spec import Spec
from memmgr.resting import FIRST, FORGOTTEN, MOST, NAME, Resting

URL = "postgresql+pg8000://bob:secret@192.0.2.1/zones"
LOG = MessageLog("memmgr", Spec.load("memmgr").messages)


@pytest.fixture
def clock():
    class Clock:
        now = 1e9

        def __call__(self) -> float:
            return self.now

    return Clock()


def test_the_next_process_leaves_it_alone_and_no_other(tmp_path, clock):
    assert Resting(tmp_path, LOG, clock).reason("far", URL) == ""
    Resting(tmp_path, LOG, clock).add("far", URL, 61.2)
    after = Resting(tmp_path, LOG, clock)
    assert after.reason("far", URL) == f"it had not answered for 61 s, and is asked again in {FIRST:.0f} s"
    assert after.reason("near", URL) == after.reason("far", URL + "2") == ""
    assert after.told([("near", URL), ("far", URL)]) == [("far", after.reason("far", URL))]
    clock.now += FIRST
    assert after.reason("far", URL) == Resting(tmp_path, LOG, clock).reason("far", URL) == ""


def test_it_is_left_alone_longer_each_time_until_it_has_answered_for_long(tmp_path, clock):
    lengths = []
    for _ in range(7):
        rest = Resting(tmp_path, LOG, clock).add("far", URL, 60.0)
        lengths.append(rest.seconds)
        clock.now = rest.until + 60.0
    assert lengths == [min(FIRST * 2**times, MOST) for times in range(7)]
    clock.now += FORGOTTEN
    assert Resting(tmp_path, LOG, clock).add("far", URL, 60.0).seconds == FIRST


def test_who_says_so_has_it_asked_at_once(tmp_path, clock):
    resting = Resting(tmp_path, LOG, clock)
    resting.add("far", URL, 60.0)
    resting.clear()
    assert resting.reason("far", URL) == Resting(tmp_path, LOG, clock).reason("far", URL) == ""
    resting.clear()


def test_who_has_one_asked_at_once_leaves_the_others_and_how_long_they_rest(tmp_path, clock):
    """To load one zone had all of them asked: the worker waited, and was ended, as often as anyone liked."""
    resting = Resting(tmp_path, LOG, clock)
    resting.add("near", URL, 60.0)
    resting.add("far", URL, 60.0)
    resting.end("near", URL)
    for one in (resting, Resting(tmp_path, LOG, clock)):
        assert one.reason("near", URL) == ""
        assert one.reason("far", URL) != ""
    resting.end("near", URL)
    assert resting.add("far", URL, 60.0).seconds == 2 * FIRST


@pytest.mark.parametrize("octets", [b"", b"{", b"[1]", b'{"far 0": {"until": 1}}'])
def test_a_note_that_is_none_has_nobody_wait(tmp_path, clock, octets):
    (tmp_path / NAME).write_bytes(octets)
    assert Resting(tmp_path, LOG, clock).reason("far", URL) == ""


def test_where_there_can_be_no_note_everything_goes_on_without(tmp_path, clock, caplog):
    """What cannot be read ended memmgr at its start; what cannot be written kept sources from being asked."""
    (tmp_path / NAME).mkdir()  # which root, too, cannot read, replace or unlink
    resting = Resting(tmp_path, LOG, clock)
    assert resting.add("near", URL, 60.0).seconds == FIRST
    assert resting.add("far", URL, 60.0).seconds == FIRST
    assert resting.reason("near", URL) != ""
    resting.end("near", URL)
    assert resting.reason("near", URL) == ""
    resting.clear()
    assert resting.reason("far", URL) == ""
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 5
    assert all(f"{tmp_path / NAME}, the note of which data sources are left alone" in line for line in told)


def test_no_password_is_written_and_a_clock_that_was_set_back_has_nobody_wait_for_long(tmp_path, clock):
    Resting(tmp_path, LOG, clock).add("far", URL, 60.0)
    assert b"secret" not in (tmp_path / NAME).read_bytes()
    clock.now -= 1e6
    assert Resting(tmp_path, LOG, clock).reason("far", URL) == ""
