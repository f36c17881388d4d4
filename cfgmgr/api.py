"""What cfgmgr answers on the bus, beside `get` and the commit protocol (daemonkit.api).

Paths are written as in `zones.example.org.query_acl[0].action`; a key with dots may stand in brackets, as in
`zones[example.org]`. A value that is null is one that is not there. `author` is on whose behalf cmdctl calls: each
author has one candidate.

Refusals: `usage` (a path or value that cannot be), `not-found` (nothing at that path, no candidate), `conflict` (the
candidate is older than the newest revision; a commit is under way), `refused` (validation or a module says no),
`failed` (a module died or did not answer in time; the disk), `unavailable` (there is no room for another candidate).
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from daemonkit.api import Adjustment

MODULE = "cfgmgr"
MAX_AUTHOR = 64  # characters
MAX_REASON = 1000  # characters
MAX_KNOWN = 200  # paths or values in one answer to who types
MAX_HISTORY = 1000  # revisions in one answer
MAX_SHOWN_ROWS = 1000  # zones in one answer
MAX_SHOWN_CHANGES = 1000  # in one answer, of a candidate or a revision
MAX_REHEARSED = 1000  # edits: each is made again for those behind it
MAX_EXPORT = 12 * 1024 * 1024  # octets; a message of the bus takes 16 MiB

Role = Literal["configure", "admin"]  # what the author of a change may, as far as it matters here
Zones = tuple[str, ...] | None  # the zones that an author's token is narrowed to; null: none, it is for everything
Form = Literal["complete", "stored", "candidate"]
ModuleState = Literal["accepted", "adjusted", "refused", "died", "silent", "unreachable"]


class Change(msgspec.Struct, frozen=True):
    """One value that a revision or candidate changes; null is "not there"."""

    path: str
    old: Any
    new: Any


class Problem(msgspec.Struct, frozen=True):
    """Something wrong, or worth a warning, in a configuration."""

    path: str
    reason: str
    severity: Literal["error", "warning"]
    place: str = ""  # file:line, where it comes from a file


class Candidate(msgspec.Struct, frozen=True):
    """An author's candidate as it stands."""

    author: str
    base: int  # the revision it changes
    revision: int  # the newest revision; over `base`: the candidate must be rebased or reverted
    changes: list[Change]
    left_out: int = 0  # changes that are not here, of very many


class ModuleAnswer(msgspec.Struct, frozen=True):
    """What one running module said when it was asked to prepare, or to commit."""

    member: str
    state: ModuleState
    reason: str = ""
    adjustments: tuple[Adjustment, ...] = ()  # it accepts, with these values changed


class Shown(msgspec.Struct, frozen=True):
    """Values below a path."""

    path: str
    value: Any
    revision: int
    overlay: dict[str, Any]  # paths that command-line options of this run set, with their values; never stored
    left_out: dict[str, int] = {}  # path of a long map: entries that are not here; `entries` has them


class Show(msgspec.Struct, frozen=True):
    """Look at the configuration."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "show"
    reply: ClassVar[type[Shown]] = Shown
    changes: ClassVar[bool] = False

    path: str = ""
    form: Form = "complete"
    author: str = ""  # for the form `candidate`
    zones: Zones = None


class Known(msgspec.Struct, frozen=True):
    """A path that can be typed, and what is there."""

    path: str
    kind: str  # the type, as specs have it: choice, map, list, ...
    text: str  # one line


class Paths(msgspec.Struct, frozen=True):
    """Paths that go on from what was typed."""

    paths: list[Known]
    more: bool


class Complete(msgspec.Struct, frozen=True):
    """How a path can go on; free keys are those of the author's candidate. At most MAX_KNOWN."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "complete"
    reply: ClassVar[type[Paths]] = Paths
    changes: ClassVar[bool] = False

    author: str
    path: str = ""  # as far as it is typed
    limit: int = MAX_KNOWN
    zones: Zones = None


class Described(msgspec.Struct, frozen=True):
    """What an option takes."""

    path: str
    kind: str
    expects: str  # what a value must be
    text: str
    default: Any
    required: bool
    pending: str  # why it has no effect yet
    refers: str  # the top-level map whose keys are the values
    values: list[str]  # those there are, where they are few or given by `refers`; at most MAX_KNOWN
    inside: list[Known]  # options with fixed names
    role: str = "configure"  # what changing it takes


