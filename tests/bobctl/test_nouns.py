"""What each command asks for, prints and says."""

from __future__ import annotations

import asyncio
import os
import pty
import pwd
import stat
import sys

import msgspec
import pytest

from auth import api as auth
from authworker import api as authworker
from cfgmgr import api as cfgmgr
from cmdctl.catalog import Catalog
from cmdctl.limits import EXPORT_BATCH
from datasrc.errors import Damaged
from memmgr import api as memmgr
from msgq.errors import Refused
from tests.bobctl.run import bobctl
from tests.cmdctl.house import CHANGE, ERROR, REFUSED, SERIAL, SUITE, WARNING, house, zone_status
from tests.kit.zones import small_zone

ME = pwd.getpwuid(os.geteuid()).pw_name
ORG = "example.org"


def columns(text):
    return [line.split() for line in text.splitlines()]


# Status and components.


@pytest.mark.asyncio
async def test_status_shows_the_suite_and_every_process():
    async with house() as here:
        done = await bobctl(here.path, "status")
    assert (done.code, done.err) == (0, "")
    assert "running" in done.out
    assert "127.0.0.1@5300" in done.out
    assert "auth/spare" in done.out
    assert "waits for msgq" in done.out
    assert "before: killed by SIGKILL" in done.out
    assert "\x1b" not in done.out


@pytest.mark.asyncio
async def test_status_of_a_suite_that_lacks_a_part_is_shown_and_fails():
    async with house(("bob/0",)) as here:
        done = await bobctl(here.path, "status")
        as_json = await bobctl(here.path, "status", "--json")
    assert done.code == as_json.code == 1
    assert "auth/spare" in done.out
    assert "cfgmgr does not answer" in done.err
    assert as_json.json["problems"][0]["part"] == "cfgmgr"


@pytest.mark.asyncio
async def test_status_says_which_data_source_fails_and_what_else_is_wrong_with_them():
    async with house() as here:
        failing = auth.SourceServed("main", "zones.sqlite: the file is damaged", 1)
        missing = auth.SourceServed("new", "new.sqlite: there is no such file", None, new=True)
        files = auth.SourceServed("files", "", 2, ("a.zone:1: error: bad", "b.zone:1: error: bad"))
        here.answers["auth", "status"] = auth.StatusReply((), 0, (missing, files))
        without = await bobctl(here.path, "status")
        here.answers["auth", "status"] = auth.StatusReply((), 0, (failing, missing, files))
        done = await bobctl(here.path, "status")
        as_json = await bobctl(here.path, "status", "--json")
    assert without.code == 0  # as at a first start
    assert done.code == as_json.code == 1
    assert "data source main fails: zones.sqlite: the file is damaged (says auth/0, auth/1)" in done.out
    assert "data source new is not there yet: new.sqlite: there is no such file" in done.out
    told = done.out.partition("data source files has 2 problems (says auth/0, auth/1)\n")[2].splitlines()
    assert told[:2] == ["  a.zone:1: error: bad", "  b.zone:1: error: bad"]
    assert as_json.json["data_sources"][0] == {
        "instance": "auth/0",
        "source": "main",
        "failure": "zones.sqlite: the file is damaged",
        "new": False,
        "problems": [],
    }


@pytest.mark.asyncio
async def test_status_lists_the_first_of_very_many_problems_of_a_data_source_and_counts_the_others():
    async with house() as here:
        problems = tuple(f"{number}.zone:1: error: bad" for number in range(20))
        sources = (memmgr.SourceProblems("files", 70, problems), memmgr.SourceProblems("more", 1, problems[:1]))
        here.answers["memmgr", "status"] = memmgr.StatusReply("ready", "", 2, 5000, 0, 0, None, (), (), sources)
        done = await bobctl(here.path, "status")
    told = done.out.partition("data source files has 70 problems (says memmgr)\n")[2].splitlines()
    assert told[:10] == [f"  {problem}" for problem in problems[:10]]
    assert told[10] == "  and 60 more"
    assert told[11] == "data source more has a problem: 0.zone:1: error: bad (says memmgr)"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("reason", "told"),
    [("", "starting"), ("they cannot be opened: lock: denied", "starting: they cannot be opened: lock: denied")],
)
async def test_status_shows_why_there_are_no_images(reason, told):
    async with house() as here:
        beginning = memmgr.StatusReply("starting", "", 0, 0, 0, 0, None, (), ())
        here.answers["memmgr", "status"] = msgspec.structs.replace(beginning, reason=reason)
        done = await bobctl(here.path, "status")
    assert ["images:", *told.split()] in columns(done.out)


