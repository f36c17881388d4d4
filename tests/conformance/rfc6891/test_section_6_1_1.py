"""OPT: where it is, and how many."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


@line("EDN-01")
@pytest.mark.parametrize(
    ("name", "rcode"),
    [
        ("www.plain.test.", "NOERROR"),
        ("nothing.plain.test.", "NXDOMAIN"),
        ("www.sub.plain.test.", "NOERROR"),
        ("elsewhere.invalid.", "REFUSED"),
        ("t2000.big.test.", "NOERROR"),
    ],
)
@pytest.mark.parametrize("tcp", [False, True])
def test_opt_is_answered_with_opt(subject: Subject, name: str, rcode: str, tcp: bool):
    reply = subject.ask(name, edns=True, tcp=tcp)
    assert reply.rcode == rcode
    assert reply.opt is not None


@line("EDN-01")
def test_a_truncated_response_has_opt_too(subject: Subject):
    reply = subject.ask("t2000.big.test.", "TXT", edns=True)
    assert reply.tc
    assert reply.opt is not None


@line("EDN-03")
@pytest.mark.parametrize("count", [2, 3, 10])
def test_more_than_one_opt_is_a_format_error(subject: Subject, count: int):
    wire = subject.send(packet.query("www.plain.test.", additional=[packet.opt()] * count))
    assert wire is not None
    assert Reply.read(wire).rcode == "FORMERR"


@line("EDN-04")
@pytest.mark.parametrize("owner", [packet.name("x."), packet.name("www.plain.test."), b"\xc0\x0c"])
def test_opt_that_is_not_at_the_root_is_a_format_error(subject: Subject, owner: bytes):
    wire = subject.send(packet.query("www.plain.test.", additional=[packet.opt(owner=owner)]))
    assert wire is not None
    assert Reply.read(wire).rcode == "FORMERR"


@line("EDN-04")
@pytest.mark.parametrize("counts", [{"an": 1}, {"ns": 1}])
def test_opt_in_another_section_is_a_format_error(subject: Subject, counts: dict[str, int]):
    wire = subject.send(packet.header(qd=1, **counts) + packet.question("www.plain.test.") + packet.opt())
    assert wire is not None
    assert Reply.read(wire).rcode == "FORMERR"


@line("ZON-11", "EDN-13")
@pytest.mark.parametrize(
    "zone", ["meta-opt.test", "meta-tsig.test", "meta-tkey.test", "meta-axfr.test", "meta-any.test"]
)
def test_meta_types_cannot_be_loaded(loaded: Loaded, zone: str):
    loaded.assert_refused(zone, line=5)


@line("EDN-13")
@pytest.mark.parametrize("rdtype", ["OPT", "ANY"])
def test_opt_is_no_data_of_any_name(subject: Subject, rdtype: str):
    reply = subject.ask("www.plain.test.", rdtype, edns=True)
    assert "OPT" not in {kind for section in range(3) for _, kind in reply.owners(section)}
