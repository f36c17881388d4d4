"""Octets and sizes of zone text and RDATA, for the compiled modules that read them: constants only."""

from __future__ import annotations

# Octets that mean something.
TAB = 0x09
LINE_FEED = 0x0A
SPACE = 0x20
QUOTATION_MARK = 0x22
DOLLAR = 0x24
STAR = 0x2A
COMMA = 0x2C
DASH = 0x2D
DOT = 0x2E
ZERO = 0x30
NINE = 0x39
COLON = 0x3A
EQUALS = 0x3D
AT_SIGN = 0x40
UPPER_A = 0x41
UPPER_I = 0x49
UPPER_N = 0x4E
UPPER_Z = 0x5A
OPEN_BRACKET = 0x5B
BACKSLASH = 0x5C
CLOSE_BRACKET = 0x5D
LOWER_A = 0x61
LOWER_Z = 0x7A
LAST_PRINTABLE = 0x7E
CASE = 0x20  # between a capital letter and the small one
FOLD = 0xDF  # what is left of a letter without its case
ESCAPED_BELOW = 2  # octets below are escaped in keys (datasrc.keys)

# Kinds of octets in zone text.
WORD = 0
BLANK = 1
NEWLINE = 2
RETURN = 3
COMMENT = 4
OPEN = 5
CLOSE = 6
QUOTE = 7
ODD = 8

# How the RDATA of a type is written.
NOT_PLAIN = 0
ADDRESS4 = 1
ADDRESS6 = 2
NAME = 3
NUMBER_NAME = 4
NUMBERS_NAME = 5  # three numbers and a name
STRINGS = 6
DIGEST = 7
KEY = 8
SIGNATURE = 9
NEXT_NAME = 10
NEXT_HASH = 11
AUTHORITY = 12
FIRST_SERVICE = 13  # forms from here on: datasrc.zonescan_services
SERVICE = 13
CERTIFICATE = 14
FINGERPRINT = 15
ISSUER = 16
POINTER = 17
RESOURCE = 18
FORM_TYPES = 258  # types below have a form

NO_TTL = -1
NO_DIGIT = 0xFF
IN_LENGTH = 2
WORD_OCTETS = 8  # of a mnemonic that fits a number

# Limits: RFC 1035 sections 2.3.4, 3.2.1 and 3.3, RFC 2181 section 8.
MAX_NAME = 255
MAX_LABEL = 63
MAX_LABELS = 128
MAX_RDATA = 0xFFFF
MAX_STRING = 255
MAX_TTL = (1 << 31) - 1
MAX_U8 = 0xFF
MAX_U16 = 0xFFFF
MAX_U32 = 0xFFFFFFFF
U16_DIGITS = 5
NUMBER_DIGITS = 10
MAX_LINE = 1 << 19  # octets of an entry; of longer ones datasrc.zonetext_lexer decides

# Sizes within RDATA.
A_OCTETS = 4  # RFC 1035 section 3.4.1
AAAA_OCTETS = 16  # RFC 3596 section 2.2
SOA_NUMBERS = 5  # RFC 1035 section 3.3.13
GROUP_DIGITS = 4
BASE64_GROUP = 4
MAX_PADDING = 2
OCTET_BITS = 8
POINTER_NUMBERS = 4  # octets before the strings of NAPTR (RFC 3403 section 4.1)
POINTER_STRINGS = 3  # flags, service and regular expression
HASH_DIGITS = 32  # of SHA-1 in base 32 (RFC 5155 section 3.3)
HASH_OCTETS = 20
BITMAP_TYPES = 256  # of one window (RFC 4034 section 4.1.2)
BITMAP_OCTETS = 32
SHA1 = 1  # digest types of DS, and their sizes (RFC 3658, RFC 4509, RFC 6605)
SHA1_OCTETS = 20
SHA256 = 2
SHA256_OCTETS = 32
SHA384 = 4
SHA384_OCTETS = 48
SHA512_OCTETS = 64
TLSA_SHA256 = 1
TLSA_SHA512 = 2

