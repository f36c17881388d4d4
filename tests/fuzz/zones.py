"""Zones that are asked for: unsigned ones, and ones with chains of NSEC and NSEC3 whose signatures nobody checks.

The same each time, with nothing but what is here: an input that found something once finds it again.
"""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.node
import dns.rdatatype
from dns.name import Name

from tests.datasrc.zonemaking import rrsets, soa

SALT = "aabbccdd"
ITERATIONS = 2
SIGNATURE = "13 {labels} 3600 20380101000000 20200101000000 1 {origin} " + "A" * 88
PLAIN = """
@ NS ns
@ NS ns.b
@ MX 10 www | 20 ns.b
ns A 192.0.2.1
ns AAAA 2001:db8::1
www A 192.0.2.2 | 192.0.2.3
www TXT hello | "x y"
x.ent TXT hello
*.wild TXT any
a.*.wild A 192.0.2.9
sub NS ns.sub | ns | ns.elsewhere.test.
ns.sub A 192.0.2.4
ns.sub AAAA 2001:db8::4
own NS ns.own | ns2.own
ns.own A 192.0.2.10
ns2.own AAAA 2001:db8::10
alias CNAME www
alias2 CNAME Alias
alias3 CNAME www.b
into CNAME x.sub
gone CNAME nowhere
away CNAME www.elsewhere.test.
round CNAME round2
round2 CNAME round
*.alias CNAME www
tree DNAME ent
_sip._tcp SRV 1 2 5060 www | 1 2 5061 ns.b
service SVCB 1 . | 2 www
service A 192.0.2.11
web HTTPS 0 www
mail MX 5 x.wide | 6 www | 7 www.elsewhere.test.
*.wide A 192.0.2.12
"""
SECURE = f"secure NS ns.secure\nns.secure A 192.0.2.5\nsecure DS 1 13 2 {'0' * 64}"
BIG = "big TXT " + " | ".join(f"{number:03}{'x' * 90}" for number in range(8))
MANY = "many A " + " | ".join(f"192.0.2.{number}" for number in range(120))
CHANGED = "www A 192.0.2.77\nnew.deep TXT new\nsub2 NS ns.sub2\nns.sub2 A 192.0.2.8\nalias4 CNAME alias"
GONE = "www A 192.0.2.2 | 192.0.2.3\ngone CNAME nowhere"
ODD = "plain.test."  # what the tables of odd packets ask for
ORIGIN, BELOW, NSEC, NSEC3, OPT_OUT = "example.", "b.example.", "nsec.test.", "nsec3.test.", "optout.test."


def zones() -> dict[str, str]:
    """The text of each zone by its origin; one set a line."""
    text = f"{soa(1)}\n{PLAIN}\n{BIG}\n{MANY}"
    below = f"{soa(1)}\n@ NS ns\nns A 192.0.2.6\nwww A 192.0.2.7\nup CNAME alias.example."
    return {
        ORIGIN: text,
        BELOW: below,
        ODD: text,
        NSEC: signed(f"{text}\n{SECURE}", NSEC, "nsec"),
        NSEC3: signed(f"{text}\n{SECURE}", NSEC3, "nsec3"),
        OPT_OUT: signed(f"{text}\n{SECURE}", OPT_OUT, "opt-out"),
    }


def signed(text: str, origin: str, chain: str) -> str:
    """The zone with a chain of `nsec`, `nsec3` or `opt-out`."""
    apex = dns.name.from_text(origin)
    types: dict[Name, set[str]] = {}
    for each in rrsets(text, origin):
        types.setdefault(each.name, set()).add(dns.rdatatype.to_text(dns.rdatatype.RdataType.make(each.rdtype)))
    types[apex].add("DNSKEY")
    lines = [text, "@ DNSKEY 257 3 13 " + "A" * 88]
    ends = {name for name, found in types.items() if name != apex and found & {"NS", "DNAME"}}
    for name in [name for name in types if any(name != end and name.is_subdomain(end) for end in ends)]:
        del types[name]
    lines += _nsec(types, apex) if chain == "nsec" else _nsec3(types, apex, opt_out=chain == "opt-out")
    lines += [
        f"{name} RRSIG {' | '.join(_signature(name, kind, apex) for kind in _signed_types(name, found, apex))}"
        for name, found in types.items()
        if _signed_types(name, found, apex)
    ]
    return "\n".join(_each_covered(lines))


def _signed_types(name: Name, found: set[str], apex: Name) -> list[str]:
    cut = "NS" in found and name != apex
    return sorted(found & {"DS", "NSEC"} if cut else found - {"NSEC3"})


def _signature(name: Name, kind: str, apex: Name) -> str:
    labels = len(name.labels) - 1 - (name.labels[0] == b"*")
    return f"{kind} {SIGNATURE.format(labels=labels, origin=apex)}"


def _each_covered(lines: list[str]) -> list[str]:
    """Signatures are sets by what they cover."""
    found = []
    for line in lines:
        owner, _, rest = line.partition(" RRSIG ")
        found += [f"{owner} RRSIG {each.strip()}" for each in rest.split("|")] if rest else [line]
    return found


def _nsec(types: dict[Name, set[str]], apex: Name) -> list[str]:
    names = sorted(types)
    lines = []
    for name, following in zip(names, [*names[1:], apex], strict=True):
        types[name].add("NSEC")
        lines.append(f"{name} NSEC {following} {' '.join(sorted({*types[name], 'RRSIG'}))}")
    return lines


def _nsec3(types: dict[Name, set[str]], apex: Name, *, opt_out: bool) -> list[str]:
    types[apex].add("NSEC3PARAM")
    left = {name for name, found in types.items() if opt_out and name != apex and "NS" in found and "DS" not in found}
    kinds: dict[Name, list[str]] = {}
    for name in types.keys() - left:
        kinds[name] = sorted({*types[name], "RRSIG"})
        while name != apex:  # empty non-terminals
            name = name.parent()
            kinds.setdefault(name, sorted(types.get(name, ())))
    hashes = sorted((dns.dnssec.nsec3_hash(name, SALT, ITERATIONS, 1).lower(), name) for name in kinds)
    lines = [f"@ NSEC3PARAM 1 0 {ITERATIONS} {SALT}"]
    for (digest, name), (following, _) in zip(hashes, [*hashes[1:], hashes[0]], strict=True):
        owner = dns.name.from_text(digest, apex)
        lines.append(f"{owner} NSEC3 1 {int(opt_out)} {ITERATIONS} {SALT} {following} {' '.join(kinds[name])}")
        types[owner] = {"NSEC3"}
        lines.append(f"{owner} RRSIG {_signature(owner, 'NSEC3', apex)}")
    return lines
