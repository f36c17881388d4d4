"""Metrics as Prometheus reads them (exposition format 0.0.4), with the names of interfaces every DNS dashboard knows.

Prefix `bobdns_`, base units, counters end in `_total`. The labels say which component (`component="auth"`) and which
place of it (`member="auth/0"`) counted; `instance` is Prometheus's own label.
"""

from __future__ import annotations

import itertools
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from daemonkit.durations import BOUNDS, Histogram
from daemonkit.spec import Spec
from stats.view import GONE, RUNNING, UNKNOWN, Place, View
from stats.zonecounts import ZoneCounts

__all__ = ["CONTENT_TYPE_LATEST", "Zones", "exposition"]

PREFIX = "bobdns"
COMMON = "daemonkit"  # its counters every component has
PLACE_LABELS = ("component", "member")
DURATIONS = {  # family -> text, and what its label is called, if it has one
    "command": ("From the arrival of a command on the bus to its outcome.", "command"),
    "configuration_commit": ("From the beginning of a commit of configuration to its end, refused ones too.", ""),
    "request": ("From the head of a REST request to the end of its answer.", "route"),
}


@dataclass(frozen=True, slots=True)
class Split:
    """Counters that are one metric, told apart by a label."""

    metric: str
    label: str
    text: str
    values: Mapping[str, str]  # counter -> value of the label


_FAMILIES = {"request.v4": "1", "request.v6": "2"}  # address family numbers of IANA
_TRANSPORTS = {"request.udp": "udp", "request.tcp": "tcp"}
OTHER = "other"
_SEVERITIES = ("debug", "info", "warning", "error")


def _after(prefix: str, names: Iterable[str]) -> dict[str, str]:
    return {name: name.removeprefix(prefix) for name in names if name.startswith(prefix)}


def _splits(module: str, names: Iterable[str]) -> list[Split]:
    names = list(names)
    if module == "auth":
        return [
            Split("requests_by_family", "family", "Requests by family of the address.", _present(_FAMILIES, names)),
            Split("requests_by_transport", "transport", "Requests by transport.", _present(_TRANSPORTS, names)),
            Split("requests_by_opcode", "opcode", "Requests by opcode.", _after("opcode.", names)),
            Split("queries_by_type", "type", "Queries by type of the question.", _types(names)),
            Split("responses_by_rcode", "rcode", "Responses by rcode.", _after("rcode.", names)),
        ]
    if module == COMMON:
        severities = [name for name in names if name.removeprefix("log.") in _SEVERITIES]
        return [Split("log_messages", "severity", "Log messages by severity.", _after("log.", severities))]
    return []


def _types(names: Iterable[str]) -> dict[str, str]:
    """In capitals, as dashboards know them; `other` is no type."""
    return {name: OTHER if text == OTHER else text.upper() for name, text in _after("qtype.", names).items()}


def _present(known: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: known[name] for name in names if name in known}


@dataclass(frozen=True, slots=True)
class Zones:
    """The serials of zones, a bounded number of them."""

    serials: Mapping[str, int] = field(default_factory=dict)
    more: bool = False  # there are zones beyond these
    sources: Mapping[str, bool] = field(default_factory=dict)  # which data sources can be read


