"""Whether the running suite serves what was loaded: asked through its control socket, for a few seconds at most."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from dns.name import Name

from cmdctl.api import Client, ZoneEntry, ZonePage
from cmdctl.errors import ClientError, DoorClosed, ErrorAnswer, NotPermitted, NotRunning
from loadzone.loading import text_of

# The servers see a change within a second even if the doorbell was not heard (docs/internals.md).
PATIENCE = 3.0  # s
INTERVAL = 0.1  # s between two questions
READY = "ready"
PAGE = 1000  # zones asked for at once; cmdctl gives no more
NOT_RUNNING = "no suite is running now"


def report(control_socket: Path, origin: Name, serial: int, *, patience: float = PATIENCE) -> str:
    """One sentence: who serves this serial of the zone, or why nobody does."""
    return _report(control_socket, lambda client: _judge(client.zone_status(text_of(origin)), serial), patience)


def report_many(control_socket: Path, serials: Iterable[tuple[Name, int]], *, patience: float = PATIENCE) -> str:
    """One sentence: how many of these zones are served with these serials."""
    wanted = {text_of(origin).lower(): serial for origin, serial in serials}
    return _report(control_socket, lambda client: _tally(client, wanted), patience)


def _report(control_socket: Path, question: Callable[[Client], tuple[str, bool]], patience: float) -> str:
    """The sentence when waiting is of no more use, or there was enough of it."""
    client = Client(control_socket, timeout=PATIENCE)
    deadline = time.monotonic() + patience
    while True:
        sentence, settled = _ask(client, question)
        if settled or time.monotonic() >= deadline:
            return sentence
        time.sleep(INTERVAL)


def _ask(client: Client, question: Callable[[Client], tuple[str, bool]]) -> tuple[str, bool]:
    """The sentence for this moment, and whether waiting is of no use."""
    try:
        return question(client)
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


def _tally(client: Client, wanted: Mapping[str, int]) -> tuple[str, bool]:
    members: set[str] = set()
    served = 0
    for entry in _entries(client):
        if entry["origin"] in wanted:
            members.update(one["instance"] for one in entry["served"])
            served += _served_everywhere(entry, wanted[entry["origin"]])
    if not members:
        return "the suite runs, but no auth instance is running, or none of these zones is in its data sources", False
    whom = f"{len(members)} auth instance{'' if len(members) == 1 else 's'}"
    done = served == len(wanted)
    more = "" if done else "; `bobctl zone list` shows which are not"
    return f"served by {whom}: {served} of {len(wanted)} zones{more}", done


def _entries(client: Client) -> Iterator[ZoneEntry]:
    after: str | None = None
    while True:
        page: ZonePage = client.get("zones", query={"after": after, "limit": PAGE})
        yield from page["zones"]
        after = page["next"]
        if after is None:
            return


def _served_everywhere(entry: ZoneEntry, serial: int) -> bool:
    served = entry["served"]
    return (
        entry["state"] == READY
        and bool(served)
        and all(one["state"] == READY and one["serial"] == serial for one in served)
    )


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
