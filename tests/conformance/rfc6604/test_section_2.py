"""AA with aliases."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("HDR-05")
@pytest.mark.parametrize(
    "name",
    [
        "alias.plain.test.",
        "alias-outside.plain.test.",
        "alias-nx.plain.test.",
        "x.outside.dname.test.",
        "x.cname.wild.test.",
    ],
)
def test_aa_is_set_for_an_alias_of_ours_wherever_it_leads(subject: Subject, name: str):
    assert subject.ask(name).aa
