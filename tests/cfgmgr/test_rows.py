"""A change of some rows: checked, worked out and told alone, with the outcome that all of it would have had."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmgr import handing
from cfgmgr.current import Current
from cfgmgr.handing import page_of, prepare_of
from cfgmgr.tree import ROWS, Change, apply, differences, differences_within, scope, scopes_of
from daemonkit.configuration import Config, ConfigurationMember, Prepared
from daemonkit.option_trees import SetOption
from tests.cfgmgr.configurations import rules, substitute
from tests.cfgmgr.test_documents_by_spec import CATALOGUE, DOCUMENTS, values

ZONES_OPTION = CATALOGUE.options["zones"]
assert isinstance(ZONES_OPTION, SetOption)
ROW = values(ZONES_OPTION.item)
OTHERS = st.fixed_dictionaries(
    {}, optional={key: values(CATALOGUE.options[key]) for key in ("auth", "templates", "data_sources", "keys")}
)
CHANGES = st.dictionaries(st.sampled_from(["a.example", "b.example", "c.example"]), st.none() | ROW, max_size=3)

ZONES = {f"z{number}.example": {"notify": "off"} for number in range(5)}
STORED: dict[str, Any] = {"zones": ZONES, "templates": {"t": {"role": "primary"}}, "data_sources": {}}


def current(tree, number=1):
    checked = rules().validate(tree)
    assert not checked.findings.errors
    return Current.of(number, checked.values, checked, checked, substitute)


def right(document):
    """A document after its check; of one with errors what is right, else there would be few."""
    checked = rules().validate(document)
    while checked.findings.errors:
        wrong = {error.path[0] for error in checked.findings.errors if error.path} or set(document)
        checked = rules().validate({key: value for key, value in checked.values.items() if key not in wrong})
    return checked


def stored_row(row):
    return rules().validate({"zones": {"x": row}}).values.get("zones", {}).get("x")


def after(before, changes, others):
    """A tree with rows and other keys changed, as edits make it, and where it differs."""
    edited = [Change(("zones", name), None, stored_row(row)) for name, row in changes.items()]
    edited += [Change((key,), None, value) for key, value in rules().validate(others).values.items()]
    return apply(before, edited), scopes_of(edited)


def told(validated):
    findings = validated.findings
    counted = {(finding.path[0], finding.reason) for finding in findings.warnings}
    return {(error.path, error.reason) for error in findings.errors}, counted


@given(DOCUMENTS, CHANGES, OTHERS)
@settings(max_examples=100, deadline=None)
def test_a_change_is_found_to_be_what_the_whole_would_be(document, changes, others):
    before = right(document)
    tree, scopes = after(before.values, changes, others)
    alone, whole = rules().revalidate(before, tree, scopes), rules().validate(tree)
    assert alone.values == whole.values
    assert told(alone) == told(whole)


@given(DOCUMENTS, CHANGES, OTHERS)
@settings(max_examples=60, deadline=None)
def test_a_difference_leads_a_member_to_what_the_whole_would_be(document, changes, others):
    checked = right(document)
    before = Current.of(1, checked.values, checked, checked, substitute)
    tree, scopes = after(checked.values, changes, others)
    stored = rules().revalidate(checked, tree, scopes)  # of what is wrong the rest is right
    now, difference = before.successor(stored, stored, scopes, substitute)
    whole = Current.of(1, stored.values, stored, stored, substitute)
    assert (now.complete, now.effective) == (whole.complete, whole.effective)
    for module in stored.catalogue.specs:
        member = follower(page_of(before, module).tree)
        if module in difference.modules:
            asyncio.run(member.prepare_difference(prepare_of(2, 1, difference, now.catalogue.keys_of(module))))
            member.commit(2)
        assert member._values == page_of(whole, module).tree


def follower(tree):
    async def prepare(_: Config) -> Prepared:
        return Prepared()

    member = ConfigurationMember("auth", prepare)
    asyncio.run(member.prepare(1, tree))
    member.commit(1)
    return member


@given(DOCUMENTS, CHANGES, OTHERS)
@settings(max_examples=100, deadline=None)
def test_differences_are_the_same_where_it_is_known_where_they_are(document, changes, others):
    before = rules().validate(document).values
    tree, scopes = after(before, changes, others)
    assert sorted(differences_within(before, tree, scopes), key=str) == sorted(differences(before, tree), key=str)
    assert list(differences_within(before, tree, [()])) == list(differences(before, tree))


def test_a_scope_is_a_row_or_a_top_level_key():
    assert scope(("zones", "x.example", "query_acl", 0)) == ("zones", "x.example")
    assert scope(("auth", "tcp", "pipeline")) == ("auth",)
    assert scope(("zones",)) == ("zones",)
    assert scope(()) == ()


def test_a_row_that_is_not_touched_is_not_looked_at():
    """Else a change of one zone takes the time of all."""
    before = rules().validate(STORED)

    class Untouched(dict[str, Any]):
        def items(self):
            raise AssertionError("all rows are looked at")

        keys = values = __iter__ = items

    tree = {**before.values, "zones": Untouched({**before.values["zones"], "z3.example": {"template": "t"}})}
    checked = rules().revalidate(before, tree, {("zones", "z3.example")})
    assert not checked.findings.errors
    assert list(differences_within(before.values, tree, {("zones", "z3.example")})) == [
        Change(("zones", "z3.example", "notify"), "off", None),
        Change(("zones", "z3.example", "template"), None, "t"),
    ]


def test_a_template_that_goes_is_missed_by_the_rows_that_name_it():
    before = rules().validate({**STORED, "zones": {**ZONES, "z1.example": {"template": "t"}}})
    tree = {key: value for key, value in before.values.items() if key != "templates"}
    checked = rules().revalidate(before, tree, {("templates",)})
    assert [str(error) for error in checked.findings.errors] == [
        "zones.z1.example.template: there is no 't' in templates"
    ]
    gone = {**tree, "zones": {**tree["zones"], "z1.example": {}}}
    assert not rules().revalidate(before, gone, {("templates",), ("zones", "z1.example")}).findings.errors


def test_what_is_told_of_one_row_is_that_row():
    before = current(STORED)
    tree = {**before.state, "zones": {**before.state["zones"], "z3.example": {"notify": "auto"}}}
    stored = rules().revalidate(before.stored, tree, {("zones", "z3.example")})
    _, difference = before.successor(stored, stored, frozenset({("zones", "z3.example")}), substitute)
    request = prepare_of(2, 1, difference, ["auth", "zones"])
    assert request.values == {}
    assert list(request.rows["zones"].keys) == ["z3.example"]
    assert difference.modules == {"auth", "authworker", "memmgr", "zones"}  # the virtual module is none that runs


def test_a_template_changes_the_zones_that_name_it():
    before = current({**STORED, "zones": {**ZONES, "z1.example": {"template": "t"}}})
    tree = {**before.state, "templates": {"t": {"notify": "off"}}}
    stored = rules().revalidate(before.stored, tree, {("templates",)})
    now, difference = before.successor(stored, stored, frozenset({("templates",)}), substitute)
    assert list(difference.rows["zones"].changed) == ["z1.example"]
    assert now.effective["zones"]["z1.example"]["notify"] == "off"
    assert before.effective["zones"]["z1.example"]["notify"] == "auto"  # and stays so, should nothing come of it


def test_zones_that_say_the_same_go_on_sharing_one_value():
    before = current(STORED)
    tree = {**before.state, "zones": {**before.state["zones"], "new.example": {"notify": "off"}}}
    stored = rules().revalidate(before.stored, tree, {("zones", "new.example")})
    now, _ = before.successor(stored, stored, frozenset({("zones", "new.example")}), substitute)
    assert now.effective["zones"]["new.example"] is now.effective["zones"]["z0.example"]


@pytest.mark.parametrize(("rows", "octets"), [(2, 10**9), (10**9, 1)])
def test_a_configuration_is_handed_out_in_pages(monkeypatch, rows, octets):
    monkeypatch.setattr(handing, "MAX_ROWS", rows)
    monkeypatch.setattr(handing, "MAX_ROW_BYTES", octets)
    whole = current({**STORED, "zones": {name: {"health": {"every": n + 60}} for n, name in enumerate(ZONES)}})
    page, pages = page_of(whole, "auth"), 1
    found = page.tree
    while page.following:
        page, pages = page_of(whole, "auth", page.following), pages + 1
        found["zones"].update(page.tree["zones"])
    assert pages > 2
    assert found == {key: whole.effective[key] for key in whole.catalogue.keys_of("auth")}


def test_a_large_difference_is_only_announced(monkeypatch):
    monkeypatch.setattr(handing, "MAX_ROWS", 2)
    before = current(STORED)
    stored = rules().validate({**STORED, "templates": {"default": {"role": "primary", "health": {"every": "2d"}}}})
    _, difference = before.successor(stored, stored, frozenset({("templates",)}), substitute)
    assert len(difference.rows["zones"].changed) == len(ZONES)
    request = prepare_of(2, 1, difference, ["auth", "templates", "zones"])
    assert request.large
    assert request.rows == {}


def test_rows_are_the_maps_that_may_be_long():
    assert set(CATALOGUE.options) >= ROWS
