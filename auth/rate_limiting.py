"""Response rate limiting: buckets of who gets how much of what. Plain Python; rate_limiting.pxd adds the types.

A bucket is a network, a kind of response and a name. It earns `rate` responses a second, keeps those of one second, and
may owe those of `window` seconds: who asks for more for so long has to be quiet for as long. That is one number, the
time at which the debt is paid: each response moves it by a second divided by the rate, and what moves it beyond now is
over the limit. Buckets are found by a keyed hash, so that nobody can make others share his; where a set of them is
full, the one that is idle longest is taken.
"""

from __future__ import annotations

from auth.rate_limit_numbers import (
    ALL,
    ALL_ONES,
    BUCKET_OCTETS,
    BUCKET_WORDS,
    DROP,
    FLAG_BITS,
    IPV4,
    IPV4_BITS,
    IPV4_OCTETS,
    IPV6_BITS,
    KINDS,
    LIMITED,
    MAX_EXEMPT,
    MAX_SLIP,
    NETWORK_WORDS,
    SECOND,
    SEND,
    SLIP,
    SLIPS,
    WAYS,
    WORD_OCTETS,
)
from auth.siphash import SipHash


class RateLimiter(SipHash):
    """A table of buckets; for one thread. Others may have limiters of the same key over the same memory.

    They take no turns: words are read and written whole, so that what may be lost where two of them come to one bucket
    in the same nanoseconds is a response that is not counted, or, where one takes the bucket from an idle owner just
    then, that its debt begins as his.
    """

    def __init__(self, key0: int, key1: int, table: memoryview) -> None:
        """The key of the hash, which nobody may know; the memory, zeros at first: a power of two of buckets, at least
        WAYS.
        """
        super().__init__(key0, key1)
        buckets = len(table) // BUCKET_OCTETS
        if buckets < WAYS or buckets & buckets - 1:
            raise ValueError(f"{buckets} is not a power of two of {WAYS} or more")
        self.sets = buckets // WAYS
        self.words = table.cast("Q")
        self.names = memoryview(b"")
        self.costs = memoryview(bytearray(8 * KINDS)).cast("q")  # nanoseconds of a response of each kind
        self.networks = memoryview(bytearray(8 * NETWORK_WORDS * MAX_EXEMPT)).cast("Q")
        self.exempt = 0
        self.addresses = memoryview(b"")
        self.window = 0
        self.slip = 0
        self.ipv4_mask = ALL_ONES
        self.ipv6_mask = ALL_ONES
        self.evicted = 0  # buckets taken from somebody who is not idle: the table is too small
        self.began = 0  # 1: the bucket asked for last was within its limit before

    def limit(self, kind: int, rate: int) -> None:
        """Limit responses of a kind to so many a second; 0: not at all."""
        self.costs[kind] = SECOND // rate if rate else 0

    def shape(self, window: int, slip: int, ipv4_bits: int, ipv6_bits: int) -> None:
        """How long a debt may be, in nanoseconds; every which limited response slips (0: none); how long the prefixes
        of networks are.
        """
        if not 0 <= slip <= MAX_SLIP:
            raise ValueError(f"slip {slip} is not 0 to {MAX_SLIP}")
        self.window = window
        self.slip = slip
        if not (0 < ipv4_bits <= IPV4_BITS and 0 < ipv6_bits <= IPV6_BITS):
            raise ValueError(f"prefixes of {ipv4_bits} and {ipv6_bits} bits are not 1 to {IPV4_BITS} and {IPV6_BITS}")
        self.ipv4_mask = (ALL_ONES << IPV4_BITS - ipv4_bits) & ALL_ONES
        self.ipv6_mask = (ALL_ONES << IPV6_BITS - ipv6_bits) & ALL_ONES

    def spare(self, high: int, low: int, high_mask: int, low_mask: int) -> None:
        """Never limit a network: its address and mask, 64 bits each; IPv4 is `low`, below `high` IPV4."""
        if self.exempt == MAX_EXEMPT:
            raise ValueError(f"more than {MAX_EXEMPT} exempt networks")
        at = NETWORK_WORDS * self.exempt
        self.networks[at] = high
        self.networks[at + 1] = low
        self.networks[at + 2] = high_mask
        self.networks[at + 3] = low_mask
        self.exempt += 1

    def attach(self, addresses: memoryview) -> None:
        """Read addresses in these octets from now on."""
        self.addresses = addresses

    def attach_names(self, names: memoryview) -> None:
        """Read names in these octets from now on."""
        self.names = names

    def name_number(self, octets: int) -> int:
        """The number of the name in so many octets of the names: as hashed_octets() has it."""
        return self.octets_number(octets)

    def octets_number(self, octets: int) -> int:
        """As name_number(), for compiled callers."""
        self.start()
        at = 0
        while at + WORD_OCTETS <= octets:
            self.take(self.name_word(at, WORD_OCTETS))
            at += WORD_OCTETS
        return self.finish(self.name_word(at, octets - at), octets)

    def name_word(self, at: int, octets: int) -> int:
        """So many octets of the names, little end first."""
        value = 0
        for index in range(octets):
            value = value << 8 | self.names[at + octets - 1 - index]
        return value

    def decide(self, address: int, octets: int, kind: int, name: int, now: int) -> int:
        """What becomes of a response: SEND, SLIP or DROP.

        It goes to the address (4 or 16 octets) at `address` of the addresses; `name` is a number for what is equal for
        all responses that count as the same; `now` is in nanoseconds and never less than before.
        """
        return self.choose(address, octets, kind, name, now)

    def choose(self, address: int, octets: int, kind: int, name: int, now: int) -> int:
        """As `decide`, for compiled callers, which need not hold the GIL."""
        self.began = 0
        if octets == IPV4_OCTETS:
            high = IPV4
            low = self.address_word(address, IPV4_OCTETS)
            network = (high | low) & self.ipv4_mask
        else:
            high = self.address_word(address, WORD_OCTETS)
            low = self.address_word(address + WORD_OCTETS, WORD_OCTETS)
            network = high & self.ipv6_mask
        if self.exempt and self.is_exempt(high, low):
            return SEND
        if self.costs[ALL] and self.spend(network, ALL, 0, now) != SEND:
            return DROP  # whatever it is: the network gets too much of everything
        return self.spend(network, kind, name, now) if self.costs[kind] else SEND

    def is_exempt(self, high: int, low: int) -> int:
        """Whether an address is never limited."""
        for index in range(self.exempt):
            at = NETWORK_WORDS * index
            if (high == IPV4) != (self.networks[at] == IPV4):
                continue  # of the other family
            if high & self.networks[at + 2] != self.networks[at]:
                continue
            if low & self.networks[at + 3] == self.networks[at + 1]:
                return 1
        return 0

    def spend(self, network: int, kind: int, name: int, now: int) -> int:
        """Take one response out of a bucket."""
        at = self.bucket(network, kind, name, now)
        state = self.words[at]
        paid = state >> FLAG_BITS
        if paid < now - SECOND:
            paid = now - SECOND
        paid += self.costs[kind]
        if paid <= now:
            self.words[at] = paid << FLAG_BITS
            return SEND
        if paid > now + self.window:
            paid = now + self.window
        slips = 0
        if state & LIMITED:
            slips = state & SLIPS
        else:
            self.began = 1
        slips += 1
        outcome = DROP
        if self.slip and slips >= self.slip:
            slips = 0
            outcome = SLIP
        self.words[at] = paid << FLAG_BITS | LIMITED | (slips & SLIPS)
        return outcome

    def bucket(self, network: int, kind: int, name: int, now: int) -> int:
        """Where the state of a bucket is; a new one is empty."""
        self.start()
        self.take(network)
        self.take(name)
        hashed = self.finish(kind, 2 * WORD_OCTETS + 1)
        first = (hashed & self.sets - 1) * WAYS * BUCKET_WORDS
        idlest = first
        earliest = self.words[first + 1] >> FLAG_BITS
        for way in range(WAYS):
            at = first + BUCKET_WORDS * way
            if self.words[at] == hashed:
                return at + 1
            paid = self.words[at + 1] >> FLAG_BITS
            if paid < earliest:
                idlest = at
                earliest = paid
        if earliest > now - SECOND:
            self.evicted += 1
        self.words[idlest] = hashed
        self.words[idlest + 1] = 0
        return idlest + 1

    def address_word(self, at: int, octets: int) -> int:
        """So many octets of the addresses as a number, big end first."""
        value = 0
        for index in range(octets):
            value = value << 8 | self.addresses[at + index]
        return value
