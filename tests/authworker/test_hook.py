"""The answer hook: what it is told, what it may return, and what becomes of one that fails or does not end."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import datasrc
from auth.client import Client, Transport
from auth.engine import Engine, Serving
from auth.tally import Tally
from auth.zones import ZonePolicy, ZoneTable
from authworker.errors import HookUnusable
from authworker.hook import Hook, Query, load, read_records
from daemonkit.counters import Counters
from daemonkit.log import own_log
from daemonkit.spec import Spec
from tests.auth.world import load as load_zones
from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply
from tests.kit.meeting import BELOW, names_compared, names_that_meet

AUTH = Spec.load("auth")
ZONE = "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\nalias CNAME www\n"
CLIENT = Client("198.51.100.7", 5353, Transport.UDP)
LIMIT = 0.05


class World:
    """An engine with a hook; zone example. is shown to it, zone other. is not."""

    def __init__(self, file: Path, text: str, limit: float = LIMIT) -> None:
        file.write_text(text)
        self.hook = load(str(file), "answer", limit)
        source = datasrc.open("memory:", create=True)
        load_zones(source, {"example.": ZONE, "other.": ZONE})
        self.counters = Counters(AUTH.statistics)
        table = ZoneTable({b"example\0": ZonePolicy(hook=True)})
        serving = Serving(source, zones=table, hook=self.hook)
        self.engine = Engine(serving, Tally(self.counters), own_log("authworker", AUTH.messages))

    def ask(self, name: str = "www.example.", rdtype: str = "A", client: Client = CLIENT) -> Reply | None:
        reply = self.engine.respond(packet.query(name, rdtype), client)
        return None if reply is None else Reply.read(reply)

    def counted(self) -> tuple[int, int]:
        values = self.counters.statistics()
        return values["hook.called"], values["hook.failed"]


@pytest.fixture
def world(tmp_path):
    return lambda body, **how: World(tmp_path / "hook.py", f"def answer(query):\n    {body}\n", **how)


def addresses(reply: Reply | None) -> list[str]:
    assert reply is not None
    return [str(record) for record in reply.answer]


def plain(world, name="www.example.") -> list[str]:
    return addresses(world("return None").ask(name))


def test_none_leaves_the_answer_as_it_is(world):
    there = world("return None")
    assert addresses(there.ask()) != addresses(there.ask("www.other."))
    assert [line.split()[-1] for line in addresses(there.ask())] == ["192.0.2.3"]
    assert there.counted() == (2, 0)  # that of the other zone was not shown to it


def test_records_take_the_place_of_the_answer(world):
    there = world(
        "return ['www.example. 60 A 192.0.2.9', 'WWW.example. 30 A 192.0.2.8', 'www.example. 60 TXT \"a b\"']"
    )
    reply = there.ask("wWw.example.")
    assert reply is not None
    assert (reply.rcode, len(reply.answer)) == ("NOERROR", 3)
    assert b"\xc0\x00\x02\x09" in there.engine.respond(packet.query("www.example.", "A"), CLIENT)
    assert there.counted() == (2, 0)


def test_records_of_names_whose_hashes_meet_are_compared_with_few_others():
    """V75. What a function returns may be made of names that strangers chose: each was compared with all before it."""
    names = names_that_meet(200)
    with names_compared() as compared:
        found = read_records([f"{name} 60 A 192.0.2.1" for name in names], names[0], BELOW)
    assert [rrset.name for rrset in found] == names
    assert compared.times <= 4 * len(names)


def test_it_is_told_who_asks_for_what(world, tmp_path):
    there = world(f"__import__('pathlib').Path({str(tmp_path / 'seen')!r}).write_text(repr(query))")
    assert there.ask("Alias.example.", client=Client("2001:db8::7", 5, Transport.TCP)) is not None
    told = eval((tmp_path / "seen").read_text(), {"Query": Query})
    assert (told.name, told.type, told.client, told.tcp, told.key) == ("alias.example.", "A", "2001:db8::7", True, None)
    assert told.zone == "example."
    assert [line.split()[2:] for line in told.answer] == [["CNAME", "www.example."], ["A", "192.0.2.3"]]


@pytest.mark.parametrize(("word", "rcode"), [("refused", "REFUSED"), ("servfail", "SERVFAIL")])
def test_it_may_refuse(world, word, rcode):
    reply = world(f"return {word!r}").ask()
    assert reply is not None
    assert (reply.rcode, reply.answer) == (rcode, [])


def test_it_may_have_nothing_sent(world):
    there = world("return 'drop'")
    assert there.ask() is None
    assert there.counters.statistics()["dropped"] == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return query.nothing", "AttributeError: .*line 2"),
        ("raise SystemExit(3)", "SystemExit: 3 .line 2"),
        ("__import__('sys').exit()", "SystemExit: .*line 2"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: .*line 2"),
        ("return 'nxdomain'", "it returned 'nxdomain', which is none of drop, refused, servfail"),
        ("return []", "it returned \\[\\], which is no list of 1 to 1000 records"),
        ("return 7", "it returned 7, which is no list"),
        ("return ['www.example. A 192.0.2.9']", "it has to be OWNER TTL TYPE RDATA"),
        ("return ['www.example. 60 A 192.0.2.900']", "is no record"),
        ("return ['www.example. -1 A 192.0.2.9']", "its TTL is out of range"),
        ("return ['www.example. 60 ANY x']", "its type is none of zones"),
        ("return ['www.other. 60 A 192.0.2.9']", "is not in the zone example."),
        ("return [7]", "7 is no record"),
    ],
)
def test_a_hook_that_fails_leaves_the_answer_as_it_is_and_is_told(world, caplog, body, reason):
    there = world(body)
    assert addresses(there.ask()) == plain(world)
    assert there.counted() == (1, 1)
    assert re.search(
        f"AUTH_HOOK_FAILED the answer hook failed at www.example. of zone example.: .*{reason}", caplog.text
    )


def test_one_that_loops_is_interrupted(world, caplog):
    there = world("\n    while True:\n        try:\n            x = 1\n        except Exception: pass")
    replies = []
    asking = threading.Thread(target=lambda: replies.append(there.ask()))
    asking.start()
    while asking.is_alive():
        assert not there.hook.interrupt_late() or replies
        asking.join(0.01)
    assert addresses(replies[0]) == plain(world)
    assert "it was interrupted after 0.05 seconds" in caplog.text


def test_one_that_cannot_be_interrupted_is_noticed(tmp_path):
    held, begun = threading.Event(), threading.Event()

    def answer(_query):
        begun.set()
        held.wait(10)  # the exception comes when this returns

    hook = Hook(tmp_path, answer, 0.01)
    query = Query("www.example.", "A", "192.0.2.1", False, None, "example.", ())
    caught: list[BaseException] = []

    def call():
        try:
            hook._call(query)
        except BaseException as error:  # noqa: BLE001 - that it is one
            caught.append(error)

    calling = threading.Thread(target=call)
    calling.start()
    begun.wait(10)
    while not hook.interrupt_late():
        pass
    held.set()
    calling.join(10)
    assert [type(error).__name__ for error in caught] == ["HookTimeout"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def answer(query)\n", "SyntaxError: .*line 1"),
        ("\nraise ValueError('no')\n", "ValueError: no .line 2"),
        ("import sys\nsys.exit('no')\n", "SystemExit: no .line 2"),
        ("answer = 7\n", "it has no function 'answer'"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_place_and_reason(tmp_path, text, reason):
    file = tmp_path / "hook.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(HookUnusable, match=f"{file}: .*{reason}"):
        load(str(file), "answer", 1.0)


def test_zones_without_a_hook_do_not_wait_for_one(world):
    there = world("raise ValueError")
    there.engine.serving = replace(there.engine.serving, zones=ZoneTable())
    assert addresses(there.ask()) == plain(world)
    assert there.counted() == (0, 0)
