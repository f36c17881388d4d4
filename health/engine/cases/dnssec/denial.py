"""How the zone denies what it does not have: DNSSEC10."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dns.dnssec
import dns.name
import dns.rdatatype
from dns.rdatatype import DNSKEY, NS, NSEC, NSEC3, NSEC3PARAM, RRSIG, SOA

from health.engine.cases.dnssec import records
from health.engine.cases.dnssec.algorithms import algorithm
from health.engine.cases.dnssec.nsec3 import SHA1
from health.engine.cases.dnssec.records import Nsec, Nsec3, Signed
from health.engine.cases.dnssec.verification import Keyring, Verdict
from health.engine.cases.usable import authoritative
from health.engine.findings import Findings
from health.engine.network import DNSSEC, NoResponse
from health.engine.registry import case, error, info, notice, warning
from health.engine.reply import Record, Reply, Server

if TYPE_CHECKING:
    from health.engine.context import Context

_VERDICTS = {
    Verdict.NO_KEY: "RRSIG_NO_DNSKEY",
    Verdict.EXPIRED: "RRSIG_EXPIRED",
    Verdict.NOT_YET_VALID: "RRSIG_NOT_YET_VALID",
    Verdict.WRONG: "RRSIG_VERIFY_ERROR",
}
_MOST_DENYING = 8  # records of different names in one reply whose signatures are looked at; one is expected
# What the type list of the apex must have and must not have, by the type it is in.
_PRESENT = {NSEC: {SOA, NS, DNSKEY, NSEC, RRSIG}, NSEC3: {SOA, NS, DNSKEY, NSEC3PARAM, RRSIG}}
_ABSENT = {NSEC: {NSEC3PARAM, NSEC3}, NSEC3: {NSEC, NSEC3}}


@dataclass
class _Denials:
    """Which servers show what, and what is wrong with it."""

    findings: Findings
    unsupported: Findings
    nsec_answered: set[Server] = field(default_factory=set)  # NSEC to a query for it
    nsec_denies: set[Server] = field(default_factory=set)  # NSEC to a query for NSEC3PARAM
    param_answered: set[Server] = field(default_factory=set)
    nsec3_denies: set[Server] = field(default_factory=set)


@case(
    "DNSSEC10",
    {
        "DS10_ERR_MULT_NSEC": error("ns_list"),
        "DS10_ERR_MULT_NSEC3": error("ns_list"),
        "DS10_ERR_MULT_NSEC3PARAM": error("ns_list"),
        "DS10_EXPECTED_NSEC_NSEC3_MISSING": error("ns_list"),
        "DS10_INCONSISTENT_NSEC": error("ns_list"),
        "DS10_INCONSISTENT_NSEC3": error("ns_list"),
        "DS10_INCONSISTENT_NSEC_NSEC3": error("ns_list_nsec", "ns_list_nsec3"),
        "DS10_MIXED_NSEC_NSEC3": error("ns_list"),
        "DS10_NSEC3PARAM_GIVES_ERR_ANSWER": error("ns_list"),
        "DS10_NSEC3PARAM_MISMATCHES_APEX": error("ns_list"),
        "DS10_NSEC3PARAM_QUERY_RESPONSE_ERR": error("ns_list"),
        "DS10_NSEC3_ERR_TYPE_LIST": error("ns_list"),
        "DS10_NSEC3_MISMATCHES_APEX": error("ns_list"),
        "DS10_NSEC3_MISSING_SIGNATURE": error("ns_list"),
        "DS10_NSEC3_NODATA_MISSING_SOA": error("ns_list"),
        "DS10_NSEC3_NODATA_WRONG_SOA": error("domain", "ns_list"),
        "DS10_NSEC3_NO_VERIFIED_SIGNATURE": error("ns_list"),
        "DS10_NSEC3_RRSIG_EXPIRED": error("keytag", "ns_list"),
        "DS10_NSEC3_RRSIG_NOT_YET_VALID": error("keytag", "ns_list"),
        "DS10_NSEC3_RRSIG_VERIFY_ERROR": error("keytag", "ns_list"),
        "DS10_NSEC_ERR_TYPE_LIST": error("ns_list"),
        "DS10_NSEC_GIVES_ERR_ANSWER": error("ns_list"),
        "DS10_NSEC_MISMATCHES_APEX": error("ns_list"),
        "DS10_NSEC_MISSING_SIGNATURE": error("ns_list"),
        "DS10_NSEC_NODATA_MISSING_SOA": error("ns_list"),
        "DS10_NSEC_NODATA_WRONG_SOA": error("domain", "ns_list"),
        "DS10_NSEC_NO_VERIFIED_SIGNATURE": error("ns_list"),
        "DS10_NSEC_QUERY_RESPONSE_ERR": error("ns_list"),
        "DS10_NSEC_RRSIG_EXPIRED": error("keytag", "ns_list"),
        "DS10_NSEC_RRSIG_NOT_YET_VALID": error("keytag", "ns_list"),
        "DS10_NSEC_RRSIG_VERIFY_ERROR": error("keytag", "ns_list"),
        "DS10_SERVER_NO_DNSSEC": error("ns_list"),
        "DS10_NSEC3_RRSIG_NO_DNSKEY": warning("keytag", "ns_list"),
        "DS10_NSEC_RRSIG_NO_DNSKEY": warning("keytag", "ns_list"),
        "DS10_ALGO_NOT_SUPPORTED_BY_ZM": notice("keytag", "algo_num", "algo_mnemo", "ns_ip_list"),
        "DS10_ZONE_NO_DNSSEC": notice("ns_list"),
        "DS10_HAS_NSEC": info("ns_list"),
        "DS10_HAS_NSEC3": info("ns_list"),
    },
)
async def dnssec10(context: Context) -> None:
    """NSEC and NSEC3 denial (DNSSEC-TP/dnssec10.md).

    As the specification has it, and not the original, INCONSISTENT_NSEC_NSEC3 gives two lists of servers and
    *_NODATA_WRONG_SOA the owner of the SOA record that is wrong.
    """
    denials = _Denials(Findings(context), Findings(context, "ns_ip_list"))
    replies = await context.ask_all(await context.v2.servers(), context.zone, DNSKEY, edns=DNSSEC)
    usable = [(server, Keyring.of(found, context.zone)) for server, reply in replies if (found := authoritative(reply))]
    keyrings = {server: keyring for server, keyring in usable if keyring}
    without = [server for server, keyring in usable if not keyring]
    denials.findings.add_all("DS10_SERVER_NO_DNSSEC" if keyrings else "DS10_ZONE_NO_DNSSEC", without)
    for server, reply in await context.ask_all(keyrings, context.zone, NSEC, edns=DNSSEC):
        _nsec_query(denials, server, reply, keyrings[server])
    for server, reply in await context.ask_all(keyrings, context.zone, NSEC3PARAM, edns=DNSSEC):
        _nsec3param_query(denials, server, reply, keyrings[server])
    denials.findings.emit()
    denials.unsupported.emit()
    _conclude(context, denials, set(keyrings))


def _nsec_query(denials: _Denials, server: Server, response: Reply | NoResponse, keyring: Keyring) -> None:
    """NSEC is in the answer, or its absence is denied by NSEC3."""
    reply = authoritative(response)
    if reply is None:
        denials.findings.add("DS10_NSEC_QUERY_RESPONSE_ERR", server)
    elif found := reply.answers(NSEC):
        denials.nsec_answered.add(server)
        if len(found) > 1:
            denials.findings.add("DS10_ERR_MULT_NSEC", server)
        if any(record.name != keyring.apex for record in found):
            denials.findings.add("DS10_NSEC_MISMATCHES_APEX", server)
    elif reply.answers():
        denials.findings.add("DS10_NSEC_GIVES_ERR_ANSWER", server)
    elif denying := reply.authority(NSEC3):
        denials.nsec3_denies.add(server)
        _Denial(denials, server, reply, keyring, NSEC3).check(denying)


def _nsec3param_query(denials: _Denials, server: Server, response: Reply | NoResponse, keyring: Keyring) -> None:
    """NSEC3PARAM is in the answer, or its absence is denied by NSEC."""
    reply = authoritative(response)
    if reply is None:
        denials.findings.add("DS10_NSEC3PARAM_QUERY_RESPONSE_ERR", server)
    elif found := reply.answers(NSEC3PARAM):
        denials.param_answered.add(server)
        if len(found) > 1:
            denials.findings.add("DS10_ERR_MULT_NSEC3PARAM", server)
        if any(record.name != keyring.apex for record in found):
            denials.findings.add("DS10_NSEC3PARAM_MISMATCHES_APEX", server)
    elif reply.answers():
        denials.findings.add("DS10_NSEC3PARAM_GIVES_ERR_ANSWER", server)
    elif denying := reply.authority(NSEC):
        denials.nsec_denies.add(server)
        _Denial(denials, server, reply, keyring, NSEC).check(denying)


@dataclass(frozen=True)
class _Denial:
    """A reply without answer in which NSEC or NSEC3 records deny."""

    denials: _Denials
    server: Server
    reply: Reply
    keyring: Keyring
    rdtype: dns.rdatatype.RdataType

    def check(self, denying: list[Record]) -> None:
        """All that is to be right about it."""
        self._check_soa()
        if len(denying) > 1:
            self._add(f"DS10_ERR_MULT_{self.rdtype.name}")
        elif not self._at_apex(denying[0]):
            self._say("MISMATCHES_APEX")
        elif not self._types_right(denying[0]):
            self._say("ERR_TYPE_LIST")
        for owner in sorted({record.name for record in denying})[:_MOST_DENYING]:
            signed = records.signed([r for r in denying if r.name == owner], self.reply.authority(RRSIG))
            if signed:
                self._check_signatures(signed)

    def _add(self, tag: str, **arguments: object) -> None:
        self.denials.findings.add(tag, self.server, **arguments)

    def _say(self, what: str, **arguments: object) -> None:
        self._add(f"DS10_{self.rdtype.name}_{what}", **arguments)

    def _check_soa(self) -> None:
        owners = [record.name for record in self.reply.authority(SOA)]
        if not owners:
            self._say("NODATA_MISSING_SOA")
        for owner in owners:
            if owner != self.keyring.apex:
                self._say("NODATA_WRONG_SOA", domain=owner)

    def _at_apex(self, record: Record) -> bool:
        """Whether it is about the apex; a hash nobody knows is left to DNSSEC03."""
        if not isinstance(record.rdata, Nsec3):
            return bool(record.name == self.keyring.apex)
        nsec3 = record.rdata
        if nsec3.algorithm != SHA1:
            return True
        hashed = dns.dnssec.nsec3_hash(self.keyring.apex, nsec3.salt, nsec3.iterations, SHA1)
        return bool(record.name == dns.name.from_text(hashed, self.keyring.apex))

    def _types_right(self, record: Record) -> bool:
        if not isinstance(record.rdata, Nsec | Nsec3):
            return False
        listed: set[int] = {
            window * 256 + octet * 8 + bit
            for window, bitmap in record.rdata.windows
            for octet, bits in enumerate(bitmap)
            for bit in range(8)
            if bits & (0x80 >> bit)
        }
        return listed >= _PRESENT[self.rdtype] and not listed & _ABSENT[self.rdtype]

    def _check_signatures(self, signed: Signed) -> None:
        if not signed.signatures:
            self._say("MISSING_SIGNATURE")
            return
        verdicts = []
        for signature in signed.signatures:
            verdict = self.keyring.verdict(signed, signature, self.reply.time)
            if not self.keyring.with_tag(signature.key_tag):
                verdict = Verdict.NO_KEY  # here this comes before all else
            verdicts.append(verdict)
            if verdict is Verdict.UNSUPPORTED:
                number = int(signature.algorithm)
                of = {"keytag": signature.key_tag, "algo_num": number, "algo_mnemo": algorithm(number).mnemonic}
                self.denials.unsupported.add("DS10_ALGO_NOT_SUPPORTED_BY_ZM", self.server, **of)
            elif verdict is not Verdict.GOOD:
                self._say(_VERDICTS[verdict], keytag=signature.key_tag)
        if Verdict.GOOD not in verdicts and any(verdict in _VERDICTS for verdict in verdicts):
            self._say("NO_VERIFIED_SIGNATURE")


def _conclude(context: Context, denials: _Denials, serving: set[Server]) -> None:
    """What all servers together show."""
    nsec = denials.nsec_answered | denials.nsec_denies
    nsec3 = denials.param_answered | denials.nsec3_denies
    for tag, servers in (
        ("DS10_INCONSISTENT_NSEC", (denials.nsec_answered ^ denials.nsec_denies) - nsec3),
        ("DS10_INCONSISTENT_NSEC3", (denials.param_answered ^ denials.nsec3_denies) - nsec),
        ("DS10_MIXED_NSEC_NSEC3", nsec & nsec3),
        ("DS10_HAS_NSEC", nsec if not nsec3 else set()),
        ("DS10_HAS_NSEC3", nsec3 if not nsec else set()),
        ("DS10_EXPECTED_NSEC_NSEC3_MISSING", serving - nsec - nsec3),
    ):
        if servers:
            context.emit(tag, ns_list=servers)
    if nsec - nsec3 and nsec3 - nsec:
        context.emit("DS10_INCONSISTENT_NSEC_NSEC3", ns_list_nsec=nsec - nsec3, ns_list_nsec3=nsec3 - nsec)
