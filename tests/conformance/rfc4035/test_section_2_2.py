"""Zones are signed whole."""

from tests.conformance.lines import line
from tests.conformance.loading import HALF_SIGNED, HALF_SIGNED_LINES, Loaded


@line("DSV-10")
def test_a_set_without_a_signature_of_each_algorithm_is_warned_of_but_no_delegation_and_no_glue(loaded: Loaded):
    loaded.assert_warned(HALF_SIGNED)
    assert loaded.lines(HALF_SIGNED, "warning") == HALF_SIGNED_LINES
    assert loaded.subject.ask(f"www.{HALF_SIGNED}.").rcode == "NOERROR"
