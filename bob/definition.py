"""What a component is: the part of the configuration and of its spec that bob acts on. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bob.states import Kind

# A place whose restart is further away than this swallows its share of the queries: others shall have it.
ORPHAN_PATIENCE = 1.0  # seconds
HANG_TIMEOUT = 3.0  # seconds without a heart-beat (design section 3); they come every second
GIVE_UP_AFTER = 10  # failures within RestartPolicy.window


@dataclass(frozen=True, slots=True)
class Limits:
    """Resource limits of a process (setrlimit(2)); None leaves what bob has."""

    open_files: int | None = None
    memory: int | None = None  # bytes of address space
    processes: int | None = None
    core: int | None = None  # bytes of a core file


@dataclass(frozen=True, slots=True)
class Definition:
    """One component, complete."""

    name: str
    program: str  # a package of ours, or the path of a foreign program
    foreign: bool = False
    spec: Path | None = None  # only of a foreign program
    kind: Kind = Kind.DISPENSABLE
    needs: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    instances: int = 1
    spare: bool = False
    sockets: bool = False  # it is given the sockets of `listen`
    priority: int = 0  # higher starts earlier among those that need the same
    nice: int = 0
    limits: Limits = field(default_factory=Limits)
    hang_timeout: float = HANG_TIMEOUT
    give_up_after: int = GIVE_UP_AFTER
    enabled: bool = True
    builtin: bool = False  # sockcreator, msgq, cfgmgr: there before any configuration, stopped last, restarted

    @property
    def process_facts(self) -> tuple[object, ...]:
        """What a running process cannot be told: a change of it means a restart."""
        return self.program, self.foreign, self.spec, self.arguments, self.nice, self.limits


SOCKCREATOR = "sockcreator"
MSGQ = "msgq"
CFGMGR = "cfgmgr"
CMDCTL = "cmdctl"  # the door: without it no operator could give an order

# In the order of their start; they stop in the reverse order, after all others.
BUILTIN = (
    Definition(name=SOCKCREATOR, program=SOCKCREATOR, kind=Kind.CORE, priority=200, builtin=True),
    Definition(name=MSGQ, program=MSGQ, kind=Kind.CORE, priority=199, builtin=True),
    Definition(name=CFGMGR, program=CFGMGR, kind=Kind.CORE, needs=(MSGQ,), priority=198, builtin=True),
)


def built_in(creator_places: Sequence[str], cfgmgr_arguments: Sequence[str]) -> dict[str, Definition]:
    """The components that are there before any configuration; `creator_places` is what sockcreator may bind."""
    built = {definition.name: definition for definition in BUILTIN}
    built[SOCKCREATOR] = replace(built[SOCKCREATOR], arguments=tuple(creator_places))
    built[CFGMGR] = replace(built[CFGMGR], arguments=tuple(cfgmgr_arguments))
    return built
