"""The layout of images, version 5: constants only, for builders, files and the compiled reader.

All numbers are little-endian. An offset counts units of 4 octets from the start of its section, where nothing else is
said; 0 is no place, so every section begins with an unused unit (ZONES with 8 octets).

DIRECTORY (a file)
    HEADER     4096 octets: magic, u32 version, u32 whether many entries are being put (their sums say nothing then),
               u64 seed of all hashes, u64 capacity, u64 entries in use;
               at octet 64 u64 epoch of the manifest; at octet 72 what is vouched for (u64: milliseconds of the
               monotonic clock, above the lowest 24 bits, which tell the data sources: every zone that these
               had by then has an entry; 0: nothing is) and u64 milliseconds when that was looked at last
    ENTRIES    u64 each, linear probing from (hash >> 32) * capacity >> 32 on: 16 bits of tag (the lowest of the
               hash, `place(hash of the origin, 0)`), 16 bits of slot, 32 bits of offset; 0 is empty. The offset
               counts 8 octets: within ZONES of the slot's image, or with its highest bit within the heap of the
               slot's delta. An entry is never removed: a zone that is gone has a record with
               ZONE_GONE, until another directory takes the place of this one
    SUMS       u64 for each 64 entries: CRC-32 of them as they are, and above it as they are about to be
    BEFORE     u64 each: what the entry of that number was before its zone moved to the slot it is in now; 0: nothing

IMAGE (a file)
    HEADER     4096 octets: magic, u32 version, u32 sections, u64 octets, u64 seed; offset, octets and CRC-32 of each
               section; CRC-32 of the header at its end
    ZONES      records of zones (ZONE_*), aligned to 8 octets, one after the other from octet 8 on
    BUCKETS    u64 each: 24 bits of tag, 40 bits of offset of a node; by `place(hash of the name, number of the zone)`,
               linear probing as above
    NODES      u8 flags, u8 octets of the owner relative to the origin, u16 number of sets, u32 link (place in the
               chain of NSEC or NSEC3, from 1; 0: none), then u16 type, u16 flags, u32 fragment each set, in order
               of types, then the owner without the origin, small letters
    FRAGMENTS  u16 octets of the first part (14 bits) and flags, u8 pointers, u8 records; where a flag says there is
               a second part u16 octets, u8 pointers, u8 records of it; then u16 place and u16 target each pointer,
               in order of place, then the first part, then the second, in wire form. Places count from the start of
               the first part. Second parts hold signatures (sent with DO, in the same section) or glue (additional)
    CHAIN      for each signed zone its entries in order. NSEC: u32 node, u32 fragment (as the node has it). NSEC3:
               20 octets of hash, u32 fragment, whose owner is written out
    HOSTS      u64 each, in order: the upper 32 bits of what BUCKETS find a name by, that of a host, and u32 node of a
               cut that names it as a server, of all hosts in the zone but those at or below the cut. For who changes
               the zone: addresses of the host are in the referral. Which cuts those are is looked at again

DELTA (a file beside an image)
    HEADER     4096 octets: magic, u32 version, u32 0, u64 seed, u64 capacity of the table, u64 octets of the heap,
               u64 octets of the heap in use, 36 octets boot id; at octet 88 how far the heap is whole (counts 8
               octets) above the CRC-32 of that, the *seal*; at octet 96 how far it was when its writer closed it, above
               the CRC-32 of the table
    TABLE      u64 each, as BUCKETS, the offset within the heap
    HEAP       records of zones (aligned to 8), nodes, fragments, PATCHES, hashes; at the end of each change u64 entry
               and u64 number of each entry of the table that it put, then u32 how many, u32 where the one before ended
               (counts 8 octets). Before each node u32 generation of
               its zone, u32 offset of the node it replaces in this heap (0: none here), u32 number of its zone

    PATCH      what became of the chain of a zone since the image was made, in order: u32 rank, then of NSEC u32 node
               (in the heap; one without NSEC is no longer in the chain), of NSEC3 u32 fragment (0: no longer) and 20
               octets of hash. The rank is how many entries of CHAIN are not behind it; with its highest bit the last
               of these is replaced. Written anew with each change

    HOST       a cut that came, or whose servers changed, after the image was made: a node with HOST_OF in the number of
               its zone, without sets, whose owner is the host; in place of the link u32 octets of the cut without the
               origin, which follows the owner. What it replaces is the cut of the same host that was noted before

HASHES of names have 64 bits. Each word of 8 octets is a step: of (hash ^ word) * factor the lower half ^ (the upper
half + addend) is the next hash. So go the labels from the last to the first, each with its length in front, in small
letters, the last word of each with zeros behind it; and for `place(hash, number)` the number as one more word. The hash
of the root, the factor (with its lowest bit set) and the addend are a BLAKE2b of 24 octets, of the seed in 8.

In a zone that has a delta, fragment numbers with the highest bit are in the heap, others in the image. So are links of
nodes: such a link is where in the heap the hash of the name is.

A cut or a DNAME is an *end*: what is below it is not in the image, but for the glue that goes with a referral.
"""

