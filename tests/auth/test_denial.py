"""Proofs where the chain of a zone is broken, unusable or there twice; whole chains are compared with peers."""

from __future__ import annotations

import dns.name
import pytest
from dns.dnssec import nsec3_hash

import datasrc
from auth import denial
from auth.settings import AnyAnswer, Settings
from datasrc.nsec3 import MAX_ITERATIONS
from tests.auth.world import TCP, World, load
from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply

NAMES = ("", "a", "b", "ns", "w", "*.w")
TEXT = """
@ NS ns
ns A 192.0.2.1
a A 192.0.2.2
b CNAME z
*.w A 192.0.2.3
"""
NSEC_CHAIN = """
@ NSEC a NS SOA NSEC
a NSEC b A NSEC
b NSEC ns CNAME NSEC
ns NSEC *.w A NSEC
*.w NSEC @ A NSEC
"""
SIGNATURE = "13 2 300 20300101000000 20200101000000 1 example. AAAA"


def nsec3_chain(salt: str = "-", iterations: int = 0, *, without: str | None = None, algorithm: int = 1) -> str:
    """NSEC3 and NSEC3PARAM of the names above, with a gap where one is left out."""
    octets = "" if salt == "-" else salt
    owners = {nsec3_hash(f"{name}.example." if name else "example.", octets, iterations, 1): name for name in NAMES}
    hashes = sorted(owners)
    lines = [f"@ NSEC3PARAM {algorithm} 0 {iterations} {salt}"]
    for owner, after in zip(hashes, [*hashes[1:], hashes[0]], strict=True):
        if owners[owner] != without:
            lines.append(f"{owner} NSEC3 1 0 {iterations} {salt} {after} A")
    return "\n".join(lines) + "\n"


def ask(text: str, name: str, rdtype: str = "A", settings: Settings | None = None) -> Reply:
    world = World({"example.": TEXT + text}, settings)
    message = packet.query(name, rdtype, additional=[packet.opt(size=4096, flags=packet.DO)])
    reply = world.send(message, TCP)
    assert reply is not None
    return reply


def owners(reply: Reply, rdtype: str) -> set[str]:
    return {owner for owner, kind in reply.owners(1) if kind == rdtype}


def test_without_a_chain_nothing_is_proven():
    reply = ask("", "x.example.")
    assert reply.is_nxdomain("example.")


# In canonical order: example, a, b, ns, *.w.
@pytest.mark.parametrize(
    ("name", "proof"),
    [
        (
            "x.example.",
            {"*.w.example.", "example."},
        ),  # the last record covers what is after it; the wildcard is before a
        ("a.example.", {"a.example."}),
        ("w.example.", {"ns.example."}),  # an empty non-terminal
        ("x.w.example.", {"*.w.example."}),  # there is no x, and the wildcard has no TXT
    ],
)
def test_nsec(name: str, proof: set[str]):
    assert owners(ask(NSEC_CHAIN, name, "TXT"), "NSEC") == proof


@pytest.mark.parametrize(
    ("chain", "name"),
    [
        (NSEC_CHAIN.replace("a NSEC b A NSEC\n", ""), "a.example."),
        (NSEC_CHAIN.replace("a NSEC b A NSEC\n", ""), "ab.example."),
        (NSEC_CHAIN.replace("@ NSEC a", "@ NSEC 0a"), "0b.example."),
        (nsec3_chain(without="a"), "a.example."),
        (nsec3_chain(without=""), "x.example."),
        (nsec3_chain(without="*.w"), "x.w.example."),
        ("@ NSEC3PARAM 1 0 0 -\n", "x.example."),
    ],
)
def test_a_gap_costs_the_answers_that_need_it(chain: str, name: str):
    reply = ask(chain, name, "TXT")
    assert (reply.rcode, reply.error_codes) == ("SERVFAIL", {12})
    assert not any(reply.records)
    assert ask(chain, "ns.example.").rcode == "NOERROR"


def test_what_an_alias_leads_to_is_left_to_the_next_question_where_it_cannot_be_proven():
    chain = NSEC_CHAIN.replace("*.w NSEC @ A NSEC\n", "")
    reply = ask(chain, "b.example.")
    assert (reply.rcode, reply.answer, reply.authority) == ("NOERROR", ["b.example. 300 CNAME z.example."], [])
    assert ask(chain, "z.example.").rcode == "SERVFAIL"


def test_a_record_that_matches_a_name_that_is_not_there_is_a_collision():
    """RFC 5155 section 7.2.9."""
    owner = nsec3_hash("x.example.", "", 0, 1)
    reply = ask(nsec3_chain() + f"{owner} NSEC3 1 0 0 - {owner} A\n", "x.example.")
    assert (reply.rcode, reply.error_codes) == ("SERVFAIL", {12})


@pytest.mark.parametrize(("iterations", "rcode"), [(MAX_ITERATIONS, "NXDOMAIN"), (MAX_ITERATIONS + 1, "SERVFAIL")])
def test_a_chain_of_too_many_iterations_is_not_used(iterations: int, rcode: str):
    """RFC 9276 section 3.1."""
    reply = ask(nsec3_chain(iterations=iterations), "x.example.")
    assert reply.rcode == rcode
    assert reply.error_codes == ({27} if rcode == "SERVFAIL" else set())