@pytest.mark.asyncio
async def test_status_says_what_the_worker_finds_wrong_with_data_sources():
    async with house(("bob/0", "cfgmgr/0", "auth/0", "authworker/0")) as here:
        failing = auth.SourceServed("main", "zones.sqlite: the file is damaged", 1)
        here.answers["authworker", "status"] = authworker.StatusReply("/run/worker.0.sock", 1, 0, 0.0, (failing,))
        done = await bobctl(here.path, "status")
    assert done.code == 1
    assert "data source main fails: zones.sqlite: the file is damaged (says authworker/0)" in done.out


@pytest.mark.asyncio
async def test_a_suite_that_runs_and_answers_no_queries_is_not_answering():
    async with house() as here:
        here.answers["bob", "status"] = msgspec.structs.replace(SUITE, answering=False)
        done = await bobctl(here.path, "status")
    assert done.code == 1
    assert columns(done.out)[0] == ["suite:", "not", "answering"]


@pytest.mark.asyncio
async def test_an_auth_instance_that_does_not_answer_is_told_in_the_status():
    async with house() as here:
        here.answers["auth", "status"] = Refused("failed", "it is ill")
        done = await bobctl(here.path, "status")
    assert done.code == 1
    assert "auth/0 does not answer" in done.err


@pytest.mark.asyncio
async def test_a_component_is_shown():
    async with house() as here:
        here.answers["cfgmgr", "show"] = cfgmgr.Shown("components.auth", {"instances": 2}, 3, {})
        done = await bobctl(here.path, "component", "show", "auth/0")
    assert done.code == 0
    assert "killed by SIGKILL" in done.out
    assert "instances: 2" in done.out


@pytest.mark.asyncio
@pytest.mark.parametrize("order", ["start", "stop", "restart"])
async def test_orders_are_passed_on(order):
    async with house() as here:
        done = await bobctl(here.path, "component", order, "auth/1")
        assert here.asked == [("bob/0", order, {"component": "auth/1"})]
    assert (done.code, done.out) == (0, "")
    assert "auth/1" in done.err


@pytest.mark.asyncio
async def test_components_are_added_changed_and_removed():
    async with house() as here:
        here.answers["cfgmgr", "show"] = Refused("not-found", "nothing there")
        added = await bobctl(here.path, "component", "add", "toy", "program=/bin/toy", "arguments=[-v, 'no']")
        changed = await bobctl(here.path, "component", "change", "auth", "instances=3", "nice=", "-m", "more cores")
        here.answers["cfgmgr", "show"] = cfgmgr.Shown("components.toy", {}, 3, {})
        removed = await bobctl(here.path, "component", "remove", "toy", "--json")
        edits = [(c, a.get("path"), a.get("value")) for _, c, a in here.asked if c in ("set", "unset")]
        reasons = [a["reason"] for _, c, a in here.asked if c == "commit"]
    assert (added.code, changed.code, removed.code) == (0, 0, 0)
    assert "revision 4" in added.err
    assert removed.json["revision"] == 4
    assert edits == [
        ("set", "components.toy", {"program": "/bin/toy", "arguments": ["-v", "no"]}),
        ("set", "components.auth.instances", 3),
        ("unset", "components.auth.nice", None),
        ("unset", "components.toy", None),
    ]
    assert reasons == ["add component toy", "more cores", "remove component toy"]


# Configuration.


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("off", "off"),
        ("no", "no"),
        ("true", True),
        ("12:30", "12:30"),
        ("0x1f", "0x1f"),
        ("1.5", 1.5),
        ("'4'", "4"),
        ("[a, 1]", ["a", 1]),
        ("{action: REJECT}", {"action": "REJECT"}),
        ("127.0.0.1@53", "127.0.0.1@53"),
        ("::1@53", "::1@53"),
        ("null", None),
        ("{}", {}),
    ],
)
async def test_values_are_read_as_in_the_configuration_file(text, value):
    async with house() as here:
        done = await bobctl(here.path, "config", "set", "a.b", text)
        assert here.asked == [("cfgmgr/0", "set", {"author": ME, "path": "a.b", "value": value, "zones": None})]
    assert done.code == 0


