"""The short way of zone text against the long one: the same sets, the same findings, whatever the text."""

from __future__ import annotations

import io

import dns.name
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datasrc.findings import Finding
from datasrc.rows import Row
from datasrc.zonescan import FORMS
from datasrc.zonetext import Reader
from datasrc.zonetext_zone import ZoneText
from tests.datasrc.rdata_texts import GRAMMAR, rdata_texts
from tests.datasrc.reading import ORIGIN

HEAD = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"


def gathered(text: bytes, origin: dns.name.Name, *, short: bool) -> tuple[list[Row], list[str], int]:
    """The sets, the findings, and how many records came the long way."""
    findings: list[Finding] = []
    zone = ZoneText(origin, findings.append)
    reader = Reader(origin, findings.append, includes=False, plain=zone.plain if short else None)
    records = list_added(zone, reader, text)
    zone.finish()
    assert reader.octets == len(text)
    return list(zone.rows()), sorted(map(str, findings)), records


def list_added(zone: ZoneText, reader: Reader, text: bytes) -> int:
    number = 0
    for number, record in enumerate(reader.read(io.BytesIO(text), "z"), 1):  # noqa: B007 - the last one counts
        zone.add(record)
    return number


def both_ways(text: str | bytes, origin: dns.name.Name = ORIGIN) -> None:
    octets = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    short, long = gathered(octets, origin, short=True), gathered(octets, origin, short=False)
    assert short[:2] == long[:2]


PLAIN = {
    "SOA": [
        "ns hostmaster 1 3600 900 604800 300",
        "ns.Example.ORG. . 4294967295 2147483647 0 00001 3",
        "ns hostmaster ( 1 ; the serial\n 3600 900\n 604800\n 300 )",
    ],
    "A": ["192.0.2.1", "0.0.0.0", "255.255.255.255"],
    "AAAA": ["2001:db8::1", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "FE80::ABCD"],
    "NS": ["ns", "ns.example.net.", "@", "."],
    "CNAME": ["www.sub"],
    "PTR": ["Host.Example.NET."],
    "DNAME": ["x.y"],
    "MX": ["10 mail", "0 ."],
    "SRV": ["1 65535 443 www"],
    "TXT": ['"a b" c', "plain", '""', '"x;y(z)"', '"a" ( "b"\n "c" )'],
    "DS": ["60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118", "1 13 2 " + "ab" * 32, "1 13 4 " + "AB " * 48],
    "DNSKEY": ["257 3 13 " + "AQ" * 43 + "A=", "256 3 8 ( AwEA\n AaB= ) ; key"],
    "RRSIG": [
        "A 13 3 3600 20300101000000 20200228235959 1 example.org. " + "A" * 86 + "==",
        "NSEC 8 2 0 21051130000000 19700101000000 65535 @ ( AAAA\n BBBB )",
    ],
    "NSEC": ["b A NS SOA", "Host.example.org. A RRSIG NSEC TLSA", "b"],
    "AFSDB": ["1 afs"],
    "RT": ["65535 relay.example.net."],
    "KX": ["0 @"],
    "SPF": ['"v=spf1 -all"', "a b"],
    "CDS": ["60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"],
    "CDNSKEY": ["0 3 0 AA==", "257 3 13 " + "AQ" * 43 + "A="],
    "SVCB": ["1 _svc.example.net. port=8443", "0 Other.example.net.", "16 @ alpn=dot,doq"],
    "HTTPS": [
        "1 .",
        "0 www",
        "1 . alpn=h2,h3 port=00443 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1,::",
        '1 . alpn="h2, h3" port="443" ipv4hint="192.0.2.1" ipv6hint="1::,2:3:4:5:6:7:8:9"',
        "65535 x.y ( alpn=http/1.1 ; and\n ipv6hint=::1 )",
    ],
    "TLSA": ["3 1 1 " + "ab" * 32, "0 0 2 " + "AB CD" * 32, "3 0 0 3082", "255 255 255 ( 30\n 82 )"],
    "SMIMEA": ["3 1 1 " + "0F" * 32],
    "SSHFP": ["4 2 " + "ab" * 32, "1 1 " + "ABCD " * 10],
    "CAA": ['0 issue "ca.example.net; account=7"', '128 issuewild ";"', "0 iodef mailto:Host@example.org", '0 Tag1 ""'],
    "NAPTR": ['100 50 "s" "SIP+D2U" "" _sip._udp', '0 65535 u E2U+sip "!^.*$!sip:info@example.org!" .'],
    "URI": ['10 1 "https://www.example.org/a?b=c"', "0 65535 ftp://x"],
    "NSEC3": ["1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG", "1 0 0 - 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S"],
}