class Describe(msgspec.Struct, frozen=True):
    """What does the option at a path take? `prefix` is how its values shall begin."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "describe"
    reply: ClassVar[type[Described]] = Described
    changes: ClassVar[bool] = False

    author: str
    path: str
    prefix: str = ""
    zones: Zones = None


class Entry(msgspec.Struct, frozen=True):
    """One entry of a map with free keys."""

    key: str
    value: Any


class EntryPage(msgspec.Struct, frozen=True):
    """A page of the entries of a map, in order of their keys; `more`: the next page begins after the last one."""

    path: str
    entries: list[Entry]
    total: int
    more: bool
    revision: int


class Entries(msgspec.Struct, frozen=True):
    """List the entries of a map with free keys, as `zones`."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "entries"
    reply: ClassVar[type[EntryPage]] = EntryPage
    changes: ClassVar[bool] = False

    path: str
    after: str = ""
    limit: int = 100
    form: Literal["complete", "stored"] = "complete"
    zones: Zones = None


class Exported(msgspec.Struct, frozen=True):
    """The configuration as a `bob.yaml`."""

    revision: int
    text: str
    source: str  # the file whose comments are in it; empty: none
    uncommented: str = ""  # why the comments of the file are not in it, where there is one


class Export(msgspec.Struct, frozen=True):
    """Write the stored configuration as a `bob.yaml`, with the comments of the file it came from."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "export"
    reply: ClassVar[type[Exported]] = Exported
    changes: ClassVar[bool] = False


class Set(msgspec.Struct, frozen=True):
    """Give an option another value."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "set"
    reply: ClassVar[type[Candidate]] = Candidate

    author: str
    path: str
    value: Any
    zones: Zones = None


class Unset(msgspec.Struct, frozen=True):
    """Give an option its default back, or take an entry away."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "unset"
    reply: ClassVar[type[Candidate]] = Candidate

    author: str
    path: str
    zones: Zones = None


class Add(msgspec.Struct, frozen=True):
    """Append `value` to a list, or make the entry `key` (with `value`, if any) in a map with free keys."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "add"
    reply: ClassVar[type[Candidate]] = Candidate

    author: str
    path: str
    value: Any = None
    key: str | None = None
    zones: Zones = None


class Remove(msgspec.Struct, frozen=True):
    """Take `value` out of a list, the entry `key` out of a map with free keys, or what `path` itself names."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "remove"
    reply: ClassVar[type[Candidate]] = Candidate

    author: str
    path: str
    value: Any = None
    key: str | None = None
    zones: Zones = None


class Diff(msgspec.Struct, frozen=True):
    """What a candidate changes; without a candidate, nothing."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "diff"
    reply: ClassVar[type[Candidate]] = Candidate
    changes: ClassVar[bool] = False

    author: str


class OneCandidate(msgspec.Struct, frozen=True):
    """One author's candidate in short."""

    author: str
    base: int  # the revision it changes
    count: int  # of changes


class CandidateList(msgspec.Struct, frozen=True):
    """Everybody's candidates, by author."""

    candidates: list[OneCandidate]
    revision: int  # the newest; candidates of older ones must be rebased or reverted


class ListCandidates(msgspec.Struct, frozen=True):
    """Who has uncommitted changes?"""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "candidates"
    reply: ClassVar[type[CandidateList]] = CandidateList
    changes: ClassVar[bool] = False


class Discard(msgspec.Struct, frozen=True):
    """Forget a candidate; answers what it was."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "discard"
    reply: ClassVar[type[Candidate]] = Candidate

    author: str


class Rebase(msgspec.Struct, frozen=True):
    """Bring a candidate onto the newest revision; refused with `conflict` where the same options changed."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "rebase"
    reply: ClassVar[type[Candidate]] = Candidate

    author: str


class Checked(msgspec.Struct, frozen=True):
    """What a commit would meet."""

    good: bool
    changes: list[Change]
    problems: list[Problem]
    modules: list[ModuleAnswer]  # asked only where there are no errors
    left_out: int = 0  # changes that are not here, of very many


