"""Contracts of the import-linter (pyproject.toml) speak of every package: a new one is forbidden, or allowed here."""

from __future__ import annotations

import tomllib

import pytest

from daemonkit.process import PACKAGES
from tests.house.packages import ROOT

LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in LINTER["contracts"]}
# What the sources of each may import, at least in part: then the parts that they may not are named in the contract.
ALLOWED = {
    "bob imports no daemon": {"cfgmgr", "cmdctl", "daemonkit", "msgq", "sockcreator", "specs"},
    "sockcreator imports nothing of ours": set(),
    "zone data knows neither bus nor skeleton": set(),
    "the bus knows no daemon": {"specs"},
    "the skeleton knows no daemon": {"msgq", "specs"},
    "loadzone needs zone data, the directories and the door, and no daemon": {"cmdctl", "daemonkit", "datasrc"},
    "images need zone data and nothing else of ours": {"datasrc"},
}


def packages(modules: list[str]) -> set[str]:
    """Those that these modules are in."""
    return {module.partition(".")[0] for module in modules}


def test_all_packages_are_looked_at():
    assert set(LINTER["root_packages"]) == set(PACKAGES)


def test_every_contract_is_named_here():
    assert set(CONTRACTS) == set(ALLOWED)


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_every_package_is_forbidden_or_allowed(name):
    contract = CONTRACTS[name]
    whole = {module for module in contract["forbidden_modules"] if "." not in module}
    parts = {module for module in contract["forbidden_modules"] if "." in module}
    own = packages(contract["source_modules"])
    assert whole & (own | ALLOWED[name]) == set()
    assert packages(list(parts)) <= own | ALLOWED[name]
    assert whole | own | ALLOWED[name] == set(LINTER["root_packages"])
