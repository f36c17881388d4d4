"""What the zone wants its parent to say (RFC 7344, RFC 8078): DNSSEC15, DNSSEC16, DNSSEC17, DNSSEC18."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dns.rdatatype import CDNSKEY, CDS, DNSKEY, DS

from health.engine.cases.dnssec import records
from health.engine.cases.dnssec.delegation import pretended
from health.engine.cases.dnssec.records import SEP, ZONE, ChildKey, Signed, key_tag
from health.engine.cases.dnssec.verification import Keyring, Verdict
from health.engine.cases.usable import authoritative, well_formed
from health.engine.findings import Findings
from health.engine.network import DNSSEC
from health.engine.registry import case, error, info, notice, warning
from health.engine.reply import Reply, Server

if TYPE_CHECKING:
    import dns.name
    from dns.rdatatype import RdataType
    from dns.rdtypes.dnskeybase import DNSKEYBase

    from health.engine.context import Context, DelegationSigner

DELETE = 0  # the algorithm of a record that asks for the DS records to be removed, RFC 8078 section 4


def _child_keys(reply: Reply) -> list[ChildKey]:
    return list(dict.fromkeys(well_formed(reply.asked(), ChildKey)))[: records.MOST_KEYS]


async def _usable(context: Context, rdtype: RdataType) -> dict[Server, Reply]:
    """The authoritative replies to a query for a type at the apex."""
    replies = await context.ask_all(await context.v1.servers(), context.zone, rdtype, edns=DNSSEC)
    return {server: found for server, reply in replies if (found := authoritative(reply))}


@case(
    "DNSSEC15",
    {
        "DS15_INCONSISTENT_CDNSKEY": error(),
        "DS15_INCONSISTENT_CDS": error(),
        "DS15_MISMATCH_CDS_CDNSKEY": error("ns_ip_list"),
        "DS15_HAS_CDNSKEY_NO_CDS": notice("ns_ip_list"),
        "DS15_HAS_CDS_NO_CDNSKEY": notice("ns_ip_list"),
        "DS15_HAS_CDS_AND_CDNSKEY": info("ns_ip_list"),
        "DS15_NO_CDS_CDNSKEY": info(),
    },
)
async def dnssec15(context: Context) -> None:
    """CDS and CDNSKEY presence and agreement (DNSSEC-TP/dnssec15.md). Digests are compared, not only key tags."""
    cds = {server: records.signers(reply.asked()) for server, reply in (await _usable(context, CDS)).items()}
    keys = {server: _child_keys(reply) for server, reply in (await _usable(context, CDNSKEY)).items()}
    if not any(cds.values()) and not any(keys.values()):
        if cds or keys:
            context.emit("DS15_NO_CDS_CDNSKEY")
        return
    findings = Findings(context, "ns_ip_list")
    for server in sorted(cds.keys() & keys.keys()):
        if cds[server] and keys[server]:
            findings.add("DS15_HAS_CDS_AND_CDNSKEY", server)
            if not _agree(cds[server], keys[server], context.zone):
                findings.add("DS15_MISMATCH_CDS_CDNSKEY", server)
        elif cds[server]:
            findings.add("DS15_HAS_CDS_NO_CDNSKEY", server)
        elif keys[server]:
            findings.add("DS15_HAS_CDNSKEY_NO_CDS", server)
    findings.emit()
    if len({frozenset(found) for found in cds.values()}) > 1:
        context.emit("DS15_INCONSISTENT_CDS")
    if len({frozenset(found) for found in keys.values()}) > 1:
        context.emit("DS15_INCONSISTENT_CDNSKEY")


def _agree(cds: list[DelegationSigner], keys: list[ChildKey], apex: dns.name.Name) -> bool:
    """Whether each CDS has its CDNSKEY and each CDNSKEY its CDS."""

    def same(signer: DelegationSigner, key: ChildKey) -> bool:
        if DELETE in (signer.algorithm, key.algorithm):
            return signer.algorithm == key.algorithm
        return records.matches(signer, key, apex)

    return all(any(same(signer, key) for key in keys) for signer in cds) and all(
        any(same(signer, key) for signer in cds) for key in keys
    )


class _Wish(NamedTuple):
    """The CDS or CDNSKEY records of one server beside the keys that must vouch for them."""

    server: Server
    signed: Signed
    reply: Reply
    keyring: Keyring
    keys: Signed


async def _wishes(context: Context, findings: Findings, prefix: str, rdtype: RdataType) -> list[_Wish]:
    """The servers that have CDS (CDNSKEY) and keys; says where keys are missing and what is to be deleted."""
    found = []
    keys = await _usable(context, DNSKEY)
    for server, reply in (await _usable(context, rdtype)).items():
        signed = records.asked(reply)
        if signed is None:
            continue
        wishes = records.signers(reply.asked()) if rdtype == CDS else _child_keys(reply)
        wanted = [int(wish.algorithm) for wish in wishes]
        if DELETE in wanted:
            findings.add(f"{prefix}_{'MIXED_DELETE' if len(wanted) > 1 else 'DELETE'}_{rdtype.name}", server)
        if server not in keys:
            continue
        own = records.asked(keys[server])
        keyring = Keyring.of(keys[server], context.zone)
        if own is None or not keyring:
            findings.add(f"{prefix}_{rdtype.name}_WITHOUT_DNSKEY", server)
        else:
            found.append(_Wish(server, signed, reply, keyring, own))
    return found


def _signed_by(signed: Signed, key: DNSKEYBase) -> bool:
    """Whether there is a signature that says to be by a key; whether it is right is told apart."""
    return any(s.key_tag == key_tag(key) and s.algorithm == key.algorithm for s in signed.signatures)


def _check_signatures(findings: Findings, wish: _Wish, prefix: str) -> None:
    """The signatures over the records are there, by known keys, and right (what can be verified of them)."""
    if not wish.signed.signatures:
        findings.add(f"{prefix}_UNSIGNED", wish.server)
    for signature in wish.signed.signatures:
        if not wish.keyring.with_tag(signature.key_tag):
            findings.add(f"{prefix}_SIGNED_BY_UNKNOWN_DNSKEY", wish.server, keytag=signature.key_tag)
        elif wish.keyring.verdict(wish.signed, signature, wish.reply.time) not in (Verdict.GOOD, Verdict.UNSUPPORTED):
            findings.add(f"{prefix}_INVALID_RRSIG", wish.server, keytag=signature.key_tag)


@case(
    "DNSSEC16",
    {
        "DS16_CDS_INVALID_RRSIG": error("keytag", "ns_ip_list"),
        "DS16_CDS_MATCHES_NON_ZONE_DNSKEY": error("keytag", "ns_ip_list"),
        "DS16_CDS_SIGNED_BY_UNKNOWN_DNSKEY": error("keytag", "ns_ip_list"),
        "DS16_CDS_UNSIGNED": error("ns_ip_list"),
        "DS16_CDS_WITHOUT_DNSKEY": error("ns_ip_list"),
        "DS16_MIXED_DELETE_CDS": error("ns_ip_list"),
        "DS16_CDS_MATCHES_NO_DNSKEY": warning("keytag", "ns_ip_list"),
        "DS16_DNSKEY_NOT_SIGNED_BY_CDS": warning("keytag", "ns_ip_list"),
        "DS16_CDS_MATCHES_NON_SEP_DNSKEY": notice("keytag", "ns_ip_list"),
        "DS16_CDS_NOT_SIGNED_BY_CDS": notice("keytag", "ns_ip_list"),
        "DS16_DELETE_CDS": info("ns_ip_list"),
    },
)
async def dnssec16(context: Context) -> None:
    """CDS content (DNSSEC-TP/dnssec16.md).

    As specified, and unlike the original, a lone delete CDS has its signature checked. A CDS matches a key by tag,
    algorithm and digest. A server that does not answer for DNSKEY is left out: nothing is known of its keys.
    """
    findings = Findings(context, "ns_ip_list")
    for wish in await _wishes(context, findings, "DS16", CDS):
        for signer in records.signers(wish.reply.asked()):
            if signer.algorithm != DELETE:
                _check_cds(findings, wish, signer)
        _check_signatures(findings, wish, "DS16_CDS")
    findings.emit()


def _check_cds(findings: Findings, wish: _Wish, signer: DelegationSigner) -> None:
    matching = [key for key in wish.keyring.keys if records.matches(signer, key, wish.keyring.apex)]
    zone_keys = [key for key in matching if key.flags & ZONE]
    if not matching:
        findings.add("DS16_CDS_MATCHES_NO_DNSKEY", wish.server, keytag=signer.keytag)
    elif not zone_keys:
        findings.add("DS16_CDS_MATCHES_NON_ZONE_DNSKEY", wish.server, keytag=signer.keytag)
    else:
        if not any(_signed_by(wish.keys, key) for key in zone_keys):
            findings.add("DS16_DNSKEY_NOT_SIGNED_BY_CDS", wish.server, keytag=signer.keytag)
        if not any(_signed_by(wish.signed, key) for key in zone_keys):
            findings.add("DS16_CDS_NOT_SIGNED_BY_CDS", wish.server, keytag=signer.keytag)
        if not any(key.flags & SEP for key in zone_keys):
            findings.add("DS16_CDS_MATCHES_NON_SEP_DNSKEY", wish.server, keytag=signer.keytag)


@case(
    "DNSSEC17",
    {
        "DS17_CDNSKEY_INVALID_RRSIG": error("keytag", "ns_ip_list"),
        "DS17_CDNSKEY_IS_NON_ZONE": error("keytag", "ns_ip_list"),
        "DS17_CDNSKEY_SIGNED_BY_UNKNOWN_DNSKEY": error("keytag", "ns_ip_list"),
        "DS17_CDNSKEY_UNSIGNED": error("ns_ip_list"),
        "DS17_CDNSKEY_WITHOUT_DNSKEY": error("ns_ip_list"),
        "DS17_MIXED_DELETE_CDNSKEY": error("ns_ip_list"),
        "DS17_CDNSKEY_MATCHES_NO_DNSKEY": warning("keytag", "ns_ip_list"),
        "DS17_DNSKEY_NOT_SIGNED_BY_CDNSKEY": warning("keytag", "ns_ip_list"),
        "DS17_CDNSKEY_IS_NON_SEP": notice("keytag", "ns_ip_list"),
        "DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY": notice("keytag", "ns_ip_list"),
        "DS17_DELETE_CDNSKEY": info("ns_ip_list"),
    },
)
async def dnssec17(context: Context) -> None:
    """CDNSKEY content (DNSSEC-TP/dnssec17.md); with the differences that DNSSEC16 has."""
    findings = Findings(context, "ns_ip_list")
    for wish in await _wishes(context, findings, "DS17", CDNSKEY):
        for key in _child_keys(wish.reply):
            if key.algorithm != DELETE:
                _check_cdnskey(findings, wish, key)
        _check_signatures(findings, wish, "DS17_CDNSKEY")
    findings.emit()


def _check_cdnskey(findings: Findings, wish: _Wish, key: ChildKey) -> None:
    tag = key_tag(key)
    if not key.flags & ZONE:
        findings.add("DS17_CDNSKEY_IS_NON_ZONE", wish.server, keytag=tag)
        return
    if not key.flags & SEP:
        findings.add("DS17_CDNSKEY_IS_NON_SEP", wish.server, keytag=tag)
    if not any(records.key_octets(key) == records.key_octets(own) for own in wish.keyring.keys):
        findings.add("DS17_CDNSKEY_MATCHES_NO_DNSKEY", wish.server, keytag=tag)
        return
    if not _signed_by(wish.keys, key):
        findings.add("DS17_DNSKEY_NOT_SIGNED_BY_CDNSKEY", wish.server, keytag=tag)
    if not _signed_by(wish.signed, key):
        findings.add("DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY", wish.server, keytag=tag)


@case(
    "DNSSEC18",
    {
        "DS18_NO_MATCH_CDS_RRSIG_DS": error("ns_ip_list"),
        "DS18_NO_MATCH_CDNSKEY_RRSIG_DS": error("ns_ip_list"),
    },
)
async def dnssec18(context: Context) -> None:
    """Trust from DS to CDS and CDNSKEY (DNSSEC-TP/dnssec18.md).

    The parent's servers are found as specified, by Methods version 2, where the original uses version 1.
    """
    signers = pretended(context)
    if signers is None:
        servers = await context.v2.parent_servers() or []
        replies = [authoritative(reply) for _, reply in await context.ask_all(servers, context.zone, DS, edns=DNSSEC)]
        signers = tuple(signer for reply in replies if reply for signer in records.signers(reply.asked()))
    if not signers:
        return
    keyrings = {s: Keyring.of(reply, context.zone) for s, reply in (await _usable(context, DNSKEY)).items()}
    if not any(keyrings.values()):
        return
    findings = Findings(context, "ns_ip_list")
    for rdtype, tag in ((CDS, "DS18_NO_MATCH_CDS_RRSIG_DS"), (CDNSKEY, "DS18_NO_MATCH_CDNSKEY_RRSIG_DS")):
        for server, reply in (await _usable(context, rdtype)).items():
            signed = records.asked(reply)
            if signed is None or server not in keyrings:
                continue
            trusted = [k for k in keyrings[server].keys if any(records.matches(s, k, context.zone) for s in signers)]
            if not any(_signed_by(signed, key) for key in trusted):
                findings.add(tag, server)
    findings.emit()