from __future__ import annotations

MAGIC = b"bobimage"
MAGIC_DIRECTORY = b"bobzones"
MAGIC_DELTA = b"bobdelta"
VERSION = 5
DIRECTORY_VERSION = 6  # of directories alone: one of another version is made anew of what images have
HEADER_OCTETS = 4096
SECTION_ALIGNMENT = 64  # octets of a cache line
UNIT = 4
ZONE_UNIT = 8

ZONES = 0
BUCKETS = 1
NODES = 2
FRAGMENTS = 3
CHAIN = 4
HOSTS = 5
SECTIONS = 6

# Records of zones: offsets of fields, in octets; the origin follows in wire form and small letters, then the salt.
ZONE_FLAGS = 0  # u8
ZONE_FIRST_END = 1  # u8: labels of the shallowest end; 255 where there is none
ZONE_LAST_END = 2  # u8: of the deepest; 0 where there is none
ZONE_ORIGIN_OCTETS = 3  # u8
ZONE_LABELS = 4  # u8: of the origin, without the root
ZONE_SALT_OCTETS = 5  # u8
ZONE_ITERATIONS = 6  # u16
ZONE_NUMBER = 8  # u32: within the image, from 1; part of the hash of its names
ZONE_NEGATIVE = 12  # u32: fragment of the SOA with the TTL of negative answers
ZONE_CHAIN = 16  # u32: where its entries begin in CHAIN
ZONE_CHAIN_ENTRIES = 20  # u32
ZONE_SERIAL = 24  # u32
ZONE_GENERATION = 28  # u32: 0 in an image
ZONE_VERSION = 32  # u64: of the data source
ZONE_SOURCE = 40  # u32: number of the data source in the manifest
ZONE_RECORDS = 44  # u32
ZONE_NODES = 48  # u32: where its nodes begin in NODES, one after the other; 0 where it has none there
ZONE_NODES_END = 52  # u32: behind the last of them
ZONE_PATCH = 56  # u32: where its patch is in the heap
ZONE_PATCH_ENTRIES = 60  # u32
ZONE_FIXED = 64
NO_END = 255

# Flags of a zone.
ZONE_LEFT = 1  # nothing of it is answered from the image
ZONE_SIGNED = 2  # there are signatures
ZONE_NSEC = 4  # denies with NSEC
ZONE_NSEC3 = 8  # denies with NSEC3
ZONE_DELTA = 16  # names are looked up in the delta first
ZONE_GONE = 32  # as if it were not there

NODE_FIXED = 8
NODE_LINK = 4
NODE_BEFORE = 12  # octets before a node of a delta: u32 generation, u32 offset of what it replaces, u32 zone
SET_OCTETS = 8
HOST_OF = 0x40000000  # in the number of the zone of a node that is a HOST; numbers of zones are below it, or IN_DELTA
HOST_ENTRY = 8
FRAGMENT_FIXED = 4
SECOND_FIXED = 4
POINTER_OCTETS = 4
NSEC_ENTRY = 8
NSEC3_ENTRY = 24
PATCH_NSEC_ENTRY = 8
PATCH_NSEC3_ENTRY = 28
PATCH_HASH = 8  # octets before the hash
MAX_PATCH = 500  # entries; who reads a patch searches it, who writes it copies it
HASH_OCTETS = 20

