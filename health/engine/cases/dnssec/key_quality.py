"""What the keys themselves are like: DNSSEC05, DNSSEC14."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dns.rdatatype import DNSKEY

from health.engine.cases.dnssec import records
from health.engine.cases.dnssec.algorithms import RSA_RECOMMENDED, RSA_SIZES, Use, algorithm
from health.engine.cases.dnssec.records import Key, key_tag
from health.engine.cases.usable import authoritative
from health.engine.findings import Findings
from health.engine.network import DNSSEC
from health.engine.registry import case, debug, error, info, notice, warning
from health.engine.reply import Reply

if TYPE_CHECKING:
    from health.engine.context import Context

_NAMED = (Use.OK, Use.NOT_RECOMMENDED, Use.DEPRECATED, Use.NOT_ZONE_SIGN)  # their tags name the algorithm


@case(
    "DNSSEC05",
    {
        "DS05_ALGO_DEPRECATED": error("keytag", "algo_num", "algo_descr", "algo_mnemo", "ns_list"),
        "DS05_ALGO_NOT_ZONE_SIGN": error("keytag", "algo_num", "algo_descr", "algo_mnemo", "ns_list"),
        "DS05_ALGO_PRIVATE": error("keytag", "algo_num", "ns_list"),
        "DS05_ALGO_RESERVED": error("keytag", "algo_num", "ns_list"),
        "DS05_ALGO_UNASSIGNED": error("keytag", "algo_num", "ns_list"),
        "DS05_SERVER_NO_DNSSEC": error("ns_list"),
        "DS05_ALGO_NOT_RECOMMENDED": warning("keytag", "algo_num", "algo_descr", "algo_mnemo", "ns_list"),
        "DS05_NO_RESPONSE": warning("ns_list"),
        "DS05_ZONE_NO_DNSSEC": notice("ns_list"),
        "DS05_ALGO_OK": info("keytag", "algo_num", "algo_descr", "algo_mnemo", "ns_list"),
    },
)
async def dnssec05(context: Context) -> None:
    """DNSKEY algorithm status (DNSSEC-TP/dnssec05.md)."""
    findings = Findings(context)
    replies = await context.ask_all(await context.v2.servers(), context.zone, DNSKEY, edns=DNSSEC)
    usable = [(server, found) for server, reply in replies if (found := authoritative(reply))]
    without = [server for server, reply in usable if not records.keys(reply)]
    for server, reply in usable:
        for key in records.keys(reply):
            findings.add(f"DS05_ALGO_{algorithm(key.algorithm).use.value}", server, **_about(key))
    if usable:
        findings.add_all("DS05_ZONE_NO_DNSSEC" if len(without) == len(usable) else "DS05_SERVER_NO_DNSSEC", without)
    else:
        findings.add_all("DS05_NO_RESPONSE", [server for server, _ in replies])
    findings.emit()


def _about(key: Key) -> dict[str, object]:
    number = int(key.algorithm)
    kind = algorithm(number)
    named = {"algo_descr": kind.description, "algo_mnemo": kind.mnemonic} if kind.use in _NAMED else {}
    return {"keytag": key_tag(key), "algo_num": number, **named}


@case(
    "DNSSEC14",
    {
        "NO_RESPONSE_DNSKEY": error("ns"),
        "DNSKEY_TOO_SMALL_FOR_ALGO": error("keytag", "algo_num", "algo_descr", "keysize", "keysizemin"),
        "DNSKEY_TOO_LARGE_FOR_ALGO": error("keytag", "algo_num", "algo_descr", "keysize", "keysizemax"),
        "DNSKEY_SMALLER_THAN_REC": warning("keytag", "algo_num", "algo_descr", "keysize", "keysizerec"),
        "KEY_SIZE_OK": info(),
        "NO_RESPONSE": debug("ns"),
    },
)
async def dnssec14(context: Context) -> None:
    """RSA key size (DNSSEC-TP/dnssec14.md).

    The original also calls a key that is too small smaller than recommended, and never says KEY_SIZE_OK; here the
    first that applies is said, and KEY_SIZE_OK where keys were seen and nothing was wrong with them or the servers.
    """
    keys: set[tuple[int, int, int]] = set()
    complete = True
    for server, reply in await context.ask_all(await context.v1.servers(), context.zone, DNSKEY, edns=DNSSEC):
        if not isinstance(reply, Reply):
            context.emit("NO_RESPONSE", ns=server)
        elif not records.keys(reply):
            context.emit("NO_RESPONSE_DNSKEY", ns=server)
            complete = False
        else:
            keys |= {(key_tag(key), int(key.algorithm), records.key_size(key) or 0) for key in records.keys(reply)}
    problems = [problem for key in sorted(keys) if (problem := _size_problem(*key))]
    for tag, arguments in problems:
        context.emit(tag, **arguments)
    if keys and complete and not problems:
        context.emit("KEY_SIZE_OK")


def _size_problem(tag: int, number: int, size: int) -> tuple[str, Mapping[str, object]] | None:
    """The tag and arguments for a key that is too small or too large; only RSA keys can be."""
    if number not in RSA_SIZES:
        return None
    limits = RSA_SIZES[number]
    of = {"keytag": tag, "algo_num": number, "algo_descr": algorithm(number).description, "keysize": size}
    if size < limits.least:
        return "DNSKEY_TOO_SMALL_FOR_ALGO", {**of, "keysizemin": limits.least}
    if size < RSA_RECOMMENDED:
        return "DNSKEY_SMALLER_THAN_REC", {**of, "keysizerec": RSA_RECOMMENDED}
    return ("DNSKEY_TOO_LARGE_FOR_ALGO", {**of, "keysizemax": limits.most}) if size > limits.most else None
