"""What the checks of a zone find after a glance at its packed sets, and what they find with objects for all of them."""

from __future__ import annotations

import itertools

from datasrc.checks import check_nodes
from datasrc.checks_targets import Names
from datasrc.findings import Finding
from datasrc.keys import name_key
from datasrc.packed_nodes import Glance
from datasrc.rows import name_wire
from datasrc.zonetext_zone import ZoneText
from tests.datasrc.reading import ORIGIN, gathered


def doubtful(text: str, algorithms: bytes = b"") -> list[str]:
    """The names of a zone that need a look, but for the apex, which always does."""
    zone = gathered(text, ORIGIN)
    wire = name_wire(ORIGIN)
    glance = Glance(zone._packed, wire, wire, name_key(ORIGIN), True, algorithms)
    found = [zone.rrset(first).name.relativize(ORIGIN).to_text() for first, _ in glance.doubtful()]
    assert found[0] == "@"
    return found[1:]


def by_glance(zone: ZoneText) -> list[str]:
    """The findings, in order, as they are when a file is read."""
    found: list[Finding] = []
    zone.check(found.append)
    return list(map(str, found))


def by_objects(zone: ZoneText) -> list[str]:
    """The same with every set made an object, and every name remembered as one."""
    found: list[Finding] = []
    sets = ((zone._packed.row(index)[0], zone.rrset(index)) for index in range(zone._packed.set_count))
    nodes = itertools.groupby(sets, lambda entry: entry[0])
    check_nodes(
        zone.origin,
        ((key, (rrset for _, rrset in group)) for key, group in nodes),
        Names(),
        found.append,
        zone.place,
    )
    return list(map(str, found))
