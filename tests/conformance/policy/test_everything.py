"""Every name of every zone, and one below each, asked in every way: what must hold for all replies holds for all."""

import dns.name
import pytest

from tests.conformance.lines import line
from tests.conformance.zonefiles import HERE
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


def names_of_the_zones() -> list[bytes]:
    """The owners in the zone files and a name below each, in wire form."""
    owners: set[dns.name.Name] = set()
    for file in HERE.glob("*.zone"):
        origin = dns.name.from_text(file.stem)
        owners.add(origin)
        for text in file.read_text().splitlines():
            word = text.split(" ")[0].split("\t")[0]
            if word and word[0] not in ";$":
                owners.add(origin if word == "@" else dns.name.from_text(word, origin))
    below = {dns.name.Name((b"x", *owner.labels)) for owner in owners if len(packet.name(owner.to_text())) < 250}
    return sorted(packet.raw_name(*owner.labels[:-1]) for owner in owners | below)


@line("QRY-03", "QRY-26", "QRY-27", "EDN-02", "EDN-09", "HDR-02", "HDR-20", "QRY-13")
@pytest.mark.parametrize("rdtype", ["A", "NS", "ANY", "DS"])
def test_all_replies_are_sound_and_those_over_udp_and_tcp_agree(talkative: Subject, rdtype: str):
    """The checks are those of tests.kit.dnsreply.demand_sound; the server is the one that adds all it can."""
    with talkative.connect() as talk:
        for name in names_of_the_zones():
            small, large = talkative.ask(name, rdtype), talkative.ask(name, rdtype, edns=True)
            whole = talk.ask(packet.query(name, rdtype))
            assert required(small) == required(large) or small.tc
            assert required(large) == required(whole) or large.tc


def required(reply: Reply) -> tuple[str, bool, list[str]]:
    """What of a reply does not depend on its size."""
    return reply.rcode, reply.aa, reply.answer
