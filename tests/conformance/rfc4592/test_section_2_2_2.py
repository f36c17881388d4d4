"""Empty non-terminals exist."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-12")
@pytest.mark.parametrize("name", ["ent", "b.ent", "_tcp"])
@pytest.mark.parametrize("rdtype", ["A", "TXT", "NS", "ANY"])
def test_a_name_that_only_has_names_below_it_is_nodata(subject: Subject, name: str, rdtype: str):
    assert subject.ask(f"{name}.plain.test.", rdtype).is_nodata("plain.test.")


@line("QRY-12")
@pytest.mark.parametrize("name", ["x.ent", "x.b.ent", "x.a.b.ent", "en", "nt"])
def test_names_beside_and_below_it_do_not_exist(subject: Subject, name: str):
    assert subject.ask(f"{name}.plain.test.").is_nxdomain("plain.test.")