@pytest.mark.asyncio
async def test_several_changes_and_one_commit():
    async with house() as here:
        for words in (["set", "a", "1"], ["unset", "b"], ["add", "c", "x"], ["add", "d", "--key", "k"]):
            done = await bobctl(here.path, "config", *words)
            assert "1 change in your candidate" in done.err
        await bobctl(here.path, "config", "remove", "c", "x")
        done = await bobctl(here.path, "config", "commit", "-m", "all of it")
        assert here.commands("cfgmgr/0") == ["set", "unset", "add", "add", "remove", "commit"]
        assert here.asked[-1][2] == {"author": ME, "reason": "all of it", "role": "admin", "zones": None}
    assert (done.code, done.out) == (0, "")
    assert "revision 4 is in effect, 1 change" in done.err
    assert "cmdctl.rest" in done.err  # the warning


@pytest.mark.asyncio
async def test_a_difference_is_shown():
    async with house() as here:
        nothing = await bobctl(here.path, "config", "diff")
        here.answers["cfgmgr", "diff"] = cfgmgr.Candidate(
            ME, 3, 5, [CHANGE, cfgmgr.Change("zones.a", None, {"b": [1]})]
        )
        done = await bobctl(here.path, "config", "diff")
        as_json = await bobctl(here.path, "config", "diff", "--json")
    assert (nothing.out, nothing.code) == ("", 0)
    assert done.out.splitlines() == ["- auth.udp_size: 1232", "+ auth.udp_size: 1400", '+ zones.a: {"b": [1]}']
    assert "rebase" in done.err
    assert as_json.json["changes"][0] == {"path": "auth.udp_size", "old": 1232, "new": 1400}


@pytest.mark.asyncio
async def test_a_refused_commit_shows_paths_and_reasons():
    async with house() as here:
        here.answers["cfgmgr", "commit"] = Refused("refused", "it is refused")
        here.answers["cfgmgr", "check"] = cfgmgr.Checked(False, [CHANGE], [WARNING, ERROR], [REFUSED])
        done = await bobctl(here.path, "config", "commit", "-m", "x")
    assert done.code == 5
    assert done.err.splitlines() == [
        "bobctl: it is refused",
        "  bob.yaml:3: must be one of primary, secondary",
        "  auth/1: auth.udp_size: is odd",
    ]


@pytest.mark.asyncio
async def test_a_check_fails_when_there_are_errors():
    async with house() as here:
        good = await bobctl(here.path, "config", "check")
        here.answers["cfgmgr", "check"] = cfgmgr.Checked(False, [CHANGE], [ERROR], [REFUSED])
        bad = await bobctl(here.path, "config", "check")
    assert (good.code, bad.code) == (0, 1)
    assert "bob.yaml:3: error: must be one of" in bad.err
    assert "auth/1: refused" in bad.err


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1232, "1232\n"),
        ("off", "off\n"),
        (True, "true\n"),
        (["a", "b"], "- a\n- b\n"),
        ({"a": {"b": 1}}, "a:\n  b: 1\n"),
    ],
)
async def test_values_are_shown_as_they_are_written(value, shown):
    async with house() as here:
        here.answers["cfgmgr", "show"] = cfgmgr.Shown("x", value, 3, {"x.y": 1, "z": 2})
        got = await bobctl(here.path, "config", "get", "x")
        as_json = await bobctl(here.path, "--json", "config", "get", "x")
        whole = await bobctl(here.path, "config", "show", "x", "--stored")
        assert here.asked[-1][2]["form"] == "stored"
    assert (got.out, got.err) == (shown, "")
    assert as_json.json == value
    assert whole.out == shown
    assert "x.y = 1" in whole.err
    assert "z = 2" not in whole.err


@pytest.mark.asyncio
async def test_history_is_a_table_or_told_with_its_changes():
    async with house() as here:
        table = await bobctl(here.path, "config", "history")
        revision = cfgmgr.Revision(3, "2026-11-22T03:00:00Z", "ann", "why not", 1, [CHANGE])
        here.answers["cfgmgr", "history"] = cfgmgr.Revisions([revision], more=False)
        told = await bobctl(here.path, "config", "history", "--changes", "--before", "9", "--limit", "2")
        assert here.asked[-1][2] == {"before": 9, "limit": 2, "changes_too": True}
    assert columns(table.out)[1] == ["3", "2026-11-22T03:00:00Z", "ann", "1", "why", "not"]
    assert "+ auth.udp_size: 1400" in told.out


