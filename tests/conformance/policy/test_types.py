"""Types that are no data."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-31")
@pytest.mark.parametrize("rdtype", ["OPT", "TSIG", "TKEY"])
@pytest.mark.parametrize("name", ["www.plain.test.", "nothing.plain.test.", "elsewhere.invalid."])
def test_records_of_messages_are_no_question(subject: Subject, rdtype: str, name: str):
    assert subject.ask(name, rdtype).rcode == "FORMERR"


@line("QRY-31")
@pytest.mark.parametrize("rdtype", [253, 254])
def test_mailb_and_maila_are_not_implemented(subject: Subject, rdtype: int):
    assert subject.ask("www.plain.test.", rdtype).rcode == "NOTIMP"


@line("QRY-31")
@pytest.mark.parametrize("rdtype", [0, 65535])
def test_types_at_the_limits_are_nodata(subject: Subject, rdtype: int):
    assert subject.ask("www.plain.test.", rdtype).is_nodata("plain.test.")
