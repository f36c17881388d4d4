"""The audit log: before the deed, with its outcome afterwards; and orders where it cannot be written."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest

from cmdctl.audit import BEGUN, OUTCOME_UNKNOWN, Audit, Entry
from cmdctl.errors import ErrorAnswer
from cmdctl.store import Store
from daemonkit.api import Nothing
from tests.cmdctl.house import COMMITTED, house
from tests.cmdctl.http import Connection, get
from tests.kit.suite import wait_until


def entries(here, kind=None):
    assert here.services.audit is not None
    return here.services.audit.page(0, 100, kind=kind)


def entry(status):
    return Entry(1.0, "id", "ann", "here", "", "POST", "/v1/x", status, "")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("member", "command", "reply", "segments", "body"),
    [
        ("bob", "stop", Nothing(), ("components", "auth", "stop"), {}),
        ("bob", "shutdown", Nothing(), ("call", "bob", "shutdown"), {}),
        ("cfgmgr", "commit", COMMITTED, ("config", "commit"), {}),
    ],
)
async def test_what_is_done_is_kept_before_it_is_done(member, command, reply, segments, body):
    """Whoever is killed in between leaves an entry without an outcome, and no deed without an entry."""
    seen = []

    def do(_call):
        seen.extend(entries(here))
        return reply

    async with house() as here:
        here.answers[member, command] = do
        await here.post(*segments, body=body)
        (begun,), (kept,) = seen, entries(here)
    assert (begun.status, begun.path, begun.text) == (BEGUN, "/v1/" + "/".join(segments), "")
    assert (kept.id, kept.status, kept.author, kept.request) == (begun.id, 200, begun.author, begun.request)


@pytest.mark.asyncio
async def test_a_refusal_completes_what_was_begun():
    async with house() as here:
        with pytest.raises(ErrorAnswer):
            await here.post("config", "set", body={"path": 1})
        (kept,) = entries(here, "refusals")
    assert (kept.status, kept.path) == (400, "/v1/config/set")


@pytest.mark.asyncio
async def test_a_request_whose_client_goes_away_in_the_middle_changes_nothing_and_says_so():
    async with house() as here:
        with contextlib.closing(Connection(here.path)) as connection:
            head = get("/v1/config/set", "Content-Type: application/json", "Content-Length: 9", method="POST")
            connection.send(head + b"{")
            await asyncio.to_thread(wait_until, lambda: [one.status for one in entries(here)] == [BEGUN])
        await asyncio.to_thread(wait_until, lambda: [one.status for one in entries(here)] == [400])
        assert "went away" in entries(here)[0].text
        assert here.commands("cfgmgr/0") == []


@pytest.mark.asyncio
async def test_users_and_tokens_are_changed_together_with_their_entry_or_not_at_all(monkeypatch):
    def fail(*_arguments):
        raise sqlite3.OperationalError("database or disk is full")

    async with house() as here:
        await here.do("request", "PUT", "users", "ann", body={"role": "read"})
        before = entries(here)
        with monkeypatch.context() as patch:
            patch.setattr("cmdctl.recording.insert", fail)
            for method, segments, body in (
                ("PUT", ("users", "bea"), {"role": "read"}),
                ("PATCH", ("users", "ann"), {"role": "admin"}),
                ("POST", ("tokens",), {"user": "ann"}),
                ("DELETE", ("users", "ann"), None),
            ):
                with pytest.raises(ErrorAnswer, match="disk is full") as raised:
                    await here.do("request", method, *segments, body=body)
                assert raised.value.code == "unavailable"
        assert (accounts := here.services.accounts) is not None
        assert [(user.name, user.role.word) for user in accounts.users()] == [("ann", "read")]
        assert accounts.tokens() == []
        assert [one.status for one in entries(here)] == [503] * 4 + [one.status for one in before]
        assert (before[0].status, before[0].changed.names) == (201, ("role read",))


@pytest.mark.asyncio
async def test_what_cannot_be_kept_is_refused_but_for_what_an_operator_at_the_machine_needs():
    """A full disk, or a database that somebody holds: nothing is changed, and whatever runs can be stopped."""
    async with house() as here:
        here.load("example.org")
        here.answers["bob", "shutdown"] = Nothing()
        with here.locked():
            for segments, body in (
                (("config", "set"), {"path": "auth.udp_size", "value": 1400}),
                (("config", "commit"), {}),
                (("call", "memmgr", "rebuild"), {"arguments": {"origin": "example.org"}}),
            ):
                here.asked.clear()
                with pytest.raises(ErrorAnswer, match=r"cannot be kept in the audit log.*locked") as raised:
                    await here.post(*segments, body=body)
                assert (raised.value.code, here.asked) == ("unavailable", [])
            assert "CMDCTL_CHANGE_NOT_KEPT" not in here.log.ids()
            for order in ("components/auth/restart", "zones/example.org/reload", "reload", "call/bob/shutdown"):
                here.log.lines.clear()
                await here.post(*order.split("/"), body={})
                assert here.log.ids()[0] == "CMDCTL_CHANGE_NOT_KEPT", order
            assert here.commands("bob/0") == ["restart", "shutdown"]
            await here.get("status")
        await here.post("config", "set", body={"path": "auth.udp_size", "value": 1400})
        assert entries(here)[0].status == 200


@pytest.mark.asyncio
async def test_an_outcome_that_cannot_be_kept_leaves_the_entry_and_a_line_in_the_log():
    async with house() as here, contextlib.AsyncExitStack() as stack:

        def hold(_call):
            stack.enter_context(here.locked())
            return COMMITTED

        here.answers["cfgmgr", "commit"] = hold
        await here.post("config", "commit", body={})
        assert [one.status for one in entries(here)] == [BEGUN]
        assert "CMDCTL_CHANGE_NOT_KEPT" in here.log.ids()


def test_what_was_begun_before_a_start_says_that_its_outcome_is_not_known(tmp_path):
    with contextlib.closing(Store(tmp_path)) as store:
        audit = Audit(store)
        audit.write(entry(BEGUN))
        audit.write(entry(200))
        assert (audit.give_up(), audit.give_up()) == (1, 0)
        assert [(one.status, one.text) for one in audit.page(0, 9)] == [(200, ""), (BEGUN, OUTCOME_UNKNOWN)]
        assert [one.status for one in audit.page(0, 9, kind="changes")] == [200, BEGUN]
