"""How rows are kept while an image is made of them (image/zonerows.py): constants only."""

from __future__ import annotations

NUMBER = 8  # octets
BREATH_STEPS = 1 << 20  # others may have the interpreter after so much work (ZoneRows.spend): a few ms
OCTETS_A_STEP = 16  # that are copied
NAME_ENTRY = 16  # octets of a name in the making of buckets: hash, place of its node in units
NAME_ROOM = 1024  # octets: a name has room in them while it is put together
WHOLE_SET = 2  # numbers of 32 bits of a set of the node in the making: its flags << 16 | type, its fragment

# Numbers of a row: where its packed RDATA is in the heap; octets << 32 | TTL; type << 16 | covered type.
ROW = 3
ROW_BLOB = 0
ROW_SIZE = 1
ROW_TYPE = 2

# Numbers of a name: where its key is in the heap << 16 | octets; how it begins; its first row.
NAME = 3
NAME_KEY = 0
NAME_PREFIX = 1
NAME_FIRST = 2

HIGH = 16  # bits: where the upper half of 32 begins
LOW = 0xFFFF
SIZE_BITS = 32
PREFIX = 8  # octets
LENGTH = 2  # octets of the length before each RDATA
ESCAPE = 1  # octets up to this one are escaped in keys (datasrc/keys.py)
OUTSIDE = -1
MALFORMED = -2

# Names in RDATA, by type: octets before them << 4 | how many. Those that may be compressed (RFC 3597 section 4), and
# those that are looked into.
COMPRESSED = {2: 1, 5: 1, 6: 2, 7: 1, 8: 1, 9: 1, 12: 1, 14: 2, 15: 2 << 4 | 1}
NAMES_IN = COMPRESSED | {39: 1, 47: 1}
BEHIND_NAMES = {6: 20, 47: 255}  # octets behind the last name; of other types none
ANY_OCTETS = 255  # as many as there are
TYPES_WITH_NAMES = 64  # all of them are below
NAMES_SHIFT = 4
NAMES_MASK = 15
MAX_WRITTEN = 1024  # suffixes of names in a fragment that are remembered to point to
OWNER_WRITTEN = -1  # in place of the target of a pointer
