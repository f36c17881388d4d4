"""What is in the zones, and that wrong answers are found: every data set small, answered from its own zone file."""

import shutil

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import dns.zone
import pytest

from bench.sidebyside.contents import DATA_SETS, ORIGIN, Delegations, Hosts, ManyZones, Signed
from bench.sidebyside.datasets import provide
from bench.sidebyside.questions import NOERROR
from bench.sidebyside.rows import ROWS
from bench.sidebyside.signing import SIGNER

signer = pytest.mark.skipif(not shutil.which(SIGNER), reason=f"{SIGNER} is not installed")
CHAINS = ("nsec", "nsec3")


def zone_of(files, origin=ORIGIN):
    return dns.zone.from_file(str(files.zone_files()[origin]), origin, relativize=False, check_origin=False)


def fault(data, reply):
    return data.fault(reply) or ""


def reply_to(question):
    return dns.message.make_response(dns.message.from_wire(question.wire()))


def sets(zone, name, *rdtypes):
    """The sets of a name of these types, each with its signature where it has one."""
    node = zone.nodes[dns.name.from_text(name)]
    for rdataset in node:
        if rdataset.rdtype in rdtypes or (rdataset.rdtype == dns.rdatatype.RRSIG and rdataset.covers in rdtypes):
            rrset = dns.rrset.RRset(dns.name.from_text(name), rdataset.rdclass, rdataset.rdtype, rdataset.covers)
            rrset.update(rdataset)
            yield rrset


def test_delegations_have_their_name_servers_and_glue(tmp_path):
    files = provide(Delegations("few", 20), tmp_path)
    zone = zone_of(files)
    assert sum(len(rdataset) for _, rdataset in zone.iterate_rdatasets()) == files.data.records
    for question in files.data.questions():
        child = question.name.removeprefix("www.")
        reply = reply_to(question)
        reply.authority += sets(zone, child, dns.rdatatype.NS)
        for label in ("ns2", "ns1"):
            reply.additional += sets(zone, f"{label}.{child}", dns.rdatatype.A)
        assert fault(files.data, reply) == ""
        reply.additional.pop()
        assert "expected" in fault(files.data, reply)


def test_many_zones_have_a_file_each(tmp_path):
    files = provide(ManyZones("few", 7), tmp_path)
    assert len(files.zone_files()) == files.data.zones == 7
    for question in files.data.questions():
        origin = question.name.removeprefix("www.")
        zone = zone_of(files, origin)
        assert sum(len(rdataset) for _, rdataset in zone.iterate_rdatasets()) == files.data.records / 7
        reply = reply_to(question)
        reply.answer += sets(zone, question.name, dns.rdatatype.A)
        assert fault(files.data, reply) == ""


def signed_replies(files):
    """Every question with the records a server would send."""
    zone = zone_of(files)
    proofs = [
        rrset for name in zone.nodes for rrset in sets(zone, name.to_text(), dns.rdatatype.NSEC, dns.rdatatype.NSEC3)
    ]
    for question in files.data.questions():
        reply = reply_to(question)
        if question.rcode == NOERROR:
            reply.answer += sets(zone, question.name, dns.rdatatype.A)
        else:
            reply.authority += [*sets(zone, ORIGIN, dns.rdatatype.SOA), *proofs]
        yield question, reply


@signer
@pytest.mark.parametrize("chain", CHAINS)
def test_signed_answers_and_denials_are_proven(chain, tmp_path):
    files = provide(Signed("few", 30, chain), tmp_path)
    denied = 0
    for question, reply in signed_replies(files):
        assert fault(files.data, reply) == ""
        denied += question.rcode != NOERROR
    assert denied == 3
    zone = zone_of(files)
    assert abs(sum(len(rdataset) for _, rdataset in zone.iterate_rdatasets()) - files.data.records) <= 4


@signer
@pytest.mark.parametrize("chain", CHAINS)
def test_what_is_not_proven_is_found(chain, tmp_path):
    files = provide(Signed("few", 30, chain), tmp_path)
    for question, reply in signed_replies(files):
        if question.rcode == NOERROR:
            reply.answer = [rrset for rrset in reply.answer if rrset.rdtype != dns.rdatatype.RRSIG]
            assert "no signature" in fault(files.data, reply)
        else:
            reply.authority = reply.authority[:2]
            assert "nothing covers" in fault(files.data, reply)


@signer
def test_a_signature_of_other_data_is_found(tmp_path):
    files = provide(Signed("few", 10, "nsec"), tmp_path)
    question, reply = next(pair for pair in signed_replies(files) if pair[0].rcode == NOERROR)
    _, other = next(pair for pair in signed_replies(files) if pair[0].rcode == NOERROR and pair[0] != question)
    forged = next(rrset for rrset in other.answer if rrset.rdtype == dns.rdatatype.RRSIG)
    forged.name = reply.question[0].name
    reply.answer = [next(rrset for rrset in reply.answer if rrset.rdtype == dns.rdatatype.A), forged]
    assert fault(files.data, reply)


@signer
def test_signed_zones_are_the_same_wherever_they_are_made(tmp_path):
    first, second = (provide(Signed("few", 10, "nsec3"), tmp_path / place) for place in ("a", "b"))
    assert zone_of(first) == zone_of(second)


def test_a_denial_without_soa_is_found():
    data = Hosts("few", 5)
    assert "no SOA" in fault(data, reply_to(next(data.flood())))


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_every_row_has_its_data(row):
    data = DATA_SETS[row.data]
    assert not row.flood or data.floods
