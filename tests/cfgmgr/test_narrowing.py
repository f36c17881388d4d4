"""Who is for some zones only sees and changes the rows of those, and is told nothing of what is beside them."""

from __future__ import annotations

import pytest
import pytest_asyncio

from cfgmgr import api
from cfgmgr.errors import NotPermitted
from cfgmgr.narrowing import outside, require_zones
from cfgmgr.tree import Change
from daemonkit.api import Adjustment
from daemonkit.configuration import Prepared
from msgq.errors import Refused
from tests.cfgmgr.bench import Bench

ORG, NET, OTHER = "example.org", "example.net", "bank.example"
ZONES = (NET, ORG)
ANN = "user:ann/0123456789ab"
REJECT = [{"action": "REJECT"}]


@pytest_asyncio.fixture
async def bench(tmp_path):
    async with Bench(tmp_path) as bench:
        await bench.change(f"zones.{ORG}.statistics", value=True)
        await bench.change(f"zones.{OTHER}.statistics", value=True)
        await bench.change("keys.secret.example", {"secret_file": "/etc/secret"})
        yield bench


async def refused(call):
    with pytest.raises(Refused) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(
    ("path", "old", "new", "beyond"),
    [
        (("zones", ORG), None, {}, []),
        (("zones", ORG, "query_acl"), None, REJECT, []),
        (("zones", OTHER), None, {}, [("zones", OTHER)]),
        (("zones", f"sub.{ORG}"), None, {}, [("zones", f"sub.{ORG}")]),
        (("zones",), None, {ORG: {}}, []),
        (("zones",), {ORG: {}, OTHER: {}}, None, [("zones", OTHER)]),
        (("zones",), {OTHER: {}}, {ORG: {}}, [("zones", OTHER)]),
        (("templates", "default"), None, {}, [("templates", "default")]),
        ((), {}, {"zones": {ORG: {}}}, [()]),
    ],
)
def test_a_change_is_within_zones_where_its_row_is_theirs(path, old, new, beyond):
    changes = [Change(path, old, new)]
    assert outside(changes, ZONES) == beyond
    assert outside(changes, None) == []
    require_zones(changes, None)
    if beyond:
        with pytest.raises(
            NotPermitted, match=f"not permitted; only the configuration of these zones is: {NET}, {ORG}"
        ):
            require_zones(changes, ZONES)
    else:
        require_zones(changes, ZONES)


@pytest.mark.asyncio
async def test_their_rows_are_changed_and_committed(bench):
    path = f"zones.{NET}.query_acl"
    for edit in (
        api.Add(ANN, "zones", key=NET, zones=ZONES),
        api.Set(ANN, path, REJECT, ZONES),
        api.Add(ANN, path, {"action": "ACCEPT"}, zones=ZONES),
        api.Remove(ANN, path, {"action": "ACCEPT"}, zones=ZONES),
        api.Unset(ANN, f"zones.{ORG}", ZONES),
    ):
        await bench.call(edit)
    assert (await bench.call(api.Check(ANN, "configure", ZONES))).good
    committed = await bench.call(api.Commit(ANN, "mine", "configure", ZONES))
    assert {change.path for change in committed.changes} == {f"zones.{NET}", f"zones.{ORG}"}
    shown = await bench.call(api.Show("zones", "stored"))
    assert set(shown.value) == {NET, OTHER}
    (newest,) = (await bench.call(api.History(limit=1))).revisions
    assert (newest.author, newest.reason) == (ANN, "mine")


