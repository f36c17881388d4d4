"""How much is lost when a connection goes: those that lose least go first. Constants only, for the compiled modules."""

from __future__ import annotations

IDLE = 1  # nothing, or part of a query (RFC 7766 section 6.2.3)
UNREAD = 2  # a reply the client does not take
NEEDED = 3  # a query is being answered: it stays

# Who has to go, where that is no connection.
NOBODY = 0  # there is room
NO_ROOM = -1
