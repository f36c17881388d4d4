"""A place that takes no lines holds nobody up: the queue is bounded, what is dropped is counted and told."""

from __future__ import annotations

import json
import os
import resource
import socket
import threading
import time
from pathlib import Path

import pytest

from daemonkit.log_destinations import Destination, File, Stderr, Syslog, fault, stderr_is_the_journal
from daemonkit.log_entry import Entry, journal_lines, json_line, syslog_datagram, text_lines
from daemonkit.log_sink import Sink


def entry(text: str) -> Entry:
    return Entry(0.0, 20, "toy/0", "TOY_SAW", text)


class Gate(Destination):
    """Takes lines only while it is open, or fails."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.lines: list[str] = []
        self.error: OSError | None = None
        self.tried = threading.Event()

    def write(self, entry: Entry) -> None:
        self.tried.set()
        if self.error is not None:
            raise self.error
        self.open.wait()
        self.lines.append(entry.text)


def sink_to(gate: Gate, limit: int = 10) -> Sink:
    return Sink(gate, gap=lambda count: entry(f"{count} dropped"), limit=limit)


def test_a_blocked_destination_costs_lines_and_never_time():
    """V71."""
    gate = Gate()
    sink = sink_to(gate)
    sink.put(entry("0"))
    assert gate.tried.wait(60)  # it is in hand, and the queue is empty
    for number in range(1, 31):
        sink.put(entry(str(number)))
    assert sink.dropped == 20
    assert not sink.flush(0.05)
    gate.open.set()
    assert sink.flush(10)
    sink.put(entry("last"))
    assert sink.flush(10)
    assert gate.lines == [*map(str, range(11)), "20 dropped", "last"]


def test_a_destination_that_fails_is_tried_again_and_loses_nothing_that_was_queued():
    gate = Gate()
    gate.error = OSError(28, "no space left")
    sink = sink_to(gate)
    for number in range(3):
        sink.put(entry(str(number)))
    assert gate.tried.wait(60)
    gate.error = None
    gate.open.set()
    assert sink.flush(10)
    assert gate.lines == ["0", "1", "2"]


def test_a_sink_that_is_closed_writes_what_is_queued_and_takes_no_more():
    gate = Gate()
    sink = sink_to(gate)
    sink.put(entry("0"))
    sink.close()
    sink.put(entry("1"))
    gate.open.set()
    assert sink.flush(10)
    assert gate.lines == ["0"]
    assert sink.dropped == 1


def test_what_a_destination_does_not_take_at_the_end_is_counted_and_told():
    gate, lost = Gate(), []
    gate.error = OSError(28, "no space left")
    counted = []
    ended = threading.Event()

    def lose(count: int) -> None:
        lost.append(count)
        ended.set()

    sink = Sink(
        gate,
        gap=lambda count: entry(f"{count} dropped"),
        dropped=lambda: counted.append(1),
        lost=lose,
        limit=3,
    )
    sink.put(entry("0"))
    assert gate.tried.wait(60)  # it is in hand
    for number in range(1, 6):
        sink.put(entry(str(number)))
    sink.close()
    assert ended.wait(60)
    assert lost == [6]
    assert (sink.dropped, len(counted)) == (6, 6)


@pytest.mark.parametrize("others", [False, True])
def test_a_line_that_a_full_disk_cuts_is_completed_and_not_written_twice(tmp_path: Path, others):
    """The limit on the size of files does what a full disk does: it takes the beginning of a line. Where somebody else
    has written behind it meanwhile, the line is written again, on a line of its own.
    """
    path = tmp_path / "log"
    file = File(path, json_line)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    entries = [entry(f"{number} " + "x" * 100) for number in range(3)]
    file.write(entries[0])
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, hard))
    try:
        for _ in range(3):
            with pytest.raises(OSError, match="too large"):
                file.write(entries[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    if others:
        with path.open("ab") as other:
            other.write(json_line(entry("other")))
    for one in entries[1:]:
        file.write(one)
    file.close()
    lines = path.read_text().splitlines()
    if others:
        assert lines.pop(1).endswith('"text": "other", "fields": {}}')  # behind the half that is there
    assert [json.loads(line)["text"] for line in lines] == [one.text for one in entries]


def test_idle_moments_are_used():
    gate = Gate()
    gate.open.set()
    asked = threading.Event()

    def idle() -> float:
        asked.set()
        return 0.01

    sink = Sink(gate, gap=lambda count: entry(""), idle=idle)
    sink.put(entry("0"))
    assert asked.wait(60)
    sink.close()


# Destinations.


def test_syslog_gets_what_local_daemons_take(tmp_path: Path):
    address = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(address)
        daemon.settimeout(10)
        destination = Syslog("local3", address)
        destination.write(entry("one"))
        first = daemon.recv(8192).decode()
    assert first.startswith("<158>")  # local3, informational: 19 * 8 + 6
    assert first.endswith(f" bob/toy/0[{os.getpid()}]: TOY_SAW one")
    with pytest.raises(OSError, match="refused"):
        destination.write(entry("two"))
    Path(address).unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:  # restarted
        daemon.bind(address)
        daemon.settimeout(10)
        destination.write(entry("two"))
        assert daemon.recv(8192).endswith(b"TOY_SAW two")
    destination.close()


def test_a_traceback_is_one_datagram_and_priority_goes_with_every_line_of_the_journal():
    broken = Entry(0.0, 40, "toy/0", "TOY_BROKE", "why", traceback=("Traceback", "ValueError: why"))
    assert b"\n" not in syslog_datagram(broken, "daemon")
    assert journal_lines(broken) == b"<3>toy/0 TOY_BROKE why\n<3>toy/0     Traceback\n<3>toy/0     ValueError: why\n"


def test_the_journal_is_only_what_systemd_made_of_standard_error(monkeypatch):
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    assert not stderr_is_the_journal()
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    assert stderr_is_the_journal()


def test_standard_error_that_somebody_made_non_blocking_still_takes_whole_lines(capfd):
    lines = [f"{number} " + "x" * 1000 for number in range(200)]
    reader, writer = os.pipe()
    saved = os.dup(2)
    os.dup2(writer, 2)
    os.set_blocking(2, False)
    seen = bytearray()

    def read() -> None:
        while piece := os.read(reader, 4096):
            seen.extend(piece)
            time.sleep(0.0005)  # slower than the writer, so that the pipe is full now and then

    reading = threading.Thread(target=read)
    reading.start()
    try:
        for line in lines:
            Stderr(text_lines).write(entry(line))
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(writer)
        reading.join(10)
        os.close(reader)
    assert [line.partition("TOY_SAW ")[2] for line in seen.decode().splitlines()] == lines


def test_a_full_disk_shows_as_an_error():
    full = File(Path("/dev/full"), text_lines)
    with pytest.raises(OSError, match="No space left"):
        full.write(entry("x"))
    full.close()


def test_what_cannot_be_a_log_is_told_beforehand(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    assert "no file" in fault(str(tmp_path / "pipe"))
    assert "no file" in fault(str(tmp_path))
    assert "not there" in fault(str(tmp_path / "no" / "log"))
    assert fault(str(tmp_path / "log")) == ""
    assert not (tmp_path / "log").exists()


def test_the_idle_look_lets_go_of_a_removed_file(tmp_path: Path):
    path = tmp_path / "log"
    file = File(path, text_lines)
    file.write(entry("x"))
    assert path in open_files()
    path.unlink()
    file.look()
    assert not [name for name in open_files() if str(path) in str(name)]


def open_files() -> list[Path]:
    found = []
    for place in Path("/proc/self/fd").iterdir():
        try:
            found.append(place.readlink())
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
    return found
