"""The signatures of the zone's apex: DNSSEC04, DNSSEC08, DNSSEC09, DNSSEC13."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dns.rdatatype import DNSKEY, NS, RRSIG, SOA

from health.engine.cases.dnssec import records
from health.engine.cases.dnssec.algorithms import algorithm
from health.engine.cases.dnssec.records import Signature, Signed
from health.engine.cases.dnssec.verification import Keyring, Verdict, until
from health.engine.cases.usable import authoritative, well_formed
from health.engine.findings import Findings
from health.engine.network import DNSSEC
from health.engine.registry import case, debug, error, info, notice, warning
from health.engine.reply import Reply, Server

if TYPE_CHECKING:
    from dns.rdatatype import RdataType

    from health.engine.context import Context


class _Lifetime(NamedTuple):
    """What tells one signature's lifetime from another's, and how long it has yet."""

    keytag: int
    types: RdataType
    inception: int
    expiration: int
    remaining: int


@case(
    "DNSSEC04",
    {
        "RRSIG_EXPIRED": error("keytag", "types", "expiration"),
        "REMAINING_SHORT": warning("keytag", "types", "duration"),
        "REMAINING_LONG": warning("keytag", "types", "duration"),
        "DURATION_LONG": warning("keytag", "types", "duration"),
        "RRSIG_EXPIRATION": info("keytag", "types", "date"),
        "DURATION_OK": debug("keytag", "types", "duration"),
    },
)
async def dnssec04(context: Context) -> None:
    """RRSIG lifetimes (DNSSEC-TP/dnssec04.md).

    The specification looks at the first server that answers; a stale secondary would be missed, so all are read here
    and each distinct lifetime is reported once. The first limit that is passed counts, as in the original.
    """
    servers = await context.v1.zone_servers()
    lifetimes: dict[tuple[int, ...], _Lifetime] = {}
    for rdtype in (DNSKEY, SOA):
        for _, reply in await context.ask_all(servers, context.zone, rdtype, edns=DNSSEC):
            for found in _lifetimes(reply) if isinstance(reply, Reply) else ():
                known = lifetimes.setdefault(found[:4], found)
                lifetimes[found[:4]] = min(known, found, key=lambda lifetime: lifetime.remaining)
    for _, lifetime in sorted(lifetimes.items()):
        _judge(context, lifetime)


def _lifetimes(reply: Reply) -> Iterator[_Lifetime]:
    for s in well_formed(reply.answers(RRSIG), Signature):
        yield _Lifetime(s.key_tag, s.type_covered, s.inception, s.expiration, until(s.expiration, reply.time))


def _judge(context: Context, lifetime: _Lifetime) -> None:
    """Say when a signature ends and whether that is soon or late."""
    of = {"keytag": lifetime.keytag, "types": lifetime.types}
    duration = until(lifetime.expiration, lifetime.inception)
    date = dt.datetime.fromtimestamp(lifetime.expiration, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    context.emit("RRSIG_EXPIRATION", **of, date=date)
    if lifetime.remaining < 0:
        context.emit("RRSIG_EXPIRED", **of, expiration=lifetime.expiration)
    elif lifetime.remaining < context.profile.variable("dnssec04", "REMAINING_SHORT"):
        context.emit("REMAINING_SHORT", **of, duration=lifetime.remaining)
    elif lifetime.remaining > context.profile.variable("dnssec04", "REMAINING_LONG"):
        context.emit("REMAINING_LONG", **of, duration=lifetime.remaining)
    elif duration > context.profile.variable("dnssec04", "DURATION_LONG"):
        context.emit("DURATION_LONG", **of, duration=duration)
    else:
        context.emit("DURATION_OK", **of, duration=duration)


@case(
    "DNSSEC08",
    {
        "DS08_DNSKEY_RRSIG_EXPIRED": error("keytag", "ns_ip_list"),
        "DS08_DNSKEY_RRSIG_NOT_YET_VALID": error("keytag", "ns_ip_list"),
        "DS08_MISSING_RRSIG_IN_RESPONSE": error("ns_ip_list"),
        "DS08_NO_MATCHING_DNSKEY": error("keytag", "ns_ip_list"),
        "DS08_RRSIG_NOT_VALID_BY_DNSKEY": error("keytag", "ns_ip_list"),
        "DS08_ALGO_NOT_SUPPORTED_BY_ZM": notice("keytag", "algo_num", "algo_mnemo", "ns_ip_list"),
    },
)
async def dnssec08(context: Context) -> None:
    """RRSIG(DNSKEY) valid (DNSSEC-TP/dnssec08.md)."""
    findings = Findings(context, "ns_ip_list")
    for server, reply in await context.ask_all(await context.v1.servers(), context.zone, DNSKEY, edns=DNSSEC):
        usable = authoritative(reply)
        signed = records.asked(usable) if usable else None
        if usable and signed:
            _verify(findings, server, signed, Keyring.of(usable, context.zone), usable.time, _DNSKEY_TAGS)
    findings.emit()


@case(
    "DNSSEC09",
    {
        "DS09_MISSING_RRSIG_IN_RESPONSE": error("ns_ip_list"),
        "DS09_NO_MATCHING_DNSKEY": error("keytag", "ns_ip_list"),
        "DS09_RRSIG_NOT_VALID_BY_DNSKEY": error("keytag", "ns_ip_list"),
        "DS09_SOA_RRSIG_EXPIRED": error("keytag", "ns_ip_list"),
        "DS09_SOA_RRSIG_NOT_YET_VALID": error("keytag", "ns_ip_list"),
        "DS09_ALGO_NOT_SUPPORTED_BY_ZM": notice("keytag", "algo_num", "algo_mnemo", "ns_ip_list"),
    },
)
async def dnssec09(context: Context) -> None:
    """RRSIG(SOA) valid (DNSSEC-TP/dnssec09.md)."""
    findings = Findings(context, "ns_ip_list")
    keyrings = {
        server: Keyring.of(usable, context.zone)
        for server, reply in await context.ask_all(await context.v1.servers(), context.zone, DNSKEY, edns=DNSSEC)
        if (usable := authoritative(reply)) and records.keys(usable)
    }
    for server, reply in await context.ask_all(keyrings, context.zone, SOA, edns=DNSSEC):
        usable = authoritative(reply)
        signed = records.asked(usable) if usable else None
        if usable and signed:
            _verify(findings, server, signed, keyrings[server], usable.time, _SOA_TAGS)
    findings.emit()


class _Tags(NamedTuple):
    """The tags of a case that verifies the signatures of one RRset."""

    missing: str
    verdicts: dict[Verdict, str]


def _tags(prefix: str, rdtype: str) -> _Tags:
    return _Tags(
        f"{prefix}_MISSING_RRSIG_IN_RESPONSE",
        {
            Verdict.NOT_YET_VALID: f"{prefix}_{rdtype}_RRSIG_NOT_YET_VALID",
            Verdict.EXPIRED: f"{prefix}_{rdtype}_RRSIG_EXPIRED",
            Verdict.UNSUPPORTED: f"{prefix}_ALGO_NOT_SUPPORTED_BY_ZM",
            Verdict.NO_KEY: f"{prefix}_NO_MATCHING_DNSKEY",
            Verdict.WRONG: f"{prefix}_RRSIG_NOT_VALID_BY_DNSKEY",
        },
    )


_DNSKEY_TAGS = _tags("DS08", "DNSKEY")
_SOA_TAGS = _tags("DS09", "SOA")


def _verify(findings: Findings, server: Server, signed: Signed, keyring: Keyring, now: float, tags: _Tags) -> None:
    if not signed.signatures:
        findings.add(tags.missing, server)
    for signature in signed.signatures:
        verdict = keyring.verdict(signed, signature, now)
        if verdict is Verdict.UNSUPPORTED:
            number = int(signature.algorithm)
            of = {"algo_num": number, "algo_mnemo": algorithm(number).mnemonic}
            findings.add(tags.verdicts[verdict], server, keytag=signature.key_tag, **of)
        elif verdict is not Verdict.GOOD:
            findings.add(tags.verdicts[verdict], server, keytag=signature.key_tag)


@case(
    "DNSSEC13",
    {
        "DS13_ALGO_NOT_SIGNED_DNSKEY": warning("algo_num", "algo_mnemo", "ns_ip_list"),
        "DS13_ALGO_NOT_SIGNED_NS": warning("algo_num", "algo_mnemo", "ns_ip_list"),
        "DS13_ALGO_NOT_SIGNED_SOA": warning("algo_num", "algo_mnemo", "ns_ip_list"),
    },
)
async def dnssec13(context: Context) -> None:
    """Every DNSKEY algorithm signs (DNSSEC-TP/dnssec13.md). There is no DNSSEC12."""
    findings = Findings(context, "ns_ip_list")
    in_keys: dict[Server, set[int]] = {}
    for rdtype, tag in (
        (DNSKEY, "DS13_ALGO_NOT_SIGNED_DNSKEY"),
        (SOA, "DS13_ALGO_NOT_SIGNED_SOA"),
        (NS, "DS13_ALGO_NOT_SIGNED_NS"),
    ):
        servers = list(in_keys) if rdtype != DNSKEY else await context.v1.servers()
        for server, reply in await context.ask_all(servers, context.zone, rdtype, edns=DNSSEC):
            usable = authoritative(reply)
            signed = records.asked(usable) if usable else None
            if usable is None or signed is None or not signed.signatures:
                continue
            if rdtype == DNSKEY:
                in_keys[server] = {int(key.algorithm) for key in records.keys(usable)}
            for number in sorted(in_keys[server] - {int(s.algorithm) for s in signed.signatures}):
                findings.add(tag, server, algo_num=number, algo_mnemo=algorithm(number).mnemonic)
    findings.emit()
