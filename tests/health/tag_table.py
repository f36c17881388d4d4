"""Makes docs/health-tags.md: which test shows which tag of which case, and which shows the case without it.

    python -m tests.health.tag_table docs/health-tags.md

It runs the tests of this folder and notes what the cases say meanwhile. A test counts for a case only where it runs no
more than a few cases: what a whole run happens to say is not shown by it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pytest

from health.engine import runner
from health.engine.plan import all_cases

FEW = 6
# What the runner says for the module when the case is not needed: no test of the case can show it.
BY_THE_RUNNER = {
    ("Basic03", "HAS_NAMESERVER_NO_WWW_A_TEST"): ["test_runner.py::test_a_whole_run_has_all_modules_in_order"]
}

HEAD = """# Every tag, and the test that shows it

Made by `python -m tests.health.tag_table docs/health-tags.md`; do not edit. For each tag of each test case: its
severity, a test in which the case gives it (and how many there are), and one in which it does not (and how many).
Tests are in `tests/health/`.
"""


class Recorder:
    """A pytest plugin that notes, test by test, which cases ran and what each said."""

    def __init__(self) -> None:
        self.said: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._test = ""
        self._emit = runner.Test._emit
        recorder = self

        def emit(self, ran, case, tag, arguments):
            recorder.said[recorder._test][case.key].add(tag)
            recorder._emit(self, ran, case, tag, arguments)

        runner.Test._emit = emit  # type: ignore[method-assign]

    def pytest_runtest_call(self, item) -> None:
        self._test = f"{Path(item.nodeid.split('::')[0]).name}::{item.name}"


def rows(said: dict[str, dict[str, set[str]]]) -> list[str]:
    """The table, a section a module."""
    focused = {test: cases for test, cases in said.items() if len(cases) <= FEW}
    lines: list[str] = []
    module = ""
    for case in all_cases().values():
        if case.module != module:
            module = case.module
            lines += [
                "",
                f"## {module}",
                "",
                "| case | tag | severity | shown by | not given in |",
                "|---|---|---|---|---|",
            ]
        for tag, declared in case.tags.items():
            shown = {_function(t) for t, cases in focused.items() if tag in cases.get(case.key, ())}
            shown = shown or set(BY_THE_RUNNER.get((case.name, tag), []))
            absent = {_function(t) for t, cases in focused.items() if case.key in cases and tag not in cases[case.key]}
            lines.append(f"| {case.name} | {tag} | {declared.level.name} | {_some(shown)} | {_some(absent)} |")
    return lines


def _function(test: str) -> str:
    """A test without its parameters, each set of which is a test of its own."""
    return test.partition("[")[0]


def _some(tests: set[str]) -> str:
    if not tests:
        return "**none**"
    return f"`{min(tests)}`" + (f" and {len(tests) - 1} more" if len(tests) > 1 else "")


def main() -> int:
    """Run the tests, write the table."""
    recorder = Recorder()
    folder = Path(__file__).parent
    quiet = ["-q", "--no-header", "-p", "no:cacheprovider", "--durations=0", "--durations-min=60"]
    status = pytest.main([str(folder), "--deselect", f"{folder}/test_any_reply.py", *quiet], plugins=[recorder])
    Path(sys.argv[1]).write_text(HEAD + "\n".join(rows(recorder.said)) + "\n")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
