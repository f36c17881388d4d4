"""Names that are in no zone: refused from the directory where it vouches for that, left where it does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import dns.name
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image import directory
from image.directory import fingerprint, milliseconds
from image.layout import VOUCHED_FOR
from tests.datasrc.zonemaking import SMALL, rrsets
from tests.image.mapping import OPEN, Both
from tests.kit import dnspacket as packet
from tests.kit.interpreted import examples

OURS, OTHERS = 7, 8  # fingerprints
HOUR = 3_600_000  # milliseconds
QUERY = packet.query("www.elsewhere.test.", additional=[packet.opt()])


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    both = Both(tmp_path)
    both.put(dns.name.from_text("example."), rrsets(SMALL))
    both.build()
    yield both
    both.close()


labels = st.sampled_from([b"a", b"example", b"EXAMPLE", b"b", b"x" * 63, b"\0"])
names = st.lists(labels, max_size=3).map(lambda parts: dns.name.Name([*parts, b""]))
extras = st.sampled_from([None, packet.opt(), packet.opt(flags=packet.DO, size=512), packet.opt(packet.option(3))])


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=names,
    rdtype=st.sampled_from(["A", "DS", "SOA", "ANY", "NSEC", 65280]),
    extra=extras,
    flags=st.sampled_from([0, packet.RD, packet.CD]),
    stream=st.booleans(),
)
def test_names_of_no_zone_are_refused_as_by_the_plain_implementation(both, name, rdtype, extra, flags, stream):
    both.vouch()
    message = packet.query(name.to_wire(), rdtype, flags=flags, additional=[] if extra is None else [extra])
    is_ours = name.labels[-2:-1] and name.labels[-2].lower() == b"example"
    assert both.compare(message, stream=stream) or is_ours


def test_the_longest_name_with_every_option_of_ours_has_room(both):
    both.vouch()
    longest = b"".join(bytes([size]) + bytes(size) for size in (63, 63, 63, 61)) + b"\0"
    assert both.compare(packet.query(longest, additional=[packet.opt(size=512)]))


def test_who_trusts_nobody_leaves_them(both):
    both.directory.vouch(time.monotonic(), OURS)
    assert both.image_reply(QUERY) is None


def test_what_is_not_vouched_for_is_left(both):
    both.responder.trust(OURS, 0)
    assert both.image_reply(QUERY) is None
    both.directory.vouch(time.monotonic(), OURS)
    assert both.compare(QUERY)
    both.directory.vouch_for_nothing()
    assert both.image_reply(QUERY) is None


def test_other_data_sources_are_not_vouched_for(both):
    both.directory.vouch(time.monotonic(), OTHERS)
    both.responder.trust(OURS, 0)
    assert both.image_reply(QUERY) is None
    both.responder.trust(OTHERS, 0)
    assert both.compare(QUERY)


def test_only_what_is_known_up_to_a_later_time_is_trusted(both):
    now = milliseconds()
    both.responder.trust(OURS, now)
    for until, is_trusted in ((now - 1, False), (now, False), (now + 1, True), (now + HOUR, True)):
        both.directory.vouch((until + 0.5) / 1000, OURS)
        assert (both.image_reply(QUERY) is not None) is is_trusted


def test_a_directory_that_nobody_looks_after_is_not_trusted_for_long(both, monkeypatch):
    both.responder.trust(OURS, 0)
    for age, is_trusted in ((0, True), (VOUCHED_FOR - 5000, True), (VOUCHED_FOR + 5000, False)):
        monkeypatch.setattr(directory, "milliseconds", lambda age=age: milliseconds() - age)
        both.directory.vouch(time.monotonic(), OURS)
        assert (both.image_reply(QUERY) is not None) is is_trusted


def test_listed_zones_without_an_entry_are_left(both):
    both.vouch()
    both.list({dns.name.from_text("elsewhere.test."): OPEN})
    assert both.image_reply(QUERY) is None
    assert both.compare(packet.query("other.test."))


def test_a_name_that_is_refused_costs_the_next_query_nothing(both):
    both.vouch()
    for name in ("www.elsewhere.test.", "www.example.", "a.test.", "nowhere.example."):
        assert both.compare(packet.query(name, additional=[packet.opt()]))
        assert both.compare(packet.query(name))


def test_sources_are_told_by_their_names_and_urls_in_order():
    found = {
        fingerprint(sources)
        for sources in (
            [],
            [("a", "sqlite:///a")],
            [("b", "sqlite:///a")],
            [("a", "sqlite:///b")],
            [("a", "sqlite:///a"), ("b", "sqlite:///b")],
            [("b", "sqlite:///b"), ("a", "sqlite:///a")],
        )
    }
    assert len(found) == 6
    assert max(found) < 1 << 24
