"""RDATA in text form of every type dnspython knows, for property tests: a grammar of fields for each type."""

from __future__ import annotations

import base64
from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Text = SearchStrategy[str]


def number(bits: int) -> Text:
    top = (1 << bits) - 1
    return (st.integers(0, top) | st.sampled_from([0, 1, top >> 1, (top >> 1) + 1, top])).map(str)


u8, u16, u32 = number(8), number(16), number(32)
name = st.sampled_from(["@", ".", "a", "b.c", "www.example.net.", "*.x", "\\065\\.b", "A.b.", "\\000\\255.q"])
octet = st.integers(0, 255).map(lambda value: f"\\{value:03d}")
character = octet | st.sampled_from(["a", "Z", "0", "\\\\", "\\;", ".", "-", "\\."])
plain_string = st.lists(character, min_size=1, max_size=12).map("".join)
quoted_string = st.lists(character | st.sampled_from([" ", ";", "(", ")", '\\"']), max_size=12).map(
    lambda parts: '"' + "".join(parts) + '"'
)
string = plain_string | quoted_string
octets = st.binary(min_size=1, max_size=40)
base64_text = octets.map(lambda value: base64.b64encode(value).decode())
# In pieces, as long keys are written.
spaced_base64 = base64_text.flatmap(
    lambda text: st.integers(1, len(text)).map(lambda at: f"{text[:at]} {text[at:]}".rstrip())
)
hexadecimal = octets.map(bytes.hex) | octets.map(lambda value: value.hex().upper())
base32_text = st.binary(min_size=5, max_size=20).map(
    lambda value: base64.b32hexencode(value).decode().rstrip("=").lower()
)
ipv4 = st.ip_addresses(v=4).map(str)
ipv6 = st.ip_addresses(v=6).map(str) | st.sampled_from(["::", "::1", "::ffff:192.0.2.1", "2001:DB8::1", "1:0:0:2::"])
some_type = st.sampled_from(["A", "NS", "SOA", "MX", "AAAA", "RRSIG", "NSEC", "TYPE65280", "CAA"])
types = st.lists(some_type, max_size=5).map(" ".join)
time = st.sampled_from(["20250101000000", "20380119031408", "19700101000000", "21060207062815"])
algorithm = st.sampled_from(["RSASHA256", "ECDSAP256SHA256", "8", "15", "253", "0"])
ttl = st.sampled_from(["0", "3600", "1h", "1w2d", "4294967295"])
quoted_number = st.integers(0, 0xFFFF).map(lambda value: f'"{value}"')


def fixed_hex(size: int, separator: str = "", group: int = 1) -> Text:
    def join(value: bytes) -> str:
        digits = value.hex()
        step = 2 * group
        return separator.join(digits[at : at + step] for at in range(0, len(digits), step))

    return st.binary(min_size=size, max_size=size).map(join)


def fields(*parts: Text | str) -> Text:
    """The fields one after another with a blank between."""
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map(" ".join)


def several(part: Text, least: int = 0, most: int = 4) -> Text:
    return st.lists(part, min_size=least, max_size=most).map(" ".join)


digest = st.sampled_from([(1, 20), (2, 32), (4, 48)]).flatmap(
    lambda kind: fields(u16, algorithm, str(kind[0]), st.binary(min_size=kind[1], max_size=kind[1]).map(bytes.hex))
)
signature = fields(some_type, algorithm, u8, u32, time, time, u16, name, spaced_base64)
key = fields(u16, "3", algorithm, spaced_base64)


def ipseckey(kind: tuple[str, Text]) -> Text:
    return fields(u8, kind[0], st.sampled_from(["1", "2"]), kind[1], spaced_base64)


gateways: list[tuple[str, Text]] = [("0", st.just(".")), ("1", ipv4), ("2", ipv6), ("3", name)]

parameter = st.one_of(
    st.lists(st.sampled_from(["h2", "h3", "http/1.1", "a\\\\,b"]), min_size=1, max_size=3, unique=True).map(
        lambda ids: 'alpn="' + ",".join(ids) + '"'
    ),
    st.integers(0, 0xFFFF).map(lambda port: f"port={port}"),
    st.lists(ipv4, min_size=1, max_size=2).map(lambda found: "ipv4hint=" + ",".join(found)),
    st.lists(ipv6, min_size=1, max_size=2).map(lambda found: 'ipv6hint="' + ",".join(found) + '"'),
    base64_text.map(lambda text: f'ech="{text}"'),
    quoted_string.map(lambda text: f"key65333={text}"),
    st.sampled_from(["key65334", "mandatory=port port=1", "no-default-alpn", "dohpath=/q{?dns}"]),
)
priority = u16.filter(lambda value: value != "0")
service = fields(priority, name, several(parameter, 0, 3)).map(str.rstrip) | fields("0", name)
angle = fields(
    st.integers(0, 90).map(str),
    st.integers(0, 59).map(str),
    st.decimals(0, 59, places=3).map(str),
    st.sampled_from(["N", "S"]),
    st.integers(0, 180).map(str),
    st.integers(0, 59).map(str),
    st.decimals(0, 59, places=3).map(str),
    st.sampled_from(["E", "W"]),
)
metres = st.integers(-40_000, 400_000).map(lambda quarters: f"{quarters / 4}m")  # exact in dnspython's floats
size = st.sampled_from(["", " 1m", " 0m 10000m 10m", " 20m 30m", " 90000000m 1m 0.01m"])
negation = st.sampled_from(["", "!"])
prefix = st.one_of(
    st.builds("{}1:{}/{}".format, negation, ipv4, st.integers(0, 32)),
    st.builds("{}2:{}/{}".format, negation, ipv6, st.integers(0, 128)),
)
degrees = st.decimals(-90, 90, places=4).map(str)
salt = st.sampled_from(["-", "aabb", "00"])
strings = several(string, 1)
opaque = octets.map(lambda value: f"\\# {len(value)} {value.hex()}")

