"""The counters of a process and the page of the place it has."""

from __future__ import annotations

from daemonkit.counter_page import CounterPage, page_path
from daemonkit.counters import Counters
from daemonkit.log import LOG_COUNTERS, log_handler
from daemonkit.module import Context
from daemonkit.spec import Spec


def counters_of(spec: Spec, common: Spec) -> Counters:
    """Those of a module, and those every process has."""
    statistics = {**spec.statistics, **common.statistics}
    return Counters(statistics, [name for name, one in statistics.items() if one.is_gauge])


def count_log(counters: Counters) -> None:
    """Count what this process logs, before there is a page; nothing where it has no log of ours."""
    if (handler := log_handler()) is not None:
        share = counters.share(LOG_COUNTERS)
        for index, count in enumerate(handler.statistics().values()):
            share.slots[index] = count
        handler.count_in(share.slots)
        share.count_by(handler.count_in)


def count_in_page(context: Context) -> None:
    """Count in the page of this process's place from now on; where there can be none, in the process alone."""
    counters = context.counters
    path = page_path(context.directories.counters, context.component, context.instance)
    try:
        page, problem = CounterPage.open(path, counters.page_names, counters.gauges)
    except OSError as error:
        context.log.error("DAEMON_COUNTERS_UNUSABLE", path=path, reason=error.strerror or str(error))
        return
    if problem:
        context.log.warning("DAEMON_COUNTERS_SET_ASIDE", path=path, reason=problem)
    counters.count_in(page)
