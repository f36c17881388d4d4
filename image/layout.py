"""The layout of an image, version 1: constants only, for the builder, the file and the compiled reader.

All numbers are little-endian; offsets are from the start of their section, in units of 8 octets.

    HEADER     magic, version, octets, seed of the hashes; offset, octets and CRC-32 of each section; its own CRC-32
    ZONES      flags, least and greatest depth of cuts and DNAMEs, octets of the origin, u32 labels of the origin,
               u32 negative fragment (SOA), u32 number of the zone, from 1, the origin in wire form
    APEXES     hash buckets over the origins: u64 each, 24 bits of tag, 40 bits of offset
    BUCKETS    the same over all names, with the number of the zone in the hash
    NODES      flags, octets of the owner relative to the origin, u16 number of sets, u32 reserved (the neighbour
               in the order of NSEC), u16 type, u16 flags, u32 fragment each set, then the owner, small letters
    FRAGMENTS  u16 octets, u16 pointers, u16 records, u16 more records (glue), then u16 place and u16 target each
               pointer, then records in wire form
    CHAIN      (empty in version 1) hashes of NSEC3 in order

A fragment does not depend on who owns it: names in it end in pointers whose target is known when it is sent.
"""

from __future__ import annotations

MAGIC = b"bobimage"
VERSION = 1
HEADER_OCTETS = 4096
ALIGNMENT = 8
SECTION_ALIGNMENT = 64  # octets of a cache line

ZONES = 0
APEXES = 1
BUCKETS = 2
NODES = 3
FRAGMENTS = 4
CHAIN = 5
SECTIONS = 6

ZONE_FIXED = 16
NODE_FIXED = 8
SET_OCTETS = 8
FRAGMENT_FIXED = 8
POINTER_OCTETS = 4

# Flags of a zone.
ZONE_LEFT = 1  # nothing of it is answered from the image
ZONE_SIGNED = 2

# Flags of a node.
NODE_CUT = 1
NODE_DNAME = 2
NODE_WILDCARD = 4  # *.NAME is there
NODE_CNAME = 8

# Types of sets that no query can ask for: private use of a node.
REFERRAL = 0  # type 0 is reserved (RFC 6895 section 3.1)

# Targets of pointers.
TO_OWNER = 0xFFFF  # the name that was asked for
TO_FRAGMENT = (
    0x8000  # + offset behind the start of the records; below: so many labels from the end of the name asked for
)

# Buckets.
TAG_SHIFT = 40
TAG_MASK = 0xFFFFFF
OFFSET_MASK = 0xFFFFFFFFFF
HALF = 32
LOAD = 1.5  # buckets a name

# Hashes of names: FNV-1a, seeded and mixed.
MASK64 = 0xFFFFFFFFFFFFFFFF
PRIME = 0x100000001B3
MIX = 0x9E3779B97F4A7C15

# Messages (RFC 1035 section 4.1, RFC 6891).
MESSAGE_HEADER = 12
QUESTION_FIXED = 4
UNUSUAL_FLAGS = 0xFE  # of the first octet: all but RD
RD = 0x01
QR = 0x80
AA = 0x04
UNUSUAL_FLAGS_TOO = 0xCF  # of the second octet: all but AD and CD
NXDOMAIN = 3
POINTER = 0xC000
OPT_OCTETS = 11
DO = 0x80
MIN_UDP_SIZE = 512
CLASS_IN = 1
MAX_NAME = 255
MAX_LABEL = 63
MAX_DEPTH = 128
OCTET = 8
BYTE = 0xFF
UPPER_A = 0x41
UPPER_Z = 0x5A
CASE = 0x20
STAR = 0x2A

# Types.
NS = 2
CNAME = 5
SOA = 6
SIG = 24
KEY = 25
NXT = 30
OPT = 41
DNAME = 39
DS = 43
RRSIG = 46
NSEC = 47
DNSKEY = 48
ANY = 255
FIRST_META = 128  # types to ask for, and about messages (RFC 6895 section 3.1)
LAST_META = 255