@pytest.mark.parametrize(
    "edit",
    [
        api.Set(ANN, "auth.udp_size", 1300, ZONES),
        api.Set(ANN, f"zones.{OTHER}.statistics", value=False, zones=ZONES),
        api.Set(ANN, "zones.new.example.statistics", value=True, zones=ZONES),
        api.Set(ANN, f"zones.sub.{ORG}", {}, ZONES),
        api.Set(ANN, "zones", {}, ZONES),
        api.Set(ANN, "templates.default.statistics", value=True, zones=ZONES),
        api.Unset(ANN, f"zones.{OTHER}", ZONES),
        api.Unset(ANN, "zones", ZONES),
        api.Unset(ANN, "keys.secret.example", ZONES),
        api.Add(ANN, "zones", key=OTHER, zones=ZONES),
        api.Add(ANN, "zones", OTHER, zones=ZONES),
        api.Add(ANN, f"zones.{OTHER}", zones=ZONES),
        api.Add(ANN, "listen", "127.0.0.1@5353", zones=ZONES),
        api.Remove(ANN, "zones", key=OTHER, zones=ZONES),
        api.Remove(ANN, "keys", key="secret.example", zones=ZONES),
    ],
    ids=lambda edit: f"{type(edit).__name__} {edit.path} {getattr(edit, 'key', '')}",
)
@pytest.mark.asyncio
async def test_everything_else_is_refused_at_once_naming_it_and_the_zones(bench, edit):
    error = await refused(bench.call(edit))
    assert error.code == "refused"
    key = getattr(edit, "key", None) or (edit.value if isinstance(edit, api.Add) and edit.path == "zones" else None)
    assert (edit.path if key is None or edit.path != "zones" else f"zones.{key}") in error.text
    assert f": not permitted; only the configuration of these zones is: {NET}, {ORG}" in error.text
    assert (await bench.call(api.Diff(ANN))).changes == []


@pytest.mark.asyncio
async def test_what_came_into_a_candidate_by_another_way_is_not_committed(bench):
    """The edits are looked at, but the revision is what counts."""
    await bench.call(api.Set(ANN, "auth.udp_size", 1300))
    await bench.call(api.Set(ANN, f"zones.{ORG}.query_acl", REJECT, ZONES))
    before = await bench.revision()
    checked = await bench.call(api.Check(ANN, "configure", ZONES))
    assert (checked.good, [problem.path for problem in checked.problems]) == (False, ["auth"])
    error = await refused(bench.call(api.Commit(ANN, "", "configure", ZONES)))
    assert (error.code, error.text.startswith("auth: not permitted;")) == ("refused", True)
    assert await bench.revision() == before


@pytest.mark.asyncio
async def test_only_their_rows_are_seen(bench):
    for path in ("", "zones"):
        shown = await bench.call(api.Show(path, "stored", ANN, ZONES))
        rows = shown.value["zones"] if not path else shown.value
        assert rows == {ORG: {"statistics": True}}
        assert set(shown.value) == {"zones" if not path else ORG}
    assert (await bench.call(api.Show(f"zones.{ORG}.statistics", "complete", ANN, ZONES))).value is True
    page = await bench.call(api.Entries("zones", zones=ZONES))
    assert ([entry.key for entry in page.entries], page.total) == ([ORG], 1)
    for path in ("auth", f"zones.{OTHER}", f"zones.{OTHER}.statistics", "zones.nowhere.example", "keys"):
        for question in (api.Show(path, "complete", ANN, ZONES), api.Describe(ANN, path, zones=ZONES)):
            error = await refused(bench.call(question))
            assert (error.code, "not permitted;" in error.text) == ("refused", True), path
    assert (await refused(bench.call(api.Entries("keys", zones=ZONES)))).code == "refused"
    assert (await refused(bench.call(api.Show(f"zones.{NET}", "complete", ANN, ZONES)))).code == "not-found"


@pytest.mark.asyncio
async def test_only_their_rows_are_offered(bench):
    async def offered(path):
        return [known.path for known in (await bench.call(api.Complete(ANN, path, zones=ZONES))).paths]

    for typed in ("", "zones", "zones."):
        assert {path.partition(ORG)[0] for path in await offered(typed)} <= {"zones", "zones."}, typed
    assert f"zones.{ORG}.query_acl" in await offered(f"zones.{ORG}.")
    assert await offered("ke") == []
    described = await bench.call(api.Describe(ANN, f"zones.{ORG}.template", zones=ZONES))
    assert "default" not in described.values


