"""Whether the running suite serves what was loaded: asked through its control socket, for a few seconds at most."""

from __future__ import annotations

import time
from pathlib import Path

from dns.name import Name

from cmdctl.api import Client, ZoneEntry
from cmdctl.errors import ClientError, DoorClosed, ErrorAnswer, NotPermitted, NotRunning
from loadzone.loading import text_of

# The servers see a change within a second even if the doorbell was not heard (docs/internals.md).
PATIENCE = 3.0  # s
INTERVAL = 0.1  # s between two questions
READY = "ready"
NOT_RUNNING = "the suite is not running"


def report(control_socket: Path, origin: Name, serial: int, *, patience: float = PATIENCE) -> str:
    """One sentence: who serves this serial of the zone, or why nobody does."""
    client = Client(control_socket, timeout=PATIENCE)
    deadline = time.monotonic() + patience
    while True:
        sentence, settled = _ask(client, text_of(origin), serial)
        if settled or time.monotonic() >= deadline:
            return sentence
        time.sleep(INTERVAL)


def _ask(client: Client, origin: str, serial: int) -> tuple[str, bool]:
    """The sentence for this moment, and whether waiting is of no use."""
    try:
        return _judge(client.zone_status(origin), serial)
    except NotRunning:
        return NOT_RUNNING, True
    except NotPermitted as error:
        return f"whether the suite serves it cannot be told: {error}", True
    except DoorClosed as error:
        return f"whether the suite serves it cannot be told: {error}", True
    except ErrorAnswer as error:
        if error.code == "not-found":
            return "the suite runs, but does not serve this zone because it is in none of its data sources", False
        return f"the suite runs, but cannot say whether it serves this zone: {error}", False
    except ClientError as error:
        return f"the suite runs, but does not answer: {error}", True


def _judge(entry: ZoneEntry, serial: int) -> tuple[str, bool]:
    served = entry["served"]
    current = [one for one in served if one["state"] == READY and one["serial"] == serial]
    if entry["state"] != READY:
        reason = entry["reason"] or f"it is {entry['state']}"
        return f"the suite runs, but does not serve this zone because {reason}", False
    if entry["serial"] != serial:
        reason = f"{entry['source']}, its first data source with it, has serial {entry['serial']}"
        return f"the suite runs, but does not serve this data because {reason}", False
    if not served:
        return "the suite runs, but does not serve this zone because no auth instance is running", False
    if len(current) == len(served):
        return f"served by {len(served)} auth instance{'' if len(served) == 1 else 's'}", True
    late = next(one for one in served if one not in current)
    reason = late["reason"] or f"it is {late['state']} there with serial {late['serial']}"
    return f"served by {len(current)} of {len(served)} auth instances, not by {late['instance']}: {reason}", False
