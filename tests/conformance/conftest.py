"""The servers under test, started once a session."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import loading, zonefiles
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
from tests.kit.launch_auth import LOOPBACK, AuthProcess

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


def launch(stack: ExitStack, url: str, **config: Any) -> AuthProcess:
    """A server that is stopped with the session."""
    process = AuthProcess(url, **config)
    stack.callback(process.stop)
    return process


@pytest.fixture(scope="session")
def default_process(data: Data, launched: ExitStack) -> AuthProcess:
    """The server with the defaults."""
    listen = tuple(filter(has_address, LOOPBACK))
    return launch(launched, data.url, listen=listen, zones=LISTED, keys=configured_keys())


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest) -> Subject:
    """The server under test."""
    foreign = foreign_subject()
    if foreign is not None:
        return foreign
    process: AuthProcess = request.getfixturevalue("default_process")
    return process.subject


@pytest.fixture(scope="session")
def managed(default_process: AuthProcess) -> Subject:
    """The server with the defaults, for what only our launcher can arrange: damaged zones, ACLs."""
    return default_process.subject


@pytest.fixture(scope="session")
def talkative(data: Data, launched: ExitStack) -> Subject:
    """A server that says all it can."""
    return launch(launched, data.url, listen=("127.0.0.1",), zones=LISTED, settings=TALKATIVE).subject


@pytest.fixture(scope="session")
def hasty(data: Data, launched: ExitStack) -> Subject:
    """A server with short time-outs and few connections."""
    return launch(launched, data.url, listen=("127.0.0.1",), settings={"tcp": HASTY}).subject


@pytest.fixture(scope="session")
def requiring_process(data: Data, launched: ExitStack) -> AuthProcess:
    """A server that requires cookies, whose secret has rolled over."""
    secrets = [SECRET.hex(), OLD_SECRET.hex()]
    listen = tuple(filter(has_address, LOOPBACK))
    return launch(launched, data.url, listen=listen, settings=REQUIRING, cookie_secrets=secrets)


@pytest.fixture(scope="session")
def limiting(data: Data, launched: ExitStack) -> Subject:
    """A server that limits the rate of responses."""
    return launch(launched, data.url, listen=("127.0.0.1",), settings=LIMITING, cookie_secrets=[SECRET.hex()]).subject


@pytest.fixture(scope="session")
def requiring(requiring_process: AuthProcess) -> Subject:
    """The same, for those who only ask."""
    return requiring_process.subject


@pytest.fixture(scope="session")
def everywhere(data: Data, launched: ExitStack) -> Subject:
    """A server on wildcard sockets."""
    addresses = [address for address in ("0.0.0.0", "::") if has_address(address)]
    return launch(launched, data.url, listen=tuple(addresses)).subject


@pytest.fixture(scope="session")
def root_subject(data: Data, launched: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A server of the root zone."""
    directory = tmp_path_factory.mktemp("root")
    url = f"sqlite:///{directory / 'zones.sqlite'}"
    done = loading.run_loadzone(url, ".", str(ROOT_ZONES / "root.zone"))
    assert done.returncode == 0, done.stderr
    load(url, ROOT_ZONES / "below", status=0)
    return launch(launched, url, listen=("127.0.0.1",)).subject


@pytest.fixture(scope="session")
def loaded(data: Data, subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The first round of loading."""
    return Loaded(subject, data.url, data.first, tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="session")
def reloaded(data: Data, subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Reloaded:
    """The second round of loading."""
    return Reloaded(subject, data.url, data.second, tmp_path_factory.mktemp("exports"))


def has_address(address: str) -> bool:
    """Whether this machine has it: some have no IPv6."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError:
            return False
        return True
