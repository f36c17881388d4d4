"""Glue of very many delegations changes in place: of hosts that many name, of those that came after the image."""

from __future__ import annotations

import dns.message
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image import layout
from image.overlay import Overlay
from image.patch import MAX_NAMES, Tools
from image.zonerecord import origin_wire
from tests.datasrc.zonemaking import name
from tests.kit.interpreted import examples
from tests.memmgr.test_patch import ORIGIN, Rig, compare

CUTS = 600  # more than were looked at one by one, once
HOSTS = 40  # of them each is named by 15 delegations

Change = tuple[bool, tuple[str, str, str]]


def registry(cuts: int, hosts: int) -> list[Change]:
    """Delegations that name one server of their own and one of a host of others."""
    entries = [("h" + str(number), "A", f"192.0.2.{number}") for number in range(hosts)]
    for number in range(cuts):
        entries += [(f"d{number}", "NS", f"ns.d{number}"), (f"d{number}", "NS", f"h{number % hosts}")]
        entries += [(f"ns.d{number}", "A", "198.51.100.7")]
    return [(True, entry) for entry in entries]


def questions(owners):
    for owner in owners:
        for kind in ("A", "NS", "DS"):
            text = str(name(owner, ORIGIN))
            yield text, kind, dns.message.make_query(text, kind, use_edns=0, payload=1232, id=7).to_wire()


ASKED = [
    *(f"d{number}" for number in (0, 1, 7, 40, 41, 80, 599)),
    "h0",
    "h1",
    "ns.d0",
    "new",
    "x.new",
    "sub.h1",
    "old.x",
]
QUERIES = list(questions(ASKED))


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    rig.commit(registry(CUTS, HOSTS))
    return rig


def bring(rig: Rig, store, step: list[Change]) -> None:
    """Commit the changes, write them in place, and compare with a zone that is built."""
    rig.commit(step)
    rig.change(store)
    fresh = rig.store(f"fresh{rig.serial}")
    rig.build(fresh)
    compare(store, fresh, f"after {step}", QUERIES)
    fresh.close()


def test_addresses_of_servers_change_in_a_zone_of_very_many_delegations(rig):
    store = rig.store("changed")
    rig.build(store)
    for step in [
        [(False, ("ns.d7", "A", "")), (True, ("ns.d7", "A", "198.51.100.8"))],  # of one delegation, below it
        [(True, ("h1", "AAAA", "2001:db8::1"))],  # of fifteen
        [(False, ("h1", "A", ""))],
        [(True, ("new", "NS", "h1")), (True, ("new", "NS", "h2"))],  # a delegation that the image has not
        [(True, ("h1", "A", "192.0.2.99"))],
        [(False, ("new", "NS", "")), (True, ("new", "NS", "h3"))],  # other servers
        [(True, ("h3", "A", "192.0.2.98")), (True, ("h1", "A", "192.0.2.97"))],
        [(False, ("new", "NS", ""))],
        [(True, ("h3", "A", "192.0.2.96"))],
        [(True, ("d0", "NS", "sub.h1"))],  # a server without addresses yet
        [(True, ("sub.h1", "A", "192.0.2.95"))],
        [(True, ("h1", "DNAME", "other.test."))],  # by which the server is redirected
        [(False, ("h1", "DNAME", ""))],
        [(True, ("x.new", "NS", "h5")), (True, ("old.x", "NS", "x.new"))],
        [(True, ("new", "NS", "h6"))],  # above another delegation, which is not seen any more
        [(True, ("h5", "A", "192.0.2.94")), (True, ("x.new", "A", "192.0.2.93"))],
        [(False, ("new", "NS", ""))],
        [(True, ("h5", "A", "192.0.2.92"))],
        [(True, ("x.new", "AAAA", "2001:db8::2"))],
    ]:
        bring(rig, store, step)
    assert rig.reasons == []
    store.close()


def test_an_address_that_goes_with_too_many_delegations_has_the_zone_built_anew(tmp_path):
    rig = Rig(tmp_path)
    rig.commit(registry(MAX_NAMES + 1, 1))
    store = rig.store("changed")
    rig.build(store)
    bring(rig, store, [(True, ("h0", "A", "192.0.2.99"))])
    bring(rig, store, [(True, ("ns.d0", "A", "192.0.2.99"))])
    assert rig.reasons == [f"addresses changed that go with more than {MAX_NAMES} delegations"]
    store.close()


def test_the_notes_of_a_change_that_is_given_up_leave_no_trace(rig):
    store = rig.store("changed")
    rig.build(store)
    place, _ = rig.place(store)
    reader = Tools(store.manifest.seed).reader
    host, cut = (origin_wire(name(each, ORIGIN)) for each in ("h1", "new"))
    overlay = Overlay(place, reader)
    overlay.note_host(host, cut)
    assert cut not in list(Overlay(place, reader).named_by(host))
    overlay.finish()
    assert list(Overlay(place, reader).named_by(host))[-1] == cut
    store.close()


def test_the_image_has_the_servers_that_are_not_below_their_delegations(rig):
    store = rig.store("changed")
    rig.build(store)
    place, _ = rig.place(store)
    overlay = Overlay(place, Tools(store.manifest.seed).reader)
    found = {cut[1 : 1 + cut[0]].decode() for cut in overlay.named_by(origin_wire(name("h3", ORIGIN)))}
    assert found == {f"d{number}" for number in range(3, CUTS, HOSTS)}
    assert list(overlay.named_by(origin_wire(name("ns.d3", ORIGIN)))) == []
    entries = list(place.image.hosts())
    assert len(entries) == CUTS
    assert entries == sorted(entries)
    assert place.record.number < layout.HOST_OF
    store.close()


OWNERS = ["d0", "d1", "new", "x.new"]
NAMED = ["h0", "h1", "sub.h1", "x.new", "ns.d0", "old.x"]
steps = st.lists(
    st.lists(
        st.tuples(
            st.booleans(),
            st.one_of(
                st.tuples(st.sampled_from(OWNERS), st.just("NS"), st.sampled_from(NAMED)),
                st.tuples(st.sampled_from(NAMED), st.just("A"), st.sampled_from(["192.0.2.7", "192.0.2.8"])),
                st.tuples(st.sampled_from(["h1", "x.new", "old.x"]), st.just("DNAME"), st.just("other.test.")),
            ),
        ),
        min_size=1,
        max_size=4,
    ),
    min_size=2,
    max_size=5,
)


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_random_changes_of_servers_are_what_is_built(tmp_path_factory, steps):
    rig = Rig(tmp_path_factory.mktemp("zone"))
    rig.commit(registry(CUTS, HOSTS))
    store = rig.store("changed")
    rig.build(store)
    for step in steps:
        bring(rig, store, step)
    assert rig.reasons == []
    store.close()
