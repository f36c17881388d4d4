"""Which records prove to a validator that something does not exist: RFC 4035 section 3.1.3 with NSEC, RFC 5155 section
7.2 with NSEC3. Each proof is a list of sets of the zone, which go into the authority section with their signatures.

    prover_of(finder) -> NsecProver | Nsec3Prover | None         None: an unsigned zone, nothing is proven
    prover.nodata(name, lookup)       the name is there, the type is not
    prover.nxdomain(name, lookup)     the name is not there, nor the wildcard that could stand for it
    prover.wildcard(name, lookup)     a wildcard answers, for the name itself is not there
    prover.insecure(cut)              a delegation has no DS

What the zone lacks for a proof is not made up: `Unprovable`, for that answer alone. Whether signatures are good, and
bitmaps true, is not looked at: a server does not validate (RFC 4035 section 3.1.5).
"""

from __future__ import annotations

from typing import Protocol

from dns.edns import EDECode
from dns.name import Name
from dns.rdatatype import RdataType

from auth.errors import Unprovable
from auth.wire import labels_of, read_name
from datasrc.keys import name_key
from datasrc.nsec3 import MAX_ITERATIONS, OPT_OUT, SHA1, Parameters, hashed_key, next_key, read_parameters
from datasrc.records import Lookup, RRset
from datasrc.source import Finder

# Records of other chains that may lie between two of one chain; more are taken for a chain that is broken.
MAX_FOREIGN = 64


class Prover(Protocol):
    """Proves what a zone does not have."""

    def nodata(self, name: Name, found: Lookup) -> list[RRset]:
        """That the name, or the wildcard that stands for it, has no set of the type."""

    def nxdomain(self, name: Name, found: Lookup) -> list[RRset]:
        """That there is neither the name nor a wildcard for it."""

    def wildcard(self, name: Name, found: Lookup) -> list[RRset]:
        """That there is no closer match than the wildcard."""

    def insecure(self, cut: Name) -> list[RRset]:
        """That a delegation has no DS."""


def prover_of(finder: Finder) -> Prover | None:
    """What proves in this zone; None where it has neither chain. Where it has both (one is on its way in or out) it is
    NSEC3, as with NSD, Knot and BIND: NSEC3PARAM is there only while its chain is whole (RFC 5155 section 7.3).

    Raises Unprovable where there are only NSEC3 chains that are not used here.
    """
    origin = finder.info.origin
    unusable = None
    announced = finder.rrset(origin, RdataType.NSEC3PARAM)
    for rdata in () if announced is None else announced.rdatas:
        try:
            return Nsec3Prover(finder, _usable(rdata))
        except Unprovable as reason:
            unusable = reason
    if finder.rrset(origin, RdataType.NSEC) is not None:
        return NsecProver(finder)
    if unusable is not None:
        raise unusable
    return None


def _usable(rdata: bytes) -> Parameters:
    """The parameters of a chain that may be used (RFC 5155 sections 4.1.2 and 7.4)."""
    try:
        parameters, flags = read_parameters(rdata)
    except ValueError:
        raise Unprovable(EDECode.INVALID_DATA, "malformed NSEC3PARAM") from None
    if parameters.algorithm != SHA1 or flags != 0:
        raise Unprovable(EDECode.NSEC_MISSING, "no NSEC3 chain of a known hash")
    if parameters.iterations > MAX_ITERATIONS:
        raise Unprovable(EDECode.UNSUPPORTED_NSEC3_ITERATIONS_VALUE, f"more than {MAX_ITERATIONS} iterations")
    return parameters


