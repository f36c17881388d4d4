"""What is in effect at a start: the store's newest good revision, or the seed where there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cfgmgr.answers import rfc3339
from cfgmgr.current import Current, Rules
from cfgmgr.errors import ArgumentError
from cfgmgr.seed import read_seed
from cfgmgr.store import Damage, Revision, Store, Suffered
from cfgmgr.tree import Tree, differences
from daemonkit.document import DocumentError
from daemonkit.errors import Rejected
from daemonkit.findings import Finding
from daemonkit.log import MessageLog

SEED_AUTHOR = "bob"


class DamageReporter:
    """Writes each damage to the log once."""

    def __init__(self, log: MessageLog) -> None:
        self._log = log
        self._told: set[Damage] = set()

    def tell(self, store: Store) -> None:
        """Report what was not reported yet."""
        revision = store.head.number if store.head else 0
        for damage in store.damage:
            if damage not in self._told:
                self._told.add(damage)
                self._tell(damage, revision)

    def _tell(self, damage: Damage, revision: int) -> None:
        file, reason, kept = damage.file, damage.reason, damage.kept
        match damage.suffered:
            case Suffered.STATE:
                self._log.error("CFGMGR_STORE_DAMAGED", file=file, reason=reason, kept=kept, revision=revision)
            case Suffered.HISTORY:
                self._log.error("CFGMGR_HISTORY_DAMAGED", file=file, reason=reason, kept=kept)
            case Suffered.CANDIDATE:
                self._log.error("CFGMGR_CANDIDATE_DAMAGED", file=file, reason=reason, kept=kept)


def open_current(store: Store, rules: Rules, seed: Path | None, log: MessageLog, reporter: DamageReporter) -> Current:
    """Bring up the newest revision. Raises Rejected for a seed or a command line that cannot be, StoreError."""
    reporter.tell(store)
    if store.head is None:
        _begin(store, rules, seed, log)
    head = store.head
    assert head is not None
    stored = rules.validate(store.state)
    for finding in stored.findings.errors:
        log.error("CFGMGR_PROBLEM", finding=finding)
    try:
        running = rules.running(stored)
    except ArgumentError as error:
        raise Rejected("bob", str(error)) from error
    _require_overlay(rules, stored.findings.errors, running.findings.errors)
    for finding in running.findings.warnings:
        log.warning("CFGMGR_WARNING", finding=finding)
    log.info("CFGMGR_STARTED", revision=head.number, time=rfc3339(head), author=head.author)
    exact = not stored.findings.errors and stored.values == store.state
    return Current.of(head.number, stored.values if exact else store.state, stored, running, rules.substitute)


def _require_overlay(rules: Rules, before: list[Finding], after: list[Finding]) -> None:
    """The command line must not break what is right without it."""
    caused = [finding for finding in after if finding not in before]
    if rules.overlay and caused:
        raise Rejected("bob", f"on the command line: {caused[0]}")


def _begin(store: Store, rules: Rules, seed: Path | None, log: MessageLog) -> None:
    """Write the first revision: what the seed says, or nothing but defaults."""
    state: Tree = {} if seed is None else _seeded(seed, rules, log)
    source = "the built-in defaults" if seed is None else str(seed)
    number = store.next_number
    reason = f"first start, from {source}" if number == 1 else f"no earlier revision is usable; from {source}"
    changes = tuple(differences({}, state))
    store.append(Revision(number, datetime.now(UTC), SEED_AUTHOR, reason, changes), state)
    log.info("CFGMGR_SEEDED", revision=number, source=source)


def _seeded(path: Path, rules: Rules, log: MessageLog) -> Tree:
    try:
        seed = read_seed(path, rules)
    except DocumentError as error:
        log.error("CFGMGR_SEED_REFUSED", finding=error)
        raise Rejected(str(path), error.reason) from error
    errors = seed.lines(seed.validated.findings.errors)
    for line in errors:
        log.error("CFGMGR_SEED_REFUSED", finding=line)
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise Rejected("configuration", f"{errors[0]}{more}")
    return seed.validated.values
