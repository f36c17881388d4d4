"""Signed zones changed in place answer as if they had been built anew, proofs and all: random changes, every answer."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.datasrc.zonemaking import TESTER
from tests.kit.interpreted import examples
from tests.memmgr.signing import Entry, signed
from tests.memmgr.test_patch import ORIGIN, Asker, Rig, compare

CHAINS = ["nsec", "nsec3", "opt-out"]
DS = "7 13 2 " + "ab" * 32
BASE: list[Entry] = [("@", "NS", "ns"), ("ns", "A", "192.0.2.1"), ("m", "TXT", "middle")]
POOL: list[Entry] = [
    ("a", "A", "192.0.2.1"),
    ("a", "TXT", "x"),
    ("c.b.a", "A", "192.0.2.2"),
    ("d", "A", "192.0.2.3"),
    ("d", "MX", "10 a"),
    ("*", "A", "192.0.2.4"),
    ("*.a", "TXT", "star"),
    ("x.*.a", "A", "192.0.2.5"),
    ("sub", "NS", "ns.sub"),
    ("sub", "DS", DS),
    ("ns.sub", "A", "192.0.2.6"),
    ("deep.sub", "TXT", "hidden"),
    ("z.y", "NS", "ns"),
    ("z.y", "DS", DS),
    ("zz", "CNAME", "a"),
]
steps = st.lists(st.sets(st.sampled_from(range(len(POOL))), max_size=4), min_size=2, max_size=6)


class SignedRig(Rig):
    """As Rig, for a zone that is signed; each step takes entries in, or out where they are there."""

    def __init__(self, directory, chain: str) -> None:
        super().__init__(directory)
        self.chain = chain
        self.there: set[int] = set()

    def toggle(self, entries: set[int]) -> None:
        self.there ^= entries
        self.serial += 1
        soa = ("@", "SOA", f"ns hostmaster {self.serial} 3600 900 604800 300")
        chosen = [POOL[number] for number in sorted(self.there)]
        cuts = {owner for owner, kind, _ in chosen if kind == "NS"}
        zone = [one for one in chosen if one[1] != "DS" or one[0] in cuts]
        with self.source.updater(self.origin, create=True, replace=True) as updater:
            for one in signed([soa, *BASE, *zone], self.chain):
                updater.add(one)
            updater.commit(TESTER)


def run(directory, chain: str, changes: list[set[int]]) -> SignedRig:
    rig = SignedRig(directory, chain)
    rig.toggle(changes[0])
    store = rig.store("changed")
    rig.build(store)
    for number, change in enumerate(changes[1:]):
        rig.toggle(change)
        rig.change(store)
        fresh = rig.store(f"fresh{number}")
        rig.build(fresh)
        compare(store, fresh, f"{chain} after {changes[: number + 2]}")
        fresh.close()
    store.close()
    return rig


@pytest.mark.parametrize("chain", CHAINS)
@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=steps)
def test_a_signed_zone_changed_in_place_is_built_anew(tmp_path_factory, chain, changes):
    run(tmp_path_factory.mktemp("zone"), chain, changes)


@pytest.mark.parametrize("first", [set(), set(range(len(POOL)))], ids=["few", "all"])
@pytest.mark.parametrize("chain", CHAINS)
def test_names_come_and_go_without_a_rebuild(tmp_path, chain, first):
    """Each entry by itself, in and out again or out and in, and then many: nothing of it is built."""
    singles = [{number} for number in range(len(POOL)) for _ in range(2)]
    everything = set(range(len(POOL)))
    rig = run(tmp_path, chain, [first, *singles, everything, {0, 3}, everything ^ {0, 3}])
    assert rig.rebuilt == 0


@pytest.mark.parametrize("chain", CHAINS)
def test_what_is_not_there_is_proven_from_the_patch(tmp_path, chain):
    rig = SignedRig(tmp_path, chain)
    rig.toggle(set())
    store = rig.store("changed")
    rig.build(store)
    before = proven(store)
    rig.toggle({0, 2, 3})
    rig.change(store)
    place, _ = rig.place(store)
    assert place.record.patch_entries > 2
    after = proven(store)
    assert len(after & before) < len(after)  # other records prove it now
    store.close()


def proven(store) -> set[str]:
    """The records that prove that a name is not there."""
    query = dns.message.make_query(f"nowhere.{ORIGIN}", "A", use_edns=0, want_dnssec=True)
    reply = dns.message.from_wire(Asker(store).ask(query.to_wire()))
    assert reply.rcode() == dns.rcode.NXDOMAIN
    found = {str(one) for one in reply.authority if one.rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)}
    assert found
    return found


def test_a_chain_with_a_gap_is_not_taken_for_whole(tmp_path):
    rig = SignedRig(tmp_path, "nsec")
    rig.toggle({0})
    store = rig.store("changed")
    rig.build(store)
    with rig.source.updater(rig.origin) as updater:
        updater.delete(dns.name.from_text(f"a.{ORIGIN}"), dns.rdatatype.NSEC)
        updater.commit(TESTER)
    rig.change(store)
    assert rig.rebuilt == 1
    store.close()


@pytest.mark.parametrize("chain", CHAINS)
def test_a_denial_that_was_kept_is_not_given_after_a_change(tmp_path, chain):
    """Who answered before a change proves behind it what one proves who comes new."""
    rig = SignedRig(tmp_path, chain)
    rig.toggle({0})
    store = rig.store("changed")
    rig.build(store)
    lasting = Asker(store)
    texts = [f"{owner}{ORIGIN}" for owner in ("not.a.", "nowhere.", "nothing.", "!.", "not.b.a.")]
    texts += reversed(texts)  # below the same name first and last: what was kept is asked for behind the change
    asked = [dns.message.make_query(text, "A", use_edns=0, want_dnssec=True, id=7).to_wire() for text in texts]
    seen = set()
    for number in [2, 3, 13, 14, 6, 7, 6, 7, 5, 5, 3]:
        rig.toggle({number})
        rig.change(store)
        for query in asked:
            found = lasting.ask(query)
            assert found == Asker(store).ask(query)
            seen.add(found)
    assert rig.rebuilt == 0
    assert len(seen) > 2 * len(texts)
    store.close()
