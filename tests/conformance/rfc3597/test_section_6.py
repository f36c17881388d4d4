"""Comparing unknown data: octet by octet."""

from tests.conformance.lines import line
from tests.conformance.loading import Loaded


@line("QRY-28")
def test_unknown_data_that_differs_in_case_is_different(loaded: Loaded):
    reply = loaded.subject.ask("opaque.duplicates.test.", 65280)
    assert {record.rdata for record in reply.records[0]} == {b"\x01A", b"\x01a"}
