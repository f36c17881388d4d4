"""What takes the role admin: the options that say so, by whatever way they are changed."""

from __future__ import annotations

import asyncio

import pytest

from cfgmgr import api
from cfgmgr.catalogue import our_catalogue
from cfgmgr.permission import protected
from cfgmgr.tree import Change
from daemonkit.option_addresses import PathOption, SecretFileOption, UrlOption
from daemonkit.option_trees import AnyOfOption, ListOption, MapOption, SetOption
from daemonkit.options import ADMIN, Option
from msgq.errors import Refused
from tests.cfgmgr.bench import Bench

CATALOGUE = our_catalogue()
SOURCE = {"type": "master-files", "directory": "/srv/zones"}

TAKE_ADMIN = [
    ("data_sources.x", SOURCE),
    ("data_sources.main.url", "sqlite:////tmp/x.sqlite"),
    ("data_sources", {"main": {"type": "database", "url": "sqlite:////tmp/x.sqlite"}}),
    ("keys.k.example", {"secret_file": "/etc/shadow"}),
    ("keys", {"k.example": {"secret_file": "/etc/shadow"}}),
    ("auth.cookies.secret_files", ["/etc/shadow"]),
    ("auth", {"cookies": {"secret_files": ["/etc/shadow"]}}),
    ("logging.destinations", ["stderr", "{state_dir}/other.log"]),
    ("logging.modules.auth.destinations", ["{state_dir}/other.log"]),
    ("logging", {"modules": {"auth": {"destinations": ["{state_dir}/other.log"]}}}),
    ("components.auth.instances", 3),
    ("components.evil", {"program": "/bin/sh"}),
    ("cmdctl.group_role", "read"),
    ("zones.example.org.hook", True),  # runs the operator's Python
    ("templates.default", {"hook": True}),
    ("cmdctl", {"rest": "off"}),
]
DO_NOT = [
    ("auth.udp_size", 1300),
    ("logging.modules.auth.level", "debug"),
    ("logging.level", "debug"),
    ("zones.example.org", {"query_acl": [{"action": "REJECT"}]}),
    ("listen", ["127.0.0.1@5353"]),
]


def options_of(option: Option, path: str = "", role: str = "") -> list[tuple[str, Option, str]]:
    """Every option, with whether it or one around it takes the role admin."""
    role = ADMIN if option.role == ADMIN else role
    inner: list[tuple[str, Option]] = []
    if isinstance(option, MapOption):
        inner = [(f"{path}.{name}", each) for name, each in option.options.items()]
    elif isinstance(option, ListOption | SetOption):
        inner = [(f"{path}[]", option.item)]
    elif isinstance(option, AnyOfOption):
        inner = [(path, each) for each in option.alternatives]
    return [(path, option, role), *(found for where, each in inner for found in options_of(each, where, role))]


def test_whatever_names_a_file_or_a_database_takes_the_role_admin():
    naming = [
        (path, role)
        for path, option, role in options_of(CATALOGUE.root)
        if isinstance(option, PathOption | SecretFileOption | UrlOption)
    ]
    assert len(naming) >= 8
    assert [path for path, role in naming if role != ADMIN] == []


def change(old, new, *path):
    return [Change(path, old, new)]


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        (change(None, SOURCE, "data_sources", "x"), [("data_sources", "x", "directory")]),
        (change(SOURCE, None, "data_sources", "x"), []),
        (change(SOURCE, {"type": "database"}, "data_sources", "x"), [("data_sources", "x", "directory")]),
        (change(["/a"], ["syslog"], "logging", "destinations"), []),
        (change(["/a"], ["/b"], "logging", "destinations"), [("logging", "destinations", 0)]),
        (change(["/a", "stderr"], ["stderr", "/a"], "logging", "destinations"), []),
        (change({}, None, "components", "auth"), [("components", "auth")]),
        (change(None, 1, "no", "such"), [("no", "such")]),
        (change(1, None, "no", "such"), []),
        (change(None, CATALOGUE.options["data_sources"].default, "data_sources"), []),
        (
            change(None, {**CATALOGUE.options["data_sources"].default, "x": SOURCE}, "data_sources"),
            [("data_sources", "x", "directory")],
        ),
        (change({"auth": {"udp_size": 1}}, {"auth": {"udp_size": 2}}), []),
        (change({"keys": {}}, {"keys": {"k": {"secret_file": "/a"}}}), [("keys", "k", "secret_file")]),
    ],
)
def test_what_is_chosen_counts_and_what_is_only_taken_away_does_not(changes, paths):
    found = list(protected(changes, CATALOGUE.root))
    assert found == paths


