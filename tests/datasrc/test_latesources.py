"""Data sources that are opened when something is asked of them."""

from __future__ import annotations

import dns.name
import pytest

import datasrc
from datasrc.errors import Unavailable, UnknownBackend
from datasrc.latesources import LateSources
from tests.auth.world import load

ZONE = "@ NS ns\nns A 192.0.2.1\n"
EXAMPLE = dns.name.from_text("example.")


@pytest.fixture
def main(tmp_path):
    """A database, as configured."""
    url = f"sqlite:///{tmp_path}/zones.sqlite"
    source = datasrc.open(url, create=True)
    load(source, {"example.": ZONE})
    source.close()
    return {"type": "database", "url": url}


def test_they_are_opened_by_the_first_question(main):
    sources = LateSources({"main": main})
    sources.refresh()
    assert sources.status() == []
    assert not sources.is_open()
    with sources.snapshot() as snapshot:
        found = snapshot.find_zone(EXAMPLE)
        assert found is not None
        assert found.info.origin == EXAMPLE
    assert sources.is_open()
    assert [(one.name, one.failure, one.zones) for one in sources.status()] == [("main", "", 1)]
    sources.close()


def test_they_are_closed_for_good_whether_they_were_open_or_not(main):
    for was_open in (False, True):
        sources = LateSources({"main": main})
        if was_open:
            holder = sources.holder_of(EXAMPLE)
            assert holder is not None
            assert holder[0] == "main"
        sources.close()
        with pytest.raises(Unavailable, match="it is closed"):
            sources.holder_of(EXAMPLE)


def test_those_that_say_the_same_are_shared_with_open_ones(main, tmp_path):
    before = LateSources({"main": main})
    new = {"type": "database", "url": f"sqlite:///{tmp_path}/new.sqlite"}
    after = LateSources({"new": new, "main": main})
    (_, shared), (_, kept) = list(after.open(before.open()).each())[1], next(before.open().each())
    assert shared is kept
    before.close()
    with after.snapshot() as snapshot:
        assert snapshot.find_zone(EXAMPLE) is not None
    after.close()


def test_a_backend_nobody_knows_is_told_at_once():
    with pytest.raises(UnknownBackend):
        LateSources({"x": {"type": "database", "url": "nosuch://x"}})


def test_who_listens_hears_of_a_failure_when_they_are_opened(tmp_path):
    heard = []
    (tmp_path / "bad.sqlite").write_bytes(b"this is no database" * 100)
    bad = {"type": "database", "url": f"sqlite:///{tmp_path}/bad.sqlite"}
    sources = LateSources({"bad": bad}, changed=lambda name, failure: heard.append((name, failure is None)))
    assert heard == []
    sources.open()
    sources.open()
    assert heard == [("bad", False)]
    sources.close()
