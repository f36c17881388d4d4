"""Watching one answer being made: the zones, ACLs and nodes that the answer algorithm meets, without touching it.

Data and zone table are replaced by ones that note what they are asked and hand on to the real ones; the engine, which
knows nothing of it, answers as it always does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from dns.name import Name
from dns.rdatatype import RdataType

from auth.acl import Acl, Action, Requester
from auth.engine import Engine, Serving, ZoneData
from auth.tally import Tally
from auth.zones import ZonePolicy, ZoneTable
from daemonkit.counters import Counters
from daemonkit.log import MessageLog, MessageText
from daemonkit.spec import Spec
from datasrc.records import Lookup, Match, ZoneInfo
from datasrc.source import Finder, Snapshot

_ENDS = frozenset({Match.SUCCESS, Match.NODATA, Match.NXDOMAIN, Match.DELEGATION})


@dataclass(frozen=True, slots=True)
class Decision:
    """What an ACL said; `rule` is the index of the rule that matched, None where none did."""

    origin: Name
    action: Action
    rule: int | None
    source: Any  # the rule as the configuration has it


@dataclass(slots=True)
class Step:
    """One name on the way of a question (the first, and each that a CNAME or DNAME led to)."""

    name: Name
    zone: ZoneInfo | None = None
    decision: Decision | None = None
    found: Lookup | None = None
    types: tuple[int, ...] = ()  # what else is at the node, where the type asked for is not


@dataclass(slots=True)
class Observation:
    """The steps of one answer, and what would have been logged."""

    rdtype: int
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def asked_zone(self, name: Name, finder: Finder | None) -> None:
        """A zone was looked for, to answer a name from."""
        if not self._is_over(name):
            self._step(name).zone = None if finder is None else finder.info

    def decided(self, decision: Decision) -> None:
        """An ACL was asked; after a lookup that ended the chain it is about additional records."""
        if self.steps and self.steps[-1].found is None:
            self.steps[-1].decision = decision

    def looked_up(self, finder: Finder, name: Name, found: Lookup) -> None:
        """A name was looked up in a zone."""
        if self._is_over(name):
            return
        step = self._step(name)
        step.zone, step.found = finder.info, found
        if found.match is Match.NODATA:
            step.types = tuple(sorted({rrset.rdtype for rrset in finder.find(name, RdataType.ANY).rrsets}))

    def _is_over(self, name: Name) -> bool:
        """Whether the chain has ended at another name: what is looked up after that is additional."""
        last = self.steps[-1] if self.steps else None
        return last is not None and last.found is not None and last.found.match in _ENDS and last.name != name

    def _step(self, name: Name) -> Step:
        """The step of this name; a DS query looks into the zone above first, and that is one step."""
        if not self.steps or (self.steps[-1].found is not None and self.steps[-1].name != name):
            self.steps.append(Step(name))
        self.steps[-1].name = name
        return self.steps[-1]


class ObservedData:
    """Zone data that notes which zones and names are looked up in it."""

    def __init__(self, data: ZoneData, observation: Observation) -> None:
        self._data = data
        self._observation = observation

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """A consistent view, observed."""
        return self._snapshot()

    @contextmanager
    def _snapshot(self) -> Iterator[Snapshot]:
        with self._data.snapshot() as snapshot:
            yield _ObservedSnapshot(snapshot, self._observation)


class _ObservedSnapshot(Snapshot):
    def __init__(self, snapshot: Snapshot, observation: Observation) -> None:
        self._snapshot = snapshot
        self._observation = observation

    def find_zone(self, name: Name) -> Finder | None:
        finder = self._snapshot.find_zone(name)
        self._observation.asked_zone(name, finder)
        return self._observed(finder)

    def zone(self, origin: Name) -> Finder | None:
        return self._observed(self._snapshot.zone(origin))

    def _observed(self, finder: Finder | None) -> Finder | None:
        return None if finder is None else cast("Finder", _ObservedFinder(finder, self._observation))


class _ObservedFinder:
    """Everything a finder is, with `find` observed."""

    def __init__(self, finder: Finder, observation: Observation) -> None:
        self._finder = finder
        self._observation = observation

    def find(self, name: Name, rdtype: int, *, below_cuts: bool = False) -> Lookup:
        found = self._finder.find(name, rdtype, below_cuts=below_cuts)
        if rdtype == self._observation.rdtype and not below_cuts:
            self._observation.looked_up(self._finder, name, found)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


class _ObservedAcl:
    """An ACL that notes what it decides."""

    def __init__(self, acl: Acl, origin: Name, observation: Observation) -> None:
        self._acl = acl
        self._origin = origin
        self._observation = observation

    def decide(self, requester: Requester) -> Action:
        action, rule = self._acl.decide(requester), self._acl.deciding(requester)
        source = None if rule is None else self._acl.source[rule]
        self._observation.decided(Decision(self._origin, action, rule, source))
        return action


class _ObservedTable:
    """A table of zones whose ACLs are observed."""

    def __init__(self, table: ZoneTable, observation: Observation) -> None:
        self._table = table
        self._observation = observation

    def policy(self, origin: Name) -> ZonePolicy:
        policy = self._table.policy(origin)
        return replace(policy, query_acl=cast("Acl", _ObservedAcl(policy.query_acl, origin, self._observation)))

    @property
    def rows(self) -> None:
        """Nothing is counted."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


class _NotedLog(MessageLog):
    """Keeps what it is told to write; nothing of it is logged."""

    def __init__(self, messages: Mapping[str, MessageText], observation: Observation) -> None:
        super().__init__("auth", messages)
        self._texts = messages
        self._observation = observation

    def _write(
        self, _level: int, message_id: str, fields: Mapping[str, object], _error: BaseException | None = None
    ) -> None:
        self._observation.notes.append(f"{message_id}: {self._texts[message_id].text.format_map(fields)}")


def observe(
    serving: Serving, spec: Spec, rdtype: int, answer: Callable[[Engine], bytes | None]
) -> tuple[bytes | None, Observation]:
    """What an engine over the same data, settings and zones replies, and how it came to that; nothing is counted."""
    observation = Observation(rdtype)
    watched = Serving(
        ObservedData(serving.data, observation),
        serving.settings,
        cast("ZoneTable", _ObservedTable(serving.zones, observation)),
        keys=serving.keys,
        last_good=serving.last_good,
    )
    engine = Engine(watched, Tally(Counters(spec.statistics)), _NotedLog(spec.messages, observation))
    return answer(engine), observation
