"""The zones of the configuration as compiled code knows them: those it must leave, and those it counts in."""

from __future__ import annotations

from dataclasses import dataclass

from auth.wire import wire_of
from auth.zone_tally import ZoneTally
from auth.zones import ZoneTable
from image.listing import listing, numbering
from image.responder import Responder


@dataclass(frozen=True, slots=True)
class Listed:
    """Tables for the zones of one revision, and for hashes of one seed."""

    zones: ZoneTable
    seed: int
    table: memoryview
    count: int
    counted: tuple[memoryview, memoryview]  # hashes and rows

    def is_of(self, zones: ZoneTable, seed: int) -> bool:
        """Whether it is right for these."""
        return self.zones is zones and self.seed == seed

    def tell(self, responder: Responder, tally: ZoneTally) -> None:
        """Have a responder leave what it must, and what it answers be counted. From the thread of both."""
        responder.heed(self.table, self.count)
        rows = self.zones.rows
        responder.counting = 0 if rows is None else 1
        if rows is None:
            tally.rest()
        else:
            tally.heed(*self.counted, len(rows.of), rows.slots)


def list_zones(zones: ZoneTable, seed: int) -> Listed:
    """Blocks: 0.2 s for 100 000 zones. A zone is restricted where not everybody may ask it, or a hook is asked."""
    origins = (
        (wire_of(origin), not policy.query_acl.accepts_all or policy.hook) for origin, policy in zones.listed.items()
    )
    rows = {} if zones.rows is None else {wire_of(origin): row for origin, row in zones.rows.of.items()}
    table = listing(seed, origins, len(zones.listed))
    return Listed(zones, seed, table, len(zones.listed), numbering(seed, rows))
