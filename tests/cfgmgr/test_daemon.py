"""cfgmgr at work: seed, candidates, history, restarts, damage."""

from __future__ import annotations

import asyncio
import errno
import os
import textwrap
import threading
from datetime import UTC, datetime

import pytest

from cfgmgr import absence, api
from daemonkit.api import GetConfiguration
from daemonkit.errors import Rejected
from daemonkit.spec import Spec
from msgq.errors import Refused
from tests.cfgmgr.bench import Bench, eventually
from tests.cfgmgr.configurations import NORMATIVE

pytestmark = pytest.mark.asyncio


@pytest.fixture
def seed(tmp_path):
    file = tmp_path / "bob.yaml"
    file.write_text("auth: {version: seeded}\n")
    return file


async def refused(call):
    with pytest.raises(Refused) as caught:
        await call
    return caught.value.code, caught.value.text


# The start.


async def test_a_first_start_without_a_file_has_the_defaults_as_revision_1(tmp_path):
    async with Bench(tmp_path) as bench:
        auth = await bench.start("auth")
        assert await bench.revision() == 1
        assert auth.live["auth"]["udp_size"] == 1232
        assert auth.live["zones"] == {}
        assert auth.live["templates"]["default"]["role"] == "primary"


async def test_the_seed_becomes_revision_1(tmp_path, seed):
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        auth = await bench.start("auth")
        assert auth.live["auth"]["version"] == "seeded"
        [entry] = (await bench.call(api.History(changes_too=True))).revisions
        assert (entry.revision, entry.author, entry.changes) == (1, "bob", [api.Change("auth.version", None, "seeded")])
        assert bench.log.has("CFGMGR_SEEDED")


async def test_the_normative_example_seeds_a_start(tmp_path):
    (tmp_path / "bob.yaml").write_text(NORMATIVE)
    async with Bench(tmp_path, "--seed", str(tmp_path / "bob.yaml")) as bench:
        auth = await bench.start("auth")
        assert auth.live["zones"]["example.net"]["role"] == "secondary"
        assert bench.log.of("CFGMGR_WARNING")


async def test_a_later_start_does_not_read_the_seed(tmp_path, seed):
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        seed.write_text("auth: {version: other}\n")
        await bench.restart_cfgmgr()
        assert (await bench.call(api.Show("auth.version"))).value == "seeded"
        seed.unlink()
        await bench.restart_cfgmgr()
        assert await bench.revision() == 1


async def test_a_bad_seed_refuses_the_start_with_every_mistake(tmp_path, seed):
    seed.write_text("auth:\n  udp_sise: 1\nlisten: [x]\n")
    bench = Bench(tmp_path, "--seed", str(seed))
    with pytest.raises(Rejected) as caught:
        await bench.start_cfgmgr()
    told = bench.log.of("CFGMGR_SEED_REFUSED")
    assert [line.removeprefix(f"{tmp_path}/").partition(": ")[0] for line in told] == ["bob.yaml:2", "bob.yaml:3"]
    assert "bob.yaml:2: auth.udp_sise: unknown option (did you mean 'udp_size'?) (and 1 more)" in str(caught.value)
    assert bench.revisions() == []
    await bench.__aexit__()


async def test_a_seed_that_is_not_there_refuses_the_start(tmp_path):
    bench = Bench(tmp_path, "--seed", str(tmp_path / "gone.yaml"))
    with pytest.raises(Rejected, match=r"gone\.yaml: cannot be read: No such file or directory"):
        await bench.start_cfgmgr()
    await bench.__aexit__()


async def test_whoever_asks_before_the_store_is_open_waits(tmp_path, monkeypatch):
    from cfgmgr import daemon

    opening = asyncio.Event()
    real = daemon.CfgmgrDaemon.on_start

    async def slow(self):
        await opening.wait()
        await real(self)

    monkeypatch.setattr(daemon.CfgmgrDaemon, "on_start", slow)
    bench = Bench(tmp_path)
    starting = asyncio.create_task(bench.start_cfgmgr())
    client = await bench.bus.member("cmdctl/0")
    asked = asyncio.create_task(client.call(GetConfiguration("auth"), timeout=10.0))
    await asyncio.wait([asked], timeout=0.1)
    assert not asked.done()
    opening.set()
    assert (await asked).revision == 1
    await starting
    await bench.__aexit__()


