"""What the parent says of the zone's keys: DNSSEC01, DNSSEC02, DNSSEC11."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import dns.name
from dns.rdatatype import DNSKEY, DS, SOA

from health.engine.cases.dnssec import records
from health.engine.cases.dnssec.algorithms import SHA256, VERIFIABLE, algorithm, digest
from health.engine.cases.dnssec.records import SEP, ZONE, Key, dnssec_aware, key_tag
from health.engine.cases.dnssec.verification import Keyring, Verdict
from health.engine.cases.usable import authoritative
from health.engine.findings import Findings
from health.engine.network import DNSSEC, NoResponse
from health.engine.registry import case, error, info, notice, warning
from health.engine.reply import Reply, Server

if TYPE_CHECKING:
    from health.engine.context import Context, DelegationSigner

PRETENDED = "-"  # the server of DS records that were given for an undelegated test
_DESCRIBED = ("OK", "DEPRECATED", "NOT_DS")  # the verdicts whose tags have a ds_algo_descr


def pretended(context: Context) -> tuple[DelegationSigner, ...] | None:
    """The DS records of an undelegated test, perhaps none; None where the parent is to be asked."""
    return None if context.undelegated is None else context.undelegated.ds or ()


@case(
    "DNSSEC01",
    {
        "DS01_DS_ALGO_DEPRECATED": error("keytag", "ds_algo_num", "ds_algo_descr", "ns_list"),
        "DS01_DS_ALGO_NOT_DS": error("keytag", "ds_algo_num", "ds_algo_descr", "ns_list"),
        "DS01_DS_ALGO_PRIVATE": error("keytag", "ds_algo_num", "ns_list"),
        "DS01_DS_ALGO_RESERVED": error("keytag", "ds_algo_num", "ns_list"),
        "DS01_DS_ALGO_UNASSIGNED": error("keytag", "ds_algo_num", "ns_list"),
        "DS01_PARENT_SERVER_NO_DS": error("ns_list"),
        "DS01_NO_RESPONSE": warning("ns_list"),
        "DS01_DS_ALGO_2_MISSING": notice("keytag", "ns_list"),
        "DS01_PARENT_ZONE_NO_DS": notice("ns_list"),
        "DS01_DS_ALGO_OK": info("keytag", "ds_algo_num", "ds_algo_descr", "ns_list"),
        "DS01_ROOT_N_NO_UNDEL_DS": info(),
        "DS01_UNDEL_N_NO_UNDEL_DS": info(),
    },
)
async def dnssec01(context: Context) -> None:
    """DS digest algorithm (DNSSEC-TP/dnssec01.md)."""
    findings = Findings(context)
    given = pretended(context)
    if given:
        _digests(findings, given, PRETENDED)
    elif context.zone == dns.name.root:
        context.emit("DS01_ROOT_N_NO_UNDEL_DS")
    elif given is not None:
        context.emit("DS01_UNDEL_N_NO_UNDEL_DS")
    else:
        servers = await context.v2.parent_servers()
        _parents(findings, await context.ask_all(servers or [], context.zone, DS, edns=DNSSEC))
    findings.emit()


def _parents(findings: Findings, replies: list[tuple[Server, Reply | NoResponse]]) -> None:
    """Judge what the servers of the parent zone say."""
    usable = [(server, found) for server, reply in replies if (found := dnssec_aware(reply))]
    if not usable:
        findings.add_all("DS01_NO_RESPONSE", [server for server, _ in replies])
    without = []
    for server, reply in usable:
        signers = records.signers(reply.asked())
        _digests(findings, signers, server)
        if not signers:
            without.append(server)
    everywhere = len(without) == len(usable)
    findings.add_all("DS01_PARENT_ZONE_NO_DS" if everywhere else "DS01_PARENT_SERVER_NO_DS", without)


def _digests(findings: Findings, signers: Iterable[DelegationSigner], server: Server | str) -> None:
    types: dict[int, set[int]] = {}
    for signer in signers:
        types.setdefault(signer.keytag, set()).add(signer.digtype)
        kind = digest(signer.digtype)
        descr = {"ds_algo_descr": kind.description} if kind.verdict in _DESCRIBED else {}
        findings.add(f"DS01_DS_ALGO_{kind.verdict}", server, keytag=signer.keytag, ds_algo_num=signer.digtype, **descr)
    for keytag, used in types.items():
        if SHA256 not in used:
            findings.add("DS01_DS_ALGO_2_MISSING", server, keytag=keytag)


@case(
    "DNSSEC02",
    {
        "DS02_DNSKEY_NOT_FOR_ZONE_SIGNING": error("keytag", "ns_ip_list"),
        "DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS": error("ns_ip_list"),
        "DS02_NO_MATCH_DS_DNSKEY": error("keytag", "ns_ip_list"),
        "DS02_NO_VALID_DNSKEY_FOR_ANY_DS": error("ns_ip_list"),
        "DS02_RRSIG_NOT_VALID_BY_DNSKEY": error("keytag", "ns_ip_list"),
        "DS02_NO_DNSKEY_FOR_DS": warning("keytag", "ns_ip_list"),
        "DS02_NO_MATCHING_DNSKEY_RRSIG": warning("keytag", "ns_ip_list"),
        "DS02_ALGO_NOT_SUPPORTED_BY_ZM": notice("keytag", "algo_num", "algo_mnemo", "ns_ip_list"),
        "DS02_DNSKEY_NOT_SEP": notice("keytag", "ns_ip_list"),
    },
)
async def dnssec02(context: Context) -> None:
    """DS matches a valid DNSKEY (DNSSEC-TP/dnssec02.md).

    Where several keys share a tag, every one of them is tried. A key whose digest does not match the DS is not taken
    for one the DS stands for; the original counts it, and so misses that no DS stands for a valid key.
    """
    signers = pretended(context)
    if signers is None:
        replies = await context.ask_all(await context.v1.parent_servers(), context.zone, DS, edns=DNSSEC)
        usable = [found for _, reply in replies if (found := dnssec_aware(reply))]
        signers = tuple(dict.fromkeys(signer for reply in usable for signer in records.signers(reply.asked())))
    if not signers:
        return
    findings = Findings(context, "ns_ip_list")
    without_key, without_signature = [], []
    for server, reply in await context.ask_all(await context.v1.servers(), context.zone, DNSKEY, edns=DNSSEC):
        usable_reply = dnssec_aware(reply)
        if usable_reply is None or not records.keys(usable_reply):
            continue
        keyring = Keyring.of(usable_reply, context.zone)
        pointed_at = {key for signer in signers for key in _key_of(findings, server, signer, keyring)}
        if not pointed_at:
            without_key.append(server)
        signing = [key for key in sorted(pointed_at) if _signs(findings, server, key, keyring, usable_reply)]
        if not signing:
            without_signature.append(server)
    if without_key:
        findings.add_all("DS02_NO_VALID_DNSKEY_FOR_ANY_DS", without_key)
    else:
        findings.add_all("DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS", without_signature)
    findings.emit()


def _key_of(findings: Findings, server: Server, signer: DelegationSigner, keyring: Keyring) -> list[Key]:
    """The key a DS stands for, if it is one that may sign the zone."""
    tagged = keyring.with_tag(signer.keytag)
    if not tagged:
        findings.add("DS02_NO_DNSKEY_FOR_DS", server, keytag=signer.keytag)
        return []
    matching = [key for key in tagged if records.matches(signer, key, keyring.apex)]
    if not matching:
        findings.add("DS02_NO_MATCH_DS_DNSKEY", server, keytag=signer.keytag)
        return []
    zone_keys = [key for key in matching if key.flags & ZONE]
    if not zone_keys:
        findings.add("DS02_DNSKEY_NOT_FOR_ZONE_SIGNING", server, keytag=signer.keytag)
    elif not any(key.flags & SEP for key in zone_keys):
        findings.add("DS02_DNSKEY_NOT_SEP", server, keytag=signer.keytag)
    return zone_keys


def _signs(findings: Findings, server: Server, key: Key, keyring: Keyring, reply: Reply) -> bool:
    """Whether a key that a DS stands for signs the keys."""
    signed = records.asked(reply)
    own = [s for s in signed.signatures if s.key_tag == key_tag(key)] if signed else []
    tag = key_tag(key)
    if signed is None or not own:
        findings.add("DS02_NO_MATCHING_DNSKEY_RRSIG", server, keytag=tag)
        return False
    alone = Keyring(keyring.apex, (key,))
    if any(alone.verdict(signed, signature, reply.time) is Verdict.GOOD for signature in own):
        return True
    if int(key.algorithm) not in VERIFIABLE:
        number = int(key.algorithm)
        mnemonic = algorithm(number).mnemonic
        findings.add("DS02_ALGO_NOT_SUPPORTED_BY_ZM", server, keytag=tag, algo_num=number, algo_mnemo=mnemonic)
    else:
        findings.add("DS02_RRSIG_NOT_VALID_BY_DNSKEY", server, keytag=tag)
    return False


@case(
    "DNSSEC11",
    {
        "DS11_INCONSISTENT_SIGNED_ZONE": error(),
        "DS11_UNDETERMINED_DS": error(),
        "DS11_UNDETERMINED_SIGNED_ZONE": error(),
        "DS11_DS_BUT_UNSIGNED_ZONE": error(),
        "DS11_INCONSISTENT_DS": warning(),
        "DS11_NS_WITH_UNSIGNED_ZONE": warning("ns_ip_list"),
        "DS11_PARENT_WITHOUT_DS": notice("ns_ip_list"),
        "DS11_PARENT_WITH_DS": notice("ns_ip_list"),
        "DS11_NS_WITH_SIGNED_ZONE": notice("ns_ip_list"),
    },
)
async def dnssec11(context: Context) -> None:
    """DS requires a signed zone (DNSSEC-TP/dnssec11.md). Runs whether the zone is signed or not."""
    given = pretended(context)
    if not (await _parent_has_ds(context) if given is None else given):
        return
    servers = [
        server
        for server, reply in await context.ask_all(await context.v1.servers(), context.zone, SOA)
        if (found := authoritative(reply)) and found.asked()
    ]
    replies = await context.ask_all(servers, context.zone, DNSKEY, edns=DNSSEC)
    usable = [(server, found) for server, reply in replies if (found := authoritative(reply))]
    signed = {server.address for server, reply in usable if reply.asked()}
    unsigned = {server.address for server, reply in usable if not reply.asked()}
    if replies and not usable:
        context.emit("DS11_UNDETERMINED_SIGNED_ZONE")
    elif unsigned and not signed:
        context.emit("DS11_DS_BUT_UNSIGNED_ZONE")
    elif unsigned:
        context.emit("DS11_INCONSISTENT_SIGNED_ZONE")
        context.emit("DS11_NS_WITH_UNSIGNED_ZONE", ns_ip_list=unsigned)
        context.emit("DS11_NS_WITH_SIGNED_ZONE", ns_ip_list=signed)


async def _parent_has_ds(context: Context) -> bool:
    """Whether any server of the parent has DS; says where they disagree or cannot be understood."""
    replies = await context.ask_all(await context.v1.parent_servers(), context.zone, DS, edns=DNSSEC)
    usable = [(server, found) for server, reply in replies if (found := authoritative(reply))]
    having = {server.address for server, reply in usable if reply.asked()}
    without = {server.address for server, reply in usable if not reply.asked()}
    if replies and not usable:
        context.emit("DS11_UNDETERMINED_DS")
    if having and without:
        context.emit("DS11_INCONSISTENT_DS")
        context.emit("DS11_PARENT_WITHOUT_DS", ns_ip_list=without)
        context.emit("DS11_PARENT_WITH_DS", ns_ip_list=having)
    return bool(having)
