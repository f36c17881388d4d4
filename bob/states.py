"""The states of a component instance, and the sets of them that matter.

STOPPED --wanted--> WAITING --spawned--> STARTING --ready--> RUNNING
                       ^                    |                   |
                       |                  died                died, hung
                       |                    v                   v
                       +----at once------ (failure) <-----------+
                       +----due-- BACKOFF <-+
                       +----due-- GIVEN_UP <+   (what is needed; else until the operator says start, restart or clear)

STARTING, RUNNING --told to stop, or killed--> STOPPING --gone--> STOPPED, WAITING or a failure
"""

from __future__ import annotations

import enum


class State(enum.Enum):
    """Where an instance stands. The values are what operators read."""

    STOPPED = "stopped"  # nobody wants it to run
    WAITING = "waiting"  # wanted; what it needs is not ready, or it is about to be spawned
    STARTING = "starting"  # the process exists and is not ready
    RUNNING = "running"  # ready
    STOPPING = "stopping"  # told to stop or killed, and not gone yet
    BACKOFF = "backing-off"  # failed; the next attempt has its time
    GIVEN_UP = "given-up"  # failed too often; the next attempt, if there is any, is far


class Kind(enum.Enum):
    """What the failure of a component means (design section 3)."""

    CORE = "core"  # its loss ends the system
    NEEDED = "needed"  # its failure to come up with the system ends the system; later it is restarted
    DISPENSABLE = "dispensable"  # always restarted


ALIVE = frozenset({State.STARTING, State.RUNNING, State.STOPPING})  # there is a process
VACANT = frozenset({State.WAITING, State.BACKOFF})  # wanted, and there is no process: a spare may take the place
SETTLED = frozenset({State.RUNNING, State.STOPPED, State.GIVEN_UP})  # nothing will happen by itself