# The command line.


async def test_the_overlay_is_in_effect_and_never_stored(tmp_path):
    async with Bench(tmp_path, "--overlay", "listen=[127.0.0.1@5300]", "--overlay", "cmdctl.rest=off") as bench:
        bob = await bench.start("bob")
        assert bob.live["listen"] == ["127.0.0.1@5300"]
        shown = await bench.call(api.Show("listen"))
        assert shown.value == ["127.0.0.1@5300"]
        assert shown.overlay == {"listen": ["127.0.0.1@5300"], "cmdctl.rest": "off"}
        assert (await bench.call(api.Show("listen", "stored"))).value is None
        done = await bench.change("listen", ["192.0.2.1@53"])
        assert [(warning.path, warning.reason) for warning in done.warnings] == [
            ("listen", "has no effect in this run: the command line says otherwise")
        ]
        assert bob.live["listen"] == ["127.0.0.1@5300"]
        bench.arguments = ()
        await bench.restart_cfgmgr()
        assert (await bench.call(api.Show("listen"))).value == ["192.0.2.1@53"]


async def test_a_directory_of_zone_files_that_is_not_there_is_warned_of_in_the_check_and_the_commit(tmp_path):
    """It may be made later, so nothing is refused; but a mistyped one was committed without a word."""
    async with Bench(tmp_path) as bench:
        missing, there = tmp_path / "nonexistent", tmp_path / "zones"
        there.mkdir()
        told = (
            "data_sources.x.directory",
            f"there is no directory {missing}: no zone is served from it before there is",
        )
        source = {"type": "master-files", "directory": str(missing)}
        await bench.call(api.Set("alice", "data_sources.x", source))
        checked = await bench.call(api.Check("alice"))
        assert [(each.path, each.reason, each.severity) for each in checked.problems] == [(*told, "warning")]
        assert checked.good
        done = await bench.call(api.Commit("alice"))
        assert [(each.path, each.reason) for each in done.warnings] == [told]
        assert (await bench.change("auth.udp_size", 1400)).warnings == []  # another change is not about it
        assert (await bench.change("data_sources.x.directory", str(there))).warnings == []


async def test_a_directory_whose_file_system_hangs_holds_no_commit_up(tmp_path, monkeypatch):
    """The revision is in effect, and its author and all others waited for a network file system that never answers."""
    monkeypatch.setattr(absence, "LOOK_LIMIT", 0.2)
    hung, missing, released, real = tmp_path / "hung", tmp_path / "missing", threading.Event(), os.lstat

    def hangs(path, *more, **options):
        if str(path) == str(hung):
            assert released.wait(300)
        return real(path, *more, **options)

    async with Bench(tmp_path) as bench:
        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", hangs)
            for name, place in (("y", hung), ("z", missing)):
                source = {"type": "master-files", "directory": str(place)}
                assert (await bench.change(f"data_sources.{name}", source)).warnings == [], name
            assert (await bench.change("auth.udp_size", 1400)).warnings == []
            released.set()
            await eventually(lambda: not any(thread.name == "absence" for thread in threading.enumerate()))
        await bench.change("data_sources.z.directory", str(tmp_path))
        (told,) = (await bench.change("data_sources.z.directory", str(missing))).warnings
        assert told.path == "data_sources.z.directory"


async def test_a_directory_that_may_not_be_looked_at_is_not_said_to_be_missing(tmp_path, monkeypatch):
    place, real = tmp_path / "closed", os.lstat

    def closed(path, *more, **options):
        if str(path) == str(place):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *more, **options)

    async with Bench(tmp_path) as bench:
        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", closed)
            source = {"type": "master-files", "directory": str(place)}
            assert (await bench.change("data_sources.x", source)).warnings == []
        (tmp_path / "file").write_text("")
        (told,) = (await bench.change("data_sources.x.directory", str(tmp_path / "file" / "below"))).warnings
        assert told.reason.startswith("there is no directory")