@pytest.mark.asyncio
async def test_reload_shows_first_and_applies_when_told():
    async with house() as here:
        looked = await bobctl(here.path, "config", "reload")
        here.answers["cfgmgr", "reload"] = cfgmgr.Reloaded("/etc/bob/bob.yaml", [CHANGE], [], 5)
        applied = await bobctl(here.path, "config", "reload", "--apply")
        assert [arguments["apply"] for _, _, arguments in here.asked] == [False, True]
        here.answers["cfgmgr", "reload"] = cfgmgr.Reloaded("/etc/bob/bob.yaml", [], [ERROR])
        bad = await bobctl(here.path, "config", "reload")
    assert (looked.code, applied.code, bad.code) == (0, 0, 1)
    assert "nothing is changed yet" in looked.err
    assert "in effect as revision 5" in applied.err
    assert "bob.yaml:3" in bad.err


# Zones.


@pytest.mark.asyncio
async def test_zones_are_listed_with_how_they_are_served():
    async with house() as here:
        nothing = await bobctl(here.path, "zone", "list")
        here.load(ORG)
        here.load("example.net")
        here.answers["auth", "zone_status"] = lambda call: (
            zone_status()(call) if here.asked[-1][0] == "auth/0" else zone_status("broken", None, "no SOA")(call)
        )
        done = await bobctl(here.path, "zone", "list")
        some = await bobctl(here.path, "zone", "list", "--limit", "1", "--json")
        rest = await bobctl(here.path, "zone", "list", "--after", "example.net", "--json")
    assert (nothing.code, nothing.out) == (0, "")
    assert columns(done.out) == [
        ["ZONE", "SOURCE", "SERIAL", "RECORDS", "STATE", "SERVED"],
        ["example.net", "main", str(SERIAL), "4", "ready", "1", "of", "2"],
        [ORG, "main", str(SERIAL), "4", "ready", "1", "of", "2"],
    ]
    assert [zone["origin"] for zone in some.json["zones"]] == ["example.net"]
    assert [zone["origin"] for zone in rest.json["zones"]] == [ORG]


@pytest.mark.asyncio
async def test_a_list_goes_on_over_pages(monkeypatch):
    async with house() as here:
        for number in range(5):
            here.load(f"z{number}.example")
        monkeypatch.setattr("cmdctl.routes_zones.page_limit", lambda _: 2)
        done = await bobctl(here.path, "zone", "list", "--json")
    assert [zone["origin"] for zone in done.json["zones"]] == [f"z{number}.example" for number in range(5)]


@pytest.mark.asyncio
async def test_a_list_is_narrowed_by_name_state_and_source():
    async with house() as here:
        for origin in (ORG, "example.net", "other.example"):
            here.load(origin)
        by_name = await bobctl(
            here.path, "zone", "list", "--name", "EX", "--state", "ready", "--source", "main", "--json"
        )
        none = await bobctl(here.path, "zone", "list", "--state", "broken")
        nowhere = await bobctl(here.path, "zone", "list", "--source", "elsewhere")
        wrong = await bobctl(here.path, "zone", "list", "--state", "shiny")
    assert [zone["origin"] for zone in by_name.json["zones"]] == ["example.net", ORG]
    assert (none.code, none.out, none.err) == (0, "", "there are no such zones\n")
    assert (nowhere.code, "there is no data source 'elsewhere'" in nowhere.err) == (3, True)
    assert (wrong.code, "'ready', 'empty', 'broken', 'stale', 'shadowed'" in wrong.err) == (2, True)


@pytest.mark.asyncio
async def test_a_source_that_cannot_be_read_is_said_and_fails():
    async with house() as here:
        here.load(ORG)
        (here.directory / "bad.sqlite").write_bytes(b"no database" * 1000)
        here.sources["bad"] = {"type": "database", "url": f"sqlite:///{here.directory}/bad.sqlite"}
        done = await bobctl(here.path, "zone", "list")
    assert done.code == 1
    assert ORG in done.out
    assert "the data source bad cannot be read" in done.err


