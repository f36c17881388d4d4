"""What reading or checking zone data finds: a stable code, how bad it is, where, and a sentence.

The codes are interface: scripts match on them, so a code may be added but is never renamed or given a new meaning.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from dns import rdatatype
from dns.name import Name

# Of each code this many findings are kept whole; the rest are only counted (a registry may lack glue 100 000 times).
MAX_KEPT_PER_CODE = 25


# What text names (a file to include) must not command the terminal it is shown on.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


class Severity(enum.Enum):
    """Whether the data can be used."""

    ERROR = "error"
    WARNING = "warning"


class Code(enum.Enum):
    """What was found. The first two groups are errors, all else are warnings (`ERRORS`)."""

    # The text.
    SYNTAX = "syntax"
    BAD_NAME = "bad-name"
    BAD_TTL = "bad-ttl"
    BAD_RDATA = "bad-rdata"
    UNKNOWN_TYPE = "unknown-type"
    META_TYPE = "meta-type"
    CLASS_MISMATCH = "class-mismatch"
    NO_OWNER = "no-owner"
    NO_TTL = "no-ttl"
    BAD_DIRECTIVE = "bad-directive"
    BAD_INCLUDE = "bad-include"
    BAD_GENERATE = "bad-generate"
    UNREADABLE = "unreadable"
    TOO_MANY_ERRORS = "too-many-errors"

    # The zone.
    NO_SOA = "no-soa"
    SEVERAL_SOA = "several-soa"
    SOA_NOT_AT_APEX = "soa-not-at-apex"
    NO_APEX_NS = "no-apex-ns"
    CNAME_AND_OTHER_DATA = "cname-and-other-data"
    SEVERAL_CNAME = "several-cname"
    SEVERAL_DNAME = "several-dname"

    # The text, worth a warning.
    NON_ASCII = "non-ascii"
    TTL_TOO_LARGE = "ttl-too-large"
    TTL_FROM_SOA = "ttl-from-soa"
    OUT_OF_ZONE = "out-of-zone"
    DUPLICATE = "duplicate"
    TTL_DIFFERS = "ttl-differs"

    # The zone, worth a warning.
    MISSING_GLUE = "missing-glue"
    TARGET_WITHOUT_ADDRESS = "target-without-address"
    TARGET_IS_CNAME = "target-is-cname"
    TARGET_BELOW_DNAME = "target-below-dname"
    TARGET_IS_ADDRESS = "target-is-address"
    OCCLUDED = "occluded"
    BELOW_DNAME = "below-dname"
    DNAME_AND_NS = "dname-and-ns"
    CNAME_LOOP = "cname-loop"
    WILDCARD_NS = "wildcard-ns"
    WILDCARD_DNAME = "wildcard-dname"
    DS_WITHOUT_NS = "ds-without-ns"
    NOT_AT_APEX = "not-at-apex"
    NSEC3PARAM_IGNORED = "nsec3param-ignored"
    NSEC3_ITERATIONS = "nsec3-iterations"
    RRSIG_WITHOUT_SET = "rrsig-without-set"
    RRSET_WITHOUT_SIGNATURE = "rrset-without-signature"
    SOA_RNAME = "soa-rname"
    SOA_TIMERS = "soa-timers"
    ORIGIN_REPEATED = "origin-repeated"
    RRSET_TOO_LARGE = "rrset-too-large"

    # The change a load would make.
    SERIAL_UNCHANGED = "serial-unchanged"

    @property
    def severity(self) -> Severity:
        """Whether data with such a finding can be used."""
        return Severity.ERROR if self in ERRORS else Severity.WARNING


ERRORS = frozenset(list(Code)[: list(Code).index(Code.SEVERAL_DNAME) + 1])


class Place(NamedTuple):
    """A line of a file; the first line is 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `place` is known for data fresh from text; name and type say where it is in the zone.

    `file` is the zone's, where what is found is in no line of it, such as a record that is missing.
    """

    code: Code
    text: str
    place: Place | None = None
    name: Name | None = None
    rdtype: int | None = None
    file: str = ""

    @property
    def severity(self) -> Severity:
        """Whether the data can be used."""
        return self.code.severity

    @property
    def where(self) -> str:
        """The place, or else the file, name and type; empty where nothing of it is known."""
        if self.place is not None:
            return str(self.place)
        parts = [] if self.name is None else [self.name.to_text()]
        if self.rdtype is not None:
            parts.append(rdatatype.to_text(rdatatype.RdataType.make(self.rdtype)))
        inside = " ".join(parts)
        return f"{self.file}: {inside}" if self.file and inside else self.file or inside

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        text = f"{where}{self.severity.value}: {self.text} [{self.code.value}]"
        return text.translate(_CONTROL)


class Findings:
    """Collects findings with bounded memory: all are counted, MAX_KEPT_PER_CODE of each code are kept."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self._counts: Counter[Code] = Counter()

    def add(self, finding: Finding) -> bool:
        """Note a finding; whether it was kept whole."""
        self._counts[finding.code] += 1
        if self._counts[finding.code] > MAX_KEPT_PER_CODE:
            return False
        self.kept.append(finding)
        return True

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.kept)

    @property
    def errors(self) -> int:
        """How many errors there are."""
        return self._counted(Severity.ERROR)

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return self._counted(Severity.WARNING)

    @property
    def left_out(self) -> dict[Code, int]:
        """How many findings of which code were only counted."""
        return {code: count - MAX_KEPT_PER_CODE for code, count in self._counts.items() if count > MAX_KEPT_PER_CODE}

    def _counted(self, severity: Severity) -> int:
        return sum(count for code, count in self._counts.items() if code.severity is severity)
