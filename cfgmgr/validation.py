"""Checks a whole configuration: every option by its spec, every reference, and what only several values tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cfgmgr import zones
from cfgmgr.catalogue import COMPONENTS, Catalogue, with_components
from cfgmgr.conditions import CONDITIONS, ROWS_DEPEND_ON, Situation
from cfgmgr.errors import Invalid
from cfgmgr.rows import Tally, rows_in
from cfgmgr.tree import ROWS, Tree, flat, with_rows
from daemonkit.findings import Findings, Path, did_you_mean, shown
from daemonkit.option_trees import SetOption
from daemonkit.options import MISSING, Substitute
from daemonkit.rowmap import rows_of

Unreadable = Callable[[str], str | None]  # why a file cannot be read, or None


@dataclass(frozen=True, slots=True)
class Validated:
    """A configuration after its check. Usable only where the findings have no errors."""

    values: Tree  # in stored form, without what equals the defaults
    catalogue: Catalogue  # with the specs its components bring
    findings: Findings
    tally: Tally  # of its rows

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


def validate(document: Any, ours: Catalogue, substitute: Substitute, unreadable: Unreadable | None = None) -> Validated:
    """Check a document against our specs and those of its components; without `unreadable` files are not looked at."""
    findings = Findings()
    if not isinstance(document, dict):
        findings.error((), f"the configuration must be a map, not {shown(document)}")
        document = {}
    document = flat(document)
    catalogue = with_components(ours, document.get(COMPONENTS), findings)
    values = _check_keys({key: value for key, value in document.items() if key not in ROWS}, catalogue, findings)
    in_rows = Findings()
    values |= _check_keys({key: value for key, value in document.items() if key in ROWS}, catalogue, in_rows)
    findings.extend(in_rows)
    _check_references(values, catalogue, findings)
    return _concluded(Situation(values, catalogue, substitute, unreadable), findings, Tally.of(in_rows), None)


def revalidate(
    before: Validated,
    document: Tree,
    scopes: Iterable[Path],
    ours: Catalogue,
    substitute: Substitute,
    unreadable: Unreadable | None = None,
) -> Validated:
    """As `validate`, where it is known in which scopes a document differs from one that was checked.

    Takes the time of what is not rows, and of the rows that differ.
    """
    scopes = frozenset(scopes)
    rows, tops = rows_in(scopes), {str(part[0]) for part in scopes if part}
    if before.findings.errors or rows is None or COMPONENTS in tops or not before.catalogue.options.keys() >= ROWS:
        return validate(document, ours, substitute, unreadable)
    catalogue, findings = before.catalogue, Findings()
    values = _check_keys({key: value for key, value in document.items() if key not in ROWS}, catalogue, findings)
    out, into = Findings(), Findings()
    for root, names in rows.items():
        _check_rows(before.values, root, names, catalogue, out)
        checked = _check_rows(document, root, names, catalogue, into)
        if root in document:
            same = all(document[root][name] == row for name, row in checked.items())
            values[root] = document[root] if same else rows_of(document[root]).changed(checked.items())
    tally = before.tally.moved(out, into)
    known = {root: _keys_of(root, values, catalogue) for root, _ in tally.references}
    if any(key not in known[root] for root, key in tally.references):
        return validate(document, ours, substitute, unreadable)  # which names every place
    _check_references(values, catalogue, findings)
    findings.extend(Findings(into.items, [], dict(tally.idle)))
    situation = Situation(values, catalogue, substitute, unreadable, None if tops & ROWS_DEPEND_ON else rows)
    return _concluded(situation, findings, tally, rows)


def _concluded(
    situation: Situation, findings: Findings, tally: Tally, rows: Mapping[str, list[str]] | None
) -> Validated:
    """`rows` alone differ from those of a configuration that was checked; None: all were checked."""
    for condition in CONDITIONS:
        condition(situation, findings)
    values = with_rows(_pruned(situation.values, situation.catalogue, rows))
    return Validated(values, situation.catalogue, findings, tally)


def _pruned(values: Tree, catalogue: Catalogue, rows: Mapping[str, list[str]] | None) -> Tree:
    """The values without what equals the defaults, of rows only those looked at."""
    kept: Tree = {}
    for key, value in values.items():
        option = catalogue.options[key]
        if rows is not None and key in rows and isinstance(option, SetOption):
            for name in (*rows[key], ""):
                value = value if value is MISSING else option.prune_entry(value, name)
        else:
            value = option.prune(value)
        if value is not MISSING:
            kept[key] = value
    return kept


def _check_rows(values: Tree, root: str, names: Iterable[str], catalogue: Catalogue, findings: Findings) -> Tree:
    there = values.get(root) or {}
    checked = catalogue.options[root].check({name: there[name] for name in names if name in there}, (root,), findings)
    return {} if checked is MISSING else checked


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
            known[root] = _keys_of(root, values, catalogue)
        if reference.key not in known[root]:
            hint = did_you_mean(reference.key, known[root])
            findings.error(reference.path, f"there is no {shown(reference.key)} in {root}{hint}")


def _keys_of(root: str, values: Tree, catalogue: Catalogue) -> set[str]:
    """What a reference into a top-level map may name."""
    option = catalogue.options.get(root)
    there = values.get(root, (option.complete() if option else None) or {})
    return set(there) | ({zones.DEFAULT_TEMPLATE} if root == zones.TEMPLATES else set())
