"""A real PostgreSQL server: Debian's programs in a directory of its own, on a UNIX socket and a loopback port.

    def test_something(postgres_url: str) -> None: ...           # a fresh database on the server of the session
    def test_faults(own_postgres: PostgresServer) -> None: ...   # a server to stop and start

Over the socket everyone is let in; over TCP the account `bob` has the password PASSWORD. Where the programs or psycopg
are missing the fixtures skip. `tests/conftest.py` has them for every test.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import ipaddress
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.kit import evidence
from tests.kit.ports import free_port

USER = "bob"
PASSWORD = "correct horse/battery"  # with what a URL has to quote
DEADLINE = 60.0  # s; a start takes one
NOBODY = 65534  # the account of the server where we are root, which PostgreSQL refuses
PLACES = ("/usr/lib/postgresql", "/usr/local/pgsql")  # Debian keeps the programs of each version apart

_FAST = ("fsync=off", "full_page_writes=off", "max_connections=80", "shared_buffers=16MB", "jit=off")


def missing() -> str:
    """Why there can be no server here; empty where there can."""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg (the extra for PostgreSQL) is not installed"
    if programs() is None:
        return "the programs of a PostgreSQL server are not installed"
    if shutil.which("setpriv") is None:
        return "setpriv is not installed"
    return ""


def programs() -> Path | None:
    """The directory of `initdb` and `postgres`, of the newest version there is."""
    found = [path.parent for place in PLACES for path in Path(place).glob("**/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    usable = [place for place in found if (place / "postgres").exists()]
    return max(usable, key=lambda place: [int(part) for part in place.parts if part.isdigit()], default=None)


class PostgresServer:
    """One server and its directory. A context manager; start() and stop() may be called again within it."""

    def __init__(
        self, options: Sequence[str] = (), *, tls: bool = False, follows: PostgresServer | None = None
    ) -> None:
        """`tls`: it has a certificate for 127.0.0.1, signed by `authority`; `follows`: a hot standby of that server."""
        where = programs()
        assert where is not None
        self._programs = where
        self._options = (*_FAST, *options)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # short: a socket is in it
        self.port = free_port()
        self.log = self.directory / "log"
        self.authority = self.directory / "authority.pem"
        self._tls = tls
        self._follows = follows

    def __enter__(self) -> Self:
        title = f"log of the PostgreSQL server in {self.directory}"
        evidence.remember(self, title, lambda: self.log.read_text() if self.log.exists() else "")
        try:
            if self._follows is None:
                self._make()
            else:
                self._copy(self._follows)
            if self._tls:
                self._certify()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        evidence.forget(self)
        self.stop(immediately=True)
        shutil.rmtree(self.directory)

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        settings = (
            *self._options,
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            f"unix_socket_directories={self.directory}",
        )
        options = [word for setting in settings for word in ("-c", setting)]
        command = self._as_server([str(self._programs / "postgres"), "-D", str(self.directory / "data"), *options])
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        end = time.monotonic() + DEADLINE
        while not self._takes_connections():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the PostgreSQL server does not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    def stop(self, *, immediately: bool = False) -> None:
        """Stop the server: closing its connections, or (`immediately`) as in a crash."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """Stop every process of the server where it is: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def promote(self) -> None:
        """Let a standby be the server from now on."""
        self._run("pg_ctl", "promote", "-w", "-s", "-D", str(self.directory / "data"))

    def wait_for_standby(self) -> None:
        """From now on acknowledge what a standby has, and nothing else (synchronous replication)."""
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.sql("SELECT pg_reload_conf()")
        end = time.monotonic() + DEADLINE
        while self.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1":
            assert time.monotonic() < end, "no standby follows"
            time.sleep(0.02)

    def url(self, database: str = "postgres") -> str:
        """The URL of a database, over the socket."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.directory}&port={self.port}"

    def tcp_url(self, database: str = "postgres", password: str | None = PASSWORD) -> str:
        """The URL of a database, over TCP and with the password in it."""
        secret = "" if password is None else f":{quote(password, safe='')}"
        return f"postgresql+psycopg://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database; its name."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Execute a statement as the superuser; what psql prints, unadorned."""
        command = [str(self._programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", str(self.directory), "-p", str(self.port), "-U", USER, "-d", database, "-c", statement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{statement}: {done.stderr}")
        return done.stdout.strip()

    def _make(self) -> None:
        password = self.directory / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (self.directory, password):
                os.chown(path, NOBODY, NOBODY)
        words = ["-D", str(self.directory / "data"), "-U", USER, "--no-sync", "--locale=C", "-E", "UTF8"]
        words += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}"]
        self._run("initdb", *words)

    def _copy(self, primary: PostgresServer) -> None:
        """What the primary has, with what it takes to follow it from there."""
        if os.geteuid() == 0:
            os.chown(self.directory, NOBODY, NOBODY)
        place = ["-h", str(primary.directory), "-p", str(primary.port), "-U", USER]
        words = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-D", str(self.directory / "data")]
        self._run("pg_basebackup", *place, *words)

    def _run(self, program: str, *words: str) -> None:
        """Run one of PostgreSQL's programs to its end."""
        done = subprocess.run(
            self._as_server([str(self._programs / program), *words]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            cwd="/",
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{program} failed: {done.stderr}")

    def _certify(self) -> None:
        """A certificate that is its own authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test server")])
        now = dt.datetime.now(dt.UTC)
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(1).add_extension(address, critical=False)
        builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
        certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.authority.write_bytes(certificate)
        for name_, content in (("server.crt", certificate), ("server.key", key.private_bytes(*form))):
            path = self.directory / "data" / name_
            path.write_bytes(content)
            path.chmod(0o600)
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        self._options = (*self._options, "ssl=on")

    def _as_server(self, command: list[str]) -> list[str]:
        """The command under the server's account, ending with this process."""
        account = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"] if os.geteuid() == 0 else []
        return ["setpriv", "--pdeathsig", "QUIT", *account, *command]

    def _takes_connections(self) -> bool:
        command = [str(self._programs / "pg_isready"), "-q", "-h", str(self.directory), "-p", str(self.port)]
        return subprocess.run(command, check=False, timeout=DEADLINE).returncode == 0

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        main = self._process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for pid in (main, *map(int, children)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:  # a connection that just ended
                continue


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server all tests of the session share: make databases on it, and leave it running."""
    if reason := missing():
        pytest.skip(reason)
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of a fresh, empty database."""
    return postgres_server.url(postgres_server.create_database())


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server for one test, which may stop, kill, freeze and start it."""
    if reason := missing():
        pytest.skip(reason)
    with PostgresServer() as server:
        yield server
