"""What a connection is doing, and how much is lost when it goes. Constants only, for the compiled modules."""

from __future__ import annotations

# Those that lose least go first.
IDLE = 1  # nothing, or part of a query (RFC 7766 section 6.2.3)
UNREAD = 2  # a reply the client does not take
NEEDED = 3  # a query is being answered: it stays

# Who has to go, where that is no connection.
NOBODY = 0  # there is room
NO_ROOM = -1

# What a connection is doing.
CLOSED = 0
RESTING = 1
READING = 2
ANSWERING = 3
WRITING = 4

# What comes after it.
ENDED = 1  # nothing: the client sends no more, and what it sent is answered
LAST = 2  # nothing: it is closed when what the plain implementation has of it is answered
