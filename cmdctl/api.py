"""The REST interface of cmdctl as its clients see it: the shapes of its answers, and a client. Standard library only.

    client = Client(directories.control_socket)
    client.zone_status("example.org")["served"]

The shapes are TypedDicts: what travels is JSON, and a reader ignores fields it does not know. Every error answer is
`{"error": {"code": ..., "message": ..., "details": [...]}}` and becomes an ErrorAnswer (cmdctl.errors has the tree).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast
from urllib.parse import quote, urlencode

from cmdctl.errors import BadAnswer, DoorClosed, ErrorAnswer, NoAnswer, NotPermitted, NotRunning
from daemonkit.paths import running_in

PREFIX = "/v1"
# What an answer waits for at most: a commit prepares every member within 5 s, and a check of a big zone takes its time.
DEFAULT_TIMEOUT = 60.0
# How long the door of a suite that runs may be closed: its cmdctl is back this long after it was restarted or died.
DOOR_PATIENCE = 2.0
DOOR_INTERVAL = 0.05  # s between two tries
# An answer that is no stream is a page of a list or one object; more than this is not ours.
MAX_ANSWER = 64 * 1024 * 1024
CHUNK = 64 * 1024


class Served(TypedDict):
    """What one auth instance says about one zone."""

    instance: str  # "auth/0"
    state: str  # "ready", or why not: "empty", "broken", "absent", "unavailable" (auth.api); "unreachable"
    serial: int | None
    reason: str
    by: NotRequired[str]  # who answers: "image", "authworker", or "auth" where there is no worker


class ZoneEntry(TypedDict):
    """One zone of a data source."""

    origin: str  # without the final dot, as in the configuration; the root is "."
    source: str  # name of the data source
    writable: bool
    version: int
    serial: int | None
    records: int
    state: str
    reason: str
    served: list[Served]
    image: NotRequired[str]  # of one that is shown alone: what the images have of it


class SourceProblem(TypedDict):
    """A data source that cannot be read now."""

    source: str
    reason: str


class SourceFault(TypedDict):
    """What an auth instance, or memmgr, finds wrong with a data source, as `status` tells."""

    instance: str
    source: str
    failure: str  # empty: it can be answered from
    new: bool  # it fails because there is no store yet, and so no zone
    problems: list[str]  # what is wrong without stopping it, as far as it is told
    count: NotRequired[int]  # of all those


class ZonePage(TypedDict):
    """A page of the zone list; `next` is the `after` of the next page, None at the end."""

    zones: list[ZoneEntry]
    next: str | None
    problems: list[SourceProblem]


class ZoneNames(TypedDict):
    """Names of zones that begin as asked, in canonical order."""

    names: list[str]
    more: bool


class Finding(TypedDict):
    """One finding of a zone check."""

    severity: str  # "error" or "warning"
    code: str
    place: str
    text: str


class ZoneCheck(TypedDict):
    """The outcome of `zone check`."""

    origin: str
    serial: int | None
    errors: int
    warnings: int
    findings: list[Finding]
    left_out: dict[str, int]  # by code: findings that are only counted


class ZoneChange(TypedDict):
    """A transaction on a zone."""

    id: int  # of all transactions of the data source
    version: int
    serial: int | None  # null: the zone had no data then
    time: float  # POSIX seconds
    author: str
    by: str  # the way it came: loadzone, rest, ...
    reason: str
    deleted: bool


class ZoneHistory(TypedDict):
    """What changed a zone, the newest first, as far back as its data source keeps it."""

    origin: str
    source: str
    changes: list[ZoneChange]
    more: bool  # ask for those before the last id


class ReloadedInstance(TypedDict):
    """How a reload went in one auth instance."""

    instance: str
    error: str  # empty: done
    serial: int | None  # what it serves now, where a zone was named


class Reloaded(TypedDict):
    """The outcome of `zone reload`; `origin` is None for all zones."""

    origin: str | None
    instances: list[ReloadedInstance]
    problems: NotRequired[list[str]]  # zone files that cannot be used: of the zone named, or the first of all
    left_out: NotRequired[int]  # how many there are besides


class ErrorDetail(TypedDict):
    """Where in a request or configuration something is wrong, and why."""

    path: str
    reason: str
    place: NotRequired[str]


class Whoami(TypedDict):
    """On whose behalf a request is made."""

    author: str
    role: str
    token: str  # its id; empty: none
    zones: list[str] | None  # None: all


class UserEntry(TypedDict):
    """A user of REST."""

    name: str
    role: str
    created: float  # POSIX seconds
    has_password: bool


class UserList(TypedDict):
    """All users."""

    users: list[UserEntry]


class TokenEntry(TypedDict):
    """What may be told of a token."""

    id: str
    user: str
    role: str
    zones: list[str] | None  # None: all
    label: str
    created: float  # POSIX seconds
    expires: float | None


class TokenList(TypedDict):
    """Tokens, oldest first."""

    tokens: list[TokenEntry]


class NewToken(TokenEntry):
    """A token just made; its text is never told again."""

    token: str


class AuditEntry(TypedDict):
    """A change or a refusal."""

    id: int
    time: float  # POSIX seconds
    request: str  # id, as in the answer's X-Request-Id
    author: str
    origin: str
    token: str
    method: str
    path: str
    status: int  # of HTTP; 0 while the outcome is not known
    text: str  # why not
    revision: int | None  # of the configuration, that came of it
    changed: list[str]  # the names of what was changed, at most 50; no values
    changes: int  # how many there are


class AuditPage(TypedDict):
    """Entries, newest first."""

    entries: list[AuditEntry]


class LogText(TypedDict):
    """A message as it was logged; control characters are escaped."""

    time: float  # POSIX seconds
    severity: str
    who: str  # component/instance
    pid: int
    ended: bool  # the process is not there any more
    id: str  # of the message; empty: a library said it
    text: str
    traceback: list[str]
    revision: int  # of the configuration; 0: the process had none yet


class SilentMember(TypedDict):
    """A process whose lines are not there, or a file that cannot be read, and why."""

    member: str
    reason: str


class LogPage(TypedDict):
    """Lines of the log, oldest first."""

    lines: list[LogText]
    next: str  # what `after` takes for the lines behind these
    missed: int  # lines since `after` that are not there any more, or more than `limit`
    silent: list[SilentMember]


class RestState(TypedDict, total=False):
    """How the door on TCP is."""

    endpoint: str
    state: str  # "open", "off" or "failing"
    reason: str


class ListenerState(TypedDict):
    """How the listener for metrics is."""

    endpoint: str  # ADDR@PORT or "off"
    state: str  # "open", "off", "failing"; "unknown": stats does not answer
    reason: str


class ImagesState(TypedDict):
    """How the images of zones are."""

    state: str  # "starting", "ready"; "none": memmgr does not answer
    reason: str
    zones: NotRequired[int]
    slots: NotRequired[int]  # files
    octets: NotRequired[int]
    waiting: NotRequired[int]  # zones that wait to be built, or are being built
    published: NotRequired[float | None]  # POSIX seconds
    failures: NotRequired[list[str]]  # zones that cannot be built
    doubt: NotRequired[str]  # why names of no zone are not refused from images; empty: they are
    age: NotRequired[float | None]  # seconds since it was so, where memmgr waits or has much to do; None: it is so now


class ErrorBody(TypedDict):
    """What went wrong."""

    code: str
    message: str
    details: NotRequired[list[ErrorDetail]]


class ErrorDocument(TypedDict):
    """Every error answer."""

    error: ErrorBody


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX stream socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Client:
    """Requests to one suite through its control socket; one connection each. Blocking.

    Raises NotRunning, DoorClosed, NotPermitted, NoAnswer, BadAnswer or ErrorAnswer.
    """

    def __init__(self, path: Path, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.path = path
        self.timeout = timeout
        self.headers: dict[str, str] = {}  # sent with every request

    @property
    def where(self) -> str:
        """What it talks to, for people."""
        return str(self.path.parent)

    def get(self, *segments: str, query: Mapping[str, Any] | None = None) -> Any:
        """The decoded answer to GET /v1/<segments>."""
        return self.request("GET", *segments, query=query)

    def post(self, *segments: str, body: Any = None) -> Any:
        """The decoded answer to POST /v1/<segments>."""
        return self.request("POST", *segments, body={} if body is None else body)

    def request(
        self,
        method: str,
        *segments: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float | None = None,
    ) -> Any:
        """Send one request and decode its JSON answer."""
        with self._exchange(method, segments, query, body, timeout) as response:
            return _decode(_read(response))

    def stream(self, *segments: str, query: Mapping[str, Any] | None = None) -> Iterator[bytes]:
        """The body of a GET in pieces, as it comes. Raises NoAnswer where the body ends too early."""
        with self._exchange("GET", segments, query, None, None) as response:
            while chunk := response.read(CHUNK):
                yield chunk

    def zone_status(self, origin: str) -> ZoneEntry:
        """A zone of the data sources and how the auth instances serve it; ErrorAnswer `not-found` if there is none."""
        return cast("ZoneEntry", self.get("zones", origin))

    @contextlib.contextmanager
    def _exchange(
        self, method: str, segments: tuple[str, ...], query: Mapping[str, Any] | None, body: Any, timeout: float | None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = self._connection(self.timeout if timeout is None else timeout)
        try:
            self._connect(connection)
            with _broken_means_no_answer():
                response = _send(connection, method, _target(segments, query), body, self.headers)
                if response.status >= http.client.BAD_REQUEST:
                    raise _error_answer(response.status, _read(response))
                yield response
        finally:
            connection.close()

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        """A connection that is not open yet."""
        return _UnixConnection(self.path, timeout)

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        """Connect; where the suite runs, its door may be closed for a moment."""
        deadline = time.monotonic() + DOOR_PATIENCE
        while True:
            try:
                return _connect(connection, self.path)
            except NotRunning as error:
                process = running_in(self.path.parent)
                if process is None:
                    raise
                if time.monotonic() >= deadline:
                    text = f"the suite runs (process {process}), but its door {self.path} does not answer"
                    raise DoorClosed(text) from error
            connection.close()
            time.sleep(DOOR_INTERVAL)


def _target(segments: tuple[str, ...], query: Mapping[str, Any] | None) -> str:
    path = "/".join((PREFIX, *(quote(segment, safe="") for segment in segments)))
    given = {key: value for key, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _connect(connection: http.client.HTTPConnection, path: Path) -> None:
    try:
        connection.connect()
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
        raise NotRunning(f"no suite answers at {path}") from error
    except PermissionError as error:
        raise NotPermitted(f"this user may not open {path}") from error
    except TimeoutError as error:
        raise NoAnswer(f"{path} does not accept connections") from error
    except OSError as error:
        raise NotRunning(f"cannot connect to {path}: {error.strerror or error}") from error


def _send(
    connection: http.client.HTTPConnection, method: str, target: str, body: Any, more_headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    headers = {"Accept": "application/json", "Connection": "close", **more_headers}
    data = None
    if body is not None:
        data = json.dumps(body, ensure_ascii=False).encode()
        headers["Content-Type"] = "application/json"
    # A server that refuses early closes without reading the body: its answer says more than the broken pipe.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, target, body=data, headers=headers)
    return connection.getresponse()


@contextlib.contextmanager
def _broken_means_no_answer() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise NoAnswer("no answer in time; the outcome is unknown") from error
    except http.client.IncompleteRead as error:
        raise NoAnswer("the answer broke off") from error
    except (ConnectionError, http.client.RemoteDisconnected) as error:
        raise NoAnswer("the connection broke before the answer came; the outcome is unknown") from error
    except http.client.HTTPException as error:
        raise BadAnswer(f"the answer is not HTTP as cmdctl speaks it: {error!r}") from error


def _read(response: http.client.HTTPResponse) -> bytes:
    data = response.read(MAX_ANSWER + 1)
    if len(data) > MAX_ANSWER:
        raise BadAnswer(f"the answer is longer than {MAX_ANSWER} bytes")
    if response.length:  # read(amount) does not tell that the body broke off
        raise NoAnswer("the answer broke off")
    return data


def _decode(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"the answer is not JSON: {data[:80]!r}") from error


def _error_answer(status: int, data: bytes) -> ErrorAnswer:
    document = _decode(data)
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        raise BadAnswer(f"status {status} without an error object: {data[:80]!r}")
    return ErrorAnswer(error["code"], str(error.get("message", "")), list(error.get("details", [])))
