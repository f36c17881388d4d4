"""The candidates of all authors: what each is about to change, and on which revision it builds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from cfgmgr.changes import single_changes
from cfgmgr.edits import Edited
from cfgmgr.errors import NoCandidate, NoRoom, Stale
from cfgmgr.store import Draft, Revision
from cfgmgr.tree import Change, Tree, apply, differences_within, look_up, scope, scopes_of
from daemonkit.findings import Path, format_path
from daemonkit.options import Option

MAX_NAMED = 3  # revisions told by name when somebody else came first
MAX_CANDIDATES = 100
MAX_NARROWED = 50  # of those that are for some zones only: there may be thousands of such tokens
MAX_NARROWED_EACH = 10  # of one user

_REVERT = "some must be reverted, or their tokens revoked"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One author's uncommitted changes."""

    author: str
    base: int  # revision
    before: Tree  # the stored values of that revision
    tree: Tree  # with the changes
    scopes: frozenset[Path] = field(default=frozenset({()}), compare=False)  # where they are

    @property
    def changes(self) -> list[Change]:
        """What it changes."""
        return list(differences_within(self.before, self.tree, self.scopes))

    @property
    def draft(self) -> Draft:
        """As it is kept."""
        return Draft(self.author, self.base, tuple(self.changes))

    def edited(self, edit: Callable[[Tree], Edited]) -> Candidate:
        """The candidate after one more edit."""
        edited = edit(self.tree)
        return replace(self, tree=edited.tree, scopes=self.scopes | {scope(edited.path)})

    def require_fresh(self, revision: int, newer: Sequence[Revision]) -> None:
        """Raise Stale unless its base is the current revision; the message says who committed since."""
        if self.base == revision:
            return
        by = "; ".join(
            f"revision {revision.number} by {revision.author}{_because(revision)}" for revision in newer[:MAX_NAMED]
        )
        more = f" and {len(newer) - MAX_NAMED} more" if len(newer) > MAX_NAMED else ""
        since = f"since then there is {by}{more}" if newer else "which was lost with a damaged file"
        raise Stale(f"your changes were begun on revision {self.base}; {since}: rebase or revert them")

    def rebased(self, revision: int, state: Tree, root: Option) -> Candidate:
        """The same changes on another revision; raises Stale naming what changed there too."""
        changes = list(single_changes(self.changes, root, with_defaults=False))
        clashes = [change.path for change in changes if look_up(state, change.path) not in (change.old, change.new)]
        if clashes:
            paths = ", ".join(map(format_path, clashes[:5]))
            raise Stale(f"changed in the meantime: {paths}: revert your changes, or undo those")
        return Candidate(self.author, revision, state, apply(state, changes), scopes_of(changes))


def _because(revision: Revision) -> str:
    return f" ({revision.reason})" if revision.reason else ""


def restored(draft: Draft, head: Revision, state: Tree, newer: Iterable[Revision]) -> Candidate | None:
    """A candidate as it was kept. `newer` are the revisions after its base, newest first.

    None for one that was committed by the very last thing a former cfgmgr did.
    """
    if draft.base != head.number and (head.author, head.changes) == (draft.author, draft.changes):
        return None
    before = state
    for revision in newer:
        before = apply(before, undoing(revision.changes))
    return Candidate(draft.author, draft.base, before, apply(before, draft.changes), scopes_of(draft.changes))


def undoing(changes: Iterable[Change]) -> list[Change]:
    """The changes that take others back."""
    return [Change(change.path, change.new, change.old) for change in reversed(list(changes))]


class Candidates:
    """Who has a candidate."""

    def __init__(self) -> None:
        self._by_author: dict[str, Candidate] = {}

    @property
    def authors(self) -> list[str]:
        """Who has one."""
        return sorted(self._by_author)

    def __iter__(self) -> Iterator[Candidate]:
        """All of them, by author."""
        return iter([self._by_author[author] for author in self.authors])

    def of(self, author: str) -> Candidate | None:
        """The author's candidate, if any."""
        return self._by_author.get(author)

    def require(self, author: str) -> Candidate:
        """The author's candidate; raises NoCandidate."""
        candidate = self.of(author)
        if candidate is None:
            raise NoCandidate(f"{author} has no uncommitted changes")
        return candidate

    def put(self, candidate: Candidate) -> None:
        """Hold a candidate."""
        self._by_author[candidate.author] = candidate

    def drop(self, author: str) -> None:
        """Hold the author's no more."""
        self._by_author.pop(author, None)

    def room_for(self, author: str) -> list[str]:
        """Whose candidates go, so that there is room for one more of this author: some change nothing. Raises NoRoom.

        Who is for some zones only, a token of a user (`user/token`), takes no place from others.
        """
        authors, idle = self.authors, list[str]()
        if len(authors) >= min(MAX_NARROWED, MAX_CANDIDATES):
            idle = [candidate.author for candidate in self if not candidate.changes]
            authors = [other for other in authors if other not in idle]
        user, slash, _ = author.partition("/")
        narrowed = [other for other in authors if "/" in other]
        of_user = [other for other in narrowed if other.startswith(f"{user}/")]
        if slash and len(of_user) >= MAX_NARROWED_EACH:
            raise NoRoom(f"{user} has {MAX_NARROWED_EACH} candidates by tokens for some zones already: {_REVERT}")
        if slash and len(narrowed) >= MAX_NARROWED:
            raise NoRoom(f"tokens for some zones have {MAX_NARROWED} candidates already: {_REVERT}")
        if len(authors) >= MAX_CANDIDATES:
            raise NoRoom(f"there are {MAX_CANDIDATES} candidates already: {_REVERT}")
        return idle
