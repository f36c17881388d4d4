"""Checks a whole configuration: every option by its spec, every reference, and what only several values tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cfgmgr import zones
from cfgmgr.catalogue import COMPONENTS, Catalogue, with_components
from cfgmgr.conditions import CONDITIONS, Situation
from cfgmgr.errors import Invalid
from cfgmgr.tree import Tree
from daemonkit.findings import Findings, did_you_mean, shown
from daemonkit.options import MISSING, Substitute


@dataclass(frozen=True, slots=True)
class Validated:
    """A configuration after its check. Usable only where the findings have no errors."""

    values: Tree  # in stored form, without what equals the defaults
    catalogue: Catalogue  # with the specs its components bring
    findings: Findings

    def complete(self) -> Tree:
        """Every value of every module, zones resolved; units as they were written."""
        options = self.catalogue.options
        return zones.complete(zones.resolve(self.values, options), options)

    def converted(self, complete: Tree, substitute: Substitute) -> Tree:
        """Every value as daemons get it."""
        options = self.catalogue.options
        return {
            key: zones.convert(options[key], value, substitute)
            if key == zones.ZONES
            else options[key].convert(value, substitute)
            for key, value in complete.items()
        }

    def usable(self) -> Validated:
        """This, or Invalid with every error."""
        if self.findings.errors:
            raise Invalid(self.findings.errors)
        return self


def validate(
    document: Any, ours: Catalogue, substitute: Substitute, unreadable: Callable[[str], str | None] | None = None
) -> Validated:
    """Check a document against our specs and those of its components.

    `unreadable` tells why a file cannot be read (or None); without it files are not looked at.
    """
    findings = Findings()
    if not isinstance(document, dict):
        findings.error((), f"the configuration must be a map, not {shown(document)}")
        document = {}
    catalogue = with_components(ours, document.get(COMPONENTS), findings)
    values = _check_keys(document, catalogue, findings)
    _check_references(values, catalogue, findings)
    situation = Situation(values, catalogue, substitute, unreadable)
    for condition in CONDITIONS:
        condition(situation, findings)
    pruned = catalogue.root.prune(values)
    return Validated({} if pruned is MISSING else pruned, catalogue, findings)


def _check_keys(document: Tree, catalogue: Catalogue, findings: Findings) -> Tree:
    values = {}
    for key, value in document.items():
        option = catalogue.options.get(key)
        if option is None:
            known = ", ".join(sorted(catalogue.options))
            hint = did_you_mean(key, catalogue.options) or f"; there are {known}"
            findings.error((key,), f"there is no such part of the configuration{hint}")
            continue
        if option.pending:
            findings.pending((key,), option.pending)
        stored = option.check(value, (key,), findings)
        if stored is not MISSING:
            values[key] = stored
    return values


def _check_references(values: Tree, catalogue: Catalogue, findings: Findings) -> None:
    known: dict[str, set[str]] = {}
    for reference in findings.references:
        root = reference.root
        if root not in known:
            option = catalogue.options.get(root)
            there = values.get(root, (option.complete() if option else None) or {})
            known[root] = set(there) | ({zones.DEFAULT_TEMPLATE} if root == zones.TEMPLATES else set())
        if reference.key not in known[root]:
            hint = did_you_mean(reference.key, known[root])
            findings.error(reference.path, f"there is no {shown(reference.key)} in {root}{hint}")
