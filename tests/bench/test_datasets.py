"""Data sets: the same in every run, whole or not there."""

import dns.flags
import dns.message
import dns.rrset
import dns.zone
import pytest

from bench.sidebyside.contents import DATA_SETS, ORIGIN, Hosts
from bench.sidebyside.datasets import provide


def small():
    return Hosts("few", 50)


def test_a_zone_file_has_what_is_asked(tmp_path):
    files = provide(small(), tmp_path)
    zone = dns.zone.from_file(str(files.zone_files()[ORIGIN]), ORIGIN, relativize=False)
    assert sum(len(rdataset) for _, rdataset in zone.iterate_rdatasets()) == files.data.records
    for question in files.data.questions():
        query = dns.message.from_wire(question.wire())
        reply = dns.message.make_response(query)
        reply.answer.append(zone.find_rrset(question.name + ".", question.rdtype))
        assert files.data.fault(reply) is None


def test_a_wrong_address_is_found():
    data = small()
    reply = dns.message.make_response(dns.message.from_wire(next(data.questions()).wire()))
    reply.answer.append(dns.rrset.from_text(reply.question[0].name, 3600, "IN", "A", "192.0.2.1"))
    assert "expected" in data.fault(reply)


def test_every_run_has_the_same_data(tmp_path):
    first, second = (provide(small(), tmp_path / name) for name in ("a", "b"))
    for path in sorted(path for path in first.directory.rglob("*") if path.is_file()):
        assert path.read_bytes() == (second.directory / path.relative_to(first.directory)).read_bytes()


def test_what_the_cache_has_is_not_made_again(tmp_path):
    first = provide(small(), tmp_path)
    before = first.questions().stat().st_mtime_ns
    assert provide(small(), tmp_path).questions().stat().st_mtime_ns == before


def test_data_that_could_not_be_made_leaves_nothing(tmp_path, monkeypatch):
    def broken(self):
        yield "half a line"
        raise OSError("disk full")

    monkeypatch.setattr(Hosts, "lines", broken)
    with pytest.raises(OSError, match="disk full"):
        provide(small(), tmp_path)
    assert list((tmp_path / "data").iterdir()) == []


def test_probes_come_from_all_parts_of_the_data():
    probes = DATA_SETS["names-1k"].probes
    assert 50 <= len(probes) <= 100