class Check(msgspec.Struct, frozen=True):
    """Check a candidate, without effect; without a candidate, the current configuration."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "check"
    reply: ClassVar[type[Checked]] = Checked
    changes: ClassVar[bool] = False

    author: str
    role: Role = "admin"
    zones: Zones = None


class Edit(msgspec.Struct, frozen=True):
    """One edit, as Set, Unset, Add and Remove make it."""

    order: Literal["set", "unset", "add", "remove"]
    path: str
    value: Any = None
    key: str | None = None


class Rehearse(msgspec.Struct, frozen=True):
    """What edits would change, one on top of the other, and what a commit of them would meet if `check` is true.

    They begin with what is in effect, and are nobody's candidate: nothing is kept of them.
    """

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "rehearse"
    reply: ClassVar[type[Checked]] = Checked
    changes: ClassVar[bool] = False

    author: str
    edits: list[Edit]  # at most MAX_REHEARSED
    check: bool = False
    role: Role = "admin"
    zones: Zones = None


class Committed(msgspec.Struct, frozen=True):
    """A revision is in effect."""

    revision: int
    changes: list[Change]
    warnings: list[Problem]
    modules: list[ModuleAnswer]  # as they prepared
    late: list[ModuleAnswer] = []  # who could not apply it, and is restarted by bob
    left_out: int = 0  # changes that are not here, of very many


class Commit(msgspec.Struct, frozen=True):
    """Put a candidate into effect on all modules concerned, or on none."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "commit"
    reply: ClassVar[type[Committed]] = Committed

    author: str
    reason: str = ""
    role: Role = "admin"
    zones: Zones = None


class Reloaded(msgspec.Struct, frozen=True):
    """What bob.yaml changes, and the revision that came of it (0: it was only looked at, or nothing changes)."""

    source: str
    changes: list[Change]
    problems: list[Problem]
    revision: int = 0
    modules: list[ModuleAnswer] = []
    late: list[ModuleAnswer] = []
    secrets: list[str] = []  # files with secrets that are not what they were when modules read them
    left_out: int = 0  # changes that are not here, of very many


class Reload(msgspec.Struct, frozen=True):
    """Read bob.yaml again."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "reload"
    reply: ClassVar[type[Reloaded]] = Reloaded

    author: str = "bob"
    reason: str = ""
    apply: bool = False
    role: Role = "admin"


class RolledBack(msgspec.Struct, frozen=True):
    """What a rollback changes, and the revision that came of it (0: it was only looked at)."""

    target: int
    changes: list[Change]
    warnings: list[Problem] = []
    revision: int = 0
    modules: list[ModuleAnswer] = []
    late: list[ModuleAnswer] = []
    left_out: int = 0  # changes that are not here, of very many


class Rollback(msgspec.Struct, frozen=True):
    """Put the values of an older revision into effect, as a new revision; without `apply`, show what that changes."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "rollback"
    reply: ClassVar[type[RolledBack]] = RolledBack

    author: str
    revision: int
    reason: str = ""
    apply: bool = True
    role: Role = "admin"


class Revision(msgspec.Struct, frozen=True):
    """One revision as history tells it."""

    revision: int
    time: str  # RFC 3339, UTC
    author: str
    reason: str
    count: int  # of changes
    changes: list[Change] | None = None  # where they were asked for
    left_out: int = 0  # changes that are not here, of very many


class Revisions(msgspec.Struct, frozen=True):
    """A page of history, newest first; `more`: there are older ones."""

    revisions: list[Revision]
    more: bool


class History(msgspec.Struct, frozen=True):
    """Ask for revisions."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "history"
    reply: ClassVar[type[Revisions]] = Revisions
    changes: ClassVar[bool] = False

    before: int = 0
    limit: int = 50
    changes_too: bool = False


class Damage(msgspec.Struct, frozen=True):
    """A file of the store that could not be used, and where it was kept."""

    file: str
    reason: str


class StatusReply(msgspec.Struct, frozen=True):
    """How cfgmgr is."""

    revision: int
    time: str
    author: str
    store: str
    source: str  # the file that seeds and reloads; empty: none
    committing: int  # the revision being committed now; 0: none
    candidates: list[str]  # authors
    overlay: dict[str, Any]
    damage: list[Damage]
    warnings: list[Problem]


class Status(msgspec.Struct, frozen=True):
    """Ask how cfgmgr is."""

    module: ClassVar[str] = MODULE
    command: ClassVar[str] = "status"
    reply: ClassVar[type[StatusReply]] = StatusReply
    changes: ClassVar[bool] = False
