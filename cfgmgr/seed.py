"""`bob.yaml`: the configuration of the first start, and what `reload` compares with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfgmgr.api import Problem
from cfgmgr.current import Rules
from cfgmgr.tree import MAPS
from cfgmgr.validation import Validated
from daemonkit.document import Document, read_file
from daemonkit.findings import Finding, format_path


@dataclass(frozen=True, slots=True)
class Seed:
    """A configuration file that was read and checked, perhaps with errors."""

    document: Document
    validated: Validated

    def problems(self) -> list[Problem]:
        """Every finding, with the place in the file."""
        findings = self.validated.findings
        return [self._problem(finding) for finding in (*findings.errors, *findings.warnings)]

    def lines(self, findings: list[Finding]) -> list[str]:
        """Findings as `file:line: path: reason`."""
        return [self.document.locate(finding) for finding in findings]

    def _problem(self, finding: Finding) -> Problem:
        place = f"{self.document.name}:{self.document.line(finding.path)}"
        return Problem(format_path(finding.path), finding.reason, finding.severity.value, place)


def changed_secrets(before: Any, after: Any) -> list[str]:
    """The files with secrets that two effective configurations name alike and that are not what they were."""
    if isinstance(before, list) and isinstance(after, list):
        return sorted({file for pair in zip(before, after, strict=False) for file in changed_secrets(*pair)})
    if not isinstance(before, MAPS) or not isinstance(after, MAPS) or before is after:
        return []
    if before.keys() == after.keys() == {"path", "version"}:
        return [before["path"]] if before["path"] == after["path"] and before != after else []
    return sorted({file for key in before.keys() & after.keys() for file in changed_secrets(before[key], after[key])})


def read_seed(path: Path, rules: Rules) -> Seed:
    """Read a configuration file; raises DocumentError where it is no YAML we take."""
    document = read_file(path)
    return Seed(document, rules.validate(document.value))
