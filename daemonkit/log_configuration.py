"""The root `logging` in a commit: every process takes part with it, whatever else it takes of the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from daemonkit.configuration import Config, Prepared
from daemonkit.log import LogHandler, MessageLog, log_handler
from daemonkit.log_settings import LOGGING, LogSettings, check_destinations, log_settings, with_way_out
from daemonkit.module import Context

LANE = "logging"  # the thread that looks at destinations


async def logging_part(context: Context, config: Config, *, asked: bool) -> Prepared:
    """What makes this process log as the configuration says.

    Who is `asked` before the commit point raises Rejected where it could not log so and does not do so already. A
    revision that says nothing new about it waits for no thread; another one only for that of the log: in the worker
    thread it would stand behind whatever that has in hand.
    """
    values, module, handler = config.values, context.spec.module, log_handler()
    if LOGGING not in values:  # a program without a log of its own
        return Prepared()
    wanted = log_settings(values[LOGGING], module)
    if handler is not None and wanted == handler.wanted:
        return Prepared()
    if asked:
        await context.work_apart(LANE, check_destinations, values[LOGGING], module)
    if handler is None:  # a test
        return Prepared()
    settings, faults = await context.work_apart(LANE, with_way_out, wanted)
    return Prepared(lambda: _move(handler, context.log, wanted, settings, faults))


def _move(
    handler: LogHandler, log: MessageLog, wanted: LogSettings, settings: LogSettings, faults: Sequence[str]
) -> None:
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


def both(first: Prepared, second: Prepared) -> Prepared:
    """Two parts as one."""

    def apply() -> None:
        first.apply()
        second.apply()

    def discard() -> None:
        second.discard()
        first.discard()

    return Prepared(apply, discard, (*first.adjustments, *second.adjustments))
