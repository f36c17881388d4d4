"""Configurations made from the specs themselves: right ones stay right through every form, wrong ones are told."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmgr.catalogue import our_catalogue
from cfgmgr.tree import apply, differences
from daemonkit.findings import Findings
from daemonkit.option_acl import AclOption
from daemonkit.option_addresses import AddressOption, EndpointOption, NameOption, PathOption, PrefixOption
from daemonkit.option_quantities import DurationOption, SizeOption
from daemonkit.option_trees import AnyOfOption, ListOption, MapOption, SetOption
from daemonkit.options import BooleanOption, ChoiceOption, IntegerOption, NumberOption, Option, StringOption
from tests.cfgmgr.configurations import handed, rules

NAMES = st.sampled_from(["example.org", "Example.NET.", "a.b.example", ".", "_x.example", "main", "default", "k"])
ADDRESSES = st.sampled_from(["192.0.2.1", "2001:DB8::1", "::", "0.0.0.0"])
PREFIXES = st.sampled_from(["192.0.2.0/24", "2001:db8::/32", "192.0.2.1"])
CHECKS: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries({}, optional={"from": PREFIXES | st.lists(PREFIXES, min_size=1, max_size=2), "key": NAMES}),
    lambda inner: st.fixed_dictionaries({}, optional={"NOT": inner, "ANY": st.lists(inner, min_size=1, max_size=2)}),
    max_leaves=4,
)
RULES = st.builds(lambda action, checks: {**checks, "action": action}, st.sampled_from(["ACCEPT", "REJECT"]), CHECKS)


def values(option: Option) -> st.SearchStrategy[Any]:
    """Values that the option may well take."""
    match option:
        case BooleanOption():
            return st.booleans() | st.sampled_from(["on", "off", "yes", "no"])
        case IntegerOption() | NumberOption():
            low = int(option.minimum or 0)
            return st.integers(low, int(option.maximum if option.maximum is not None else low + 1000))
        case DurationOption():
            return st.sampled_from(["1s", "5s", "10s", "1m", "1h30m", "1d", 1, 10, 60])
        case SizeOption():
            return st.sampled_from(["64M", "16M", "1G", 4096, 10**9])
        case ChoiceOption():
            return st.sampled_from(option.values)
        case NameOption():
            return NAMES
        case AddressOption():
            return ADDRESSES
        case PrefixOption():
            return PREFIXES
        case EndpointOption():
            return st.builds("{}@{}".format, ADDRESSES, st.integers(1, 5)) | st.just("off")
        case PathOption():
            return st.sampled_from(["/etc/bob/x", "{state_dir}/x", "{run_dir}"])
        case StringOption():
            return st.sampled_from(["main", "default", "auth", "sqlite:///x", "x", ""])
        case AclOption():
            return st.lists(RULES, max_size=3)
        case ListOption():
            return st.lists(values(option.item), max_size=3)
        case SetOption():
            return st.dictionaries(values(option.key), values(option.item), max_size=3)
        case MapOption():
            required = {key: values(inner) for key, inner in option.options.items() if inner.required}
            others = {key: values(inner) for key, inner in option.options.items() if not inner.required}
            return st.fixed_dictionaries(required, optional=others)
        case AnyOfOption():
            return st.one_of([values(inner) for inner in option.alternatives])
    raise AssertionError(f"no values of {type(option).__name__}")


CATALOGUE = our_catalogue()
PARTS = {key: values(option) for key, option in CATALOGUE.options.items()}
DOCUMENTS = st.fixed_dictionaries({}, optional=PARTS)


@given(DOCUMENTS)
@settings(max_examples=200, deadline=None)
def test_any_document_is_checked_and_handed_out(document):
    result = rules().validate(document)
    for module in result.catalogue.specs:
        handed(result, module)


@given(DOCUMENTS)
@settings(max_examples=200, deadline=None)
def test_what_is_left_out_for_being_the_default_makes_no_difference(document):
    for key, value in document.items():
        option = CATALOGUE.options[key]
        findings = Findings()
        stored = option.check(value, (key,), findings)
        if not findings.errors:
            pruned = CATALOGUE.root.prune({key: stored})
            kept = pruned.get(key) if isinstance(pruned, dict) else None
            assert option.complete(kept) == option.complete(stored)


@given(DOCUMENTS, DOCUMENTS)
@settings(max_examples=200, deadline=None)
def test_stored_values_go_through_a_store_unchanged(first, second):
    before, after = rules().validate(first).values, rules().validate(second).values
    assert apply(before, differences(before, after)) == after
    again = rules().validate(after)
    assert again.values == after or again.findings.errors
