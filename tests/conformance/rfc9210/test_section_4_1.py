"""TCP Fast Open."""

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit import fastopen
from tests.kit.dnsclient import Subject


@line("TRN-15")
def test_a_query_that_comes_with_the_first_packet_is_answered_and_taken_where_the_kernel_lets(subject: Subject):
    """tests/auth/test_fast_open.py asks where it does: by default it does not."""
    for _ in range(fastopen.CONNECTIONS):
        reply, at_once = fastopen.ask_at_once(subject, packet.query("www.plain.test."))
        assert reply.answer == ["www.plain.test. 3600 A 192.0.2.1"]
    assert at_once == fastopen.is_granted(fastopen.TO_CLIENTS | fastopen.TO_SERVERS)
