"""The plain lines of zone text, straight from octets to packed records. Plain Python; zonescan.pxd adds the types.

What is plain: a record whose words need no thought (no escapes, no units of time, no type that is rare). At anything
else the scanner stops before that entry, and datasrc.zonetext reads it, as it reads everything where this is not at
hand: the two read the same, and every message comes from there. So whatever looks odd here is left, never judged.
"""

from __future__ import annotations

from dns.rdatatype import RdataType

from datasrc.octets import (
    ADDRESS4,
    ADDRESS6,
    AUTHORITY,
    BLANK,
    CERTIFICATE,
    DIGEST,
    DOLLAR,
    ESCAPED_BELOW,
    FINGERPRINT,
    FIRST_SERVICE,
    FOLD,
    FORM_TYPES,
    IN_LENGTH,
    ISSUER,
    KEY,
    MAX_LABELS,
    MAX_LINE,
    MAX_NAME,
    MAX_TTL,
    NAME,
    NEWLINE,
    NEXT_HASH,
    NEXT_NAME,
    NINE,
    NO_TTL,
    NOT_PLAIN,
    NUMBER_NAME,
    NUMBERS_NAME,
    POINTER,
    QUOTE,
    RESOURCE,
    SERVICE,
    SIGNATURE,
    STRINGS,
    UPPER_I,
    UPPER_N,
    WORD,
    ZERO,
)
from datasrc.packed import PackedRecords
from datasrc.zonescan_services import ServiceScanner

FORMS = {
    RdataType.SOA: AUTHORITY,
    RdataType.A: ADDRESS4,
    RdataType.AAAA: ADDRESS6,
    RdataType.NS: NAME,
    RdataType.CNAME: NAME,
    RdataType.PTR: NAME,
    RdataType.DNAME: NAME,
    RdataType.MX: NUMBER_NAME,
    RdataType.AFSDB: NUMBER_NAME,
    RdataType.RT: NUMBER_NAME,
    RdataType.KX: NUMBER_NAME,
    RdataType.SRV: NUMBERS_NAME,
    RdataType.TXT: STRINGS,
    RdataType.SPF: STRINGS,
    RdataType.DS: DIGEST,
    RdataType.CDS: DIGEST,
    RdataType.DNSKEY: KEY,
    RdataType.CDNSKEY: KEY,
    RdataType.RRSIG: SIGNATURE,
    RdataType.NSEC: NEXT_NAME,
    RdataType.NSEC3: NEXT_HASH,
    RdataType.SVCB: SERVICE,
    RdataType.HTTPS: SERVICE,
    RdataType.TLSA: CERTIFICATE,
    RdataType.SMIMEA: CERTIFICATE,
    RdataType.SSHFP: FINGERPRINT,
    RdataType.CAA: ISSUER,
    RdataType.NAPTR: POINTER,
    RdataType.URI: RESOURCE,
}


