"""A zone whose file has become bad before anybody here read it is answered as it was, from its image."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from auth.acl import compile_acl
from auth.last_good import LastGood
from auth.settings import AnyAnswer, Settings
from auth.zones import ZonePolicy, ZoneTable
from daemonkit.log import own_log
from datasrc import masterfiles
from datasrc.masterfiles import MasterFilesSource
from image import manifest
from tests.auth.world import SPEC, TCP, World
from tests.memmgr.house import RUN, soa
from tests.memmgr.test_zone_files import FileHouse

ZONE = soa(
    7,
    "www A 192.0.2.3",
    "www A 192.0.2.4",
    'www TXT "a b" "\\"c"',
    "mail MX 10 www",
    "*.wild A 192.0.2.5",
    "alias CNAME www",
    "away CNAME www.other.",
    "nowhere CNAME www.nowhere.test.",
    "sub NS ns.sub",
    "sub NS ns.other.",
    "ns.sub A 192.0.2.6",
    "tree DNAME www",
    "a.b.c A 192.0.2.7",
    *(f'big TXT "{number}{"x" * 200}"' for number in range(30)),
)
OTHER = soa(1, "www A 192.0.2.77")
QUESTIONS = [
    ("example.", "SOA"),
    ("www.example.", "A"),
    ("WWW.example.", "TXT"),
    ("mail.example.", "MX"),
    ("mail.example.", "A"),
    ("no.example.", "A"),
    ("b.c.example.", "A"),
    ("x.wild.example.", "A"),
    ("alias.example.", "A"),
    ("nowhere.example.", "A"),
    ("sub.example.", "A"),
    ("x.sub.example.", "A"),
    ("x.tree.example.", "A"),
    ("www.example.", "ANY"),
    ("big.example.", "TXT"),
]


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setattr(masterfiles, "CHECK_EVERY", None)  # the tests say when files are looked at
    with FileHouse(tmp_path) as house:
        house.announcement = tmp_path / manifest.ANNOUNCEMENT
        house.write(ZONE)
        house.write(OTHER, "other")
        house.start()
        house.look()
        yield house


def world_of(house, settings: Settings | None = None, table: ZoneTable | None = None) -> World:
    """Who begins now, with the files as they are now."""
    world = World({}, settings, table)
    source = MasterFilesSource(house.zones, name="files", check_every=None)
    last_good = LastGood(house.directory, RUN, own_log("auth", SPEC.messages))
    world.engine.serving = replace(world.engine.serving, data=source, last_good=last_good)
    return world


def shown(reply):
    """What is compared: owners are spelled as the question is, or as the zone has them."""
    sections = [
        sorted(str(record).lower() for record in section)
        for section in (reply.answer, reply.authority, reply.additional)
    ]
    return reply.rcode, reply.flags, sections


@pytest.mark.parametrize("edns", [True, False])
@pytest.mark.parametrize("client", [{}, {"client": TCP}], ids=["udp", "tcp"])
def test_answers_are_those_that_the_data_gave_as_long_as_they_could_be_used(house, edns, client):
    good = [shown(world_of(house).ask(*question, edns=edns, **client)) for question in QUESTIONS]
    house.write("this is no zone")
    world = world_of(house)
    found = [shown(world.ask(*question, edns=edns, **client)) for question in QUESTIONS]
    for question, before, after in zip(QUESTIONS, good, found, strict=True):
        assert after == before, question
    assert {rcode for rcode, _, _ in found} == {"NOERROR", "NXDOMAIN"}


def test_it_is_told_whose_data_cannot_be_used_and_why(house, caplog):
    path = house.write("this is no zone")
    world_of(house).ask("www.example.", "A")
    assert (
        f"AUTH_LAST_GOOD zone example. is answered as it was when its data could be used last: {path}:" in caplog.text
    )


def test_a_chain_into_another_zone_is_left_to_the_client(house):
    """Who may not see the other zone is not shown it."""
    refused = ZonePolicy(compile_acl([{"action": "REJECT"}]))
    house.write("this is no zone")
    for table in (None, ZoneTable({b"other\0": refused})):
        reply = world_of(house, table=table).ask("away.example.", "A")
        assert [str(record) for record in reply.answer] == ["away.example. 300 CNAME www.other."]
        assert (reply.rcode, reply.authority, reply.additional) == ("NOERROR", [], [])


def test_whom_the_zone_refuses_is_refused(house):
    house.write("this is no zone")
    table = ZoneTable({b"example\0": ZonePolicy(compile_acl([{"action": "REJECT"}]))})
    assert world_of(house, table=table).ask("www.example.", "A").rcode == "REFUSED"


def test_what_images_do_not_answer_either_gets_servfail(house):
    house.write("this is no zone")
    world = world_of(house, Settings(any_answer=AnyAnswer.HINFO))
    assert world.ask("www.example.", "ANY").rcode == "SERVFAIL"
    assert world.ask("www.example.", "A").rcode == "NOERROR"
    house.write("nonsense", "never-good")
    assert world_of(house).ask("www.never-good.", "A").rcode == "SERVFAIL"


def test_a_zone_that_changes_in_its_image_changes_here(house):
    house.write("this is no zone")
    world = world_of(house)
    assert "192.0.2.3" in str(world.ask("www.example.", "A").answer)
    house.write(soa(8, "www A 192.0.2.200"))
    house.reload()
    house.write("this is no zone, either")
    assert "192.0.2.200" in str(world.ask("www.example.", "A").answer)


def test_a_listed_zone_whose_file_is_gone_gets_servfail_whatever_its_image_has(house):
    """Found by a storm of commands: it got NOERROR and no records."""
    (house.zones / "example.zone").unlink()
    listed = ZoneTable({b"example\0": ZonePolicy()})
    assert world_of(house, table=listed).ask("example.", "SOA").rcode == "SERVFAIL"


def test_an_image_that_could_not_be_mapped_for_a_moment_answers_later(house, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError(errno.EMFILE, "Too many open files")

    house.write("this is no zone")
    world = world_of(house)
    monkeypatch.setattr("image.collection.RETRY", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr("image.collection.DeltaFile", fail)
        assert world.ask("www.example.", "A").rcode == "SERVFAIL"
    assert "192.0.2.3" in str(world.ask("www.example.", "A").answer)


def test_without_images_such_a_zone_gets_servfail(house, tmp_path):
    house.write("this is no zone")
    world = world_of(house)
    last_good = LastGood(tmp_path / "elsewhere", RUN, own_log("auth", SPEC.messages))
    world.engine.serving = replace(world.engine.serving, last_good=last_good)
    assert world.ask("www.example.", "A").rcode == "SERVFAIL"
