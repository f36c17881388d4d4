"""Our own rules about zones: what is loaded, kept, and given back."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded, Reloaded
from tests.kit.dnsclient import Subject


@line("ZON-12")
def test_a_zone_that_fails_to_load_leaves_its_last_version(reloaded: Reloaded):
    reloaded.assert_refused("keeps.test")
    assert reloaded.subject.ask("www.keeps.test.").answer == ["www.keeps.test. 3600 A 192.0.2.1"]


@line("ZON-12")
def test_a_zone_that_fails_to_load_leaves_the_others(loaded: Loaded):
    """The directory has dozens of bad zones; the good ones in it are served, and so are those loaded before."""
    for name in ("www.duplicates.test.", "www.ttls.test.", "www.plain.test."):
        assert loaded.subject.ask(name).rcode == "NOERROR"


@line("ZON-18")
@pytest.mark.parametrize(
    ("name", "rdtype", "texts"),
    [
        (
            "u32.test.",
            "SOA",
            ["ns1.u32.test. hostmaster.u32.test. 4294967295 2147483647 2147483648 4294967295 2147483647"],
        ),
        ("mx.u32.test.", "MX", [f"{number} ns1.u32.test." for number in (0, 32767, 32768, 65535)]),
        ("srv.u32.test.", "SRV", ["0 65535 65535 ns1.u32.test."]),
    ],
)
def test_numbers_come_back_from_the_database_as_they_were(subject: Subject, name: str, rdtype: str, texts: list[str]):
    records = subject.ask(name, rdtype).records[0]
    assert (
        sorted((record.text for record in records), key=lambda text: int(text.split()[0]) if rdtype == "MX" else 0)
        == texts
    )


@line("QRY-14", "ZON-18")
def test_a_minimum_at_the_limit_does_not_overflow(subject: Subject):
    assert [record.ttl for record in subject.ask("nothing.u32.test.").records[1]] == [3600]
