"""The numbers of response rate limiting: kinds, outcomes, the table; rate_limiting.pxd gives them types."""

from image.layout import KIND_ANSWER, KIND_ERROR, KIND_NODATA, KIND_NXDOMAIN, KIND_REFERRAL

# Kinds of responses, each with a rate of its own.
ANSWERS = KIND_ANSWER  # with records in the answer section
REFERRALS = KIND_REFERRAL
NODATA = KIND_NODATA
NXDOMAINS = KIND_NXDOMAIN
ERRORS = KIND_ERROR  # every other rcode, and what has no question
ALL = 5  # of whatever kind
KINDS = 6

# What becomes of a response.
SEND = 0
SLIP = 1  # something small is sent in its place
DROP = 2

SECOND = 1_000_000_000  # nanoseconds: times are CLOCK_MONOTONIC
MAX_SLIP = 10  # it is counted in FLAG_BITS - 1 bits

# The table: sets of WAYS buckets, a bucket two words: its hash, and its state: a time, above the flags.
WAYS = 4  # a set is 64 octets, a cache line
BUCKET_WORDS = 2
BUCKET_OCTETS = 8 * BUCKET_WORDS
FLAG_BITS = 5  # responses dropped since one slipped, and LIMITED
SLIPS = 0xF
LIMITED = 0x10

MAX_EXEMPT = 256  # networks
NETWORK_WORDS = 4  # of a network: address and mask, two words each
IPV4 = 0xFFFFFFFF << 32  # what an IPv4 network has above its 32 bits; as IPv6 it would be multicast
IPV4_OCTETS = 4
IPV4_BITS = 32
IPV6_BITS = 64  # of an address that make networks: below is one site's
ALL_ONES = (1 << 64) - 1
WORD_OCTETS = 8