@pytest.mark.parametrize("left", ['b "', '@5 "', "b ( )) A 1", 'a.b.c "x', "x..y A 1", 'b A 192.0.2 "'])
@pytest.mark.parametrize("before", ["", "a A 192.0.2.9\n", "a A 192.0.2.9\n A 192.0.2.8\n", " A 192.0.2.9\n"])
def test_an_entry_that_is_left_and_cannot_be_read_names_no_owner_of_those_behind_it(before, left):
    both_ways(f"{HEAD}{before}{left}\n 0 A 192.0.2.7\n A 192.0.2.6\n")


def test_every_form_has_an_example():
    assert {kind.name for kind in FORMS} == PLAIN.keys()


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("owner", ["a", "@", "*.B.c", "x.example.ORG.", "_1-2/3"])
@pytest.mark.parametrize("head", ["", "300 ", "IN ", "in 300 ", "300 IN ", " \t 7\tIn\t"])
def test_plain_records_go_the_short_way_and_mean_the_same(kind, owner, head):
    for data in PLAIN[kind]:
        text = f"$TTL 60\n{owner} {head}{kind} {data}\n{owner} {head}{kind.lower()} {data} ; comment (\r\n".encode()
        rows, findings, the_long_way = gathered(text, ORIGIN, short=True)
        assert the_long_way == 0
        assert (rows, findings) == gathered(text, ORIGIN, short=False)[:2]


@pytest.mark.parametrize(
    "data",
    ["ns h 4294967296 2 3 4 5", "ns h 1 2147483648 3 4 5", "ns h 1 2 3 4", "ns h 1 2 3 4 5 6", "ns h 1 1h 3 4 1D"],
)
def test_a_start_of_authority_that_is_not_plain_is_left_and_means_the_same(data):
    both_ways(f"$TTL 60\n@ SOA {data}\n@ NS ns\n")


@pytest.mark.parametrize("kind", sorted(GRAMMAR))
def test_rdata_of_every_type_is_read_alike(kind):
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(GRAMMAR[kind])
    def check(text):
        both_ways(f"$TTL 60\na {kind} {text}\nb 30 {kind} {text} ; x\n\t{kind} {text}")

    check()


owners = st.sampled_from(
    ["a", "b.c", "@", "*.w", "A", "x\\.y", "\\200", "", "ns.sub", "x.", "Example.org.", "b.EXAMPLE.org.", "$x",
     "a@b", "a..b", "org.", "y" * 63, "y" * 64, ".".join(["z" * 60] * 4), "\x01", "yexample.org."]
)  # fmt: skip
odd_lines = st.sampled_from(
    ["$ORIGIN sub", "$ORIGIN SUB.example.ORG.", "$ORIGIN net.", "$ORIGIN example.org.", "$TTL 7", "$TTL 1h", "; c", "",
     " ", "  ; d", "(", ")",
     "a A 1.2.3", "a A 01.2.3.4", "a AAAA 1::2::3", "a AAAA :1", "a AAAA 1:", "a 5000000000 A 192.0.2.1",
     "a 2147483648 A 192.0.2.1", "a CH A 1.2.3.4",
     "a 5 5 A 1.2.3.4", "a IN IN A 1.2.3.4", "a TXT", "a A", "a MX 99999 b", "a MX 00010 b",
     "a TXT \"x", "$GENERATE 1-3 g$ A 192.0.2.$", "@ SOA a b 1 2 3 4 9"]
)  # fmt: skip
line = st.tuples(owners, st.sampled_from(["", "300", "1h"]), st.sampled_from(["", "IN", "in"]), rdata_texts())


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([HEAD, "", "@ SOA a b 1 2 3 4 9\n"]),
    st.lists(
        line.map(lambda parts: f"{parts[0]} {parts[1]} {parts[2]} {parts[3][0]} {parts[3][1]}") | odd_lines, max_size=14
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([ORIGIN, dns.name.root, dns.name.from_text("org.")]),
)
def test_zones_are_read_alike(head, lines, newline, origin):
    both_ways(head + newline.join(lines), origin)


