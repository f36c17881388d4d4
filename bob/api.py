"""The bus messages of bob: how the suite is, and what to do with its components (docs/internals.md section 3).

A component is named as in the configuration (`auth`), one instance of it as `auth/0`; the spare is `auth/spare`.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from daemonkit.api import Nothing


class InstanceStatus(msgspec.Struct, frozen=True):
    """One process of the suite, or the place of one."""

    component: str
    instance: str  # "0", "1", ... or "spare"
    state: str  # bob.states.State
    since: float  # when it came into this state; seconds since 1970
    kind: str  # bob.states.Kind
    pid: int | None
    revision: int  # of the configuration, as its last heart-beat said
    progress: str  # what a starting process says it is doing
    restarts: int  # since bob started, after failures; what ended as planned does not count
    last_exit: str  # how the process before ended; empty: none has, or as planned and the next one is there
    descriptors: int  # listening sockets of this place
    waits_for: tuple[str, ...]  # components it needs that are not ready; if stale: instances that do not come up
    next_attempt: float | None  # when a process that failed is started again, given up or not; seconds since 1970
    stale: bool  # runs with an older definition or configuration and is about to be renewed


class SystemStatus(msgspec.Struct, frozen=True):
    """The suite."""

    version: str
    pid: int
    user: str
    state: str  # "starting", "running", "stopping"
    started: float  # seconds since 1970
    state_dir: str
    run_dir: str
    revision: int  # of the configuration that bob runs on
    listen: tuple[str, ...]
    components: tuple[InstanceStatus, ...]
    disabled: tuple[str, ...]
    answering: bool = True  # whether any instance that has the sockets of `listen` runs


class Status(msgspec.Struct, frozen=True):
    """How is the suite?"""

    module: ClassVar[str] = "bob"
    command: ClassVar[str] = "status"
    reply: ClassVar[type[SystemStatus]] = SystemStatus
    changes: ClassVar[bool] = False


class Start(msgspec.Struct, frozen=True):
    """Start a component or an instance; one that was given up gets a new chance."""

    module: ClassVar[str] = "bob"
    command: ClassVar[str] = "start"
    reply: ClassVar[type[Nothing]] = Nothing

    component: str


class Stop(msgspec.Struct, frozen=True):
    """Stop a component or an instance until it is started again, or bob is."""

    module: ClassVar[str] = "bob"
    command: ClassVar[str] = "stop"
    reply: ClassVar[type[Nothing]] = Nothing

    component: str


class Restart(msgspec.Struct, frozen=True):
    """Restart an instance now, or all processes of a component one after the other."""

    module: ClassVar[str] = "bob"
    command: ClassVar[str] = "restart"
    reply: ClassVar[type[Nothing]] = Nothing

    component: str


class Clear(msgspec.Struct, frozen=True):
    """Forget past failures: what was given up, or waits for its next attempt, is started at once."""

    module: ClassVar[str] = "bob"
    command: ClassVar[str] = "clear"
    reply: ClassVar[type[Nothing]] = Nothing

    component: str


class Shutdown(msgspec.Struct, frozen=True):
    """Stop the whole suite."""

    module: ClassVar[str] = "bob"
    command: ClassVar[str] = "shutdown"
    reply: ClassVar[type[Nothing]] = Nothing


class ComponentChanged(msgspec.Struct, frozen=True):
    """Event `components`: an instance came into another state."""

    topic: ClassVar[str] = "components"

    component: str
    instance: str
    state: str
    pid: int | None
    reason: str  # how its process ended, where one did