# Parameters of SVCB (RFC 9460 section 14.3.2), and how they are spelled, as numbers.
PORT = 3
ALPN = 1
IPV4HINT = 4
IPV6HINT = 6
PORT_WORD = int.from_bytes(b"port", "big")
ALPN_WORD = int.from_bytes(b"alpn", "big")
IPV4HINT_WORD = int.from_bytes(b"ipv4hint", "big")
IPV6HINT_WORD = int.from_bytes(b"ipv6hint", "big")

# Times of RRSIG (RFC 4034 section 3.2).
DATE_DIGITS = 14  # YYYYMMDDHHmmSS
SECONDS_A_DAY = 86400
EPOCH_YEAR = 1970
LAST_YEAR = 2105  # the last one that fits 32 bits whole
FEBRUARY = 2
LONG_MONTH = 31

# Numbers of a packed record (datasrc.packed): where it is in the heap; line and TTL; file and the lengths of RDATA,
# owner and key; how the key begins.
OFFSET = 0
PLACE = 1
LENGTHS = 2
PREFIX = 3
NUMBERS = 4
TTL_BITS = 0xFFFFFFFF  # of the number that has the TTL below the line

# Numbers a packed set: its first record in the order, its TTL, where its packed RDATA is, and how long.
FIRST = 0
TTL = 1
BLOB = 2
BLOB_LENGTH = 3

# A set in a batch (PackedZone.batch), as SQL takes it apart: where the decimals of its numbers end, and how many bits
# of its place are the length of its key.
TYPE_END = 5
COVERS_END = 10
TTL_END = 20
RDATA_END = 30
OWNER_END = 33
KEY_BITS = 9
PLACE_WIDTH = 20  # a comma, and the digits of any number of 63 bits
BATCH_OCTETS = 1 << 20  # a batch ends behind the set that makes it so long

TYPES_SIZE = 5  # the end of a composite key: 00, type, covered type
BREATH = (1 << 16) - 1  # compiled loops let other threads have the interpreter after so many turns: 10 to 20 ms
FEW = 32  # a set of more records is put in order by Python's sort: it has few to compare with
FIRST_SIZE = 1 << 12  # octets of a heap, to begin with
PREFIX_OCTETS = 8

# Types (RFC 1035 section 3.2.2, RFC 3596, RFC 6672).
A = 1
NS = 2
CNAME = 5
PTR = 12
MX = 15
TXT = 16
AAAA = 28
SRV = 33
NAPTR = 35
DNAME = 39
DS = 43
RRSIG = 46
NSEC = 47

SIGNING = 2  # where the algorithm is in the RDATA of RRSIG (RFC 4034 section 3.1)

# What a name has, as far as others care, at its first set; other sets have nothing (datasrc.packed_order).
HAS_ADDRESS = 1
HAS_CNAME = 2
HAS_NS = 4
HAS_DNAME = 8
HAS_OTHERS = 16  # of which none of these is said, and which are not PTR or TXT
IS_NAME = 32
LED_TO = 1  # by an NS record that the zone answers or refers with (datasrc.packed_targets)

# The hash of a key (datasrc.packed_index).
HASH_BITS = 31
HASH_PRIME = (1 << HASH_BITS) - 1
WORD_BITS = 33  # of an entry of the table that say which set, counted from 1
WORD_MASK = (1 << WORD_BITS) - 1
GOLDEN = 0x9E3779B97F4A7C15  # 2^64 by the golden ratio: what differs little is far apart when multiplied with it
HALF_BITS = 32
MASK64 = (1 << 64) - 1

# What a target is (datasrc.packed_targets).
MALFORMED = 0  # no name
ELSEWHERE = 1  # not in the zone
WITHIN = 2
ADDRESS = 3  # four numbers, which is a slip
