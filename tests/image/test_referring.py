"""Referrals whose glue does not fit or is signed, large sets, wildcard CNAMEs with DO: none of it is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import pytest

from datasrc.records import RRset
from image.layout import DNAME, KIND_REFERRAL, RRSIG
from tests.datasrc.zonemaking import SMALL, rrsets
from tests.image.mapping import Both
from tests.image.test_responder import AAAA, CNAME, MX, ORIGIN, TXT, A
from tests.kit import dnspacket as packet
from tests.memmgr.signing import Entry, signed

DO = packet.opt(size=1232, flags=packet.DO)
EDNS = packet.opt(size=1232)
CHAINS = ["nsec", "nsec3", "opt-out"]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    both = Both(tmp_path)
    yield both
    both.close()


def reply_to(both: Both, name: str, rdtype: int, *additional: bytes, stream: bool = False) -> dns.message.Message:
    """What the image answers, which is what the plain implementation does."""
    query = packet.query(name, rdtype, additional=list(additional))
    assert both.compare(query, stream=stream)
    octets = both.image_reply(query, stream=stream)
    assert octets is not None
    return dns.message.from_wire(octets)


def addresses(name: str, number: int) -> str:
    return f"{name} A 192.0.2.{number}\n{name} AAAA 2001:db8::{number}\n"


def kinds(reply: dns.message.Message) -> list[tuple[str, int, int]]:
    return [(rrset.name.to_text().lower(), rrset.rdtype, rrset.covers) for rrset in reply.additional]


def test_glue_below_the_cut_that_does_not_fit_is_tc(both):
    """QRY-17: nine servers with two addresses each take more than 512 octets (RFC 9471 section 3.1)."""
    text = "".join(f"cut NS n{number}.cut\n" + addresses(f"n{number}.cut", number) for number in range(9))
    both.put(ORIGIN, rrsets(f"{SMALL}\n{text}"))
    both.build()
    reply = reply_to(both, "www.cut.example.", A)
    assert reply.flags & dns.flags.TC
    assert not reply.flags & dns.flags.AA
    assert both.responder.kind == KIND_REFERRAL
    whole = reply_to(both, "www.cut.example.", A, EDNS)
    assert not whole.flags & dns.flags.TC
    assert len(whole.additional) == 18
    assert len(reply_to(both, "www.cut.example.", A, stream=True).additional) == 18


def test_other_glue_that_does_not_fit_is_left_out_set_by_set(both):
    """QRY-18: addresses of servers elsewhere in the zone are sent as far as there is room (RFC 9471 section 3.2)."""
    text = "cut NS own.cut\n" + addresses("own.cut", 99)
    text += "".join(f"cut NS n{number}.other\n" + addresses(f"n{number}.other", number) for number in range(9))
    both.put(ORIGIN, rrsets(f"{SMALL}\n{text}"))
    both.build()
    reply = reply_to(both, "www.cut.example.", A)
    assert not reply.flags & dns.flags.TC
    assert kinds(reply)[:2] == [("own.cut.example.", A, 0), ("own.cut.example.", AAAA, 0)]
    assert 2 < len(reply.additional) < 20
    assert len(reply_to(both, "www.cut.example.", A, EDNS).additional) == 20


def test_a_set_that_fits_is_sent_behind_one_that_does_not(both):
    many = " | ".join(f"192.0.2.{number}" for number in range(60))
    both.put(ORIGIN, rrsets(f"{SMALL}\ncut NS a.other | b.other\na.other A {many}\nb.other A 192.0.2.1"))
    both.build()
    assert kinds(reply_to(both, "www.cut.example.", A)) == [("b.other.example.", A, 0)]
    assert len(reply_to(both, "www.cut.example.", A, EDNS).additional) == 2


def test_more_glue_than_an_image_has_is_answered_over_udp_and_left_over_tcp(both):
    many = " | ".join(f"10.0.{number >> 8}.{number & 255}" for number in range(300))
    text = f"cut NS a.other | b.other\na.other A {many}\nb.other A 192.0.2.1\nbelow NS a.below\na.below A {many}"
    both.put(ORIGIN, rrsets(f"{SMALL}\n{text}"))
    both.build()
    reply = reply_to(both, "www.cut.example.", A, EDNS)
    assert not reply.flags & dns.flags.TC
    assert kinds(reply) == [("b.other.example.", A, 0)]
    assert reply_to(both, "www.below.example.", A, EDNS).flags & dns.flags.TC
    for name in ("www.cut.example.", "www.below.example."):
        assert not both.compare(packet.query(name, A), stream=True)


ENTRIES: list[Entry] = [
    ("@", "SOA", "ns hostmaster 1 3600 900 604800 300"),
    ("@", "NS", "ns"),
    ("ns", "A", "192.0.2.1"),
    ("ns", "AAAA", "2001:db8::1"),
    ("sub", "NS", "ns"),
    ("sub", "NS", "ns.sub"),
    ("ns.sub", "A", "192.0.2.6"),
    ("www", "A", "192.0.2.3"),
    ("*.w", "CNAME", "www"),
    ("*.v", "CNAME", "x.y.w"),
    ("*.n", "CNAME", "nowhere"),
    ("*.s", "CNAME", "www.sub"),
    ("*.o", "CNAME", "elsewhere.test."),
    ("*.c", "CNAME", "d.c"),
    ("*.t", "TXT", "any"),
    ("_443._tcp.*.e", "TXT", "below a wildcard that has nothing itself"),
]


@pytest.fixture(params=CHAINS)
def secure(request, both: Both) -> Both:
    both.put(ORIGIN, signed(ENTRIES, request.param))
    both.build()
    return both


def test_signatures_of_glue_are_sent_with_do_behind_all_addresses(secure):
    """DSV-03 (RFC 4035 section 3.1.1)."""
    glue = [("ns.sub.example.", A, 0), ("ns.example.", A, 0), ("ns.example.", AAAA, 0)]
    assert kinds(reply_to(secure, "www.sub.example.", A, EDNS)) == glue
    signatures = [("ns.example.", RRSIG, A), ("ns.example.", RRSIG, AAAA)]
    assert kinds(reply_to(secure, "www.sub.example.", A, DO)) == glue + signatures
    assert kinds(reply_to(secure, "www.sub.example.", A, DO, stream=True)) == glue + signatures


@pytest.mark.parametrize("chain", CHAINS)
def test_signatures_of_glue_that_do_not_fit_are_left_out_without_tc(both, chain):
    servers = [f"ns{number}" for number in range(8)]
    more = [(host, "A", "192.0.2.9") for host in servers] + [("sub", "NS", host) for host in servers]
    both.put(ORIGIN, signed([*ENTRIES, *more], chain))
    both.build()
    octets = both.image_reply(packet.query("www.sub.example.", A, additional=[DO]))
    assert octets is not None
    seen = set()
    for size in range(512, len(octets) + 20, 10):
        reply = reply_to(both, "www.sub.example.", A, packet.opt(size=size, flags=packet.DO))
        if not reply.flags & dns.flags.TC:
            seen.add(len(reply.additional))
            assert ("ns.sub.example.", A, 0) in kinds(reply)
    assert max(seen) == len(dns.message.from_wire(octets).additional) > 11  # sets of addresses, and signatures
    assert len(seen) > 3


@pytest.mark.parametrize("name", ["a.w", "a.b.w", "a.v", "a.n", "x.s", "x.o", "x.c", "d.c", "a.t", "x.e", "a.b.e"])
@pytest.mark.parametrize("rdtype", [A, TXT, MX, CNAME, 43])
def test_a_chain_through_wildcards_is_answered_with_all_its_proofs(secure, name, rdtype):
    """DSV-06: that there is no closer name is proven for each link (RFC 4035 section 3.1.3.3)."""
    for additional in (DO, EDNS):
        reply_to(secure, f"{name}.example.", rdtype, additional)
        reply_to(secure, f"{name}.example.", rdtype, additional, stream=True)


def test_proofs_of_links_come_before_glue_and_each_once(secure):
    reply = reply_to(secure, "x.s.example.", A, DO)
    assert [rrset.rdtype for rrset in reply.answer] == [CNAME, RRSIG]
    assert kinds(reply)[0] == ("ns.sub.example.", A, 0)
    owners = [(rrset.name, rrset.rdtype, rrset.covers) for rrset in reply.authority]
    assert len(owners) == len(set(owners))


@pytest.mark.parametrize(
    "text",
    [
        "big A " + " | ".join(f"10.0.{number >> 8}.{number & 255}" for number in range(256)),
        "big TXT " + " | ".join(f"{number:03}{'x' * 200}" for number in range(100)),
        "big MX " + " | ".join(f"{number} mx{number}" for number in range(400)),
        "big NS " + " | ".join(f"ns{number}.big" for number in range(400)),
    ],
    ids=["A", "TXT", "MX", "NS"],
)
def test_a_set_that_no_image_has_is_truncated_over_udp(both, text):
    both.put(ORIGIN, rrsets(f"{SMALL}\n{text}\nalias CNAME big"))
    both.build()
    rdtype = {"A": A, "TXT": TXT, "MX": MX, "NS": A}[text.split()[1]]
    for name in ("big.example.", "alias.example."):
        for additional in ([], [packet.opt(size=4096)]):
            assert reply_to(both, name, rdtype, *additional).flags & dns.flags.TC
        assert not both.compare(packet.query(name, rdtype), stream=True)


def test_a_set_of_as_many_records_as_an_image_has_comes_whole_over_tcp(both):
    both.put(ORIGIN, rrsets(f"{SMALL}\nbig A " + " | ".join(f"10.0.0.{number}" for number in range(255))))
    both.build()
    assert len(reply_to(both, "big.example.", A, stream=True).answer[0]) == 255


def test_ds_below_a_wildcard_is_answered(both):
    """What validators ask for on their way: the wildcard has none, whatever it has (RFC 4592 section 4.6)."""
    both.put(ORIGIN, rrsets(f"{SMALL}\n*.w TXT any\n*.c CNAME ns\nbag DNAME ns"))
    both.build()
    for name in ("a.w.example.", "a.c.example.", "a.bag.example."):
        for rdtype in (43, 47, 30):
            reply_to(both, name, rdtype)
    assert DNAME in {rrset.rdtype for rrset in reply_to(both, "a.bag.example.", 43).answer}
    assert dns.name.from_text("ns.example.") in [rrset[0].target for rrset in reply_to(both, "a.c.example.", 43).answer]


@pytest.mark.parametrize("records", range(60, 66))
def test_a_set_and_its_signature_are_together_more_than_a_part_may_have(tmp_path: Path, records: int) -> None:
    """Each of them fits: up to 16 383 octets are in a part. Both together were cut off in the midst."""
    both = Both(tmp_path)
    texts = "".join(f'big TXT "{number:03}{"x" * 237}"\n' for number in range(records))
    both.put(
        ORIGIN, rrsets(f"{SMALL}{texts}big RRSIG TXT 13 2 3600 20300101000000 20200101000000 1 example. {'A' * 684}\n")
    )
    both.build()
    query = packet.query("big.example.", TXT, additional=[DO])
    udp = both.image_reply(query)
    assert udp is not None
    assert dns.message.from_wire(udp).flags & dns.flags.TC
    over_tcp = both.image_reply(query, stream=True)
    if over_tcp is not None:
        assert both.compare(query, stream=True)
        found, signatures = dns.message.from_wire(over_tcp).answer
        assert (len(found), len(signatures)) == (records, 1)
    assert (over_tcp is None) == (records > 62)
    both.close()


@pytest.mark.parametrize("signatures", [0, 1])
@pytest.mark.parametrize("sets", [1, 2])
def test_a_referral_whose_server_is_the_root_is_left(both: Both, signatures: int, sets: int) -> None:
    """Its glue does not begin with a pointer, and was malformed where it was sent set by set."""
    root = dns.name.root
    text = "@ SOA . . 1 3600 900 604800 300\n@ NS .\nsub NS .\n"
    text += "\n".join(f"@ A 192.0.2.{number}" for number in range(60 * sets)) + "\n"
    zone = rrsets(text, ".")
    if signatures:
        zone.append(RRset(root, RRSIG, 300, (b"\0\1" + bytes(16) + b"\0" + bytes(64),), A))
    both.put(root, zone)
    both.build()
    for additional in ([], [EDNS], [DO]):
        for stream in (False, True):
            assert both.image_reply(packet.query("www.sub.", A, additional=additional), stream=stream) is None