@pytest.mark.asyncio
async def test_of_what_others_commit_only_the_number_is_told(bench):
    await bench.call(api.Set(ANN, f"zones.{ORG}.query_acl", REJECT, ZONES))
    await bench.change("auth.udp_size", 1300, author="root", reason="between us")
    error = await refused(bench.call(api.Commit(ANN, "", "configure", ZONES)))
    assert (error.code, "rebase" in error.text, "between us" in error.text) == ("conflict", True, False)
    await bench.call(api.Rebase(ANN))
    assert (await bench.call(api.Commit(ANN, "", "configure", ZONES))).revision == 6


@pytest.mark.asyncio
async def test_warnings_about_other_zones_are_not_theirs(bench):
    await bench.call(api.Set(ANN, f"zones.{ORG}.query_acl", REJECT, ZONES))
    checked = await bench.call(api.Check(ANN, "configure", ZONES))
    committed = await bench.call(api.Commit(ANN, "", "configure", ZONES))
    for problem in (*checked.problems, *committed.warnings):
        assert problem.path.startswith(f"zones.{ORG}")


def token(number: int, user: str = "ann") -> str:
    return f"user:{user}/{number:012}"


@pytest.mark.asyncio
async def test_who_is_for_some_zones_takes_no_place_from_others(bench, monkeypatch):
    monkeypatch.setattr("cfgmgr.candidates.MAX_NARROWED", 4)
    monkeypatch.setattr("cfgmgr.candidates.MAX_NARROWED_EACH", 3)
    for number in range(3):
        await bench.call(api.Set(token(number), f"zones.{ORG}.query_acl", REJECT, ZONES))
    error = await refused(bench.call(api.Set(token(3), f"zones.{ORG}.query_acl", REJECT, ZONES)))
    assert "user:ann has 3 candidates by tokens for some zones already" in error.text
    await bench.call(api.Set(token(0, "bea"), f"zones.{ORG}.query_acl", REJECT, ZONES))
    error = await refused(bench.call(api.Set(token(0, "cia"), f"zones.{ORG}.query_acl", REJECT, ZONES)))
    assert (error.code, "tokens for some zones have 4 candidates already" in error.text) == ("unavailable", True)
    await bench.call(api.Set("root", "auth.udp_size", 1300))
    listed = await bench.call(api.ListCandidates())
    authors = ["root", *(token(number) for number in range(3)), token(0, "bea")]
    assert listed.candidates == [api.OneCandidate(author, 4, 1) for author in sorted(authors)]


@pytest.mark.asyncio
async def test_candidates_that_change_nothing_make_room(bench, monkeypatch):
    monkeypatch.setattr("cfgmgr.candidates.MAX_NARROWED", 2)
    for number in range(2):
        await bench.call(api.Set(token(number), f"zones.{ORG}.query_acl", REJECT, ZONES))
        await bench.call(api.Unset(token(number), f"zones.{ORG}.query_acl", ZONES))
    await bench.call(api.Set(token(2), f"zones.{ORG}.query_acl", REJECT, ZONES))
    assert (await bench.call(api.Diff(token(2)))).changes


@pytest.mark.asyncio
async def test_no_name_of_another_entry_is_suggested(bench):
    await bench.change("templates.goldcustomers.statistics", value=True)
    await bench.change(f"zones.{ORG}.template", "goldcustomers")
    await bench.call(api.Set(ANN, f"zones.{ORG}.query_acl", [{"action": "ACCEPT", "key": "secret.exampl"}], ZONES))
    (problem,) = (await bench.call(api.Check(ANN, "configure", ZONES))).problems
    assert problem.reason == "there is no 'secret.exampl' in keys"
    error = await refused(bench.call(api.Commit(ANN, "", "configure", ZONES)))
    assert "did you mean" not in error.text
    problem = (await bench.call(api.Check(ANN, "configure"))).problems[0]
    assert problem.reason.endswith("(did you mean 'secret.example'?)")


