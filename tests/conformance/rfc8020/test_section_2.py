"""NXDOMAIN cut."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-12")
@pytest.mark.parametrize("name", ["nothing", "x.nothing", "x.y.z.nothing"])
def test_below_a_name_that_does_not_exist_nothing_exists(subject: Subject, name: str):
    assert subject.ask(f"{name}.plain.test.").is_nxdomain("plain.test.")


@line("QRY-12")
def test_above_a_name_that_exists_every_name_exists(subject: Subject):
    for name in ("a.b.ent.plain.test.", "b.ent.plain.test.", "ent.plain.test.", "plain.test."):
        assert subject.ask(name, "TXT").rcode == "NOERROR"
