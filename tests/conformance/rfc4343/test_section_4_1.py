"""Case is kept."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("NAM-04")
@pytest.mark.parametrize(
    "name", ["wWw.PlAiN.tEsT.", "NOTHING.plain.TEST.", "WWW.sub.PLAIN.test.", "ElseWhere.Invalid."]
)
def test_the_question_comes_back_in_the_case_it_came_in(subject: Subject, name: str):
    message = packet.query(name)
    wire = subject.send(message)
    assert wire is not None
    assert wire[12 : len(message)] == message[12:]


@line("NAM-04", "ZON-17")
@pytest.mark.parametrize("name", ["CamelCase.plain.test.", "camelcase.plain.test.", "CAMELCASE.PLAIN.TEST."])
def test_an_owner_has_the_case_of_the_zone_or_of_the_question(subject: Subject, name: str):
    """RFC 4343 section 4.1 wants the case kept; a pointer to the question in its place is common and harmless."""
    owners = {str(record.owner) for record in subject.ask(name, "TXT").records[0]}
    assert owners <= {"CamelCase.plain.test.", name}
    assert len(owners) == 1


@line("NAM-04", "ZON-17")
def test_names_of_servers_have_the_case_of_the_zone_but_where_they_point_to_the_question(talkative: Subject):
    for question in ("types.test.", "TYPES.test."):
        reply = talkative.ask(question, "NS")
        (named,), (address,) = reply.records[0], reply.records[2]
        assert {named.text, str(address.owner)} <= {"Ns1.types.test.", f"Ns1.{question}"}


@line("ZON-17")
def test_an_export_keeps_case_and_is_the_same_each_time(loaded: Loaded):
    first = loaded.export("case.test")
    assert "MiXeD" in first
    assert loaded.reload_export("case.test") == "unchanged"
    assert loaded.export("case.test") == first