@pytest.mark.asyncio
async def test_only_templates_that_their_zones_have_are_named(bench):
    await bench.change("templates.gold.statistics", value=True)
    await bench.change("templates.lead.statistics", value=True)
    await bench.change(f"zones.{ORG}.template", "gold")
    error = await refused(bench.call(api.Set(ANN, f"zones.{ORG}.template", "lead", ZONES)))
    assert "only a template that these zones have already" in error.text
    for template in ("gold", "default"):
        await bench.call(api.Set(ANN, f"zones.{NET}.template", template, ZONES))


@pytest.mark.asyncio
async def test_what_changes_nothing_is_no_conflict(bench):
    await bench.call(api.Set(ANN, f"zones.{ORG}.query_acl", REJECT, ZONES))
    await bench.call(api.Unset(ANN, f"zones.{ORG}.query_acl", ZONES))
    await bench.change("auth.udp_size", 1300)
    error = await refused(bench.call(api.Commit(ANN, "", "configure", ZONES)))
    assert error.code == "usage"


@pytest.mark.asyncio
async def test_what_a_start_writes_in_another_form_is_nobodys_change(tmp_path):
    listen = ["127.0.0.1@5300"]
    async with Bench(tmp_path) as bench:
        await bench.change("listen", listen)
        await bench.change(f"zones.{ORG}.statistics", value=True)
    async with Bench(tmp_path, "--default", f"listen={listen}".replace("'", '"')) as bench:
        await bench.call(api.Set(ANN, f"zones.{ORG}.query_acl", REJECT, ZONES))
        checked = await bench.call(api.Check(ANN, "configure", ZONES))
        assert checked.good
        assert {change.path for change in checked.changes} == {f"zones.{ORG}.query_acl"}
        committed = await bench.call(api.Commit(ANN, "mine", "configure", ZONES))
        assert {change.path for change in committed.changes} == {f"zones.{ORG}.query_acl"}
        assert (await bench.call(api.Show("listen"))).value == listen


@pytest.mark.asyncio
async def test_a_zone_of_others_gives_a_path_no_other_reading(bench):
    async def told():
        path = f"zones.{ORG}.statistics"
        await bench.call(api.Set(ANN, path, value=False, zones=ZONES))
        changes = (await bench.call(api.Unset(ANN, path, ZONES))).changes
        await bench.call(api.Discard(ANN))
        return changes

    before = await told()
    await bench.change(f"zones[{ORG}.statistics]", {})
    assert await told() == before


@pytest.mark.asyncio
@pytest.mark.parametrize("adjusted", [(OTHER,), (OTHER, ORG)])
async def test_of_what_modules_adjust_only_what_is_in_their_zones_is_told(bench, adjusted):
    auth = await bench.start("auth")

    async def prepare(config):
        counted = [zone for zone in adjusted if config.values["zones"][zone]["statistics"]]
        return Prepared(adjustments=tuple(Adjustment(f"zones.{zone}.statistics", False, zone) for zone in counted))

    auth.on_prepare = prepare
    await bench.call(api.Set(ANN, f"zones.{ORG}.query_acl", REJECT, ZONES))
    shown = [(f"zones.{ORG}.statistics", ORG)] if ORG in adjusted else []
    state = "adjusted" if shown else "accepted"
    every = await bench.call(api.Check(ANN, "configure"))
    assert [one.reason for one in every.modules[0].adjustments] == list(adjusted)
    checked = await bench.call(api.Check(ANN, "configure", ZONES))
    committed = await bench.call(api.Commit(ANN, "", "configure", ZONES))
    for told in (checked, committed):
        assert [(one.state, [(a.path, a.reason) for a in one.adjustments]) for one in told.modules] == [(state, shown)]
        assert OTHER not in str(told)