def test_an_unknown_hash_is_not_used():
    """RFC 5155 section 7.4; with an NSEC chain beside it that is used."""
    unknown = nsec3_chain(algorithm=2)
    assert ask(unknown, "x.example.").rcode == "SERVFAIL"
    reply = ask(unknown + NSEC_CHAIN, "x.example.")
    assert reply.rcode == "NXDOMAIN"
    assert owners(reply, "NSEC")


@pytest.mark.parametrize("salt", ["aabbccdd", "01"])
def test_of_two_chains_the_one_that_is_announced_is_used(salt: str):
    """A zone on its way from one salt to another has records of both."""
    other = "\n".join(line for line in nsec3_chain(salt).splitlines() if "NSEC3PARAM" not in line) + "\n"
    reply = ask(nsec3_chain() + other, "x.example.")
    assert reply.rcode == "NXDOMAIN"
    proof = [record.text.split()[3] for record in reply.records[1] if record.type == "NSEC3"]
    assert proof
    assert set(proof) == {"-"}


def test_beside_nsec3_nsec_is_not_used():
    reply = ask(nsec3_chain() + NSEC_CHAIN, "x.example.")
    assert owners(reply, "NSEC3")
    assert not owners(reply, "NSEC")


def test_a_name_below_what_opt_out_left_out_is_not_there_though_a_wildcard_is_beside_it():
    """Neither u.w nor its empty non-terminal is in the chain; *.w is, and no record can deny it."""
    out = nsec3_chain().replace(" NSEC3 1 0 0", " NSEC3 1 1 0") + "d.u.w NS ns.elsewhere.\n"
    reply = ask(out, "x.u.w.example.")
    assert (reply.rcode, reply.aa) == ("NXDOMAIN", True)
    wanted = {nsec3_hash(name, "", 0, 1).lower() + ".example." for name in ("w.example.", "*.w.example.")}
    assert {owner.lower() for owner in owners(reply, "NSEC3")} >= wanted


@pytest.mark.parametrize("rdtype", ["NSEC3", "RRSIG", "ANY", "A"])
def test_the_owner_of_an_nsec3_record_does_not_exist(rdtype: str):
    """RFC 5155 section 7.2.8."""
    owner = nsec3_hash("a.example.", "", 0, 1)
    for name in (f"{owner}.example.", f"x.{owner}.example."):
        reply = ask(nsec3_chain() + f"{owner} RRSIG NSEC3 {SIGNATURE}\n", name, rdtype)
        assert (reply.rcode, reply.answer) == ("NXDOMAIN", [])


def test_a_name_that_looks_like_the_owner_of_an_nsec3_record_exists():
    owner = nsec3_hash("a.example.", "", 0, 1)
    assert ask(nsec3_chain() + f"{owner} TXT x\n", f"{owner}.example.", "TXT").answer
    reply = ask(f"{owner} NSEC3 1 0 0 - {owner} A\nx.{owner} TXT x\n", f"{owner}.example.", "TXT")
    assert (reply.rcode, reply.answer) == ("NOERROR", [])


def test_any_is_not_made_up_where_it_would_have_to_be_signed():
    """RFC 8482 section 4.2."""
    settings = Settings(any_answer=AnyAnswer.HINFO)
    assert [kind for _, kind in ask("", "a.example.", "ANY", settings).owners(0)] == ["HINFO"]
    signed = ask(f"a RRSIG A {SIGNATURE}\n", "a.example.", "ANY", settings)
    assert [kind for _, kind in signed.owners(0)] == ["A", "RRSIG"]


def test_a_proof_is_found_in_a_few_steps_in_a_database(tmp_path, monkeypatch):
    """However many records there are: each record of a proof is one query."""
    import datasrc.database.reader as reader

    source = datasrc.open(f"sqlite:///{tmp_path / 'zones.sqlite'}", create=True)
    many = "".join(f"n{number:05} A 192.0.2.1\n" for number in range(2000))
    names = sorted(nsec3_hash(f"n{number:05}.example.", "", 0, 1) for number in range(2000))
    names = sorted([*names, *(nsec3_hash(name, "", 0, 1) for name in ("example.", "ns.example."))])
    ring = zip(names, [*names[1:], names[0]], strict=True)
    chain = "@ NSEC3PARAM 1 0 0 -\n" + "".join(f"{owner} NSEC3 1 0 0 - {after} A\n" for owner, after in ring)
    load(source, {"example.": "@ NS ns\nns A 192.0.2.1\n" + many + chain})
    executed = 0
    execute = reader.DatabaseFinder._execute

    def counting(self, *arguments):
        nonlocal executed
        executed += 1
        return execute(self, *arguments)

    monkeypatch.setattr(reader.DatabaseFinder, "_execute", counting)
    name = dns.name.from_text("nowhere.example.")
    with source.snapshot() as snapshot:
        finder = snapshot.find_zone(name)
        assert finder is not None
        found = finder.find(name, 1)
        executed = 0
        prover = denial.prover_of(finder)
        assert prover is not None
        assert len(prover.nxdomain(name, found)) == 3
    assert executed <= 8
    source.close()
