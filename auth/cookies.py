"""Server cookies of DNS: checking a client's, and making the one it is given (RFC 7873, RFC 9018).

Plain Python; cookies.pxd adds the types. Nothing here makes an object for a query.
"""

from __future__ import annotations

from collections.abc import Sequence

from auth.cookie_format import (
    CLIENT_OCTETS,
    COOKIE_OCTETS,
    HASH_AT,
    MALFORMED,
    MAX_AGE,
    MAX_AHEAD,
    MAX_OCTETS,
    MAX_SECRETS,
    MIN_OCTETS,
    NEW,
    RENEWAL_AGE,
    TIME_AT,
    TIME_HALF,
    TIME_MASK,
    UNTIMELY,
    VALID,
    VERSION,
    VERSION_AT,
    WRONG,
)
from auth.siphash import SipHash


class CookieJar(SipHash):
    """Checks and makes cookies; for one thread. `cookie` is what the client that was checked last is to be given."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.messages = memoryview(b"")
        self.addresses = memoryview(b"")
        self.keys = memoryview(bytearray(8 * 2 * MAX_SECRETS)).cast("Q")
        self.secrets = 0
        self.since = 0  # POSIX seconds: the secrets are those of the times from here
        self.until = 0  # to before here
        self.cookie = memoryview(bytearray(COOKIE_OCTETS))

    def use(self, keys: Sequence[tuple[int, int]], since: int, until: int) -> None:
        """Use these secrets, each two little-endian words: cookies are made with the first, and accepted with all."""
        if not 0 < len(keys) <= MAX_SECRETS:
            raise ValueError(f"{len(keys)} secrets, and not 1 to {MAX_SECRETS}")
        for index, (key0, key1) in enumerate(keys):
            self.keys[2 * index] = key0
            self.keys[2 * index + 1] = key1
        self.secrets = len(keys)
        self.since = since
        self.until = until

    def attach(self, messages: memoryview, addresses: memoryview) -> None:
        """Read options and addresses in these octets from now on."""
        self.messages = messages
        self.addresses = addresses

    def check(self, at: int, octets: int, address: int, address_octets: int, now: int) -> int:
        """What the content of a COOKIE option is: NEW, UNTIMELY, WRONG, VALID or MALFORMED.

        The option's content is at `at` of the messages, the client's address (4 or 16 octets) at `address` of the
        addresses; `now` in POSIX seconds is within `since` and `until`. But for MALFORMED, `cookie` has the reply's.
        """
        return self.judge(at, octets, address, address_octets, now)

    def judge(self, at: int, octets: int, address: int, address_octets: int, now: int) -> int:
        """As `check`, for compiled callers, which need not hold the GIL."""
        if octets != CLIENT_OCTETS and not MIN_OCTETS <= octets <= MAX_OCTETS:
            return MALFORMED
        for index in range(CLIENT_OCTETS):
            self.cookie[index] = self.messages[at + index]
        if octets == CLIENT_OCTETS:
            found = NEW
        elif octets != COOKIE_OCTETS or self.messages[at + VERSION_AT] != VERSION:
            found = WRONG
        else:
            for index in range(CLIENT_OCTETS, COOKIE_OCTETS):
                self.cookie[index] = self.messages[at + index]
            age = self.age(now)
            if age < -MAX_AHEAD or age > MAX_AGE:
                found = UNTIMELY
            else:
                secret = self.maker(address, address_octets)
                if secret == 0 and age <= RENEWAL_AGE:
                    return VALID
                found = WRONG if secret < 0 else VALID
        self.make(address, address_octets, now)
        return found

    def age(self, now: int) -> int:
        """Seconds since `cookie` was made; less than 0 where that is still to come."""
        made = 0
        for index in range(TIME_AT, HASH_AT):
            made = made << 8 | self.cookie[index]
        passed = (now - made) & TIME_MASK
        return passed - TIME_MASK - 1 if passed >= TIME_HALF else passed

    def maker(self, address: int, address_octets: int) -> int:
        """Which secret `cookie` was made with, -1 where with none."""
        told = self.word(HASH_AT)
        for index in range(self.secrets):
            if self.hashed(index, address, address_octets) == told:
                return index
        return -1

    def make(self, address: int, address_octets: int, now: int) -> int:
        """Make the server's part of `cookie`, beside the client's that is there."""
        self.cookie[VERSION_AT] = VERSION
        for index in range(VERSION_AT + 1, TIME_AT):
            self.cookie[index] = 0
        made = now & TIME_MASK
        for index in range(HASH_AT - TIME_AT):
            self.cookie[HASH_AT - 1 - index] = made >> 8 * index & 0xFF
        hashed = self.hashed(0, address, address_octets)
        for index in range(COOKIE_OCTETS - HASH_AT):
            self.cookie[HASH_AT + index] = hashed >> 8 * index & 0xFF
        return 0

    def hashed(self, secret: int, address: int, address_octets: int) -> int:
        """The hash that `cookie` has if it was made with this secret for this address (RFC 9018 section 4.4)."""
        self.key0 = self.keys[2 * secret]
        self.key1 = self.keys[2 * secret + 1]
        self.start()
        self.take(self.word(0))
        self.take(self.word(VERSION_AT))
        at = address
        while at + 8 <= address + address_octets:
            self.take(self.address_word(at, 8))
            at += 8
        return self.finish(self.address_word(at, address + address_octets - at), HASH_AT + address_octets)

    def word(self, at: int) -> int:
        """Eight octets of `cookie`, little end first."""
        value = 0
        for index in range(8):
            value = value << 8 | self.cookie[at + 7 - index]
        return value

    def address_word(self, at: int, octets: int) -> int:
        """So many octets of the addresses, little end first."""
        value = 0
        for index in range(octets):
            value = value << 8 | self.addresses[at + octets - 1 - index]
        return value