pieces = st.sampled_from(
    [
        b"(", b")", b'"', b"\\", b";", b"\n", b"\r\n", b"\r", b" ", b"\t", b"$", b"@", b".", b"\\#", b"\\065", b"\x00",
        b"\xff", b"a", b"60", b"IN", b"A", b"TXT", b"NS", b"MX", b"DS", b"NSEC", b"NSEC3", b"RRSIG", b"AAAA", b"SRV",
        b"$TTL", b"$ORIGIN",
        b"::", b":1", b"192.0.2.1", b"1", b"9" * 11, b"-", b"=", b"AAAA", b"AA==", b"20300101000000", b"20300230000000",
        b"HTTPS", b"CAA", b"TLSA", b"NAPTR", b"alpn=", b"port=", b"ipv4hint=", b"ipv6hint=", b",", b'"h2,h3"', b"key7=",
        b"2vptu5timamqttgl4luu9kg21e0aor3s", b"\na NS b\n", b"\n\tA 192.0.2.1\n", b"\nb 3 A 192.0.2.2 ",
    ]
)  # fmt: skip
hostile = (
    st.binary(max_size=200) | st.lists(pieces, max_size=60).map(b"".join) | st.lists(pieces, max_size=60).map(b" ".join)
)


@settings(max_examples=500, deadline=None)
@given(hostile)
@example(b"a TXT \x00")
@example(b"\n" * 3 + b"a A 192.0.2.1")
def test_hostile_text_is_read_alike(text):
    both_ways(b"$TTL 60\n" + text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_zone_with_octets_changed_is_read_alike(data):
    records = "".join(f"o{number} {kind} {text}\n" for number, kind in enumerate(PLAIN) for text in PLAIN[kind][:1])
    text = bytearray((HEAD + records).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    both_ways(bytes(text))


@settings(max_examples=60, deadline=None)
@given(st.permutations([f"{label}{number}" for number in range(9) for label in ("a", "B", "c.a", "*.b")]))
def test_sets_come_in_canonical_order_however_the_text_has_them(names):
    text = HEAD + "".join(f"{name} A 192.0.2.{len(name)}\n{name} A 192.0.2.9\n" for name in [*names, *names[:3]])
    rows, _, _ = gathered(text.encode(), ORIGIN, short=True)
    assert [row.key for row in rows] == sorted(row.key for row in rows)
    both_ways(text)


@pytest.mark.parametrize("target", [".", "ab."])
@pytest.mark.parametrize("protocols", [32_760, 32_763, 32_764, 32_765])
def test_parameters_about_as_long_as_rdata_may_be_are_read_alike(target, protocols):
    both_ways(f"{HEAD}a HTTPS 1 {target} alpn=" + ",".join("x" * protocols))


@pytest.mark.parametrize("data", ["TLSA 3 0 0 {}", "CAA 0 issue {}", "URI 0 0 {}", "SSHFP 4 2 {}", 'CAA 0 x "{}"'])
@pytest.mark.parametrize("octets", [65_526, 65_528, 65_530, 65_531, 65_532, 65_533, 65_536])
def test_data_about_as_long_as_rdata_may_be_is_read_alike(data, octets):
    both_ways(HEAD + "a " + data.format("ab" * octets if "TLSA" in data or "SSHFP" in data else "a" * octets))


@pytest.mark.parametrize(
    "data",
    [
        "HTTPS 1 . port=3 alpn=h2", "HTTPS 1 . alpn=h2 alpn=h3", "HTTPS 0 . alpn=h2", "HTTPS 1 . alpn=h2,,h3",
        "HTTPS 1 . alpn=h2,", "HTTPS 1 . alpn=", 'HTTPS 1 . alpn=""', 'HTTPS 1 . alpn="h2"port=3',
        'HTTPS 1 . alpn=h2"x"',
        "HTTPS 1 . port=65536", "HTTPS 1 . port=+1", "HTTPS 1 . ipv4hint=1.2.3", "HTTPS 1 . ipv4hint=1.2.3.4.5",
        "HTTPS 1 . ipv4hint=1.2.3.4,", "HTTPS 1 . ipv6hint=::,", "HTTPS 1 . ipv6hint=1:,::", "HTTPS 1 . ipv6hint=:",
        "HTTPS 1 . ipv6hint=::1.2.3.4", 'HTTPS 1 . ipv4hint="1.2.3.4 "', "HTTPS 1 . ALPN=h2", "HTTPS 1 . nokey=1",
        "HTTPS 1 . key1=h2", "HTTPS 1 . mandatory=alpn alpn=h2", "HTTPS 1 . alpn=h2 no-default-alpn", "HTTPS 1 . =h2",
        'HTTPS 1 . "alpn=h2"', "HTTPS 1", "HTTPS", 'HTTPS 1 . alpn= "h2"', "HTTPS 1 . xalpnalpn=h2",
        "CAA 0 is-sue x", 'CAA 0 "issue" x', "CAA 0 issue", "CAA 0 issue x y", 'CAA 0 issue"x"', "CAA 256 issue x",
        'CAA 0 issue "x"y', 'CAA 0 issue "x"',
        "TLSA 3 1 1 abcd", "TLSA 3 1 1 abc", "TLSA 3 1 1", "TLSA 3 0 0 x", 'TLSA 3 0 0 "ab"',
        "SSHFP 1 1 ab", "SSHFP 1 9 ab",
        'NAPTR 1 2 "a""b""c" .', "NAPTR 1 2 a b c", "NAPTR 1 2 a b c . d", 'NAPTR 1 2 "a" "b" "c" "."', "NAPTR 1 2",
        f'NAPTR 1 2 a b {"c" * 256} .', 'URI 1 2 ""', "URI 1 2", "URI 1 x y", 'URI 1 2 "a" b', 'URI 1 2"a"',
    ],
)  # fmt: skip
def test_odd_data_of_services_is_read_alike(data):
    both_ways(f"{HEAD}a {data}\nb {data} ; x\n")


@pytest.mark.parametrize(
    "kind",
    [
        "CAA 0 issue {}", "HTTPS 1 {}. alpn=A", "SVCB 2 {}.", "TLSA 3 0 0 {}", "URI 1 2 {}", "SMIMEA 3 0 0 {}",
        "MX 65 {}", "SRV 65 66 67 {}.b", "NS {}.A", "PTR a.{}", 'NAPTR 1 2 "{}" B C a', "NAPTR 1 2 A B C {}", "KX 1 {}",
    ],
)  # fmt: skip
def test_sets_with_capital_letters_are_merged_alike(kind):
    """Those in names of some types are made small, others are not (RFC 4034 section 6.2, RFC 9460 section 2.2)."""
    both_ways(HEAD + "".join(f"a {kind.format(data)}\n" for data in ("BB", "aa", "AA", "33", "11", "AB", "ab")))


@pytest.mark.parametrize("line", ['"a" A 192.0.2.2', '"a" CAA 0 issue x', 'a" A 192.0.2.2'])
@pytest.mark.parametrize("before", ["a A 192.0.2.1", "a CAA 128 issue key1", "a TXT x\\;y", "a RP b c"])
def test_an_owner_in_quotes_is_none_whoever_came_before_it(before, line):
    both_ways(f"{HEAD}{before}\n{line}\n")
    assert gathered(f"{HEAD}{before}\n{line}\n".encode(), ORIGIN, short=True)[1] != []


def test_lines_longer_than_a_block_and_records_across_blocks_are_read_alike():
    long_text = "a TXT " + " ".join(['"' + "x" * 250 + '"'] * 150)
    both_ways(HEAD + "\n".join([f"h{number} A 192.0.2.1" for number in range(20_000)] + [long_text] * 12))
