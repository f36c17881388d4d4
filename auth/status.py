"""How zones are answered for, and what cookies are made with, as told on the bus."""

from __future__ import annotations

import dns.exception
import dns.name
from dns.name import Name

from auth.api import ABSENT, UNAVAILABLE, CookiesServed, ZoneServed
from auth.cookie_secrets import CookieSecrets
from auth.engine import Serving
from auth.settings import RateLimitSettings
from auth.zones import LISTED_ONLY, ZoneTable
from datasrc.errors import DataSourceError
from datasrc.records import ZoneState
from datasrc.source import Snapshot
from msgq.errors import Refused

IMAGE = "image"  # who answers: the compiled loops


def zones_served(serving: Serving, origins: list[str], by: str) -> tuple[ZoneServed, ...]:
    """How each of these zones is answered for by this process. Blocks. Raises Refused for what is no name."""
    names = [zone_name(origin) for origin in origins]
    with serving.data.snapshot() as snapshot:
        return tuple(
            _zone_served(snapshot, serving.zones, name, origin, by) for name, origin in zip(names, origins, strict=True)
        )


def _zone_served(snapshot: Snapshot, table: ZoneTable, name: Name, origin: str, by: str) -> ZoneServed:
    try:
        finder = snapshot.zone(name)
    except DataSourceError as error:
        return ZoneServed(origin, UNAVAILABLE, reason=str(error))
    if finder is None:
        listed = table.is_listed(name)
        return ZoneServed(
            origin,
            ZoneState.EMPTY.value if listed else ABSENT,
            reason=LISTED_ONLY if listed else "no data source has it",
        )
    info = finder.info
    return ZoneServed(origin, info.state.value, info.serial, info.version, info.reason, by)


def served_from_image(origin: str, image: tuple[int, int] | None) -> ZoneServed | None:
    """How a zone is answered that has an image of this serial and version; the data source may be ahead, or fail."""
    return None if image is None else ZoneServed(origin, ZoneState.READY.value, *image, by=IMAGE)


def zone_name(origin: str) -> Name:
    """The name of a zone that was asked for. Raises Refused."""
    try:
        return dns.name.from_text(origin)
    except dns.exception.DNSException as error:
        raise Refused("usage", f"{origin!r} is not a zone: {error}") from error


def rate_limit_state(settings: RateLimitSettings) -> str:
    """Whether responses are limited."""
    if not settings.enabled:
        return "off"
    return "log only" if settings.log_only else "on"


def cookies_served(secrets: CookieSecrets | None, now: int) -> CookiesServed:
    """What cookies are made with; `now` in POSIX seconds."""
    if secrets is None:
        return CookiesServed("off")
    accepted, _, _ = secrets.at(now)
    kind = "files" if secrets.fixed else "passing" if secrets.is_passing else "own"
    return CookiesServed(kind, len(accepted), secrets.next_rollover(now))
