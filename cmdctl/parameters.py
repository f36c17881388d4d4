"""Query parameters that several groups of routes take."""

from __future__ import annotations

from cmdctl.limits import MAX_REASON, PAGE_DEFAULT, PAGE_LIMIT
from cmdctl.routing import DOMAIN_NAME, Query

LIMIT = Query(
    "limit",
    "How many entries at most.",
    {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": PAGE_DEFAULT},
)
AFTER = Query("after", "Only zones behind this one, in the order of this list.", DOMAIN_NAME)
REASON = Query("reason", f"Why; the first {MAX_REASON} characters are kept.", {"type": "string"})
