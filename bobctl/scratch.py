"""The caller's candidate as a place to try edits of the configuration: empty before, empty afterwards.

What a line would commit stays in it, as the ground for the lines behind; only where a line reverts is it made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bobctl.errors import CommandError
from bobctl.output import flow
from bobctl.standins import StandIns
from bobctl.suite import Suite

Edit = tuple[str, Mapping[str, Any]]  # set, unset, add or remove, and what REST takes for it
MAX_TOLD = 3  # changes told one by one


class Scratch:
    """Every edit is made by cfgmgr on top of those before it; raises as the command would."""

    def __init__(self, suite: Suite) -> None:
        self._client = suite.client
        self.stand_ins = StandIns(suite)  # for files that the lines so far would have made
        self._begun = False
        self._committed: list[Edit] = []  # by the lines so far, if they were done
        self._pending: list[Edit] = []
        self._changes: list[Any] = []  # of all of these

    def edit(self, order: str, body: Mapping[str, Any]) -> str:
        """Make one more edit; what it changes, in words."""
        self._begin()
        before = self._changes
        self._changes = self._post(order, body)
        self._pending.append((order, body))
        return self.stand_ins.told(_difference(before, self._changes))

    def _post(self, order: str, body: Mapping[str, Any]) -> list[Any]:
        """All changes, with this one."""
        changes: list[Any] = self._client.post("config", order, body=self.stand_ins.swap(dict(body)))["changes"]
        return changes

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
        self._client.post("config", "discard")
        self._changes = []
        for order, body in self._committed:
            self._changes = self._post(order, body)
        return f"would forget {count} edits"

    def check(self) -> str:
        """What a commit would meet; raises CommandError with all that stands in the way."""
        self._begin()
        checked = self._client.post("config", "check")
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
        count = len(checked["changes"]) + checked["left_out"]
        return ", ".join([f"{count} changes to what is in effect now", asked, *adjusted])

    def finish(self) -> None:
        """Check what no line commits; raises CommandError."""
        if self._pending:
            self.check()

    def end(self) -> None:
        """Leave the candidate empty, and no file."""
        try:
            if self._begun and self._client.get("config", "candidate")["changes"]:  # cfgmgr refuses to discard none
                self._client.post("config", "discard")
            self._begun = False
        finally:
            self.stand_ins.end()

    def _begin(self) -> None:
        if self._begun:
            return
        if self._client.get("config", "candidate")["changes"]:
            raise CommandError(
                "conflict", "a dry run tries these lines in your candidate, which has changes: commit or revert them"
            )
        self._begun = True


def _difference(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> str:
    """What differs between two lists of changes: `auth.udp_size: 1232 -> 1400`."""
    was, now = ({change["path"]: change for change in changes} for changes in (before, after))
    told = []
    for path in sorted(was.keys() | now.keys()):
        old = was[path]["new"] if path in was else now[path]["old"]
        new = now[path]["new"] if path in now else was[path]["old"]
        if old != new:
            told.append(f"{path}: {_value(old)} -> {_value(new)}")
    more = f" and {len(told) - MAX_TOLD} more" if len(told) > MAX_TOLD else ""
    return ", ".join(told[:MAX_TOLD]) + more or "nothing: it is so already"


def _value(value: Any) -> str:
    return "nothing" if value is None else flow(value)
