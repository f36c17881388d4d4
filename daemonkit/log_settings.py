"""The configuration root `logging` as one process sees it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from daemonkit.errors import Rejected
from daemonkit.log_destinations import STDERR, fault

LOGGING = "logging"  # the root
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written where by one process."""

    level: str = "info"
    destinations: tuple[str, ...] = (STDERR,)  # `stderr`, `syslog`, or paths
    form: str = "text"
    facility: str = "daemon"


def log_settings(values: Mapping[str, Any], module: str) -> LogSettings:
    """The settings of a module in the values of the root: its own where it has some, else those of all."""
    own = values["modules"].get(module) or {}
    return LogSettings(
        level=own.get("level") or values["level"],
        destinations=tuple(own.get("destinations") or values["destinations"]),
        form=values["format"],
        facility=values["syslog_facility"],
    )


def check_destinations(values: Mapping[str, Any], module: str) -> None:
    """Raise Rejected where a destination of the module could not be written to now. Blocks."""
    own = values["modules"].get(module) or {}
    path = f"{LOGGING}.modules.{module}.destinations" if own.get("destinations") else f"{LOGGING}.destinations"
    for index, name in enumerate(log_settings(values, module).destinations):
        if reason := fault(name):
            raise Rejected(f"{path}.{index}", f"{name}: {reason}")


def with_way_out(settings: LogSettings) -> tuple[LogSettings, list[str]]:
    """The settings with standard error beside destinations that cannot be written to now, and what is wrong. Blocks.

    For a start: that a log cannot be written is no reason not to serve.
    """
    faults = [f"{name}: {reason}" for name in settings.destinations if (reason := fault(name))]
    if not faults or STDERR in settings.destinations:
        return settings, faults
    return replace(settings, destinations=(*settings.destinations, STDERR)), faults
