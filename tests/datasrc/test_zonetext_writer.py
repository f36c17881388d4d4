from __future__ import annotations

import io
from pathlib import Path

from dns.name import Name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasrc.zonetext_writer import zone_lines
from datasrc.zonetext_zone import read_zone
from tests.datasrc.rdata_texts import rdata_texts
from tests.datasrc.reading import ORIGIN, zone

EXAMPLE = Path(__file__).parents[2] / "examples/example.org.zone"
HEAD = "$TTL 60\n@ SOA ns h 7 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n"


def export(text: str) -> str:
    gathered, _ = zone(text)
    return "".join(zone_lines(gathered.rrsets()))


def test_each_line_is_whole_in_itself():
    assert export(HEAD + 'a 1h TXT "x y" \\"\nb TYPE65280 \\# 0\n') == (
        "example.org.\t60\tIN\tSOA\tns.example.org. h.example.org. 7 7200 3600 1209600 300\n"
        "example.org.\t60\tIN\tNS\tns.example.org.\n"
        'a.example.org.\t3600\tIN\tTXT\t"x y" "\\""\n'
        "b.example.org.\t60\tIN\tTYPE65280\t\\# 0\n"
        "ns.example.org.\t60\tIN\tA\t192.0.2.1\n"
    )


def test_a_zone_written_and_read_again_is_written_the_same_zon_17():
    with EXAMPLE.open("rb") as stream:
        first, findings = read_zone(stream, str(EXAMPLE), ORIGIN)
    assert (findings.errors, findings.warnings) == (0, 0)
    text = "".join(zone_lines(first.rrsets()))
    again, codes = zone(text)
    assert codes == []
    assert list(again.rrsets()) == list(first.rrsets())
    assert "".join(zone_lines(again.rrsets())) == text


label = st.binary(min_size=1, max_size=8)
owners = st.lists(label, max_size=3).map(lambda labels: Name([*labels, *ORIGIN.labels]))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(owners, st.integers(0, 0x7FFFFFFF), rdata_texts()), max_size=10))
def test_any_zone_written_and_read_again_is_the_same_zone_nam_12(records):
    lines = [f"{name.to_text()} {ttl} {kind} {text}\n" for name, ttl, (kind, text) in records]
    first, _ = read_zone(io.BytesIO((HEAD + "".join(lines)).encode()), "z", ORIGIN)
    text = "".join(zone_lines(first.rrsets()))
    assert text.isascii()
    again, _ = read_zone(io.BytesIO(text.encode()), "z", ORIGIN)
    assert list(again.rrsets()) == list(first.rrsets())
    assert "".join(zone_lines(again.rrsets())) == text


def test_the_numbers_keep_their_extremes_zon_18():
    numbers = "4294967295 2147483648 2147483647 0 4294967295"
    (line, *_) = export(f"@ 2147483647 SOA ns h {numbers}\n@ 0 NS ns.net.\n").splitlines()
    assert line == f"example.org.\t2147483647\tIN\tSOA\tns.example.org. h.example.org. {numbers}"
