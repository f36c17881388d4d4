"""Which error is which."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject

LONGEST = 100  # octets of text that still leave room for everything else


@line("EDE-03")
@pytest.mark.parametrize("name", ["elsewhere.invalid.", ".", "test.", "com."])
def test_a_name_in_no_zone_of_ours_is_not_authoritative(subject: Subject, name: str):
    reply = subject.ask(name, edns=True)
    assert (reply.rcode, reply.error_codes) == ("REFUSED", {20})


@line("EDE-04", "HDR-13")
def test_a_zone_without_data_is_not_ready(managed: Subject):
    reply = managed.ask("www.empty.test.", edns=True)
    assert (reply.rcode, reply.error_codes) == ("SERVFAIL", {14})


@line("EDE-04", "HDR-13")
def test_a_zone_with_damaged_data_is_invalid_data(managed: Subject):
    reply = managed.ask("www.broken.test.", edns=True)
    assert (reply.rcode, reply.error_codes) == ("SERVFAIL", {24})


@line("EDE-04")
def test_a_client_the_acl_rejects_is_prohibited(managed: Subject):
    reply = managed.ask("www.closed.test.", edns=True)
    assert (reply.rcode, reply.error_codes) == ("REFUSED", {18})


@line("EDE-04")
@pytest.mark.parametrize("rdtype", ["MAILB", "MAILA"])
def test_a_type_that_is_not_offered_is_not_supported(subject: Subject, rdtype: str):
    reply = subject.ask("www.plain.test.", {"MAILB": 253, "MAILA": 254}[rdtype], edns=True)
    assert (reply.rcode, reply.error_codes) == ("NOTIMP", {21})


@line("EDE-04")
@pytest.mark.parametrize("name", ["elsewhere.invalid.", "www.broken.test.", "www.empty.test.", "www.closed.test."])
def test_its_text_is_short_printable_and_names_nothing_of_the_host(managed: Subject, name: str):
    for text in managed.ask(name, edns=True).errors().values():
        assert len(text.encode()) <= LONGEST
        assert text.isprintable()
        assert "/" not in text