# Flags of a node.
NODE_CUT = 1
NODE_DNAME = 2
NODE_END = NODE_CUT | NODE_DNAME
NODE_WILDCARD = 4  # *.NAME is there
NODE_CNAME = 8
NODE_GONE = 16  # in a delta: the name is not there any more

# Flags of a set.
SET_LARGE = 1  # it has no fragment because it is larger than any datagram
SET_SIGNED_GLUE = 2  # of a referral: behind the addresses are signatures of some
SET_MORE_GLUE = 4  # there are more addresses than it has, and no datagram has room for all
IN_DOMAIN_SHIFT = 8  # above: how many records of its glue must be sent, which come first

# Flags of a fragment.
FRAGMENT_OCTETS = 0x3FFF
WITH_SIGNATURES = 0x8000
WITH_GLUE = 0x4000

# Types of sets that no query can ask for: private use of a node.
REFERRAL = 0  # NS of a cut and glue; type 0 is reserved (RFC 6895 section 3.1)

# Targets of pointers.
TO_OWNER = 0xFFFF  # the owner of the set: the name that was asked for, or as it is written out
TO_FRAGMENT = 0x8000  # + offset behind the start of the first part; below: so many labels from the end of the owner

# Buckets.
TAG_SHIFT = 40
TAG_MASK = 0xFFFFFF
OFFSET_MASK = 0xFFFFFFFFFF
HALF = 32
LOAD = 1.5  # buckets a name

# Entries of the directory.
SLOT_SHIFT = 32
SLOT_MASK = 0xFFFF
PART = 64  # entries that have checksums together
ZONE_TAG_SHIFT = 48
ZONE_TAG_MASK = 0xFFFF
IN_DELTA = 0x80000000  # of an offset of 32 bits
BELOW_DELTA = 0x7FFFFFFF
USED_WORD = 4  # of the header of directories, in the same way
CAPACITY_WORD = 3  # of the headers of directories and deltas, in numbers of 64 bits
EPOCH_PLACE = 64  # octet of the header
VOUCHED_PLACE = 72
LOOKED_PLACE = 80
VOUCHED_SHIFT = 24
VOUCHED_MASK = 0xFFFFFF
VOUCHED_FOR = 10_000  # milliseconds after the last look
DIRECTORY_LOAD = 2  # places a zone, at least
MAX_SLOTS = 4096

# A row a slot: places in the arena, in octets; tables in numbers of 64 bits. 0: not mapped, and not heard of either.
ROW = 8
ROW_ZONES = 0
ROW_BUCKETS = 1
ROW_BUCKET_COUNT = 2
ROW_NODES = 3
ROW_FRAGMENTS = 4
ROW_CHAIN = 5
ROW_TABLE = 6  # of the delta
ROW_HEAP = 7  # of the delta
ROW_LACKING = ROW_CHAIN  # without a place of ZONES: set where it is listed and cannot be mapped

# Who may ask for a zone, as numbers (image/listing.py): the place of an access control list (image/access.py), or
OPEN = 0  # everybody,
CLOSED = 1  # nobody is answered: all queries are left
FIRST_LIST = 2
NOT_LISTED = 0xFFFFFFFFFFFFFFFF
BIT_MASK = 63  # of a hash: the number of a bit in a word of a sieve
NO_HASH = 1  # in a listing, in place of 0, which is an empty place

# What a list says of an address.
ADMITS = 0
REFUSES = 1
DROPS = 2
IPV4_OCTETS = 4  # of an address
IPV6_OCTETS = 16

# What a search for a zone ends with, where it does not end with a place.
DROPPED = -5  # it does not reply to who asks
NOT_ADMITTED = -4  # it refuses who asks (-3 is no result of a search: it tells of an exception)
NOT_MAPPED = -2  # it is in a file that this process has not mapped yet, or is to be left for another reason
NOWHERE = -1  # no zone is there

# Where the place of a zone would be.
NO_ZONE = 1  # the name is in none of ours
FORBIDDEN = 2  # its zone refuses who asks
TO_DROP = 3  # its zone does not reply to who asks