@pytest.mark.asyncio
async def test_a_zone_is_shown():
    async with house() as here:
        here.load(ORG)
        here.answers["auth", "zone_status"] = zone_status("broken", None, "no SOA\x1b[31m")
        done = await bobctl(here.path, "zone", "show", ORG)
        missing = await bobctl(here.path, "zone", "show", "example.net")
    assert "0 of 2" in done.out
    assert "no SOA\\x1b[31m" in done.out
    assert missing.code == 3


@pytest.mark.asyncio
async def test_a_check_shows_findings_and_fails_on_errors(monkeypatch):
    async with house() as here:
        here.load(ORG, small_zone(ORG, SERIAL, "sub NS ns.sub"))
        warned = await bobctl(here.path, "zone", "check", ORG)
        as_json = await bobctl(here.path, "zone", "check", ORG, "--json")
        monkeypatch.setattr("cmdctl.routes_zones.checks.check_zone", _bad_check)
        bad = await bobctl(here.path, "zone", "check", ORG)
    assert warned.code == 0
    assert "missing-glue" in warned.out
    assert "0 errors, " in warned.err
    assert as_json.json["warnings"] > 0
    assert bad.code == 1
    assert "error: two apexes [several-soa]" in bad.out


def _bad_check(_origin, _rrsets, report):
    from datasrc.findings import Code, Finding

    report(Finding(Code.SEVERAL_SOA, "two apexes"))


@pytest.mark.asyncio
async def test_an_export_goes_to_stdout_or_to_a_file(tmp_path):
    target = tmp_path / "backup.zone"
    async with house() as here:
        here.load(ORG)
        out = await bobctl(here.path, "zone", "export", ORG)
        done = await bobctl(here.path, "zone", "export", ORG, str(target))
    assert out.code == done.code == 0
    assert f"www.{ORG}.\t3600\tIN\tA\t192.0.2.80\n" in out.out
    assert done.out == ""
    assert target.read_text() == out.out
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask


@pytest.mark.asyncio
async def test_an_export_does_not_replace_a_device_or_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with house() as here:
        here.load(ORG)
        reading = asyncio.create_task(asyncio.to_thread(pipe.read_text))
        done = await bobctl(here.path, "zone", "export", ORG, str(pipe))
        text = await asyncio.wait_for(reading, 60)
    assert done.code == 0
    assert f"www.{ORG}." in text
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.asyncio
async def test_an_export_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "backup.zone"
    target.write_text("the old one")

    def broken(_rrsets):
        yield from ["begun\n"] * EXPORT_BATCH
        raise Damaged("a row is bad")

    async with house() as here:
        here.load(ORG)
        monkeypatch.setattr("cmdctl.export.zone_lines", broken)
        done = await bobctl(here.path, "zone", "export", ORG, str(target))
        missing = await bobctl(here.path, "zone", "export", "example.net", str(target))
        nowhere = await bobctl(here.path, "zone", "export", ORG, str(tmp_path / "no" / "where"))
    assert (done.code, missing.code, nowhere.code) == (1, 3, 1)
    assert "broke off" in done.err
    assert "No such file" in nowhere.err
    assert target.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.asyncio
async def test_deletion_asks_unless_told_yes():
    async with house() as here:
        here.load(ORG)
        unasked = await bobctl(here.path, "zone", "delete", ORG, stdin=b"y\n")
        assert (await bobctl(here.path, "zone", "show", ORG)).code == 0
        done = await bobctl(here.path, "zone", "delete", ORG, "--yes", "-m", "enough")
        again = await bobctl(here.path, "zone", "delete", ORG, "--yes")
    assert unasked.code == 2
    assert "--yes" in unasked.err
    assert done.code == 0
    assert again.code == 3


