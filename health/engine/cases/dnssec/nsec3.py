"""The parameters of NSEC3: DNSSEC03."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from dns.rdatatype import DNSKEY, NSEC, NSEC3

from health.engine.cases.dnssec import records
from health.engine.cases.dnssec.records import Nsec3
from health.engine.cases.usable import authoritative, well_formed
from health.engine.findings import Findings
from health.engine.network import DNSSEC
from health.engine.registry import case, error, info, notice, warning
from health.engine.reply import Reply

if TYPE_CHECKING:
    from health.engine.context import Context
    from health.engine.reply import Server

SHA1 = 1  # the only hash of NSEC3, RFC 5155 section 11
OPT_OUT = 0x01  # RFC 5155 section 3.1.2.1
FLAG_BITS = 8

_TLD_LABELS = 2  # labels of a top-level domain, the root counted


@case(
    "DNSSEC03",
    {
        "DS03_ERR_MULT_NSEC3": error("ns_list"),
        "DS03_ILLEGAL_HASH_ALGO": error("algo_num", "ns_list"),
        "DS03_INCONSISTENT_HASH_ALGO": error(),
        "DS03_INCONSISTENT_ITERATION": error(),
        "DS03_INCONSISTENT_NSEC3_FLAGS": error(),
        "DS03_INCONSISTENT_SALT_LENGTH": error(),
        "DS03_SERVER_NO_DNSSEC_SUPPORT": error("ns_list"),
        "DS03_SERVER_NO_NSEC3": error("ns_list"),
        "DS03_UNASSIGNED_FLAG_USED": error("int", "ns_list"),
        "DS03_NO_RESPONSE_NSEC_QUERY": error("ns_list"),
        "DS03_ERROR_RESPONSE_NSEC_QUERY": error("ns_list"),
        "DS03_ILLEGAL_ITERATION_VALUE": warning("int", "ns_list"),
        "DS03_ILLEGAL_SALT_LENGTH": warning("int", "ns_list"),
        "DS03_NO_DNSSEC_SUPPORT": notice("ns_list"),
        "DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD": notice("ns_list"),
        "DS03_LEGAL_EMPTY_SALT": info("ns_list"),
        "DS03_LEGAL_HASH_ALGO": info("ns_list"),
        "DS03_LEGAL_ITERATION_VALUE": info("ns_list"),
        "DS03_NO_NSEC3": info("ns_list"),
        "DS03_NSEC3_OPT_OUT_DISABLED": info("ns_list"),
        "DS03_NSEC3_OPT_OUT_ENABLED_TLD": info("ns_list"),
    },
)
async def dnssec03(context: Context) -> None:
    """NSEC3 parameters (DNSSEC-TP/dnssec03.md).

    Salt lengths are in octets, where the original counts hexadecimal digits. The specification lets opt-out pass at
    public suffixes too; without their list, only the root and top level domains count, as in the original.
    """
    findings = Findings(context)
    replies = await context.ask_all(await context.v1.servers(), context.zone, DNSKEY, edns=DNSSEC)
    usable = [(server, found) for server, reply in replies if (found := authoritative(reply))]
    signed = [server for server, reply in usable if records.keys(reply)]
    unsigned = [server for server, reply in usable if not records.keys(reply)]
    findings.add_all("DS03_SERVER_NO_DNSSEC_SUPPORT" if signed else "DS03_NO_DNSSEC_SUPPORT", unsigned)
    hashed = [found async for found in _hashed(context, findings, signed)]
    for server, nsec3 in hashed:
        _parameters(findings, server, nsec3, opt_out_expected=len(context.zone.labels) <= _TLD_LABELS)
    findings.emit()
    _consistency(context, [nsec3 for _, nsec3 in hashed])


async def _hashed(context: Context, findings: Findings, servers: list[Server]) -> AsyncIterator[tuple[Server, Nsec3]]:
    """The servers that answer a query for NSEC with NSEC3, and the first of those."""
    without = []
    having = False
    for server, reply in await context.ask_all(servers, context.zone, NSEC, edns=DNSSEC):
        usable = authoritative(reply)
        if usable is None:
            tag = "DS03_ERROR_RESPONSE_NSEC_QUERY" if isinstance(reply, Reply) else "DS03_NO_RESPONSE_NSEC_QUERY"
            findings.add(tag, server)
            continue
        found = well_formed(usable.authority(NSEC3), Nsec3)
        if not found:
            without.append(server)
            continue
        if len(found) > 1:
            findings.add("DS03_ERR_MULT_NSEC3", server)
        having = True
        yield server, found[0]
    findings.add_all("DS03_SERVER_NO_NSEC3" if having else "DS03_NO_NSEC3", without)


def _parameters(findings: Findings, server: Server, nsec3: Nsec3, *, opt_out_expected: bool) -> None:
    """RFC 9276 section 3.1: SHA-1, no further iterations, no salt."""
    if nsec3.algorithm == SHA1:
        findings.add("DS03_LEGAL_HASH_ALGO", server)
    else:
        findings.add("DS03_ILLEGAL_HASH_ALGO", server, algo_num=int(nsec3.algorithm))
    if not nsec3.flags & OPT_OUT:
        findings.add("DS03_NSEC3_OPT_OUT_DISABLED", server)
    else:
        findings.add(f"DS03_NSEC3_OPT_OUT_ENABLED_{'TLD' if opt_out_expected else 'NON_TLD'}", server)
    for bit in _unassigned(nsec3.flags):
        findings.add("DS03_UNASSIGNED_FLAG_USED", server, int=bit)
    if nsec3.iterations == 0:
        findings.add("DS03_LEGAL_ITERATION_VALUE", server)
    else:
        findings.add("DS03_ILLEGAL_ITERATION_VALUE", server, int=nsec3.iterations)
    if not nsec3.salt:
        findings.add("DS03_LEGAL_EMPTY_SALT", server)
    else:
        findings.add("DS03_ILLEGAL_SALT_LENGTH", server, int=len(nsec3.salt))


def _unassigned(flags: int) -> Iterator[int]:
    """The set flag bits but opt-out, counted from the left as the IANA registry does."""
    for bit in range(FLAG_BITS - 1):
        if flags & (0x80 >> bit):
            yield bit


def _consistency(context: Context, found: list[Nsec3]) -> None:
    for tag, values in (
        ("DS03_INCONSISTENT_HASH_ALGO", {nsec3.algorithm for nsec3 in found}),
        ("DS03_INCONSISTENT_NSEC3_FLAGS", {nsec3.flags for nsec3 in found}),
        ("DS03_INCONSISTENT_ITERATION", {nsec3.iterations for nsec3 in found}),
        ("DS03_INCONSISTENT_SALT_LENGTH", {len(nsec3.salt) for nsec3 in found}),
    ):
        if len(values) > 1:
            context.emit(tag)
