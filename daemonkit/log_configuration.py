"""The root `logging` in a commit: every process takes part with it, whatever else it takes of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemonkit.configuration import Config, Prepared
from daemonkit.log import MessageLog, log_handler
from daemonkit.log_settings import LOGGING, check_destinations, log_settings, with_way_out


def check_logging(values: Mapping[str, Any], module: str) -> None:
    """Raise Rejected where this process could not log as it says, and does not do so already. Blocks."""
    handler = log_handler()
    if LOGGING in values and (handler is None or log_settings(values[LOGGING], module) != handler.wanted):
        check_destinations(values[LOGGING], module)


def prepare_logging(config: Config, module: str, log: MessageLog) -> Prepared:
    """What makes this process log as the configuration says. Blocks."""
    handler = log_handler()
    if handler is None or LOGGING not in config.values:  # a test, or a program without a log of its own
        return Prepared()
    wanted = log_settings(config.values[LOGGING], module)
    if wanted == handler.wanted:
        return Prepared()
    settings, faults = with_way_out(wanted)

    def apply() -> None:
        moved = settings.destinations != handler.settings.destinations
        places, level = ", ".join(settings.destinations), settings.level
        if moved:  # said at both places: the old one ends with where it goes on
            log.info("DAEMON_LOG_MOVED", destinations=places, level=level)
        handler.watch(log)
        handler.wanted = wanted
        handler.apply(settings)
        if moved:
            log.info("DAEMON_LOG_MOVED", destinations=places, level=level)
        for fault in faults:
            log.error("DAEMON_LOG_UNUSABLE", reason=fault)

    return Prepared(apply)


def both(first: Prepared, second: Prepared) -> Prepared:
    """Two parts as one."""

    def apply() -> None:
        first.apply()
        second.apply()

    def discard() -> None:
        second.discard()
        first.discard()

    return Prepared(apply, discard, (*first.adjustments, *second.adjustments))
