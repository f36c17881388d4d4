"""A place to try edits of the configuration: cfgmgr makes them, on top of what is in effect, and keeps nothing of them.

What a line would commit stays the ground for the lines behind. The caller's candidate has no part in it: whatever
happens to a dry run, there is nothing of it that could be committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bobctl.errors import CommandError
from bobctl.output import flow
from bobctl.standins import StandIns
from bobctl.suite import Suite

Edit = tuple[str, Mapping[str, Any]]  # set, unset, add or remove, and what REST takes for it
MAX_TOLD = 3  # changes told one by one
NOTHING: Mapping[str, Any] = {"changes": [], "left_out": 0}


class Scratch:
    """Every edit is made by cfgmgr on top of those before it; raises as the command would."""

    def __init__(self, suite: Suite) -> None:
        self._client = suite.client
        self.stand_ins = StandIns(suite)  # for files that the lines so far would have made
        self._begun = False
        self._committed: list[Edit] = []  # by the lines so far, if they were done
        self._pending: list[Edit] = []
        self._outcome: Mapping[str, Any] = NOTHING  # of all of these

    def edit(self, order: str, body: Mapping[str, Any]) -> str:
        """Make one more edit; what it changes, in words."""
        self._begin()
        before = self._outcome
        self._pending.append((order, body))
        try:
            self._outcome = self._rehearsed()
        except BaseException:
            self._pending.pop()
            raise
        return self.stand_ins.told(_difference(before, self._outcome))

    def commit(self) -> str:
        """Have it checked, by the modules, too, as far as it is; what a commit would do."""
        self._begin()
        if not self._pending:
            raise CommandError("not-found", "there would be no uncommitted changes")
        said = self.check()
        self._committed += self._pending
        self._pending = []
        return f"would put it into effect: {said}"

    def at_once(self, *edits: Edit) -> str:
        """Edits that a command commits by itself, for which there must be no others."""
        self._begin()
        if self._pending:
            raise CommandError("conflict", "you would have uncommitted changes: commit or revert them first")
        told = [self.edit(*edit) for edit in edits]
        return f"would change {', '.join(told)}; {self.commit()}"

    def revert(self) -> str:
        """Forget what no line has committed."""
        self._begin()
        if not self._pending:
            raise CommandError("not-found", "there would be no uncommitted changes")
        count, self._pending = len(self._pending), []
        self._outcome = self._rehearsed()
        return f"would forget {count} edits"

    def check(self) -> str:
        """What a commit would meet; raises CommandError with all that stands in the way."""
        self._begin()
        checked = self._rehearsed(check=True)
        if not checked["good"]:
            details = [found for found in checked["problems"] if found["severity"] == "error"]
            details += [
                {"path": found["member"], "reason": found["reason"]}
                for found in checked["modules"]
                if found["state"] not in ("accepted", "adjusted")
            ]
            told = [{**one, "reason": self.stand_ins.told(one["reason"])} for one in details]
            raise CommandError("refused", "this could not be committed", told)
        adjusted = [
            f"{answer['member']} makes {one['path']} {flow(one['value'])}"
            for answer in checked["modules"]
            for one in answer["adjustments"]
        ]
        asked = f"{len(checked['modules'])} processes were asked and accept"
        return ", ".join([f"{_count(checked)} changes to what is in effect now", asked, *adjusted])

    def finish(self) -> None:
        """Check what no line commits; raises CommandError."""
        if self._pending:
            self.check()

    def end(self) -> None:
        """Leave no file."""
        self.stand_ins.end()

    def _rehearsed(self, *, check: bool = False) -> Mapping[str, Any]:
        """All edits so far, made anew."""
        edits = [{"order": order, **self.stand_ins.swap(dict(body))} for order, body in self._committed + self._pending]
        outcome: Mapping[str, Any] = self._client.post("config", "rehearse", body={"edits": edits, "check": check})
        return outcome

    def _begin(self) -> None:
        if self._begun:
            return
        if self._client.get("config", "candidate")["changes"]:
            raise CommandError(
                "conflict", "your candidate has changes, which these lines would add to: commit or revert them"
            )
        self._begun = True


def _count(outcome: Mapping[str, Any]) -> int:
    count: int = len(outcome["changes"]) + outcome["left_out"]
    return count


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What differs between two lists of changes: `auth.udp_size: 1232 -> 1400`."""
    was, now = ({change["path"]: change for change in outcome["changes"]} for outcome in (before, after))
    told = []
    for path in sorted(was.keys() | now.keys()):
        old = was[path]["new"] if path in was else now[path]["old"]
        new = now[path]["new"] if path in now else was[path]["old"]
        if old != new:
            told.append(f"{path}: {_value(old)} -> {_value(new)}")
    if after["left_out"] and not told:  # of very many changes not all are told
        return f"something beyond the first {len(now)} of {_count(after)} changes, or nothing"
    more = f" and {len(told) - MAX_TOLD} more" if len(told) > MAX_TOLD else ""
    return ", ".join(told[:MAX_TOLD]) + more or "nothing: it is so already"


def _value(value: Any) -> str:
    return "nothing" if value is None else flow(value)
