"""In which order cases run, and which run only after what others found (zonemaster.md 3.1)."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import health.engine.cases
from health.engine.errors import UnknownCase
from health.engine.registry import CASES, Case

MODULES = (
    "Basic",
    "Address",
    "Connectivity",
    "Consistency",
    "Delegation",
    "DNSSEC",
    "Nameserver",
    "Syntax",
    "Zone",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a module has found so far, and whether a case is enabled."""

    tags: Collection[str]
    enabled: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """Cases that run at the same time, if the condition holds by then."""

    cases: tuple[str, ...]
    condition: Callable[[Found], bool] = lambda _found: True


def _has(tag: str) -> Callable[[Found], bool]:
    return lambda found: tag in found.tags


def _lacks(tag: str) -> Callable[[Found], bool]:
    return lambda found: tag not in found.tags


def _numbered(module: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{module}{number:02}" for number in numbers)


_SIGNED = _lacks("DS07_NOT_SIGNED")

_STEPS: Mapping[str, tuple[Step, ...]] = {
    "Basic": (
        Step(("basic01",)),
        Step(("basic02",), _has("B01_CHILD_FOUND")),
        Step(
            ("basic03",),
            lambda found: "B01_CHILD_FOUND" in found.tags and "B02_AUTH_RESPONSE_SOA" not in found.tags,
        ),
    ),
    "Address": (
        Step(("address01", "address02")),
        Step(
            ("address03",),
            lambda found: "NAMESERVERS_IP_WITH_REVERSE" in found.tags or not found.enabled("address02"),
        ),
    ),
    "Connectivity": (Step(_numbered("connectivity", 1, 2, 3, 4)),),
    "Consistency": (Step(_numbered("consistency", 1, 2, 3, 4, 5, 6)),),
    "Delegation": (Step(_numbered("delegation", 1, 2, 3, 4, 5, 6, 7)),),
    "DNSSEC": (
        Step(("dnssec07", "dnssec11")),
        Step(_numbered("dnssec", 1, 2, 3, 4, 5, 6, 8, 9, 10, 13, 14, 15, 16, 17, 18), _SIGNED),
    ),
    "Nameserver": (Step(_numbered("nameserver", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15)),),
    "Syntax": (
        Step(_numbered("syntax", 1, 2, 3)),
        Step(_numbered("syntax", 4, 5), _has("ONLY_ALLOWED_CHARS")),
        Step(
            _numbered("syntax", 6, 7),
            lambda found: "ONLY_ALLOWED_CHARS" in found.tags and "NO_RESPONSE_SOA_QUERY" not in found.tags,
        ),
        Step(_numbered("syntax", 8), _has("ONLY_ALLOWED_CHARS")),
    ),
    "Zone": (
        Step(_numbered("zone", 1, 2, 3, 4, 5, 6, 7, 8)),
        Step(("zone09",), _lacks("NO_RESPONSE_MX_QUERY")),
        Step(("zone10", "zone11"), _lacks("NO_RESPONSE_SOA_QUERY")),
    ),
}


@functools.cache
def case_keys() -> tuple[str, ...]:
    """The keys of all cases ("basic01") in the order they run."""
    return tuple(key for module in MODULES for step in _STEPS[module] for key in step.cases)


@functools.cache
def cases_of(module: str) -> Mapping[str, Case]:
    """The cases of a module ("Basic") by key, in the order they run; imports the modules that declare them."""
    for found in pkgutil.iter_modules(health.engine.cases.__path__):
        if found.name.startswith(module.lower()):
            importlib.import_module(f"{health.engine.cases.__name__}.{found.name}")
    return {key: CASES[key] for step in _STEPS[module] for key in step.cases if key in CASES}


def all_cases() -> Mapping[str, Case]:
    """Every case by its key, in the order they run."""
    return {key: case for module in MODULES for key, case in cases_of(module).items()}


def module_of(key: str) -> str | None:
    """The module a case is of, by its name alone."""
    stem = key.rstrip("0123456789").lower()
    return next((module for module in MODULES if module.lower() == stem), None)


def case_of(key: str) -> Case | None:
    """A case by its key."""
    module = module_of(key)
    return None if module is None else cases_of(module).get(key)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one test runs: the steps of each module. `gated`: whether what Basic finds decides about the rest."""

    modules: Mapping[str, tuple[Step, ...]]
    gated: bool

    @property
    def size(self) -> int:
        """How many cases there are at most."""
        return sum(len(step.cases) for steps in self.modules.values() for step in steps)


def whole_plan() -> Plan:
    """All modules in order."""
    return Plan({module: _present(module) for module in MODULES}, gated=True)


def chosen_plan(names: Collection[str]) -> Plan:
    """Modules and cases by name ("Basic", "basic01", "Basic/basic01"): only these run, whatever Basic would say.

    Raises UnknownCase.
    """
    modules: dict[str, tuple[Step, ...]] = {}
    for name in names:
        last = name.rpartition("/")[2].lower()
        whole = next((module for module in MODULES if module.lower() == last), None)
        if whole is not None:
            modules[whole] = _present(whole)
        elif (case := case_of(last)) is not None:
            known = modules.get(case.module, ())
            if all(last not in step.cases for step in known):
                modules[case.module] = (*known, Step((last,)))
        else:
            raise UnknownCase(f"there is no test module or test case {name!r}")
    return Plan({module: modules[module] for module in MODULES if module in modules}, gated=False)


def _present(module: str) -> tuple[Step, ...]:
    known = cases_of(module)
    return tuple(Step(tuple(key for key in step.cases if key in known), step.condition) for step in _STEPS[module])
