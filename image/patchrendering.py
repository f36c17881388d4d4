"""The parts of single names of a zone, rendered as for an image, of no more rows than each takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dns.name import Name

from datasrc.keys import APEX, path
from datasrc.rdata import unpack
from datasrc.rows import Row, name_from_wire
from datasrc.source import Finder
from image import layout
from image.assembly import ImageAssembler, Parts
from image.errors import NotExpressible

ADDRESS_TYPES = frozenset({layout.A, layout.AAAA})


def rdatas_of(row: Row) -> tuple[bytes, ...]:
    """The RDATAs of a row. Raises NotExpressible where it cannot be read: the builder leaves such a zone alone."""
    try:
        return unpack(row.rdatas)
    except ValueError as error:
        raise NotExpressible(f"a set of type {row.rdtype} cannot be read: {error}") from error


def hosts_of(servers: Row) -> list[Name]:
    """The hosts that an NS row names. Raises NotExpressible as rdatas_of()."""
    try:
        return [name_from_wire(rdata) for rdata in rdatas_of(servers)]
    except ValueError as error:
        raise NotExpressible(f"a set of type {servers.rdtype} names what is no host: {error}") from error


class Rendering:
    """Of the names of one zone."""

    def __init__(self, finder: Finder, origin: bytes, assembler: ImageAssembler) -> None:
        self._finder = finder
        self._origin = origin
        self._assembler = assembler

    def load(self, rows: list[Row]) -> None:
        """Render of these rows from now on, which are in order and begin with one of the apex."""
        self._assembler.rows.begin(self._origin)
        self._assembler.rows.add_rows(rows)

    def render(self, key: bytes) -> Parts:
        """The parts of a name whose rows are loaded."""
        parts = self._assembler.render(self._origin, key)
        if parts is None:
            raise NotExpressible("it has what no image can have")
        return parts

    def render_rows(self, key: bytes, rows: Iterable[Row]) -> Parts:
        """The parts of a name of these rows; those of the apex tell where the zone begins."""
        needed = {(row.key, row.rdtype, row.covers): row for row in (*rows, *self._glue(key, rows))}
        self.load(self._with_apex([needed[place] for place in sorted(needed)]))
        return self.render(key)

    def render_hashed(self, key: bytes, rows: list[Row]) -> bytes | None:
        """The fragment of the NSEC3 record at a key, of the rows there; empty: too large. None: there is none."""
        self.load(self._with_apex(rows))
        return self._assembler.render_hashed(self._origin, key)

    def _with_apex(self, rows: list[Row]) -> list[Row]:
        """These rows, which are in order, and the SOA: the first name of rows is the apex."""
        soa = self._finder.row(APEX, layout.SOA)
        if soa is None or soa in rows:
            return rows
        place = (soa.key, soa.rdtype, soa.covers)
        before = [row for row in rows if (row.key, row.rdtype, row.covers) < place]
        return [*before, soa, *rows[len(before) :]]

    def _glue(self, key: bytes, rows: Iterable[Row]) -> Iterator[Row]:
        """The addresses of the servers of a cut, and what may redirect their names."""
        for servers in [row for row in rows if row.rdtype == layout.NS and key != APEX]:
            for target in hosts_of(servers):
                if not target.is_subdomain(self._finder.info.origin):
                    continue
                place = self._finder.key_of(target)
                for row in self._finder.rows_at(path(place)):
                    is_address = row.rdtype in ADDRESS_TYPES or row.covers in ADDRESS_TYPES
                    if is_address if row.key == place else row.rdtype == layout.DNAME:
                        yield row
