"""The last lines of processes in the run directory: kept over their end, bounded in number, and never half read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from daemonkit.log import own_log
from daemonkit.log_files import FORGOTTEN, KEPT, KEPT_OF_ONE, SIZE, forget_lines, read_lines
from daemonkit.log_ring import LogLine
from tests.kit.last_lines import hold, leave_lines

LOG = own_log("bob")
PROGRAM = """
import logging, sys
from pathlib import Path
from daemonkit.log import own_log, rename_log, start_logging
from daemonkit.log_files import keep_lines
start_logging("auth/spare")
logging.getLogger("x").warning("before there is a file")
keep_lines(Path(sys.argv[1]), "auth")
logging.getLogger("x").warning("as a spare, with postgresql://ann:hidden@host/db")
rename_log("auth/1")
logging.getLogger("x").error("the last words")
print("said", flush=True)
sys.stdin.read()
"""


def line(moment: float, who: str = "toy/0", severity: str = "info") -> LogLine:
    return LogLine(moment, severity, who, "TOY_SAW", f"at {moment}")


def test_lines_of_a_process_that_was_killed_are_there(tmp_path):
    directory = tmp_path / "log"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"said\n"
        ((lives,), problems) = read_lines(directory)
        process.kill()
    ((ended,), _) = read_lines(directory)
    assert (lives.ended, ended.ended, problems) == (False, True, {})
    assert (ended.pid, ended.image.who) == (process.pid, "auth/1")
    assert [(one.who, one.text) for one in ended.image.after(0)] == [
        ("auth/spare", "before there is a file"),
        ("auth/spare", "as a spare, with postgresql://ann:***@host/db"),
        ("auth/1", "the last words"),
    ]
    assert (directory.stat().st_mode & 0o777, next(directory.iterdir()).stat().st_mode & 0o777) == (0o700, 0o600)


def test_lines_beyond_a_place_and_of_a_level_are_wanted(tmp_path):
    severities = ("debug", "info", "warning", "error")
    leave_lines(tmp_path, 7, "toy/0", *(line(float(number), severity=one) for number, one in enumerate(severities)))
    ((process,), _) = read_lines(tmp_path)
    assert [one.time for one in process.wanted(0, "warning")[1]] == [2.0, 3.0]
    assert [one.time for one in process.wanted(3, "debug")[1]] == [3.0]
    assert process.wanted(4, "debug") == (0, [])
    assert len(process.wanted(1000, "debug")[1]) == 4  # the place is in the log of another process of this number


def test_lines_that_are_gone_are_counted(tmp_path):
    leave_lines(tmp_path, 7, "toy/0", *(line(float(number)) for number in range(2000)))
    ((process,), _) = read_lines(tmp_path)
    gone, lines = process.wanted(1, "debug")
    assert (gone + len(lines), lines[-1].time) == (1999, 1999.0)


def test_of_ended_processes_the_newest_are_kept_and_of_running_ones_all(tmp_path):
    lives = hold(leave_lines(tmp_path, 1, "toy/0", line(0.0)))
    for number in range(KEPT_OF_ONE + 2):
        leave_lines(tmp_path, 100 + number, "toy/0", line(float(number)))
    (tmp_path / "5.lines").write_bytes(b"damaged")
    forget_lines(tmp_path, LOG)
    kept = {1, *(102 + number for number in range(KEPT_OF_ONE))}
    assert {process.pid for process in read_lines(tmp_path)[0]} == kept
    assert read_lines(tmp_path)[1] == {"5.lines": "it has only 7 octets"}
    for number in range(KEPT + 5):
        leave_lines(tmp_path, 1000 + number, f"more{number}/0", line(100.0 + number))
    forget_lines(tmp_path, LOG)
    assert {process.pid for process in read_lines(tmp_path)[0]} == {1, *(1005 + number for number in range(KEPT))}
    assert read_lines(tmp_path)[1] == {}
    os.close(lives)


def test_what_a_process_left_that_was_killed_while_it_made_its_file_goes(tmp_path):
    old, new = tmp_path / ".7.lines", tmp_path / ".8.lines"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    assert FORGOTTEN > 1
    forget_lines(tmp_path, LOG)
    assert (old.exists(), new.exists()) == (False, True)


def test_what_is_no_file_of_lines_is_told_and_not_followed(tmp_path):
    (tmp_path / "other").write_bytes(bytes(SIZE))
    (tmp_path / "7.lines").symlink_to(tmp_path / "other")
    (tmp_path / "8.lines").mkdir()
    (tmp_path / "9.lines").write_bytes(bytes(SIZE))
    found, problems = read_lines(tmp_path)
    assert found == []
    assert problems["7.lines"].startswith("it cannot be opened")
    assert problems["8.lines"] == "it is no regular file"
    assert problems["9.lines"] == "it holds no lines of a log"
    assert read_lines(tmp_path / "nowhere") == ([], {})


def test_a_process_that_can_have_no_file_says_so_and_goes_on(tmp_path):
    limited = f"resource.setrlimit({int(resource.RLIMIT_FSIZE)}, (3, 3)); keep_lines(Path"
    program = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)" + PROGRAM.replace(
        "keep_lines(Path", limited
    )
    directory = tmp_path / "log"
    done = subprocess.run([sys.executable, "-c", program, str(directory)], capture_output=True, input=b"", check=True)
    assert f"DAEMON_LINES_UNKEPT the last lines of this process cannot be kept at {directory}".encode() in done.stderr
    assert b"File too large" in done.stderr
    assert b"the last words" in done.stderr
    assert list(directory.iterdir()) == []


def test_what_cannot_be_removed_is_told(tmp_path, caplog):
    (tmp_path / "log").write_text("")
    forget_lines(tmp_path / "log", LOG)
    assert "DAEMON_LINES_LEFT" in caplog.text
