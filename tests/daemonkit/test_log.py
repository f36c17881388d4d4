"""Log messages: IDs, texts of the spec, nothing forged, nothing secret, floods bounded."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemonkit.counter_page import CounterPage, read_page
from daemonkit.counters import Counters
from daemonkit.counting import count_log
from daemonkit.log import (
    LOG_COUNTERS,
    LogHandler,
    MessageLog,
    escape,
    log_handler,
    log_statistics,
    rename_log,
    start_logging,
)
from daemonkit.log_entry import Entry
from daemonkit.log_limits import ORDINARY, PROVOKED, WINDOW, Limits
from daemonkit.log_settings import LogSettings
from daemonkit.spec import Spec
from tests.kit.suite import wait_until


@dataclass
class Text:
    text: str
    provoked: bool = False


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


MESSAGES = {
    "TOY_SAW": Text("saw {name}"),
    "TOY_BROKE": Text("broke: {error}"),
    "TOY_ASKED": Text("asked by {name}", provoked=True),
    "DAEMON_MESSAGES_SUPPRESSED": Text("{count} more {id} in {seconds} s"),
}


class Here:
    """In the place of a sink."""

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def put(self, entry: Entry) -> None:
        self._said.append(entry.said)

    def flush(self, _timeout: float) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock) -> MessageLog:
    return MessageLog("toy", MESSAGES, Limits(clock))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[LogHandler]:
    """Logging as a daemon has it, for one test, and with more patience: flush() returns when all is written."""
    monkeypatch.setattr("daemonkit.log.FLUSH_TIMEOUT", 30.0)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        start_logging("toy/0")
        handler = log_handler()
        assert handler is not None
        yield handler
    finally:
        for installed in root.handlers:
            installed.close()
        root.handlers[:] = before
        root.setLevel(level)


def test_a_message_is_its_id_and_its_text(log, caplog):
    with caplog.at_level(logging.INFO, "toy"):
        log.info("TOY_SAW", name="example.org")
    assert caplog.messages == ["TOY_SAW saw example.org"]


def test_what_comes_from_outside_cannot_forge_a_line(log, caplog):
    """V71."""
    with caplog.at_level(logging.INFO, "toy"):
        log.info("TOY_SAW", name="a\nTOY_BROKE b\x1b[31m\x9b\u2028")
    assert caplog.messages == ["TOY_SAW saw a\\x0aTOY_BROKE b\\x1b[31m\\x9b\\u2028"]


@pytest.mark.parametrize("code", [0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)])
def test_nothing_that_is_shown_in_another_order_than_it_is_reaches_a_log(code):
    """V71."""
    assert escape(f"a{chr(code)}b") == f"a\\u{code:04x}b"


def test_braces_in_a_field_are_only_text(log, caplog):
    with caplog.at_level(logging.INFO, "toy"):
        log.info("TOY_SAW", name="{error} %s")
    assert caplog.messages == ["TOY_SAW saw {error} %s"]


def test_an_exception_comes_with_its_traceback(log, caplog):
    try:
        raise ValueError("why")
    except ValueError as error:
        log.exception("TOY_BROKE", error)
    assert caplog.messages == ["TOY_BROKE broke: why"]
    assert caplog.records[0].exc_info


def test_a_level_that_is_off_costs_no_formatting(log, caplog):
    with caplog.at_level(logging.WARNING, "toy"):
        log.info("TOY_SAW")  # the missing field would raise
    assert caplog.messages == []


def test_printable_text_is_left_alone():
    assert escape("Zürich – ünïcode") == "Zürich – ünïcode"


def test_octets_of_a_file_name_that_are_no_utf8_are_shown_and_any_other_half_of_a_pair():
    assert escape(os.fsdecode(b"caf\xe9.zone")) == "caf\\xe9.zone"
    assert escape("\udcff \ud800") == "\\xff \\ud800"


def test_a_field_is_not_endless():
    assert escape("a" * 5000) == "a" * 2048 + "... (2952 more characters)"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("cannot reach postgresql+psycopg://ann:s3cr3t@db/zones", "cannot reach postgresql+psycopg://ann:***@db/zones"),
        ("host=db password=s3cr3t dbname=zones", "host=db password=*** dbname=zones"),
        ("https://ann@example.org/a:b", "https://ann@example.org/a:b"),
        ("http://localhost:8053/v1 or http://h:80", "http://localhost:8053/v1 or http://h:80"),
        ("x" * 2000 + " mysql://ann:" + "s" * 3000 + "@db", "x" * 2000 + " mysql://ann:***... (2968 more characters)"),
        ("x" * 2000 + " password=" + "s" * 3000, "x" * 2000 + " password=***... (2962 more characters)"),
    ],
)
def test_no_password_of_a_drivers_error_text_is_written(said, kept):
    """V72."""
    assert escape(said) == kept


@pytest.mark.parametrize("length", [2_000, 16_000, 200_000])
@pytest.mark.parametrize(
    ("begin", "pattern"),
    [
        *(
            ("", text)
            for text in ("a", "a+", "://", "a://", "a://b:", "a://b:c ", "a://b:c@", "http://a/", "\x00", "é")
        ),
        *(("", text) for text in ("\ud800", "secret", "secret ", "secret=", "secret = ", "password=x,")),
        *(("secret", " "), ("secret=", " "), ("a://", "b"), ("a://b:", "c")),
    ],
)
def test_no_text_that_a_stranger_chooses_takes_long(begin, pattern, length):
    """V71."""
    text = begin + pattern * (length // len(pattern))
    rounds = []
    for _ in range(5):
        begun = time.thread_time()
        escape(text)
        rounds.append(time.thread_time() - begun)
    assert min(rounds) < 0.02  # half a millisecond is meant


def test_a_flood_of_what_a_library_says_is_bounded_counted_and_told(started, clock, log, monkeypatch):
    """V71: a driver that is asked for every query, and fails, has something to say for each."""
    monkeypatch.setattr(started, "_libraries", Limits(clock))
    said: list[str] = []
    monkeypatch.setattr(started, "_sinks", {"here": Here(said)})
    started.watch(log)
    for _ in range(ORDINARY + 30):
        logging.getLogger("asyncio").error("cannot")
    logging.getLogger("sqlalchemy").error("is not hidden by the flood")
    assert said == ["cannot"] * ORDINARY + ["is not hidden by the flood"]
    assert log_statistics()["log.suppressed"] == 30
    clock.now += WINDOW
    assert started._idle() is None
    assert said[-1] == f"DAEMON_MESSAGES_SUPPRESSED 30 more asyncio in {WINDOW:.0f} s"
    logging.getLogger("asyncio").error("can")
    assert said[-1] == "can"


def test_a_flood_of_one_message_is_bounded_counted_and_told(log, clock, caplog):
    """V71."""
    with caplog.at_level(logging.INFO, "toy"):
        for _ in range(ORDINARY + 30):
            log.info("TOY_SAW", name="x")
        log.warning("TOY_BROKE", error="y")  # is not hidden by the flood
        assert caplog.messages == ["TOY_SAW saw x"] * ORDINARY + ["TOY_BROKE broke: y"]
        assert log._limits.suppressed == 30
        caplog.clear()
        clock.now += WINDOW
        log.info("TOY_SAW", name="z")
    assert caplog.messages == ["DAEMON_MESSAGES_SUPPRESSED 30 more TOY_SAW in 60 s", "TOY_SAW saw z"]


def test_what_strangers_can_provoke_comes_a_few_times_a_minute(log, clock, caplog):
    with caplog.at_level(logging.INFO, "toy"):
        for _ in range(PROVOKED + 1):
            log.info("TOY_ASKED", name="x")
    assert len(caplog.messages) == PROVOKED
    assert log.tell_suppressed() == WINDOW


def test_a_flood_that_is_over_is_told_without_another_message(log, clock, caplog):
    with caplog.at_level(logging.INFO, "toy"):
        for _ in range(PROVOKED + 7):
            log.info("TOY_ASKED", name="x")
        clock.now += WINDOW + 1
        caplog.clear()
        assert log.tell_suppressed() is None
    assert caplog.messages == ["DAEMON_MESSAGES_SUPPRESSED 7 more TOY_ASKED in 61 s"]


def test_nothing_is_told_of_a_window_without_suppression(log, clock, caplog):
    with caplog.at_level(logging.INFO, "toy"):
        log.info("TOY_ASKED", name="x")
        clock.now += WINDOW
        log.info("TOY_ASKED", name="x")
    assert len(caplog.messages) == 2


# As a daemon has it.


def test_a_process_that_took_another_place_logs_under_its_name(started, log, capfd):
    log.info("TOY_SAW", name="x")
    rename_log("toy/1")
    log.info("TOY_SAW", name="y")
    logging.shutdown([lambda: started])
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["INFO toy/0 TOY_SAW saw x", "INFO toy/1 TOY_SAW saw y"]


def test_what_a_library_says_cannot_forge_a_line_either(started, capfd):
    logging.getLogger("elsewhere").warning("one\n2030-01-01T00:00:00.000Z ERROR bob/0 two")
    started.flush()
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_no_line_of_a_traceback_looks_like_a_message(started, log, capfd):
    try:
        raise ValueError("one\n2030-01-01T00:00:00.000Z ERROR bob/0 two")
    except ValueError as error:
        log.exception("TOY_BROKE", error)
    started.flush()
    head, *rest = capfd.readouterr().err.splitlines()
    assert "TOY_BROKE broke: one\\x0a2030" in head
    assert rest
    assert all(line.startswith("    ") for line in rest)


@pytest.mark.parametrize("value", [chr(0xDCFF), chr(0xD800), os.fsdecode(b"/zones/caf\xe9"), OSError("\udcff")])
def test_a_name_that_is_no_utf8_is_logged_and_kept_and_nobody_fails_for_it(started, log, capfd, value):
    log.warning("TOY_SAW", name=value)
    logging.getLogger("library").warning("saw %s", value)
    try:
        raise ValueError(value)
    except ValueError as error:
        log.exception("TOY_BROKE", error)
    started.flush()
    assert [line.text for line in started.last_lines()] == [
        f"saw {escape(value)}",
        f"saw {escape(value)}",
        f"broke: {escape(value)}",
    ]
    assert f"TOY_SAW saw {escape(value)}" in capfd.readouterr().err
    assert log_statistics()["log.dropped"] == 0


def test_a_line_that_cannot_be_kept_in_memory_is_counted_and_written_all_the_same(started, log, capfd, monkeypatch):
    def refuses(entry: object) -> None:
        raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(started._ring, "add", refuses)
    log.warning("TOY_SAW", name="x")
    started.flush()
    assert "TOY_SAW saw x" in capfd.readouterr().err
    assert log_statistics()["log.dropped"] == 1


def test_destinations_format_and_level_change_at_run_time(started, log, capfd, tmp_path):
    file = tmp_path / "log"
    log.info("TOY_SAW", name="first")
    started.revision = 7
    started.apply(LogSettings("debug", (str(file),), "json"))
    log.debug("TOY_SAW", name="second", count=3)
    try:
        raise ValueError("why")
    except ValueError as error:
        log.exception("TOY_BROKE", error)
    started.apply(LogSettings("warning", ("stderr",)))
    log.info("TOY_SAW", name="third")
    log.warning("TOY_SAW", name="fourth")
    wait_until(
        lambda: file.exists() and len(file.read_text().splitlines()) == 2, what="the file has what was queued for it"
    )
    pieces: list[str] = []

    def lines() -> list[str]:
        pieces.append(capfd.readouterr().err)
        return "".join(pieces).splitlines()

    wait_until(lambda: len(lines()) == 2, what="the thread of each standard error has written")
    said = sorted(line.split(" ", 1)[1] for line in lines())
    assert said == ["INFO toy/0 TOY_SAW saw first", "WARNING toy/0 TOY_SAW saw fourth"]
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    assert entries[0] | {"time": ""} == {
        "time": "",
        "severity": "debug",
        "who": "toy/0",
        "id": "TOY_SAW",
        "text": "saw second",
        "fields": {"name": "second", "count": 3},
        "revision": 7,
    }
    assert entries[1]["traceback"][-1] == "ValueError: why"
    counted = {"log.debug": 1, "log.info": 1, "log.warning": 1, "log.error": 1, "log.suppressed": 0, "log.dropped": 0}
    assert log_statistics() == counted
    assert counted.keys() == Spec.load("daemonkit").statistics.keys()


def test_what_is_logged_is_counted_in_the_page_at_once(started, log, tmp_path: Path):
    """A kill loses none: nobody has to bring the counts there."""
    log.warning("TOY_BROKE", error="before there is a page")
    counters = Counters([*LOG_COUNTERS, "other"])
    count_log(counters)
    path = tmp_path / "toy.0.counters"
    counters.count_in(CounterPage.open(path, counters.page_names)[0])
    for _ in range(ORDINARY + 3):
        log.info("TOY_SAW", name="x")
    counted = {name: count for name, count in read_page(path).values.items() if count}
    assert counted == {"log.info": ORDINARY, "log.warning": 1, "log.suppressed": 3}
    assert log_statistics()["log.info"] == ORDINARY


def test_the_suites_own_messages_have_the_field_that_bounds_them():
    provoked = {name for name, message in Spec.load("auth").messages.items() if message.provoked}
    assert provoked >= {"AUTH_INTERNAL_ERROR", "AUTH_ZONE_UNUSABLE", "AUTH_DATA_SOURCE_FAILED"}


def test_a_file_that_is_rotated_is_made_anew(started, log, tmp_path: Path):
    file, old = tmp_path / "log", tmp_path / "log.1"
    started.apply(LogSettings(destinations=(str(file),)))
    log.info("TOY_SAW", name="before")
    started.flush()
    file.rename(old)
    log.info("TOY_SAW", name="after")
    started.flush()
    assert "before" in old.read_text()
    assert "after" not in old.read_text()
    assert "after" in file.read_text()


def test_the_last_lines_are_kept_as_they_were_written_and_nothing_secret(started, log):
    log.info("TOY_SAW", name="one\x1b[2J")
    log.debug("TOY_SAW", name="not at this level")
    logging.getLogger("library").warning("cannot open %s", "postgresql://ann:hidden@host/db")
    assert [(line.severity, line.who, line.id, line.text) for line in started.last_lines()] == [
        ("info", "toy/0", "TOY_SAW", "saw one\\x1b[2J"),
        ("warning", "toy/0", "", "cannot open postgresql://ann:***@host/db"),
    ]
