"""DNS cookies on the wire (RFC 7873, RFC 9018), in numbers; cookies.pxd gives them types."""

CLIENT_OCTETS = 8  # of a client cookie, RFC 7873 section 4.1
MIN_OCTETS = 16  # of an option with a server cookie, RFC 7873 section 4
MAX_OCTETS = 40
COOKIE_OCTETS = 24  # of an option with a server cookie of version 1, RFC 9018 section 4
VERSION = 1  # RFC 9018 section 4.1
VERSION_AT = 8  # where in the option: the version and three reserved octets,
TIME_AT = 12  # when it was made, in seconds,
HASH_AT = 16  # and SipHash-2-4 of what is before and the client's address

MAX_AGE = 3600  # seconds a cookie is accepted, RFC 9018 section 4.3
MAX_AHEAD = 300  # seconds its maker's clock may be ahead of ours, RFC 9018 section 4.3
RENEWAL_AGE = 1800  # seconds after which a client is given a new one, RFC 9018 section 4.3
TIME_MASK = (1 << 32) - 1  # times are compared in serial arithmetic, RFC 9018 section 4.3
TIME_HALF = 1 << 31

SECRET_OCTETS = 16  # of the key of SipHash
MAX_SECRETS = 4  # accepted at the same time: each costs a hash for a cookie that is wrong

# What a cookie is; see CookieJar.check().
MALFORMED = 1  # no cookie has that length
NEW = 2  # the client has no server cookie yet
UNTIMELY = 3  # made too long ago, or in the future
WRONG = 4  # not made by us for this client
VALID = 5