class Scanner(ServiceScanner):
    """Reads into one PackedRecords. What stands for missing fields is told before a scan and may be asked after it."""

    def __init__(self, records: PackedRecords, apex: bytes) -> None:
        """`apex` is the wire form of the zone's origin."""
        super().__init__()
        self.records = records
        self.forms = bytearray(FORM_TYPES)
        for rdtype, form in FORMS.items():
            self.forms[rdtype] = form
        self.apex = apex
        self.apex_length = len(apex)
        self.ttl = NO_TTL  # of a record that says none
        self.lasting = False  # whether that is $TTL's, which a record's own does not change
        self.last_ttl = NO_TTL  # the last one a record said, in this scan
        self.file = 0
        self.lines = 0  # read
        # Of the record at hand.
        self.own_ttl = NO_TTL  # what it says itself
        self.rdtype = 0
        self.form = NOT_PLAIN  # of its RDATA
        # The owner of the moment, and its key.
        self.owner = bytearray(MAX_NAME + 1)
        self.owner_length = 0
        self.owner_kept = 0  # what is stored of it: 0 where the key says it
        self.owner_word = bytearray(MAX_NAME + 1)
        self.owner_word_length = 0
        self.key = bytearray(2 * MAX_NAME + 8)
        self.key_length = 0
        self.labels = memoryview(bytearray(8 * MAX_LABELS)).cast("Q")

    def begin(self, file: int, line: int, origin: bytes, owner: bytes, ttl: int | None, lasting: bool) -> None:
        """Say where reading stands: the lines read so far, $ORIGIN, the owner (may be empty), the TTL if any."""
        self.file = file
        self.lines = line
        self.origin = origin
        self.origin_length = len(origin)
        self.owner_length = 0
        self.owner_word_length = 0
        if owner and len(owner) <= MAX_NAME:
            for index in range(len(owner)):
                self.owner[index] = owner[index]
            self.owner_length = len(owner)
            if not self.set_key():
                self.owner_length = 0
        self.ttl = NO_TTL if ttl is None else ttl
        self.lasting = lasting
        self.last_ttl = NO_TTL

    def said_ttl(self) -> int | None:
        """The last TTL a record of this scan said, if one did."""
        return None if self.last_ttl == NO_TTL else self.last_ttl

    def owner_wire(self) -> bytes:
        """The owner of the record read last, empty where it is still the one that the scan began with."""
        return bytes(self.owner[: self.owner_length])

    def scan(self, text: bytes, start: int, end: int) -> int:
        """Take plain entries of text[start:end], whole lines; where the first other one begins, or `end`."""
        self.text = text
        position = start
        named = -1  # where the last owner was written
        while position < end:
            self.line = self.lines + 1
            following = self.take(position, end)
            if following == 0:
                self.owner_length = 0  # it may be that of the entry which is left, and that one may be none
                if named >= 0:
                    self.owner_length = self.name(named, self.word_end(named), self.owner, 0)
                break
            if self.kinds[self.text[position]] == WORD:
                named = position
            position = following
            self.lines = self.line
        self.text = b""
        return position

    def take(self, start: int, end: int) -> int:
        """Take one entry; where the next one begins, or 0 where this one is not plain."""
        self.depth = 0
        at = start
        kind = self.kinds[self.text[at]]
        if kind == WORD:
            if self.text[at] == DOLLAR:  # $
                return 0
            at = self.word_end(at)
            if not self.set_owner(start, at):
                return 0
        at = self.skip(at, end)
        if at < 0:
            return 0
        if self.kinds[self.text[at]] == NEWLINE:
            return at + 1 if kind != WORD else 0
        if self.owner_length == 0 or self.kinds[self.text[at]] == QUOTE:
            return 0
        return self.record(at, end)

    def record(self, start: int, end: int) -> int:
        """Take what follows the owner."""
        at = self.head(start, end)
        if at == 0:
            return 0
        ttl = self.own_ttl
        if ttl == NO_TTL:
            ttl = self.ttl
            if ttl == NO_TTL or (self.form == AUTHORITY and not self.lasting):  # its MINIMUM may be what others get
                return 0
        length = self.data(self.form, at, end) if self.form < FIRST_SERVICE else self.service_data(self.form, at, end)
        if length <= 0:
            return 0
        at = self.skip(self.word, end)
        if at < 0 or self.kinds[self.text[at]] != NEWLINE or at - start > MAX_LINE:
            return 0
        covers = 0
        if self.form == SIGNATURE:
            covers = self.rdata[0] << 8 | self.rdata[1]
        self.store(self.rdtype, covers, ttl, length)
        if self.own_ttl != NO_TTL:
            self.last_ttl = ttl
            if not self.lasting:
                self.ttl = ttl
        return at + 1

    def head(self, start: int, end: int) -> int:
        """Read the TTL and the class, if any, and the type; where the RDATA begins, or 0 where they are not plain."""
        at = start
        class_seen = False
        self.own_ttl = NO_TTL
        while self.kinds[self.text[at]] == WORD:
            word = at
            at = self.word_end(at)
            if ZERO <= self.text[word] <= NINE:
                if self.own_ttl != NO_TTL:
                    return 0
                self.own_ttl = self.number(word, at, MAX_TTL)
                if self.own_ttl < 0:
                    return 0
            elif (
                at - word == IN_LENGTH and self.text[word] & FOLD == UPPER_I and self.text[word + 1] & FOLD == UPPER_N
            ):  # IN
                if class_seen:
                    return 0
                class_seen = True
            else:
                self.rdtype = self.type_of(word, at)
                self.form = self.forms[self.rdtype] if self.rdtype < FORM_TYPES else NOT_PLAIN
                return 0 if self.form == NOT_PLAIN else max(0, self.skip(at, end))
            at = self.skip(at, end)
            if at < 0:
                return 0
        return 0

    def store(self, rdtype: int, covers: int, ttl: int, length: int) -> int:
        """Add the record that was read."""
        at = self.key_length
        self.key[at] = 0
        self.key[at + 1] = rdtype >> 8
        self.key[at + 2] = rdtype & 0xFF
        self.key[at + 3] = covers >> 8
        self.key[at + 4] = covers & 0xFF
        self.records.append(
            self.file, self.lines + 1, ttl, self.key, at + 5, self.owner, self.owner_kept, self.rdata, length
        )
        return 0

    def set_owner(self, start: int, end: int) -> bool:
        """Make the word at the beginning of a line the owner; whether that was plain."""
        length = end - start
        if self.kinds[self.text[end]] != BLANK or length > MAX_NAME:
            return False
        if length == self.owner_word_length and self.is_owner_word(start, length):
            return True
        self.owner_word_length = 0
        self.owner_length = self.name(start, end, self.owner, 0)
        if self.owner_length == 0 or not self.set_key():
            self.owner_length = 0
            return False
        for index in range(length):
            self.owner_word[index] = self.text[start + index]
        self.owner_word_length = length
        return True

    def is_owner_word(self, start: int, length: int) -> bool:
        """Whether the word is the one before."""
        for index in range(length):
            if self.owner_word[index] != self.text[start + index]:
                return False
        return True

    def set_key(self) -> bool:
        """Work the key of the owner out (datasrc.keys), relative to the apex; whether the owner is in the zone."""
        inner = self.owner_length - self.apex_length  # octets of the labels below the apex
        if inner < 0:
            return False
        at = 0
        count = 0
        while at < inner:
            self.labels[count] = at
            count += 1
            at += 1 + self.owner[at]
        if at != inner:
            return False
        same = True
        for index in range(self.apex_length):
            octet = self.owner[inner + index]
            expected = self.apex[index]
            if octet != expected:
                if self.lower(octet) != self.lower(expected):
                    return False
                same = False
        length = 0
        while count > 0:
            count -= 1
            at = self.labels[count]
            for index in range(at + 1, at + 1 + self.owner[at]):
                octet = self.lower(self.owner[index])
                if octet < ESCAPED_BELOW:  # escaped in a key
                    return False
                if octet != self.owner[index]:
                    same = False
                self.key[length] = octet
                length += 1
            self.key[length] = 0
            length += 1
        self.key_length = length
        self.owner_kept = 0 if same else self.owner_length
        return True
