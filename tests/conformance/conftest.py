"""The servers under test, started once a session."""

from __future__ import annotations

import functools
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import datasrc
from tests.conformance import loading, zonefiles
from tests.conformance.leaving import Rules, find_unexplained
from tests.conformance.loading import Loaded, Reloaded
from tests.conformance.servers import (
    HASTY,
    LIMITING,
    LISTED,
    REQUIRING,
    TALKATIVE,
    configured_keys,
    damage,
    foreign_subject,
)
from tests.kit.cookies import OLD_SECRET, SECRET
from tests.kit.dnsclient import Subject
from tests.kit.interpreted import is_interpreting
from tests.kit.launch_auth import LOOPBACK, AuthProcess, ImageKeeper

ROOT_ZONES = Path(__file__).parent / "zones-root"


@dataclass(frozen=True)
class Data:
    """The database of all servers but the one of the root, and what loadzone said when it filled it."""

    url: str
    path: Path
    zones: str
    first: str
    second: str


@pytest.fixture(scope="session")
def launched() -> Iterator[ExitStack]:
    """Stops every server at the end; one that complained fails the run."""
    with ExitStack() as stack:
        yield stack


def load(url: str, directory: Path, *, status: int) -> str:
    """Load a directory of zones with the real loadzone; what it said."""
    done = loading.run_loadzone(url, "--all", str(directory))
    words = done.stdout + done.stderr
    assert done.returncode == status, words
    assert "Traceback" not in words, words
    return words


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Everything the servers serve."""
    if foreign_subject() is not None:
        pytest.skip("another server is under test: loading and configuration are not ours")
    directory = tmp_path_factory.mktemp("conformance")
    path = directory / "zones.sqlite"
    url = f"sqlite:///{path}"
    zonefiles.write(directory / "zones")
    zones = load(url, directory / "zones", status=0)
    first = load(url, loading.write(directory / "cases", loading.CASES), status=1)
    second = load(url, loading.write(directory / "next", loading.NEXT), status=1)
    damage(path)
    return Data(url, path, zones, first, second)


# By whom queries are answered: by the plain implementation, which has no images, or by the compiled loops from images.
PLAIN, IMAGES = "plain", "images"
FORMS = (PLAIN,) if foreign_subject() is not None else (IMAGES,) if is_interpreting() else (PLAIN, IMAGES)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    """Each test that asks a server of ours asks both."""
    return str(request.param)


class Servers:
    """Servers over one database, each started when it is first asked for, and the images that half of them have."""

    def __init__(self, stack: ExitStack, url: str, images: Path) -> None:
        self._stack = stack
        self._url = url
        self._images = images
        self._started: dict[tuple[str, str], AuthProcess] = {}
        self.source = stack.enter_context(closing(datasrc.open(url, read_only=True)))

    def get(self, name: str, form: str, *, listen: tuple[str, ...] = ("127.0.0.1",), **config: Any) -> AuthProcess:
        """The server of this name, which always has this configuration."""
        if (name, form) not in self._started:
            images = self._kept if form == IMAGES else None
            process = AuthProcess(self._url, listen=listen, images=images, **config)
            self._stack.callback(process.stop)
            self._started[name, form] = process
        return self._started[name, form]

    @functools.cached_property
    def _kept(self) -> Path:
        keeper = ImageKeeper(self._url, self._images, LISTED)
        self._stack.callback(keeper.stop)
        return self._images


@pytest.fixture(scope="session")
def servers(data: Data, launched: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> Servers:
    """All but those of the root."""
    return Servers(launched, data.url, tmp_path_factory.mktemp("images"))


@contextmanager
def watched(servers: Servers, process: AuthProcess) -> Iterator[AuthProcess]:
    """A server for one test: with images, its loops must answer whatever images are to answer."""
    if not process.has_images:
        yield process
        return
    process.left()
    yield process
    with servers.source.snapshot() as snapshot:
        unexplained = find_unexplained(snapshot, process.left(), Rules.of(process))
    assert not unexplained, f"left by the loops: {[one.message.hex() for one in unexplained]}"


@pytest.fixture
def default_process(servers: Servers, form: str) -> Iterator[AuthProcess]:
    """The server with the defaults."""
    process = servers.get("default", form, listen=local_addresses(), zones=LISTED, keys=configured_keys())
    with watched(servers, process):
        yield process


@pytest.fixture
def subject(request: pytest.FixtureRequest, form: str) -> Subject:
    """The server under test."""
    foreign = foreign_subject()
    if foreign is not None:
        return foreign
    process: AuthProcess = request.getfixturevalue("default_process")
    return process.subject


@pytest.fixture
def managed(default_process: AuthProcess) -> Subject:
    """The server with the defaults, for what only our launcher can arrange: damaged zones, ACLs."""
    return default_process.subject


@pytest.fixture
def talkative(servers: Servers, form: str) -> Iterator[Subject]:
    """A server that says all it can."""
    with watched(servers, servers.get("talkative", form, zones=LISTED, settings=TALKATIVE)) as process:
        yield process.subject


@pytest.fixture
def hasty(servers: Servers, form: str) -> Iterator[Subject]:
    """A server with short time-outs and few connections."""
    with watched(servers, servers.get("hasty", form, settings={"tcp": HASTY})) as process:
        yield process.subject


@pytest.fixture
def requiring_process(servers: Servers, form: str) -> Iterator[AuthProcess]:
    """A server that requires cookies, whose secret has rolled over."""
    secrets = [SECRET.hex(), OLD_SECRET.hex()]
    process = servers.get("requiring", form, listen=local_addresses(), settings=REQUIRING, cookie_secrets=secrets)
    with watched(servers, process):
        yield process


@pytest.fixture
def requiring(requiring_process: AuthProcess) -> Subject:
    """The same, for those who only ask."""
    return requiring_process.subject


@pytest.fixture
def limiting(servers: Servers, form: str) -> Iterator[Subject]:
    """A server that limits the rate of responses."""
    process = servers.get("limiting", form, settings=LIMITING, cookie_secrets=[SECRET.hex()])
    with watched(servers, process):
        yield process.subject


@pytest.fixture
def everywhere(servers: Servers, form: str) -> Iterator[Subject]:
    """A server on wildcard sockets."""
    with watched(servers, servers.get("everywhere", form, listen=local_addresses("0.0.0.0", "::"))) as process:
        yield process.subject


@pytest.fixture(scope="session")
def root_servers(data: Data, launched: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> Servers:
    """Servers of the root zone."""
    directory = tmp_path_factory.mktemp("root")
    url = f"sqlite:///{directory / 'zones.sqlite'}"
    done = loading.run_loadzone(url, ".", str(ROOT_ZONES / "root.zone"))
    assert done.returncode == 0, done.stderr
    load(url, ROOT_ZONES / "below", status=0)
    return Servers(launched, url, tmp_path_factory.mktemp("root-images"))


@pytest.fixture
def root_subject(root_servers: Servers, form: str) -> Iterator[Subject]:
    """A server of the root zone."""
    with watched(root_servers, root_servers.get("root", form)) as process:
        yield process.subject


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for exports of zones."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture
def loaded(data: Data, subject: Subject, scratch: Path) -> Loaded:
    """The first round of loading."""
    return Loaded(subject, data.url, data.first, scratch)


@pytest.fixture
def reloaded(data: Data, subject: Subject, scratch: Path) -> Reloaded:
    """The second round of loading."""
    return Reloaded(subject, data.url, data.second, scratch)


def local_addresses(*candidates: str) -> tuple[str, ...]:
    """Those of them that this machine has."""
    return tuple(filter(has_address, candidates or LOOPBACK))


def has_address(address: str) -> bool:
    """Whether this machine has it: some have no IPv6."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError:
            return False
        return True