class NsecProver:
    """Proves with NSEC: the record at the name, or the one before it, whose span covers it."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    def nodata(self, name: Name, found: Lookup) -> list[RRset]:
        """RFC 4035 sections 3.1.3.1 and 3.1.3.4. Of an empty non-terminal it is the record before it that shows it."""
        proof = [self._at_or_before(name)]
        if found.wildcard:
            proof.append(self._at_or_before(_wildcard_of(found.closest_encloser)))
        return proof

    def nxdomain(self, name: Name, found: Lookup) -> list[RRset]:
        """RFC 4035 section 3.1.3.2."""
        return [self._at_or_before(name), self._at_or_before(_wildcard_of(found.closest_encloser))]

    def wildcard(self, name: Name, found: Lookup) -> list[RRset]:  # noqa: ARG002 - the wildcard is in the signature
        """RFC 4035 section 3.1.3.3."""
        return [self._at_or_before(name)]

    def insecure(self, cut: Name) -> list[RRset]:
        """RFC 4035 section 3.1.4."""
        return [self._at_or_before(cut)]

    def _at_or_before(self, name: Name) -> RRset:
        """The NSEC record that matches or covers a name."""
        key = self._finder.key_of(name)
        for place, nsec in self._finder.backwards(key, RdataType.NSEC):
            if place <= key and (place == key or self._ends_after(nsec, key)):
                return nsec
            break
        raise Unprovable(EDECode.NSEC_MISSING, "the NSEC chain has a gap")

    def _ends_after(self, nsec: RRset, key: bytes) -> bool:
        """Whether the next name is beyond the key, or the apex, with which the chain ends."""
        end = name_key(labels_of(read_name(nsec.rdatas[0], 0)[0]))
        origin = name_key(self._finder.info.origin)
        return end == origin or end > origin + key


class Nsec3Prover:
    """Proves with NSEC3, all records of one chain (RFC 5155 section 7.2)."""

    def __init__(self, finder: Finder, parameters: Parameters) -> None:
        self._finder = finder
        self._parameters = parameters

    def nodata(self, name: Name, found: Lookup) -> list[RRset]:
        """RFC 5155 sections 7.2.3, 7.2.4 and 7.2.5. A name without a record of its own is one that was left out of the
        chain: a delegation without DS, or an empty non-terminal above nothing else.
        """
        if found.wildcard:
            wildcard = self._matching(_wildcard_of(found.closest_encloser))
            if wildcard is None:
                raise Unprovable(EDECode.NSEC_MISSING, "a wildcard has no NSEC3 record")
            return [*self._closest(name, found.closest_encloser)[1], wildcard]
        return self._exact_or_left_out(name)

    def nxdomain(self, name: Name, found: Lookup) -> list[RRset]:
        """RFC 5155 section 7.2.2."""
        encloser, proof = self._closest(name, found.closest_encloser)
        wildcard = _wildcard_of(encloser)
        if encloser != found.closest_encloser:
            # Opt-out left out the true encloser, below which no wildcard is; one beside it cannot be denied, for it is
            # there. No records prove this answer; these say as much as there is to say, as BIND does.
            beside = self._matching(wildcard)
            if beside is not None:
                return [*proof, beside]
        return [*proof, self._covering(wildcard)]

    def wildcard(self, name: Name, found: Lookup) -> list[RRset]:
        """RFC 5155 section 7.2.6: which encloser it is tells the number of labels in the signature."""
        return [self._covering(_next_closer(name, found.closest_encloser))]

    def insecure(self, cut: Name) -> list[RRset]:
        """RFC 5155 section 7.2.7."""
        return self._exact_or_left_out(cut)

    def _exact_or_left_out(self, name: Name) -> list[RRset]:
        matching = self._matching(name)
        if matching is not None:
            return [matching]
        if name == self._finder.info.origin:
            raise Unprovable(EDECode.NSEC_MISSING, "the apex has no NSEC3 record")
        proof = self._closest(name, name.parent())[1]
        if not proof[-1].rdatas[0][1] & OPT_OUT:
            raise Unprovable(EDECode.NSEC_MISSING, "a name has no NSEC3 record")
        return proof

    def _closest(self, name: Name, encloser: Name) -> tuple[Name, list[RRset]]:
        """The closest provable encloser at or above `encloser`, and its proof (RFC 5155 section 7.2.1)."""
        origin = self._finder.info.origin
        while (matching := self._matching(encloser)) is None:
            if encloser == origin:
                raise Unprovable(EDECode.NSEC_MISSING, "the apex has no NSEC3 record")
            encloser = encloser.parent()
        return encloser, [matching, self._covering(_next_closer(name, encloser))]

    def _matching(self, name: Name) -> RRset | None:
        key = hashed_key(name, self._parameters)
        place, nsec3 = self._at_or_before(key)
        return nsec3 if place == key else None

    def _covering(self, name: Name) -> RRset:
        key = hashed_key(name, self._parameters)
        place, nsec3 = self._at_or_before(key)
        if place == key:  # RFC 5155 section 7.2.9; or the record of a name that is gone
            raise Unprovable(EDECode.NSEC_MISSING, "an NSEC3 record matches a name that is not there")
        end = next_key(nsec3.rdatas[0])
        # The last record of the ring covers what is after it and what is before the first.
        covers = place < key < end if place < end else (key > place or key < end)
        if not covers:
            raise Unprovable(EDECode.NSEC_MISSING, "the NSEC3 chain has a gap")
        return nsec3

    def _at_or_before(self, key: bytes) -> tuple[bytes, RRset]:
        """The nearest record of this chain at or before a hash, around the ring."""
        for number, (place, rrset) in enumerate(self._finder.backwards(key, RdataType.NSEC3)):
            if number > MAX_FOREIGN:
                break
            if self._is_ours(rrset.rdatas[0]):
                return place, rrset
        raise Unprovable(EDECode.NSEC_MISSING, "the NSEC3 chain is not there")

    def _is_ours(self, rdata: bytes) -> bool:
        try:
            next_key(rdata)
            return read_parameters(rdata)[0] == self._parameters
        except ValueError:
            return False


def _wildcard_of(encloser: Name) -> Name:
    return Name((b"*", *encloser.labels))


def _next_closer(name: Name, encloser: Name) -> Name:
    """The name one label longer than the encloser, on the way to `name` (RFC 5155 section 1.3)."""
    return Name(name.labels[-len(encloser) - 1 :])