@pytest.mark.asyncio
async def test_a_person_is_asked_and_may_say_no():
    async with house() as here:
        here.load(ORG)
        for reply, gone in ((b"n\n", False), (b"y\n", True)):
            ours, theirs = pty.openpty()
            process = await asyncio.create_subprocess_exec(
                *[sys.executable, "-I", "-m", "bobctl", "--server", f"unix:{here.path}", "zone", "delete", ORG],
                stdin=theirs,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            os.write(ours, reply)
            _, err = await asyncio.wait_for(process.communicate(), 60)
            os.close(ours)
            os.close(theirs)
            assert f"Delete {ORG} with 4 records from main?" in err.decode()
            assert process.returncode == (0 if gone else 1)
            assert (await bobctl(here.path, "zone", "show", ORG)).code == (3 if gone else 0)


@pytest.mark.asyncio
async def test_reload_says_how_many_did():
    async with house() as here:
        here.load(ORG)
        done = await bobctl(here.path, "zone", "reload", ORG)
        every = await bobctl(here.path, "zone", "reload", "--json")
        here.answers["auth", "reload"] = Refused("unavailable", "the disk is gone")
        bad = await bobctl(here.path, "zone", "reload")
    assert "2 of 2" in done.err
    assert len(every.json["instances"]) == 2
    assert bad.code == 1
    assert "auth/0: the disk is gone" in bad.err


# Modules and calls.


@pytest.mark.asyncio
async def test_a_rebuild_is_waited_for_when_told():
    """Until no zone waits and none is being built; where one cannot be built the exit code is 1."""
    async with house() as here:
        here.answers["memmgr", "rebuild"] = memmgr.RebuildReply(2)
        ready = memmgr.StatusReply("ready", "", 2, 5000, 0, 0, None, (), ())
        states = [msgspec.structs.replace(ready, waiting=2), msgspec.structs.replace(ready, building=1), ready]
        here.answers["memmgr", "status"] = lambda _call: states.pop(0)
        done = await bobctl(here.path, "call", "memmgr", "rebuild", "--wait")
        left = list(states)
        here.answers["memmgr", "build_status"] = memmgr.BuildStatusReply(False, "no room")
        bad = await bobctl(here.path, "call", "memmgr", "rebuild", "origin=example.org", "--wait")
        here.answers["memmgr", "status"] = msgspec.structs.replace(ready, waiting=1)
        late = await bobctl(here.path, "call", "memmgr", "rebuild", "--wait", "--timeout", "0.2")
        wrong = await bobctl(here.path, "call", "memmgr", "status", "--wait")
    assert (done.code, left) == (0, [])
    assert "waiting: 2 zones to be built\nwaiting: 1 zone to be built\n" in done.err
    assert bad.code == 1
    assert "the image of example.org cannot be built: no room" in bad.err
    assert late.code == 1
    assert "after 0.2 s it is not done: 1 zone to be built" in late.err
    assert (wrong.code, "there is nothing to wait for behind memmgr status" in wrong.err) == (2, True)


def failing(*origins):
    """A memmgr that cannot build these zones, and tells two of them at a time."""

    def failures(call):
        behind = [one for one in origins if one > call.arguments.get("after", "")]
        return memmgr.FailuresReply(tuple(memmgr.ZoneFailure(one, "no room") for one in behind[:2]), len(behind) > 2)

    def build_status(call):
        return memmgr.BuildStatusReply(False, "no room" if call.arguments["origin"] + "." in origins else "")

    return {("memmgr", "failures"): failures, ("memmgr", "build_status"): build_status}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("call", "memmgr", "rebuild", "origin=example.org"), 0),
        (("call", "memmgr", "rebuild", "origin=old3.example"), 1),
        (("call", "memmgr", "rebuild"), 1),
        (("call", "memmgr", "reload"), 0),
        (("zone", "reload"), 0),
        (("zone", "reload", "example.org"), 0),
        (("zone", "reload", "old3.example"), 1),
    ],
)
async def test_what_could_not_be_built_before_is_no_failure_of_an_order_that_is_not_about_it(words, code):
    """Whether there are few of them or many: the status lists no more than a hundred."""
    async with house() as here:
        for origin in ("example.org", "old3.example"):
            here.load(origin)
        here.answers["memmgr", "rebuild"] = memmgr.RebuildReply(1)
        here.answers |= failing("old1.example.", "old2.example.", "old3.example.")
        done = await bobctl(here.path, *words, "--wait", "--timeout", "10")
    assert (done.code, "cannot be built: no room" in done.err) == (code, code == 1), done.err


