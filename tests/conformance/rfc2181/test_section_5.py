"""Resource record sets: one TTL, no duplicates, once in a message."""

from tests.conformance.lines import line
from tests.conformance.loading import Loaded
from tests.kit.dnsclient import Subject


@line("ZON-04")
def test_duplicates_in_zone_text_are_served_once(loaded: Loaded):
    assert loaded.subject.ask("www.duplicates.test.").answer == ["www.duplicates.test. 3600 A 192.0.2.1"]


@line("ZON-04", "ZON-09")
def test_the_same_data_in_two_notations_is_one_record(loaded: Loaded):
    assert loaded.subject.ask("mx.duplicates.test.", "MX").answer == [
        "mx.duplicates.test. 3600 MX 10 www.duplicates.test."
    ]


@line("QRY-26", "ZON-05")
def test_differing_ttls_in_zone_text_become_the_lowest(loaded: Loaded):
    reply = loaded.subject.ask("www.ttls.test.")
    assert sorted(reply.answer) == ["www.ttls.test. 100 A 192.0.2.1", "www.ttls.test. 100 A 192.0.2.2"]
    assert "ttls.test.zone:5" in loaded.words


@line("QRY-03")
def test_a_set_wanted_in_several_sections_is_sent_once(talkative: Subject):
    """Checked for every reply of this suite by demand_sound(); here where the temptation is greatest."""
    for rdtype in ("NS", "A", "ANY", "MX", "SOA"):
        talkative.ask("plain.test.", rdtype)
    assert talkative.ask("ns1.plain.test.").owners(2).count(("ns1.plain.test.", "A")) == 0


@line("QRY-03", "DNM-10")
def test_a_dname_passed_twice_is_in_the_answer_once(subject: Subject):
    reply = subject.ask("x.pair1.dname.test.")
    assert reply.owners(0).count(("pair1.dname.test.", "DNAME")) == 1
