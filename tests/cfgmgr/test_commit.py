"""All or none, at every step: refusals, deaths, silence, a disk that fails, cfgmgr or the broker killed.

The members are auth/0, auth/1, auth/spare and bob/0; the change concerns auth.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import threading

import pytest

from cfgmgr import api, commit, files
from cfgmgr.directory_store import DirectoryStore
from daemonkit import membership
from daemonkit.api import Adjustment
from daemonkit.configuration import Prepared
from daemonkit.errors import Rejected
from msgq.errors import BusError, Refused
from tests.cfgmgr.bench import Bench, eventually

pytestmark = pytest.mark.asyncio

AUTHS = ("auth/0", "auth/1", "auth/spare")


class Suite(Bench):
    """A bench with three members concerned and one that is not."""

    async def __aenter__(self):
        await super().__aenter__()
        self.auth = [await self.start("auth", instance) for instance in ("0", "1", "spare")]
        self.other = await self.start("bob")
        await self.call(api.Set("alice", "auth.version", "new"))
        return self

    def versions(self):
        """What each running member has, in the order of AUTHS."""
        return [module.live["auth"]["version"] for module in self.auth]

    async def commit(self):
        return await self.call(api.Commit("alice", "because"))

    async def refused(self):
        with pytest.raises(Refused) as caught:
            await self.commit()
        return caught.value.code, caught.value.text

    def nobody_prepared(self):
        return all(self.members[name].membership._configuration.prepared_revision is None for name in AUTHS)

    def nothing_changed(self):
        assert self.versions() == [""] * 3
        assert self.revisions() == ["revision-00000001"]
        assert all("apply 2" not in module.events for module in self.auth)


@pytest.fixture
def quick(monkeypatch):
    """Deadlines that a test can wait for."""
    for name in ("PREPARE_TIMEOUT", "ABORT_TIMEOUT", "APPLY_TIMEOUT", "RESTART_TIMEOUT"):
        monkeypatch.setattr(commit, name, 0.5)
    monkeypatch.setattr(membership, "PREPARED_TIMEOUT", 1.5)


async def come_back(suite):
    """The next broker starts, once every member knows that the last one is gone."""
    sessions = [member.session for member in suite.members.values()]
    await eventually(lambda: not any(session._connection.ready for session in sessions))
    suite.bus.start_broker()


async def says(reason):
    raise Rejected("auth.version", reason)


# Everybody accepts.


async def test_all_members_concerned_apply_and_no_other_is_asked(tmp_path):
    async with Suite(tmp_path) as suite:
        done = await suite.commit()
        assert done.revision == 2
        assert done.changes == [api.Change("auth.version", None, "new")]
        assert {(answer.member, answer.state) for answer in done.modules} == {(name, "accepted") for name in AUTHS}
        assert done.late == []
        assert suite.versions() == ["new"] * 3
        assert all(module.events == ["prepare 1", "apply 1", "prepare 2", "apply 2"] for module in suite.auth)
        assert "prepare 2" not in suite.other.events[:2]
        assert (await suite.call(api.Status())).candidates == []


async def test_members_not_concerned_come_to_the_revision_too(tmp_path):
    async with Suite(tmp_path) as suite:
        await suite.commit()
        await eventually(lambda: suite.members["bob/0"].revision == 2)


async def test_modules_that_do_not_run_are_checked_by_their_spec_only(tmp_path):
    async with Bench(tmp_path) as bench:
        done = await bench.change("auth.version", "new")
        assert done.modules == []
        late = await bench.start("auth")
        assert late.live["auth"]["version"] == "new"


async def test_values_a_module_adjusts_are_shown(tmp_path):
    async with Suite(tmp_path) as suite:

        async def adjust(config):
            return Prepared(adjustments=(Adjustment("auth.version", "n", "longer ones are cut"),))

        suite.auth[1].on_prepare = adjust
        checked = await suite.call(api.Check("alice"))
        assert checked.good
        done = await suite.commit()
        for modules in (checked.modules, done.modules):
            [answer] = [answer for answer in modules if answer.state == "adjusted"]
            assert answer.member == "auth/1"
            assert answer.adjustments == (Adjustment("auth.version", "n", "longer ones are cut"),)


async def test_a_check_asks_everybody_and_changes_nothing(tmp_path):
    async with Suite(tmp_path) as suite:
        checked = await suite.call(api.Check("alice"))
        assert checked.good
        assert {answer.member for answer in checked.modules} == set(AUTHS)
        assert all(module.events[2:] == ["prepare 2", "discard 2"] for module in suite.auth)
        suite.nothing_changed()


# Before the commit point.


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_one_refusal_aborts_everywhere(tmp_path, who):
    async with Suite(tmp_path) as suite:
        suite.auth[who].on_prepare = lambda config: says("is not to my liking")
        assert await suite.refused() == ("refused", f"{AUTHS[who]}: auth.version: is not to my liking")
        suite.nothing_changed()
        others = [module for index, module in enumerate(suite.auth) if index != who]
        assert all(module.events[2:] == ["prepare 2", "discard 2"] for module in others)
        checked = await suite.call(api.Check("alice"))
        assert [answer.member for answer in checked.modules if answer.state == "refused"] == [AUTHS[who]]
        suite.auth[who].on_prepare = None
        assert (await suite.commit()).revision == 2
        assert suite.versions() == ["new"] * 3


async def test_a_reason_that_several_members_give_is_told_once(tmp_path):
    async with Suite(tmp_path) as suite:
        for module in suite.auth[1:]:
            module.on_prepare = lambda config: says("is not to my liking")
        who = ", ".join(AUTHS[1:])
        assert await suite.refused() == ("refused", f"{who}: auth.version: is not to my liking")


async def test_a_defect_in_a_member_is_a_refusal(tmp_path):
    async with Suite(tmp_path) as suite:

        async def defect(config):
            raise RuntimeError("a defect")

        suite.auth[0].on_prepare = defect
        code, text = await suite.refused()
        assert code == "refused"
        assert text.startswith("auth/0: ")
        suite.nothing_changed()


async def test_who_is_stopping_does_not_refuse_the_revision(tmp_path):
    """It said so in the name of its module, and the author looked for what was wrong with the change."""
    async with Suite(tmp_path) as suite:
        suite.auth[1].context.stop.set()
        assert await suite.refused() == ("failed", "auth/1: stopping")
        suite.nothing_changed()
        checked = await suite.call(api.Check("alice"))
        assert {answer.member: answer.state for answer in checked.modules}["auth/1"] == "unreachable"
        suite.auth[1].context.stop.clear()
        assert (await suite.commit()).revision == 2


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_a_death_while_preparing_aborts_everywhere(tmp_path, who):
    async with Suite(tmp_path) as suite:

        async def die(config):
            asyncio.get_running_loop().call_soon(suite.kill, AUTHS[who])
            await asyncio.Event().wait()

        suite.auth[who].on_prepare = die
        code, text = await suite.refused()
        assert code == "failed"
        assert text.startswith(f"{AUTHS[who]}: ")
        suite.nothing_changed()
        assert (await suite.commit()).revision == 2  # the dead one is not asked again
        reborn = await suite.start("auth", AUTHS[who].partition("/")[2])
        assert reborn.live["auth"]["version"] == "new"


async def test_silence_aborts_everywhere_and_who_answers_too_late_keeps_the_old_revision(tmp_path, quick):
    async with Suite(tmp_path) as suite:
        release = asyncio.Event()

        async def slow(config):
            await release.wait()

        suite.auth[1].on_prepare = slow
        assert await suite.refused() == ("failed", "auth/1: did not answer within 0.5 s")
        suite.nothing_changed()
        release.set()
        await eventually(lambda: suite.auth[1].events[-1] == "discard 2")
        suite.nothing_changed()


@pytest.mark.parametrize(("function", "fail_at"), [("open", 1), ("fsync", 1), ("replace", 1)])
async def test_a_full_disk_aborts_everywhere(tmp_path, monkeypatch, function, fail_at):
    async with Suite(tmp_path) as suite:
        real = getattr(os, function)

        def full(*arguments, **options):
            if any("revision-00000002" in str(argument) for argument in arguments) or function == "fsync":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, function, full)
            code, text = await suite.refused()
        assert code == "failed"
        assert "No space left on device" in text
        suite.nothing_changed()
        assert all(module.events[2:] == ["prepare 2", "discard 2"] for module in suite.auth)
        assert (await suite.commit()).revision == 2


async def test_a_write_that_may_not_last_ends_cfgmgr_and_the_next_start_decides(tmp_path, monkeypatch, quick):
    async with Suite(tmp_path) as suite:
        with monkeypatch.context() as patch:

            def unsynced(path):
                raise OSError(errno.EIO, os.strerror(errno.EIO))

            patch.setattr(files, "sync_directory", unsynced)
            code, _ = await suite.refused()
        assert code == "failed"
        assert suite.daemon.context.failure is not None
        assert suite.versions() == [""] * 3
        assert all(module.events[2:] == ["prepare 2"] for module in suite.auth)
        await suite.restart_cfgmgr()
        assert await suite.revision() == 2
        await eventually(lambda: suite.versions() == ["new"] * 3)
        assert (await suite.call(api.Status())).candidates == []  # it is known to be committed


async def test_the_broker_lost_while_preparing_aborts_and_members_ask(tmp_path, quick):
    async with Suite(tmp_path) as suite:
        back: list[asyncio.Task[None]] = []

        async def lose(config):
            suite.bus.kill_broker()
            back.append(asyncio.create_task(come_back(suite)))
            await asyncio.sleep(0)

        suite.auth[2].on_prepare = lose
        with pytest.raises(BusError):
            await suite.commit()
        suite.auth[2].on_prepare = None
        await eventually(
            lambda: all(member.membership._configuration.prepared_revision is None for member in suite.members.values())
        )
        await eventually(lambda: suite.manager.protocol.phase is commit.Phase.IDLE)
        suite.nothing_changed()
        assert (await suite.commit()).revision == 2
        assert suite.versions() == ["new"] * 3


# The commit point, and after it.


class Point:
    """Stops cfgmgr before or after its commit point, as if by SIGKILL."""

    def __init__(self, monkeypatch, *, after):
        self.reached = asyncio.Event()
        self._gate = threading.Event()
        loop = asyncio.get_running_loop()
        real = DirectoryStore.append

        def append(store, revision, state):
            if revision.number == 1:
                real(store, revision, state)
                return
            if after:
                real(store, revision, state)
            loop.call_soon_threadsafe(self.reached.set)
            self._gate.wait(60)
            raise SystemExit  # nothing of this process goes on

        self._patch = monkeypatch.context()
        self._patch.__enter__().setattr(DirectoryStore, "append", append)

    async def kill(self, suite):
        await self.reached.wait()
        self._gate.set()  # the thread ends with the process, which dies before anything else happens in this one
        await suite.kill_cfgmgr()
        self._patch.__exit__(None, None, None)


@pytest.mark.parametrize("after", [False, True])
async def test_cfgmgr_killed_around_the_commit_point_leaves_the_same_revision_for_all(
    tmp_path, monkeypatch, quick, after
):
    async with Suite(tmp_path) as suite:
        point = Point(monkeypatch, after=after)
        asked = asyncio.create_task(suite.commit())
        await point.kill(suite)
        asked.cancel()  # nobody says here that it died
        assert suite.versions() == [""] * 3
        await suite.start_cfgmgr()
        committed = 2 if after else 1
        assert await suite.revision() == committed
        wanted = ["new"] * 3 if after else [""] * 3
        await eventually(lambda: suite.versions() == wanted)
        await eventually(suite.nobody_prepared)
        assert suite.versions() == wanted
        assert (await suite.call(api.Status())).candidates == ([] if after else ["alice"])
        if not after:
            assert (await suite.commit()).revision == 2


async def test_members_that_prepared_keep_the_old_revision_until_cfgmgr_answers(tmp_path, monkeypatch, quick):
    async with Suite(tmp_path) as suite:
        point = Point(monkeypatch, after=True)
        asked = asyncio.create_task(suite.commit())
        await point.kill(suite)
        asked.cancel()  # nobody says here that it died
        await asyncio.sleep(
            2 * membership.PREPARED_TIMEOUT
        )  # they ask, and nobody is there: time alone changes nothing
        assert suite.versions() == [""] * 3
        await suite.start_cfgmgr()
        await eventually(lambda: suite.versions() == ["new"] * 3)


async def test_who_dies_after_the_point_starts_on_the_new_revision(tmp_path):
    async with Suite(tmp_path) as suite:

        def die():
            suite.kill("auth/1")
            raise SystemError("dead")

        suite.auth[1].on_apply = die
        done = await suite.commit()
        assert done.revision == 2
        assert [(answer.member, answer.state) for answer in done.late] == [("auth/1", "died")]
        assert suite.log.has("CFGMGR_COMMIT_LATE")
        reborn = await suite.start("auth", "1")
        assert reborn.live["auth"]["version"] == "new"
        assert suite.auth[0].live["auth"]["version"] == "new"


async def test_who_cannot_apply_ends_and_starts_on_the_new_revision(tmp_path):
    async with Suite(tmp_path) as suite:

        def defect():
            raise RuntimeError("a defect")

        suite.auth[1].on_apply = defect
        done = await suite.commit()
        assert done.revision == 2
        assert suite.members["auth/1"].module.context.failure is not None  # it ends; bob starts it again


async def test_who_is_silent_after_the_point_is_restarted_by_bob(tmp_path, quick):
    async with Suite(tmp_path) as suite:
        restarted = []

        async def answer(call):
            restarted.append((call.command, call.arguments))
            return {}

        await suite.end("bob/0")
        await suite.bus.member("bob/0", answer)
        locks = suite.members["auth/0"].membership._configuration_lock

        async def hang(config):
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(locks.acquire()))
            return Prepared()

        suite.auth[0].on_prepare = hang
        done = await suite.commit()
        assert [(late.member, late.state) for late in done.late] == [("auth/0", "silent")]
        assert restarted == [("restart", {"component": "auth/0"})]
        assert suite.versions()[1:] == ["new"] * 2


async def test_bob_not_taking_the_order_is_told(tmp_path, quick):
    async with Suite(tmp_path) as suite:
        locks = suite.members["auth/0"].membership._configuration_lock

        async def hang(config):
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(locks.acquire()))
            return Prepared()

        suite.auth[0].on_prepare = hang
        await suite.end("bob/0")
        done = await suite.commit()
        assert len(done.late) == 1
        assert suite.log.has("CFGMGR_RESTART_FAILED")


async def test_a_member_that_takes_another_name_meanwhile_follows_all_the_same(tmp_path):
    async with Suite(tmp_path) as suite:
        spare = suite.members["auth/spare"]

        async def rename(config):
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(spare.session.rename("auth/2")))
            return Prepared()

        suite.auth[2].on_prepare = rename
        done = await suite.commit()
        assert done.revision == 2
        await eventually(lambda: suite.versions() == ["new"] * 3)


async def test_the_broker_lost_after_the_point_changes_nothing_for_the_outcome(tmp_path, quick):
    async with Suite(tmp_path) as suite:
        back: list[asyncio.Task[None]] = []

        def lose():
            suite.bus.kill_broker()
            back.append(asyncio.create_task(come_back(suite)))

        suite.auth[0].on_apply = lose
        with contextlib.suppress(BusError):
            await suite.commit()
        await eventually(lambda: suite.versions() == ["new"] * 3)
        assert suite.revisions()[-1] == "revision-00000002"


async def test_a_caller_that_gives_up_does_not_stop_a_commit(tmp_path):
    async with Suite(tmp_path) as suite:
        release = asyncio.Event()

        async def slow(config):
            await release.wait()

        suite.auth[0].on_prepare = slow
        with pytest.raises(BusError):
            await suite.call(api.Commit("alice", "because"), timeout=0.2)
        assert (await suite.call(api.Status())).committing == 2
        release.set()
        await eventually(lambda: suite.versions() == ["new"] * 3)
        await eventually(lambda: suite.log.has("CFGMGR_COMMITTED"))


async def test_a_second_commit_waits_for_the_first(tmp_path):
    async with Suite(tmp_path) as suite:
        first = asyncio.create_task(suite.commit())
        await suite.call(api.Set("bert", "auth.udp_size", 1400))
        second = asyncio.create_task(suite.call(api.Commit("bert")))
        assert (await first).revision == 2
        outcome = await asyncio.gather(second, return_exceptions=True)
        # bert's was begun on 1 or on 2: either it is told so, or it is revision 3; never half of each.
        if isinstance(outcome[0], Refused):
            assert outcome[0].code == "conflict"
            assert all(module.live["auth"]["udp_size"] == 1232 for module in suite.auth)
        else:
            assert all(module.live["auth"]["udp_size"] == 1400 for module in suite.auth)
        assert suite.versions() == ["new"] * 3


async def test_a_stop_lets_a_commit_in_hand_come_to_its_end(tmp_path):
    async with Suite(tmp_path) as suite:
        asked_to, may = asyncio.Event(), asyncio.Event()

        async def slow(config):
            asked_to.set()
            await may.wait()

        suite.auth[0].on_prepare = slow
        asked = asyncio.create_task(suite.commit())
        await asked_to.wait()
        stopping = asyncio.create_task(suite.daemon.on_stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        may.set()
        await stopping
        assert (await asked).revision == 2
        assert suite.versions() == ["new"] * 3
