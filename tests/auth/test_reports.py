"""Messages that clients can provoke come at a bounded rate."""

from __future__ import annotations

from typing import cast

from auth.reports import BURST, WINDOW, Reports
from daemonkit.log import MessageLog


class Log:
    """Remembers what is written."""

    def __init__(self):
        self.written = []

    def __getattr__(self, severity):
        return lambda message_id, *error, **fields: self.written.append((severity, message_id, fields))


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def reports_of(log, clock):
    return Reports(cast("MessageLog", log), clock)


def test_a_burst_is_written_and_the_rest_counted():
    log, clock = Log(), Clock()
    reports = reports_of(log, clock)
    for _ in range(BURST + 30):
        reports.error("A", reason="x")
    assert log.written == [("error", "A", {"reason": "x"})] * BURST
    clock.now += WINDOW
    reports.error("A", reason="y")
    assert log.written[BURST:] == [
        ("warning", "AUTH_MESSAGES_SUPPRESSED", {"id": "A", "count": 30}),
        ("error", "A", {"reason": "y"}),
    ]


def test_messages_do_not_take_each_others_share():
    log = Log()
    reports = reports_of(log, Clock())
    for _ in range(BURST + 1):
        reports.warning("A")
        reports.info("B")
        reports.exception("C", ValueError("x"))
    assert [message_id for _, message_id, _ in log.written] == ["A", "B", "C"] * BURST


def test_nothing_is_told_of_a_window_without_suppression():
    log, clock = Log(), Clock()
    reports = reports_of(log, clock)
    reports.info("A")
    clock.now += WINDOW
    reports.info("A")
    assert len(log.written) == 2
