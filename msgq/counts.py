"""What a broker has seen since it started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Counters; the names are those of the statistics in specs/msgq.yaml."""

    calls: int = 0
    answers: int = 0
    refusals: int = 0
    no_recipient: int = 0
    recipient_died: int = 0
    deadlines: int = 0
    unavailable: int = 0
    outcomes_dropped: int = 0
    late_answers: int = 0
    events: int = 0
    deliveries: int = 0
    events_dropped: int = 0
    notices_dropped: int = 0
    registrations: int = 0
    rejections: int = 0
    junk: int = 0
    unsent: int = 0