@pytest.mark.asyncio
@pytest.mark.parametrize("words", [("call", "memmgr", "reload"), ("zone", "reload")])
async def test_a_reload_that_is_waited_for_fails_with_what_could_be_built_before(words):
    """Beyond those that the status lists, too."""
    many = tuple(f"old{number:03}.example." for number in range(memmgr.MAX_FAILURES + 5))
    async with house() as here:
        before, behind = failing(*many), failing(*many, "zzz.example.")
        here.answers["memmgr", "failures"] = lambda call: (behind if "reload" in here.commands("memmgr/0") else before)[
            "memmgr", "failures"
        ](call)
        done = await bobctl(here.path, *words, "--wait")
    assert (done.code, "the image of zzz.example. cannot be built: no room\n" in done.err) == (1, True), done.err


@pytest.mark.asyncio
async def test_a_zone_is_waited_for_until_all_serve_it_as_it_is():
    async with house() as here:
        here.load(ORG)
        waits = [memmgr.BuildStatusReply(True, ""), memmgr.BuildStatusReply(False, "")]
        here.answers["memmgr", "build_status"] = lambda _call: waits.pop(0)
        serials = [SERIAL - 1, SERIAL]

        def served(call):
            if here.asked[-1][0] == "auth/1":
                return zone_status(serial=serials.pop(0))(call)
            return zone_status()(call)

        here.answers["auth", "zone_status"] = served
        done = await bobctl(here.path, "zone", "reload", ORG, "--wait")
    assert done.code == 0, done.err
    assert done.err.splitlines() == [
        f"waiting: {ORG} is to be built",
        f"waiting: auth/1 has {SERIAL - 1}",
        "reloaded by 2 of 2 instances",
    ]


@pytest.mark.asyncio
async def test_what_memmgr_knew_before_does_not_end_a_wait():
    async with house() as here:
        here.answers["memmgr", "rebuild"] = memmgr.RebuildReply(1)
        ready = memmgr.StatusReply("ready", "", 2, 5000, 0, 0, None, (), ())
        states = [msgspec.structs.replace(ready, age=2.5), msgspec.structs.replace(ready, waiting=1), ready]
        here.answers["memmgr", "status"] = lambda _call: states.pop(0) if len(states) > 1 else states[0]
        done = await bobctl(here.path, "call", "memmgr", "rebuild", "--wait")
        here.answers["memmgr", "status"] = msgspec.structs.replace(ready, age=150.0)
        shown = await bobctl(here.path, "status")
    assert (done.code, len(states)) == (0, 1)
    assert "waiting: memmgr does not tell yet" in done.err
    assert "so it was 2m 30s ago: memmgr waits" in shown.out


@pytest.mark.asyncio
async def test_modules_are_listed_shown_and_explained():
    async with house() as here:
        listed = await bobctl(here.path, "modules")
        shown = await bobctl(here.path, "modules", "cfgmgr")
        message = await bobctl(here.path, "modules", "cmdctl", "CMDCTL_OPEN")
        command = await bobctl(here.path, "modules", "cfgmgr", "set", "--json")
        missing = await bobctl(here.path, "modules", "cmdctl", "NONSENSE")
    assert "Answers DNS queries" in listed.out
    assert "candidate" in shown.out
    assert "control socket is open" in message.out
    assert command.json["changes"] is True
    assert missing.code == 3


@pytest.mark.asyncio
async def test_a_call_takes_words_as_yaml_and_prints_the_answer(tmp_path):
    spec = tmp_path / "toy.yaml"
    spec.write_text(
        "module: toy\ntitle: Greets\ncomponent: {kind: dispensable}\ncommands: {greet: {text: Greet., role: read}}\n"
    )
    async with house() as here:
        here.services.catalog = Catalog.of({"toy": {"program": "/bin/toy", "spec": str(spec)}})
        here.answers["toy", "greet"] = lambda call: {"said": call.arguments}
        await here.member("toy/0")
        await here.member("toy/1")
        words = ["call", "toy", "greet", "name=Ann", "times=2", "to=[a, b]", "empty="]
        as_json = await bobctl(here.path, *words, "--json")
        plain = await bobctl(here.path, *words, "--instance", "1")
        assert [member for member, _, _ in here.asked] == ["toy/0", "toy/1"]
    assert as_json.json == {"said": {"name": "Ann", "times": 2, "to": ["a", "b"], "empty": None}}
    assert "name: Ann" in plain.out
