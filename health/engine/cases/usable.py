"""What of a reply most cases can use: whole replies, and records that are what their type says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import dns.rdata
import dns.rdataclass

from health.engine.network import NoResponse
from health.engine.reply import Record, Reply

Rdata = TypeVar("Rdata", bound=dns.rdata.Rdata)


def authoritative(reply: Reply | NoResponse) -> Reply | None:
    """The reply if it is one with AA and NOERROR, which most cases ask for."""
    return reply if isinstance(reply, Reply) and reply.noerror and reply.authoritative else None


def well_formed(found: Iterable[Record], kind: type[Rdata]) -> list[Rdata]:
    """The rdata of class IN that is what its type says; duplicates are kept."""
    return [r.rdata for r in found if r.rdclass == dns.rdataclass.IN and isinstance(r.rdata, kind)]
