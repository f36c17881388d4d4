"""Resource records: a set has no order."""

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-25")
def test_a_set_is_the_same_whatever_its_order(subject: Subject):
    expected = [f"multi.plain.test. 3600 A 192.0.2.{last}" for last in (10, 11, 12, 13)]
    assert all(sorted(subject.ask("multi.plain.test.").answer) == expected for _ in range(5))
