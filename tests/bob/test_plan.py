"""Plans: what changes, in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bob.definition import Definition, Limits
from bob.plan import Plan, PlanError, check, make_plan, start_order
from bob.states import Kind


def named(*definitions):
    return {definition.name: definition for definition in definitions}


def define(name, *needs, **how):
    return Definition(name=name, program=name, needs=needs, **how)


def test_nothing_changed_is_an_empty_plan():
    both = named(define("a"), define("b", "a"))
    assert make_plan(both, dict(both)).empty


def test_what_is_new_starts_after_what_it_needs():
    assert make_plan({}, named(define("c", "b"), define("b", "a"), define("a"))).start == ("a", "b", "c")


def test_priority_orders_what_is_independent():
    new = named(define("a"), define("b", priority=5), define("c", priority=9), define("d", "a", priority=99))
    assert start_order(new) == ["c", "b", "a", "d"]


def test_what_is_gone_stops_against_the_start_order():
    assert make_plan(named(define("a"), define("b", "a")), {}).stop == ("b", "a")


def test_enabling_and_disabling_start_and_stop():
    on, off = define("a"), define("a", enabled=False)
    assert make_plan(named(on), named(off)) == Plan(stop=("a",))
    assert make_plan(named(off), named(on)) == Plan(start=("a",))
    assert make_plan({}, named(off)).empty


@pytest.mark.parametrize(
    "change",
    [
        {"program": "/bin/other"},
        {"arguments": ("-v",)},
        {"nice": 3},
        {"limits": Limits(open_files=99)},
        {"spec": Path("/etc/spec.yaml")},
        {"foreign": True},
    ],
)
def test_what_a_process_cannot_be_told_restarts_it(change):
    old = define("a")
    assert make_plan(named(old), named(replace(old, **change))) == Plan(restart=("a",))


@pytest.mark.parametrize(
    "change",
    [
        {"instances": 3},
        {"kind": Kind.NEEDED},
        {"priority": 3},
        {"hang_timeout": 9.0},
        {"give_up_after": 2},
        {"spare": True},
    ],
)
def test_what_only_bob_must_know_restarts_nothing(change):
    old = define("a")
    assert make_plan(named(old), named(replace(old, **change))) == Plan(adapt=("a",))


def test_a_circle_of_needs_is_named():
    with pytest.raises(PlanError, match="a -> b -> c -> a"):
        check(named(define("a", "b"), define("b", "c"), define("c", "a")))


def test_a_component_cannot_need_itself():
    with pytest.raises(PlanError, match="a -> a"):
        check(named(define("a", "a")))


def test_a_need_must_exist_and_be_enabled():
    with pytest.raises(PlanError, match="needs b, which is no component"):
        check(named(define("a", "b")))
    with pytest.raises(PlanError, match="needs b, which is not enabled"):
        check(named(define("a", "b"), define("b", enabled=False)))
    check(named(define("a", "b", enabled=False), define("b", enabled=False)))


NAMES = st.sampled_from("abcdef")


@st.composite
def definitions(draw):
    names = sorted(draw(st.sets(NAMES)))
    made = []
    for index, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:index]))) if index else set()
        how = {"enabled": draw(st.booleans()), "priority": draw(st.integers(-3, 3)), "nice": draw(st.integers(0, 1))}
        made.append(define(name, *sorted(needs), **how))
    return named(*made)


@given(definitions(), definitions())
def test_a_plan_leads_from_one_set_to_the_other(old, new):
    plan = make_plan(old, new)
    before = {name for name, definition in old.items() if definition.enabled}
    after = {name for name, definition in new.items() if definition.enabled}
    assert (before - set(plan.stop)) | set(plan.start) == after
    assert set(plan.restart) | set(plan.adapt) <= before & after
    order = list(plan.start)
    for index, name in enumerate(order):
        assert not set(new[name].needs) & set(order[index + 1 :])
