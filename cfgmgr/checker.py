"""`bob check-config FILE`: validate a file without anything running."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cfgmgr.arguments import Arguments
from cfgmgr.current import Rules
from cfgmgr.seed import read_seed
from daemonkit.document import DocumentError
from daemonkit.paths import directories
from daemonkit.spec import SpecError

GOOD, BAD, USAGE = 0, 1, 2  # exit codes (design section 9)


def main(words: Sequence[str]) -> int:
    """Check the file named and print every finding; the exit code."""
    if len(words) != 1:
        sys.stderr.write("usage: python -I -m cfgmgr --check FILE\n")
        return USAGE
    name = words[0]
    try:
        seed = read_seed(Path(name), Rules.of(Arguments(), directories().substitute))
    except (DocumentError, SpecError) as error:
        sys.stdout.write(f"{error}\n")
        return BAD
    findings = seed.validated.findings
    for found, mark in ((findings.errors, ""), (findings.warnings, " (warning)")):
        for line in seed.lines(sorted(found, key=lambda finding: seed.document.line(finding.path))):
            sys.stdout.write(f"{line}{mark}\n")
    errors, warnings = len(findings.errors), len(findings.warnings)
    verdict = "cannot be used" if errors else "is good"
    sys.stdout.write(f"{name} {verdict}: {_count(errors, 'error')}, {_count(warnings, 'warning')}\n")
    return BAD if errors else GOOD


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