# Sections of a message.
ANSWER = 0
AUTHORITY = 1
ADDITIONAL = 2

MAX_CHAIN = 16  # CNAMEs followed for one question, synthesised ones included: peers 5 (Knot), 11 (BIND), 18 (NSD)

# What becomes of a step along a chain of CNAMEs.
LEAVE = 0  # to the plain implementation
DONE = 1
FOLLOW = 2
OVERFLOW = 3  # something that must be there does not fit

# What a reply is, whether it fits or not.
KIND_ANSWER = 0  # it has records in the answer section
KIND_REFERRAL = 1
KIND_NODATA = 2
KIND_NXDOMAIN = 3
KIND_ERROR = 4  # every other rcode

# Queries of a batch that are worked on side by side, so that the memory for one comes near while another is read.
STAGES = 64
NEAR_NAMES = 10_000  # that are near without being fetched: about what a cache of 2 MB holds
NEAR_ZONES = 2_000  # as many zones: 64 octets of each in the directory and 100 of its record
STAGE_NAME = 256  # octets
STAGE_LEVELS = 129  # labels of a name, and the root

MASK32 = 0xFFFFFFFF
MASK64 = 0xFFFFFFFFFFFFFFFF

# Messages (RFC 1035 section 4.1, RFC 6891).
MESSAGE_HEADER = 12
QUESTION_FIXED = 4
RECORD_FIXED = 12  # octets of a record before its RDATA, its owner being a pointer
# An answer that names more hosts than this gets no addresses beside it (CVE-2024-11187).
MAX_ADDITIONAL_NAMES = 13
MAX_ENTERED = MAX_CHAIN + 1 + 2 * MAX_ADDITIONAL_NAMES  # zones that one answer can be from
UNUSUAL_FLAGS = 0xFE  # of the first octet: all but RD
RD = 0x01
QR = 0x80
AA = 0x04
TC = 0x02
UNUSUAL_FLAGS_TOO = 0xCF  # of the second octet: all but AD and CD
NXDOMAIN = 3
REFUSED = 5
YXDOMAIN = 6  # RFC 6672 section 2.2
BADCOOKIE = 23  # RFC 7873 section 8
POINTER = 0xC000
LABEL_TYPE = 0xC0  # from here on a length is the first octet of a pointer
POINTER_MASK = 0x3FFF  # what of a pointer is its target
POINTER_REACH = 0x4000  # octets of a message that a pointer can point into
OPT_OCTETS = 11
OPTION_FIXED = 4
DO = 0x80
MIN_UDP_SIZE = 512
MAX_MESSAGE = 65535
CLASS_IN = 1
MAX_DATAGRAM = 4096  # the largest auth.udp_size
MAX_NAME = 255
MAX_LABEL = 63
MAX_DEPTH = 128
OCTET = 8
BYTE = 0xFF
UPPER_A = 0x41
UPPER_Z = 0x5A
CASE = 0x20
STAR = 0x2A

# Options of EDNS, and what is remembered of those of a query.
NSID = 3  # RFC 5001
COOKIE = 10  # RFC 7873
KEEPALIVE = 11  # RFC 7828
EDE = 15  # RFC 8914
EDE_OCTETS = 2  # without a text
PROHIBITED = 18  # RFC 8914 section 4.19
NOT_AUTHORITATIVE = 20  # RFC 8914 section 4.21
WANTS_NSID = 1
WANTS_COOKIE = 2
WANTS_KEEPALIVE = 4
MAX_OPTIONS = 256  # octets of our options: an identity of 128, a cookie, a time-out, an extended error

# Types.
A = 1
NS = 2
CNAME = 5
SOA = 6
MX = 15
SIG = 24
KEY = 25
AAAA = 28
NXT = 30
SRV = 33
OPT = 41
DNAME = 39
DS = 43
RRSIG = 46
NSEC = 47
DNSKEY = 48
NSEC3 = 50
NSEC3PARAM = 51
SVCB = 64
HTTPS = 65
ANY = 255
FIRST_META = 128  # types to ask for, and about messages (RFC 6895 section 3.1)
LAST_META = 255