async def test_another_default_applies_where_nothing_is_set(tmp_path):
    async with Bench(tmp_path, "--default", "listen=[127.0.0.1@5300]") as bench:
        bob = await bench.start("bob")
        assert bob.live["listen"] == ["127.0.0.1@5300"]
        await bench.change("listen", ["192.0.2.1@53"])
        assert bob.live["listen"] == ["192.0.2.1@53"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--overlay", "listen=x"), "on the command line: listen: must be a list, not 'x'"),
        (("--overlay", "nothing=x"), "on the command line: there is no part of the configuration called 'nothing'"),
        (("--default", "zones.x.role=primary"), "--default zones.x.role: "),
        (("--seed",), "--seed wants a value"),
        (("--sead", "x"), "unknown argument '--sead'"),
        (("--overlay", "listen"), "--overlay wants PATH=VALUE, not 'listen'"),
        (("--overlay", "listen=[x"), "--overlay listen:1: is not YAML"),
    ],
)
async def test_a_command_line_that_cannot_be_refuses_the_start(tmp_path, arguments, problem):
    from daemonkit.errors import DaemonError

    bench = Bench(tmp_path, *arguments)
    with pytest.raises(DaemonError) as caught:
        await bench.start_cfgmgr()
    assert problem in str(caught.value)
    await bench.__aexit__()


# Candidates.


async def test_nothing_happens_before_the_commit(tmp_path):
    async with Bench(tmp_path) as bench:
        auth = await bench.start("auth")
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        candidate = await bench.call(api.Add("alice", "zones", key="example.org"))
        assert candidate.changes == [
            api.Change("auth.udp_size", None, 1400),
            api.Change("zones.example.org", None, {}),
        ]
        assert await bench.revision() == 1
        assert auth.events == ["prepare 1", "apply 1"]
        assert (await bench.call(api.Show("auth.udp_size"))).value == 1232
        assert (await bench.call(api.Show("auth.udp_size", "candidate", "alice"))).value == 1400
        assert (await bench.call(api.Show("auth.udp_size", "candidate", "bert"))).value is None


