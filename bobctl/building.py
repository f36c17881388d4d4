"""Until images are built: what `--wait` behind a reload or a rebuild waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bobctl import waiting
from bobctl.errors import CommandError
from bobctl.suite import Suite

PAGE = 1000  # zones asked for at once; memmgr gives no more
AGAIN = "memmgr does not tell yet: it waits for a data source, or has much to do"


def has_images(suite: Suite) -> bool:
    """Whether there is a memmgr; without one everything is answered from the data sources."""
    return bool(suite.client.get("modules", "memmgr")["members"])


def failures(suite: Suite) -> dict[str, str]:
    """All zones whose images cannot be built, and why."""
    return dict(_failures(suite))


def wait_for_zone(suite: Suite, origin: str, seconds: float) -> None:
    """Until the image of a zone is built; raises CommandError where it cannot be. A token for that zone may ask."""

    def look() -> str:
        found = _ask(suite, "build_status", origin=origin)
        if found["waiting"]:
            return f"{origin} is to be built"
        if found["failure"]:
            raise CommandError("failed", f"the image of {origin} cannot be built: {found['failure']}")
        return ""

    waiting.until(look, seconds)


def wait_for_all(suite: Suite, counts: Callable[[str], bool], seconds: float) -> None:
    """Until no zone waits for its image; raises CommandError where some that count (by origin) cannot be built."""

    def look() -> str:
        found = _ask(suite, "status")
        if found.get("age") is not None:  # what it tells is how it was before, perhaps before the order
            return AGAIN
        left = found["waiting"] + found["building"]
        if left:
            return f"{left} zone{'s' * (left > 1)} to be built"
        failed = [(origin, reason) for origin, reason in _failures(suite) if counts(origin)]
        if failed:
            (first, reason), more = failed[0], len(failed) - 1
            text = f"the image of {first} cannot be built: {reason}"
            raise CommandError("failed", f"{text} (and {more} more)" if more else text)
        return ""

    waiting.until(look, seconds)


def _failures(suite: Suite) -> Iterator[tuple[str, str]]:
    after: str | None = None
    while True:
        page = _ask(suite, "failures", limit=PAGE, **({} if after is None else {"after": after}))
        for one in page["zones"]:
            yield one["origin"], one["reason"]
        if not page["more"]:
            return
        after = page["zones"][-1]["origin"]


def _ask(suite: Suite, command: str, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = suite.client.post("call", "memmgr", command, body={"arguments": arguments})
    return found