async def refused(call):
    with pytest.raises(Refused) as caught:
        await call
    return caught.value


@pytest.mark.asyncio
@pytest.mark.parametrize(("path", "value"), TAKE_ADMIN)
async def test_who_may_only_configure_is_refused_and_an_admin_is_not(tmp_path, path, value):
    async with Bench(tmp_path) as bench:
        member = await bench.start("auth")
        before = list(member.events)
        await bench.call(api.Set("ann", path, value))
        checked = await bench.call(api.Check("ann", role="configure"))
        assert not checked.good
        assert {problem.reason for problem in checked.problems} == {"takes the role admin"}
        error = await refused(bench.call(api.Commit("ann", role="configure")))
        assert (error.code, "takes the role admin" in error.text) == ("refused", True)
        assert member.events == before  # nobody was asked to look at the file
        assert await bench.revision() == 1
        assert (await bench.call(api.Commit("ann"))).revision == 2


@pytest.mark.asyncio
@pytest.mark.parametrize(("path", "value"), DO_NOT)
async def test_all_else_takes_the_role_configure(tmp_path, path, value):
    async with Bench(tmp_path) as bench:
        await bench.call(api.Set("ann", path, value))
        assert (await bench.call(api.Check("ann", role="configure"))).good
        assert (await bench.call(api.Commit("ann", role="configure"))).revision == 2


@pytest.mark.asyncio
async def test_a_rollback_over_such_a_change_takes_it_too(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.change("data_sources.x", SOURCE)
        await bench.change("data_sources.x.directory", "/srv/others")
        await bench.change("auth.udp_size", 1300)
        assert (await bench.call(api.Rollback("ann", 3, role="configure"))).revision == 5
        error = await refused(bench.call(api.Rollback("ann", 2, role="configure")))
        assert "data_sources.x.directory takes the role admin" in error.text
        assert (await bench.call(api.Rollback("ann", 2, apply=False, role="configure"))).revision == 0  # may look
        assert (await bench.call(api.Rollback("root", 2))).revision == 6


@pytest.mark.asyncio
async def test_a_reload_is_judged_by_what_it_puts_into_effect(tmp_path):
    """Not by what somebody looked at before: the file may be another by then."""
    file = tmp_path / "bob.yaml"
    file.write_text("auth: {udp_size: 1300}\n")
    async with Bench(tmp_path, "--seed", str(file)) as bench:
        file.write_text("auth: {udp_size: 1400}\n")
        assert (await bench.call(api.Reload("ann", apply=False, role="configure"))).changes
        file.write_text("auth: {udp_size: 1400}\nlogging: {destinations: ['{state_dir}/a.log']}\n")
        error = await refused(bench.call(api.Reload("ann", apply=True, role="configure")))
        assert "logging.destinations[0] takes the role admin" in error.text
        assert await bench.revision() == 1
        assert (await bench.call(api.Reload("root", apply=True))).revision == 2


@pytest.mark.asyncio
async def test_a_commit_in_hand_leaves_no_gap_between_the_look_and_the_deed(tmp_path):
    """A rollback waits for the commit before it, and is judged by the configuration that commit made."""
    async with Bench(tmp_path) as bench:
        await bench.change("auth.udp_size", 1300)
        member = await bench.start("auth")
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def wait(_config):
            asked.set()
            await go_on.wait()

        member.on_prepare = wait
        await bench.call(api.Set("root", "data_sources.x", SOURCE))
        committing = asyncio.create_task(bench.call(api.Commit("root")))
        await asked.wait()
        going_back = asyncio.create_task(bench.call(api.Rollback("ann", 2, role="configure")))
        reloaded = asyncio.create_task(bench.call(api.Diff("ann")))
        await reloaded
        go_on.set()
        member.on_prepare = None
        assert (await committing).revision == 3
        assert (await going_back).revision == 4  # takes an entry away, which chooses nothing
