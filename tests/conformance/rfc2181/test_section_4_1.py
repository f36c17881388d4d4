"""The response comes from the address that was asked."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-32")
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "127.1.2.3", "::1"])
def test_a_wildcard_socket_answers_from_the_address_that_was_asked(everywhere: Subject, address: str):
    """The client's socket is connected: an answer from elsewhere would not be received."""
    assert everywhere.at(address).ask("www.plain.test.").answer == ["www.plain.test. 3600 A 192.0.2.1"]


@line("QRY-32")
def test_each_listed_address_answers_for_itself(subject: Subject):
    for address in subject.addresses:
        assert subject.at(address).ask("www.plain.test.").rcode == "NOERROR"