GRAMMAR: dict[str, Text] = {
    "A": ipv4,
    "AAAA": ipv6,
    "AFSDB": fields(u16, name),
    "AMTRELAY": st.sampled_from(gateways).flatmap(lambda kind: fields(u8, st.sampled_from("01"), kind[0], kind[1])),
    "APL": several(prefix),
    "AVC": strings,
    "BRID": spaced_base64,
    "CAA": fields(u8, st.sampled_from(["issue", "issuewild", "iodef", "x1"]), string),
    "CDNSKEY": key,
    "CDS": digest | st.just("0 0 0 00"),
    "CERT": fields(st.sampled_from(["PKIX", "PGP", "12", "65535"]), u16, algorithm, spaced_base64),
    "CNAME": name,
    "CSYNC": fields(u32, u16, types),
    "DHCID": spaced_base64,
    "DLV": digest,
    "DNAME": name,
    "DNSKEY": key,
    "DS": digest,
    "DSYNC": fields(st.sampled_from(["CDS", "CSYNC", "TYPE65280"]), st.sampled_from(["NOTIFY", "1", "200"]), u16, name),
    "EUI48": fixed_hex(6, "-"),
    "EUI64": fixed_hex(8, "-"),
    "GPOS": fields(degrees, degrees, degrees) | fields("0", "0", string),
    "HHIT": spaced_base64,
    "HINFO": fields(string, string),
    "HIP": fields("2", fixed_hex(16), base64_text, several(name)).map(str.rstrip),
    "HTTPS": service,
    "IPSECKEY": st.sampled_from(gateways).flatmap(ipseckey),
    "ISDN": string | fields(string, string),
    "KEY": key,
    "KX": fields(u16, name),
    "L32": fields(u16, ipv4),
    "L64": fields(u16, fixed_hex(8, ":", 2)),
    "LOC": fields(angle, metres).flatmap(lambda text: size.map(lambda tail: text + tail)),
    "LP": fields(u16, name),
    "MX": fields(u16, name),
    "NAPTR": fields(u16, u16, string, string, string, name),
    "NID": fields(u16, fixed_hex(8, ":", 2)),
    "NINFO": strings,
    "NS": name,
    "NSAP": octets.map(lambda value: "0x" + value.hex()),
    "NSAP-PTR": name,
    "NSEC": fields(name, types),
    "NSEC3": fields("1", u8, u16, salt, base32_text, types),
    "NSEC3PARAM": fields("1", u8, u16, salt),
    "OPENPGPKEY": spaced_base64,
    "PTR": name,
    "PX": fields(u16, name, name),
    "RESINFO": strings,
    "RP": fields(name, name),
    "RRSIG": signature,
    "RT": fields(u16, name),
    "SIG": signature,
    "SMIMEA": fields(u8, u8, u8, hexadecimal),
    "SOA": fields(name, name, u32, ttl, ttl, ttl, ttl),
    "SPF": strings,
    "SRV": fields(u16, u16, u16, name),
    "SSHFP": fields(u8, u8, hexadecimal),
    "SVCB": service,
    "TLSA": fields(u8, u8, u8, hexadecimal),
    "TXT": strings,
    "URI": fields(u16, u16, quoted_string.filter(lambda text: text != '""')),
    "WALLET": strings,
    "WKS": fields(ipv4, "6", st.sampled_from(["25", "25 80 443", "65535"])),
    "X25": string,
    "ZONEMD": fields(u32, "1", u8, fixed_hex(48)),
    # Without a text form of their own.
    "A6": opaque,
    "NULL": opaque,
    "NXT": opaque,
    "TA": opaque,
    "UNSPEC": opaque,
    "TYPE65280": opaque,
    # Those dnspython has no text form for, but we.
    "MB": name,
    "MD": name,
    "MF": name,
    "MG": name,
    "MINFO": fields(name, name),
    "MR": name,
}

Sample = tuple[str, str]


def rdata_texts(only: Callable[[str], bool] = lambda _: True) -> SearchStrategy[Sample]:
    """A type and RDATA text of it."""
    kinds = sorted(kind for kind in GRAMMAR if only(kind))
    return st.sampled_from(kinds).flatmap(lambda kind: st.tuples(st.just(kind), GRAMMAR[kind]))