class Exposition(Collector):
    """One view, as metrics."""

    def __init__(self, view: View, zones: Zones, counted: ZoneCounts, specs: Mapping[str, Spec], version: str) -> None:
        self._view = view
        self._zones = zones
        self._counted = counted
        self._specs = specs
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        build = GaugeMetricFamily(f"{PREFIX}_build_info", "The release.", labels=["version", "python"])
        build.add_metric([self._version, platform.python_version()], 1)
        yield build
        yield from self._of_components()
        for module, spec in self._specs.items():
            places = list(self._view.places) if module == COMMON else self._view.of(module)
            yield from _of_module(module, spec, places)
        yield from self._of_durations()
        yield from self._of_zones()
        yield from self._counted_in_zones()

    def _of_durations(self) -> Iterator[Metric]:
        for family, (text, label) in DURATIONS.items():
            labels = (*PLACE_LABELS, label) if label else PLACE_LABELS
            metric = HistogramMetricFamily(f"{PREFIX}_{family}_duration_seconds", text, labels=labels)
            for place in self._view.places:
                for name, told in place.durations.get(family, {}).items():
                    here = [place.component, place.member, *([name] if label else [])]
                    metric.add_metric(here, _buckets(told), told.seconds)
            yield metric

    def _of_components(self) -> Iterator[Metric]:
        suite = self._view.suite
        answers = GaugeMetricFamily(f"{PREFIX}_up", "Whether bob, the supervisor, answers.")
        answers.add_metric([], suite is not None)
        yield answers
        if suite is not None:
            started = GaugeMetricFamily(f"{PREFIX}_start_time_seconds", "When the suite started, since 1970.")
            started.add_metric([], suite.started)
            yield started
        up = GaugeMetricFamily(f"{PREFIX}_component_up", "Whether it runs, as bob says.", labels=PLACE_LABELS)
        restarts = CounterMetricFamily(
            f"{PREFIX}_component_restarts", "Restarts after failures, since the suite started.", labels=PLACE_LABELS
        )
        processor = CounterMetricFamily(
            f"{PREFIX}_component_cpu_seconds", "Processor time of the process that runs there now.", labels=PLACE_LABELS
        )
        memory = GaugeMetricFamily(
            f"{PREFIX}_component_resident_memory_bytes", "Resident memory of that process.", labels=PLACE_LABELS
        )
        for place in self._view.places:
            if place.state in (GONE, UNKNOWN):  # the one would be an alert for ever, of the other nobody knows
                continue
            labels = [place.component, place.member]
            up.add_metric(labels, place.state == RUNNING and place.usage is not None)
            restarts.add_metric(labels, place.restarts)
            if place.usage is not None:
                processor.add_metric(labels, place.usage.cpu_seconds)
                memory.add_metric(labels, place.usage.memory_bytes)
        yield from (up, restarts, processor, memory)

    def _of_zones(self) -> Iterator[Metric]:
        sources = GaugeMetricFamily(
            f"{PREFIX}_data_source_up", "Whether the data source can be read.", labels=["source"]
        )
        for name, readable in self._zones.sources.items():
            sources.add_metric([name], readable)
        serials = GaugeMetricFamily(f"{PREFIX}_zone_serial", "The serial in the data source.", labels=["zone"])
        for zone, serial in self._zones.serials.items():
            serials.add_metric([zone], serial)
        more = GaugeMetricFamily(f"{PREFIX}_zone_serials_left_out", "Whether there are more zones than serials here.")
        more.add_metric([], self._zones.more)
        yield from (sources, serials, more)

    def _counted_in_zones(self) -> Iterator[Metric]:
        """The sum over all instances, for zones that are to be counted; 0 is left out where a label tells what."""
        zones = self._counted.zones
        names = list(next(iter(zones.values()), {}))
        splits = _splits("auth", names)
        for split in splits:
            metric = CounterMetricFamily(f"{PREFIX}_zone_{split.metric}", split.text, labels=("zone", split.label))
            for zone, counters in zones.items():
                for name, value in split.values.items():
                    if counters[name]:
                        metric.add_metric([zone, value], counters[name])
            yield metric
        taken = {name for split in splits for name in split.values}
        for name in names:
            if name not in taken:
                text = self._specs["auth"].statistics[name].text
                plain = CounterMetricFamily(f"{PREFIX}_zone_{name.replace('.', '_')}", text, labels=("zone",))
                for zone, counters in zones.items():
                    plain.add_metric([zone], counters[name])
                yield plain
        more = GaugeMetricFamily(f"{PREFIX}_zone_counters_left_out", "Whether more zones are counted than are here.")
        more.add_metric([], self._counted.more)
        yield more


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulated, as the exposition format has them."""
    bounds = (*map(str, BOUNDS), "+Inf")
    return list(zip(bounds, itertools.accumulate(histogram.counts), strict=True))


def exposition(view: View, zones: Zones, counted: ZoneCounts, specs: Mapping[str, Spec], version: str) -> bytes:
    """The text of all metrics."""
    text: bytes = generate_latest(Exposition(view, zones, counted, specs, version))
    return text


def _of_module(module: str, spec: Spec, places: list[Place]) -> Iterator[Metric]:
    prefix = PREFIX if module == COMMON else f"{PREFIX}_{module}"
    splits = _splits(module, spec.statistics)
    for split in splits:
        family = CounterMetricFamily(f"{prefix}_{split.metric}", split.text, labels=(*PLACE_LABELS, split.label))
        for place in places:
            for name, value in split.values.items():
                if name in place.counters:
                    family.add_metric([place.component, place.member, value], place.counters[name])
        yield family
    taken = {name for split in splits for name in split.values}
    for name, statistic in spec.statistics.items():
        if name in taken:
            continue
        kind = GaugeMetricFamily if statistic.is_gauge else CounterMetricFamily
        plain = kind(f"{prefix}_{name.replace('.', '_')}", statistic.text, labels=PLACE_LABELS)
        for place in places:
            if name in place.counters and (place.lives or not statistic.is_gauge):
                plain.add_metric([place.component, place.member], place.counters[name])
        yield plain
