"""The severity levels of what test cases find, least severe first."""

from __future__ import annotations

import enum


class Level(enum.IntEnum):
    """How bad a finding is (Zonemaster, SeverityLevelDefinitions)."""

    DEBUG3 = -2
    DEBUG2 = -1
    DEBUG = 0
    INFO = 1
    NOTICE = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5