async def test_each_author_has_a_candidate_of_their_own(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        assert (await bench.call(api.Diff("bert"))).changes == []
        assert (await bench.call(api.Status())).candidates == ["alice"]


async def test_a_candidate_survives_a_restart(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        await bench.restart_cfgmgr()
        assert (await bench.call(api.Diff("alice"))).changes == [api.Change("auth.udp_size", None, 1400)]
        assert (await bench.call(api.Commit("alice"))).revision == 2


async def test_a_discarded_candidate_is_gone(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        assert len((await bench.call(api.Discard("alice"))).changes) == 1
        assert (await bench.call(api.Diff("alice"))).changes == []
        assert await refused(bench.call(api.Discard("alice"))) == ("not-found", "alice has no uncommitted changes")
        assert await refused(bench.call(api.Commit("alice"))) == ("not-found", "alice has no uncommitted changes")
        assert bench.log.has("CFGMGR_COMMIT_DECLINED")  # a slip is nothing to warn of
        assert not bench.log.has("CFGMGR_COMMIT_REFUSED")


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (api.Set("a", "auth.udp_size", "x"), "usage", "auth.udp_size: must be a whole number"),
        (api.Set("a", "auth.udp_sise", 1), "usage", "auth has no option 'udp_sise'"),
        (api.Unset("a", "zones.gone.example"), "not-found", "there is no zones[gone.example]"),
        (api.Remove("a", "listen", "192.0.2.1@53"), "not-found", "listen has no item '192.0.2.1@53'"),
        (api.Show("zones.gone.example"), "not-found", "there is no zones[gone.example]"),
        (api.Show("nothing"), "usage", "there is no part of the configuration called 'nothing'"),
        (api.Set("", "auth.udp_size", 1400), "usage", "an author is 1 to 64 printable characters"),
        (api.Set("a\n", "auth.udp_size", 1400), "usage", "an author is 1 to 64 printable characters"),
        (GetConfiguration("nobody"), "not-found", "there is no module 'nobody', or its spec cannot be read"),
        (api.Reload(), "not-found", "the suite was started without a configuration file"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_code(tmp_path, request_, code, text):
    async with Bench(tmp_path) as bench:
        said = await refused(bench.call(request_))
        assert said[0] == code
        assert said[1].startswith(text)


async def test_a_reason_has_a_limit(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.call(api.Set("a", "auth.udp_size", 1400))
        assert (await refused(bench.call(api.Commit("a", "x" * 1001))))[0] == "usage"


async def test_nothing_new_is_not_committed(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.call(api.Set("alice", "auth.udp_size", 1232))
        said = await refused(bench.call(api.Commit("alice")))
        assert said == ("usage", "nothing is different from the current revision")


async def test_a_candidate_with_errors_is_not_committed_and_all_are_told(tmp_path):
    async with Bench(tmp_path) as bench:
        auth = await bench.start("auth")
        await bench.call(api.Add("alice", "keys", key="k"))
        await bench.call(
            api.Set("alice", "zones", {"a.example": {"template": "none"}, "b.example": {"role": "secondary"}})
        )
        checked = await bench.call(api.Check("alice"))
        assert not checked.good
        assert sorted(problem.path for problem in checked.problems if problem.severity == "error") == [
            "keys.k",
            "zones.a.example.template",
            "zones.b.example",
        ]
        assert checked.modules == []
        code, text = await refused(bench.call(api.Commit("alice")))
        assert code == "refused"
        assert text.endswith("(and 2 more)")
        assert auth.events == ["prepare 1", "apply 1"]


# Several authors.


async def test_a_candidate_older_than_the_newest_revision_is_refused_and_told_who_was_first(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        await bench.change("auth.version", "9", author="bert", reason="ticket 5")
        code, text = await refused(bench.call(api.Commit("alice")))
        assert code == "conflict"
        assert "begun on revision 1; since then there is revision 2 by bert (ticket 5)" in text
        checked = await bench.call(api.Check("alice"))
        assert (checked.good, checked.problems[0].reason) == (False, text)
        stale = await bench.call(api.Diff("alice"))
        assert (stale.base, stale.revision) == (1, 2)


async def test_a_candidate_can_be_rebased_if_nobody_changed_the_same(tmp_path):
    async with Bench(tmp_path) as bench:
        auth = await bench.start("auth")
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        await bench.change("auth.version", "9", author="bert")
        assert (await bench.call(api.Rebase("alice"))).base == 2
        assert (await bench.call(api.Commit("alice"))).revision == 3
        assert (auth.live["auth"]["udp_size"], auth.live["auth"]["version"]) == (1400, "9")


async def test_a_candidate_that_changes_nothing_is_on_no_old_revision(tmp_path):
    """Whoever set what was so already is not in conflict with what others commit before their next edit."""
    async with Bench(tmp_path) as bench:
        default = (await bench.call(api.Show("auth.udp_size"))).value
        assert (await bench.call(api.Set("alice", "auth.udp_size", default))).changes == []
        await bench.change("auth.udp_size", 1300, author="bob")
        assert (await bench.call(api.Set("alice", "auth.identity", "ns1"))).base == 2
        assert (await bench.call(api.Commit("alice"))).revision == 3


async def test_a_rebase_over_the_same_option_is_refused_and_names_it(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.change("auth", {"udp_size": 1300})
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        await bench.change("auth.udp_size", 1350, author="bert")
        code, text = await refused(bench.call(api.Rebase("alice")))
        assert code == "conflict"
        assert "changed in the meantime: auth.udp_size" in text


async def test_a_stale_candidate_is_stale_after_a_restart_too(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.change("auth", {"udp_size": 1300})
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        await bench.change("auth.version", "9", author="bert")
        await bench.restart_cfgmgr()
        assert (await bench.call(api.Diff("alice"))).changes == [api.Change("auth.udp_size", 1300, 1400)]
        assert (await refused(bench.call(api.Commit("alice"))))[0] == "conflict"
        await bench.call(api.Rebase("alice"))
        assert (await bench.call(api.Commit("alice"))).revision == 4


# bob.yaml again.


async def test_reload_shows_the_difference_and_applies_it_when_asked(tmp_path, seed):
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        auth = await bench.start("auth")
        await bench.change("auth.udp_size", 1400)
        seed.write_text("auth: {version: again}\nlogging: {level: debug}\n")
        looked = await bench.call(api.Reload())
        assert looked.changes == [
            api.Change("auth.udp_size", 1400, None),
            api.Change("auth.version", "seeded", "again"),
            api.Change("logging.level", None, "debug"),
        ]
        assert looked.problems == []
        assert looked.revision == 0
        assert await bench.revision() == 2
        applied = await bench.call(api.Reload(author="bert", apply=True))
        assert applied.revision == 3
        assert auth.live["auth"]["version"] == "again"
        assert auth.live["auth"]["udp_size"] == 1232
        [newest] = (await bench.call(api.History(limit=1))).revisions
        assert (newest.author, newest.reason) == ("bert", f"{seed} was read again")


async def test_reload_of_an_unchanged_file_changes_nothing(tmp_path, seed):
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        assert (await bench.call(api.Reload(apply=True))).revision == 0
        assert await bench.revision() == 1


@pytest.mark.parametrize("text", ["auth: {udp_sise: 1}\n", "a: [\n"])
async def test_a_bad_file_is_not_reloaded(tmp_path, seed, text):
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        seed.write_text(text)
        code, said = await refused(bench.call(api.Reload(apply=True)))
        assert code == "refused"
        assert "bob.yaml:" in said
        assert bench.log.has("CFGMGR_RELOAD_FAILED")
        assert await bench.revision() == 1


# History and damage.


async def test_history_is_told_in_pages(tmp_path):
    async with Bench(tmp_path) as bench:
        for number in range(2, 6):
            await bench.change("auth.udp_size", 1300 + number, reason=f"step {number}")
        page = await bench.call(api.History(limit=2))
        assert ([entry.revision for entry in page.revisions], page.more) == ([5, 4], True)
        rest = await bench.call(api.History(before=4, limit=10, changes_too=True))
        assert ([entry.revision for entry in rest.revisions], rest.more) == ([3, 2, 1], False)
        assert rest.revisions[0].changes == [api.Change("auth.udp_size", 1302, 1303)]
        assert rest.revisions[0].reason == "step 3"


async def test_a_damaged_newest_revision_falls_back_loudly_and_members_follow(tmp_path):
    async with Bench(tmp_path) as bench:
        auth = await bench.start("auth")
        await bench.change("auth.version", "first")
        await bench.change("auth.version", "second")
        await bench.kill_cfgmgr()
        newest = bench.store / bench.revisions()[-1]
        newest.write_bytes(newest.read_bytes()[:-10])
        await bench.start_cfgmgr()
        status = await bench.call(api.Status())
        assert status.revision == 2
        assert [damage.file for damage in status.damage] == [f"{newest}.damaged"]
        [line] = bench.log.of("CFGMGR_STORE_DAMAGED")
        assert "going on with revision 2" in line
        await eventually(lambda: auth.live["auth"]["version"] == "first")
        assert (await bench.change("auth.version", "third")).revision == 4


async def test_damage_to_history_is_found_at_the_start(tmp_path, monkeypatch):
    async with Bench(tmp_path) as bench:
        await bench.change("auth.version", "first")
        await bench.change("auth.version", "second")
        await bench.kill_cfgmgr()
        (bench.store / "revision-00000002").write_bytes(b"junk")
        await bench.start_cfgmgr()
        await eventually(lambda: bench.log.has("CFGMGR_HISTORY_DAMAGED"))
        assert await bench.revision() == 3
        assert not bench.log.has("CFGMGR_STORE_DAMAGED")


async def test_a_store_without_a_good_revision_starts_from_the_seed_loudly(tmp_path, seed):
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        await bench.kill_cfgmgr()
        (bench.store / "revision-00000001").write_bytes(b"junk")
        await bench.start_cfgmgr()
        assert (await bench.call(api.Show("auth.version"))).value == "seeded"
        assert await bench.revision() == 2
        assert bench.log.has("CFGMGR_STORE_DAMAGED")
        [entry] = (await bench.call(api.History())).revisions
        assert entry.reason == f"no earlier revision is usable; from {seed}"


async def test_a_damaged_candidate_is_told_and_costs_nothing_else(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.change("auth.version", "first")
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        await bench.kill_cfgmgr()
        (bench.store / "candidate-alice").write_bytes(b"junk")
        await bench.start_cfgmgr()
        assert bench.log.has("CFGMGR_CANDIDATE_DAMAGED")
        assert await bench.revision() == 2
        assert (await bench.call(api.Diff("alice"))).changes == []


# Components that are not ours.


@pytest.fixture
def toy(tmp_path):
    file = tmp_path / "toy.yaml"
    file.write_text(
        textwrap.dedent("""
            module: toy
            title: Greets
            component: {program: toy}
            reads: [listen]
            options: {word: {type: string, default: hello}}
        """)
    )
    return file


async def test_a_component_that_is_not_ours_is_configured_like_ours(tmp_path, toy):
    async with Bench(tmp_path) as bench:
        await bench.change("components", {"toy": {"program": "/bin/true", "spec": str(toy)}})
        member = await bench.start("toy", spec=Spec.load(toy))
        assert member.live["toy"] == {"word": "hello"}
        assert member.live["listen"] == ["0.0.0.0@53", "::@53"]
        await bench.change("toy.word", "ciao")
        assert member.live["toy"] == {"word": "ciao"}


async def test_a_spec_that_is_gone_leaves_its_values_out_and_says_so(tmp_path, toy):
    async with Bench(tmp_path) as bench:
        auth = await bench.start("auth")
        await bench.change("components", {"toy": {"program": "/bin/true", "spec": str(toy)}})
        await bench.change("toy.word", "ciao")
        toy.unlink()
        await bench.restart_cfgmgr()
        assert await bench.revision() == 3
        told = bench.log.of("CFGMGR_PROBLEM")
        assert any("components.toy.spec: the spec cannot be used" in line for line in told)
        assert any("toy: there is no such part of the configuration" in line for line in told)
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        assert (await refused(bench.call(api.Commit("alice"))))[0] == "refused"
        await bench.call(api.Unset("alice", "components.toy"))
        await bench.call(api.Unset("alice", "toy"))
        assert (await bench.call(api.Commit("alice"))).revision == 4
        assert auth.live["auth"]["udp_size"] == 1400


async def test_twenty_thousand_zones_reach_a_member_in_one_message(tmp_path):
    async with Bench(tmp_path) as bench:
        auth = await bench.start("auth")
        zones = {f"zone{number}.example": {"notify": "off"} for number in range(20_000)}
        await bench.change("zones", zones)
        assert len(auth.live["zones"]) == 20_000
        await bench.change("zones.zone7.example.notify", "auto")
        assert auth.live["zones"]["zone7.example"]["notify"] == "auto"
        assert auth.live["zones"]["zone8.example"]["notify"] == "off"


# Secrets.


KEY_USER = """\
module: keyuser
title: Uses keys
component: {kind: dispensable}
reads: [keys]
options: {word: {type: string, default: x, text: A word.}}
"""


@pytest.fixture
def with_keys(tmp_path):
    """A configuration file that names a secret, and a component that uses it."""
    secret, spec, seed = tmp_path / "key", tmp_path / "keyuser.yaml", tmp_path / "bob.yaml"
    secret.write_text("c2VjcmV0LW9uZQ==")
    secret.chmod(0o600)
    spec.write_text(KEY_USER)
    seed.write_text(
        f"components: {{keyuser: {{program: /bin/true, spec: {spec}}}}}\n"
        f"keys: {{k.example: {{secret_file: {secret}}}}}\n"
    )
    return secret, spec, seed


async def test_a_secret_is_shown_to_nobody(tmp_path, with_keys):
    _, spec, seed = with_keys
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        user = await bench.start("keyuser", spec=Spec.load(spec))
        everything = [
            *[await bench.call(api.Show(form=form)) for form in ("complete", "stored")],
            await bench.call(api.History(changes_too=True)),
            await bench.call(api.Status()),
            user.live,
            bench.log.lines,
            [path.read_bytes() for path in bench.store.iterdir()],
        ]
        for secret in ("c2VjcmV0", "secret-one"):
            assert secret not in str(everything)


async def test_a_reload_notices_another_secret(tmp_path, with_keys):
    secret, spec, seed = with_keys
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        user = await bench.start("keyuser", spec=Spec.load(spec))
        before = user.live["keys"]["k.example"]["secret_file"]
        assert before["path"] == str(secret)
        assert (await bench.call(api.Reload(apply=True))).revision == 0
        secret.write_text("c2VjcmV0LXR3bw==")
        shown = await bench.call(api.Reload())
        assert (shown.changes, shown.secrets, shown.revision) == ([], [str(secret)], 0)
        done = await bench.call(api.Reload(apply=True))
        assert (done.secrets, done.revision) == ([str(secret)], 2)
        assert [answer.member for answer in done.modules] == ["keyuser/0"]
        after = user.live["keys"]["k.example"]["secret_file"]
        assert after["version"] not in ("", before["version"])


async def test_a_secret_that_everybody_may_read_is_told(tmp_path, with_keys):
    secret, _, seed = with_keys
    secret.chmod(0o644)
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        warnings = (await bench.call(api.Status())).warnings
        assert any(
            warning.path == "keys.k.example.secret_file" and "everybody may use it (mode 0644)" in warning.reason
            for warning in warnings
        )


# Counters.


async def test_what_commits_come_to_is_counted(tmp_path, seed):
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        auth = await bench.start("auth")
        assert bench.counted() == {"revision": 1}
        await bench.call(api.Set("alice", "auth.udp_size", 1400))
        await bench.change("auth.version", "9", author="bert")
        await refused(bench.call(api.Commit("alice")))
        await refused(bench.call(api.Commit("carol")))

        async def never(_config):
            raise Rejected("auth.version", "no")

        auth.on_prepare = never
        await bench.call(api.Set("dora", "auth.version", "10"))
        await refused(bench.call(api.Commit("dora")))
        auth.on_prepare = None
        await bench.call(api.Rollback("bert", 1, apply=True))
        await bench.call(api.Reload(author="bert"))
        ends = {"commits.conflicts": 1, "commits.declined": 1, "commits.refused": 1, "rollbacks": 1, "reloads": 1}
        assert bench.counted() == {"revision": 3, "edits": 3, "commits": 2, **ends}
        head = (await bench.call(api.Status())).time
        told = bench.counters["revision.timestamp_seconds"]
        assert datetime.fromtimestamp(told, UTC) == datetime.fromisoformat(head).replace(microsecond=0)


@pytest.mark.asyncio
async def test_edits_are_rehearsed_one_on_top_of_the_other_and_nothing_is_kept_of_them(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.call(api.Set("alice", "auth.identity", "hers"))
        edits = [
            api.Edit("set", "auth.udp_size", 1400),
            api.Edit("add", "keys", {"algorithm": "hmac-sha256", "secret_file": "/nowhere"}, "k.example"),
            api.Edit("remove", "keys", key="k.example"),
            api.Edit("set", "auth.version", "x"),
            api.Edit("unset", "auth.version"),
        ]
        tried = await bench.call(api.Rehearse("alice", edits))
        assert [(one.path, one.new) for one in tried.changes] == [("auth.udp_size", 1400)]
        assert (await bench.call(api.Rehearse("alice", edits, check=True))).good
        bad = await bench.call(api.Rehearse("alice", [*edits, api.Edit("set", "templates.t.data_source", "no")], True))
        assert (bad.good, bad.problems[0].path) == (False, "templates.t.data_source")
        with pytest.raises(Refused, match="did you mean 'udp_size'"):
            await bench.call(api.Rehearse("alice", [*edits, api.Edit("set", "auth.udp_sise", 1)]))
        with pytest.raises(Refused, match="at most 1000 edits"):
            await bench.call(api.Rehearse("alice", edits[:1] * 1001))
        with pytest.raises(Refused, match="not permitted"):
            await bench.call(api.Rehearse("alice", edits, zones=("example.org",)))
        assert [one.path for one in (await bench.call(api.Diff("alice"))).changes] == ["auth.identity"]
        assert [one.author for one in (await bench.call(api.ListCandidates())).candidates] == ["alice"]
