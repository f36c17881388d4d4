"""What sources say of who announces an address."""

import ipaddress

import pytest

from health.engine.origins import Origin, SourceFailed, cymru_line, most_specific, whois_line

PREFIX = ipaddress.ip_network("192.0.2.0/24")


@pytest.mark.parametrize(
    ("line", "asns"),
    [
        ("64500 | 192.0.2.0/24 | ZZ | none | 2020-01-01", (64500,)),
        ("64501 64500 | 192.0.2.0/24", (64500, 64501)),
        ("64500|192.0.2.0/24|ZZ", (64500,)),
    ],
)
def test_a_line_of_the_dns_service_is_read(line, asns):
    assert cymru_line(line) == Origin(asns, PREFIX, line)


@pytest.mark.parametrize(
    ("line", "asns"),
    [
        ("64500\t192.0.2.0/24\t340", (64500,)),
        ("{64501,64500}\t192.0.2.0/24\t340", (64500, 64501)),
        ("64500/64501 192.0.2.0/24 1", (64500, 64501)),
    ],
)
def test_a_line_of_the_whois_service_is_read(line, asns):
    assert whois_line(line) == Origin(asns, PREFIX, line)


@pytest.mark.parametrize(
    "line", ["", "64500", "AS64500 | 192.0.2.0/24", "64500 | none", " | 192.0.2.0/24", "64500 | 192.0.2.0/99"]
)
def test_a_line_that_is_no_origin_is_refused(line):
    with pytest.raises(SourceFailed):
        cymru_line(line)


def test_the_longest_prefix_is_the_most_specific():
    wide = Origin((1,), ipaddress.ip_network("192.0.0.0/16"))
    narrow = Origin((2,), PREFIX)
    assert most_specific([wide, narrow, wide]) == narrow
