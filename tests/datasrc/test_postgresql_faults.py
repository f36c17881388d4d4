"""PostgreSQL when things go wrong: contention, lost answers, servers that stop, hang and come back; and its secrets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.name
import psycopg
import pytest
from sqlalchemy import event, text

import datasrc
from datasrc.database import committing, engine, postgresql
from datasrc.database.engine import Database
from datasrc.database.notifications import NotificationListener
from datasrc.database.patience import LOOKING, Patience
from datasrc.database.store import DatabaseSource
from datasrc.errors import Conflict, Contended, Locked, OutcomeUnknown, StorageError, Unavailable
from datasrc.memory import MemorySource
from datasrc.records import Provenance
from datasrc.source import DataSource
from datasrc.sources import Sources, open_sources
from tests.datasrc.zonemaking import SMALL, load
from tests.kit.postgres import PASSWORD, PostgresServer
from tests.kit.stopwatch import Stopwatch
from tests.kit.suite import DEADLINE, wait_until

ZONE = "example."


@pytest.fixture
def source(postgres_url: str) -> Iterator[DatabaseSource]:
    opened = datasrc.open(postgres_url, create=True)
    assert isinstance(opened, DatabaseSource)
    yield opened
    opened.close()


def serial_of(source: DataSource) -> int | None:
    with source.snapshot() as snapshot:
        finder = snapshot.zone(dns.name.from_text(ZONE))
        return None if finder is None else finder.info.serial


def zone(serial: int) -> str:
    return SMALL.replace(" 1 3600", f" {serial} 3600")


AT = 'connection to server at "192.0.2.1", port 1 failed:'
ADVICE = "\n\tIs the server running on that host and accepting TCP/IP connections?"
OTHERS = "\nMultiple connection attempts failed. All failures were:\n- host: 'a', port: 1, hostaddr: '::1': failed"


@pytest.mark.parametrize(
    ("libpq", "told"),
    [
        (f"connection failed: {AT} Connection refused{ADVICE}", f"{AT} Connection refused"),
        (f"connection failed: {AT} Connection refused{ADVICE}{OTHERS}", f"{AT} Connection refused"),
        (
            f"connection failed: {AT} FATAL:  no entry\n{AT} FATAL:  no such",
            f"{AT} FATAL: no entry; {AT} FATAL: no such",
        ),
        (f"connection failed: {AT} FATAL:  no entry\n{AT} FATAL:  no entry", f"{AT} FATAL: no entry"),
        ("the connection is closed", "the connection is closed"),
    ],
)
def test_what_the_client_library_says_in_lines_is_told_as_a_sentence_without_its_advice(libpq: str, told: str) -> None:
    fault = postgresql.fault(psycopg.OperationalError(libpq), "main")
    assert fault is not None
    assert fault.reason == told


# Contention.


def fails_at(source: DatabaseSource, when: str, state: str, times: int, table: str = "outbox") -> None:
    """Let the server answer the first insertions into the outbox, or their commits, with this error."""
    deferred = "DEFERRABLE INITIALLY DEFERRED" if when == "commit" else ""
    kind = "CONSTRAINT TRIGGER" if when == "commit" else "TRIGGER"
    action = "PERFORM pg_terminate_backend(pg_backend_pid())" if state == "gone" else f"RAISE SQLSTATE '{state}'"
    body = f"IF nextval('attempts') <= {times} THEN {action}; END IF;"
    for statement in (
        "CREATE SEQUENCE attempts",
        f"CREATE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$",
        f"CREATE {kind} hinder AFTER INSERT ON {table} {deferred} FOR EACH ROW EXECUTE FUNCTION hinder()",
    ):
        with source._database.write() as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize("when", ["insert", "commit"])
@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_transaction_that_others_were_in_the_way_of_is_tried_again(source, state, when):
    fails_at(source, when, state, times=2)
    load(source, SMALL, ZONE)
    assert [change.id for change in source.changes()] == [1]
    assert serial_of(source) == 1


def test_many_rows_are_copied_and_their_journal_too_and_all_again_after_contention(source):
    def many(serial: int, first: int) -> str:
        return zone(serial) + "".join(f"host{number} A 192.0.2.1\n" for number in range(first, first + 300))

    fails_at(source, "insert", "40001", times=1, table="rrsets")
    load(source, many(1, 0), ZONE)
    load(source, many(2, 200), ZONE)
    with source.snapshot() as snapshot:
        finder = snapshot.zone(dns.name.from_text(ZONE))
        assert finder is not None
        names = {rrset.name.to_text() for rrset in finder.rrsets()}
    assert names >= {f"host{number}.{ZONE}" for number in range(200, 500)}
    assert f"host199.{ZONE}" not in names
    difference = source.difference(dns.name.from_text(ZONE), 2)
    assert difference is not None
    assert (len(difference.deleted), len(difference.added)) == (201, 201)  # and the SOA


def test_contention_without_end_is_told(source):
    fails_at(source, "insert", "40001", times=1000)
    with pytest.raises(Contended):
        load(source, SMALL, ZONE)
    assert source.changes() == []


def test_a_lock_that_is_held_for_long_is_told(source, postgres_url, monkeypatch):
    load(source, SMALL, ZONE)
    monkeypatch.setattr(postgresql, "LOCK_TIMEOUT", 0.2)
    waiting = datasrc.open(postgres_url)
    with source._database.write() as connection:
        connection.execute(text("SELECT * FROM zones FOR UPDATE"))
        with pytest.raises(Locked, match=r"held a lock for more than 0\.2 s"):
            load(waiting, zone(2), ZONE)
    load(waiting, zone(2), ZONE)
    waiting.close()


def test_many_writers_on_one_database_give_ids_in_the_order_of_commits(source, postgres_url):
    failed: list[BaseException] = []

    def write(number: int) -> None:
        try:
            other = datasrc.open(postgres_url)
            for serial in (1, 2, 3):
                load(other, zone(serial), f"z{number}.")
            other.delete_zone(dns.name.from_text(f"z{number}."), Provenance("ann", "test", ""))
            other.close()
        except Exception as error:  # noqa: BLE001 - it is shown by the test
            failed.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    seen: list[int] = []
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):  # a reader sees no gap that is filled later
        seen += [change.id for change in source.changes(seen[-1] if seen else 0)]
    seen += [change.id for change in source.changes(seen[-1] if seen else 0)]
    assert failed == []
    assert seen == list(range(1, 25))


# The answer to COMMIT is lost.


def test_a_connection_that_dies_in_the_commit_is_looked_after(source):
    fails_at(source, "commit", "gone", times=1)
    load(source, SMALL, ZONE)
    assert [change.id for change in source.changes()] == [1]
    assert serial_of(source) == 1


class Relay(threading.Thread):
    """Between client and server: passes everything on, until told to swallow the answer to the next COMMIT."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.swallow = False
        self.swallowed = 0
        self._open: list[socket.socket] = []

    def run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            cut = threading.Event()
            self._open += [client, server]
            for function in (self._forth, self._back):
                threading.Thread(target=function, args=(client, server, cut), daemon=True).start()

    def refuse(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        self.refuse()
        self.join(10)
        for end in self._open:
            end.close()

    def _forth(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        with contextlib.suppress(OSError):  # either end may be gone
            while data := client.recv(65536):
                if self.swallow and b"COMMIT\0" in data:
                    self.swallow = False
                    cut.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _back(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if cut.is_set():
                    self.swallowed += 1
                    break  # the server has committed; the client never hears of it
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(postgres_server: PostgresServer) -> Iterator[Relay]:
    made = Relay(postgres_server.port)
    made.start()
    yield made
    made.close()


@pytest.fixture
def relayed(postgres_server: PostgresServer, relay: Relay, source: DatabaseSource) -> Iterator[DataSource]:
    """The same database, through the relay."""
    database = source._database.url.database
    url = postgres_server.tcp_url(str(database)).replace(f":{postgres_server.port}/", f":{relay.port}/")
    opened = datasrc.open(f"{url}?sslmode=disable&gssencmode=disable")
    yield opened
    opened.close()


def test_a_change_whose_answer_was_lost_is_found_and_not_made_twice(source, relayed, relay):
    relay.swallow = True
    load(relayed, SMALL, ZONE)
    assert relay.swallowed == 1
    load(relayed, zone(2), ZONE)
    assert [(change.id, change.version, change.serial) for change in source.changes()] == [(1, 1, 1), (2, 2, 2)]
    relay.swallow = True
    change = relayed.delete_zone(dns.name.from_text(ZONE), Provenance("ann", "test", ""))
    assert relay.swallowed == 2
    assert source.changes(2) == [change]


def test_a_change_nobody_can_ask_after_is_told_as_unknown(source, relayed, relay, monkeypatch):
    monkeypatch.setattr(committing, "RESOLVE_PATIENCE", 0.5)
    relay.swallow = True
    with relayed.updater(dns.name.from_text(ZONE), create=True) as updater:
        assert isinstance(relayed, DatabaseSource)

        @event.listens_for(relayed._database.engine, "commit")
        def close_the_door(_connection: Any) -> None:
            relay.refuse()

        with pytest.raises(OutcomeUnknown, match="lost while a change was being committed"):
            updater.commit(Provenance("ann", "test", ""))
    assert len(source.changes()) == 1  # it was
    with source.updater(dns.name.from_text(ZONE)) as updater:
        assert updater.base is not None
        assert updater.base.version == 1


# Servers that stop, hang and come back.


@pytest.fixture
def served(own_postgres: PostgresServer) -> Iterator[tuple[Sources, list[str]]]:
    """A database on a server of the test, and another source; and what was told of them."""
    told: list[str] = []
    url = own_postgres.url(own_postgres.create_database())
    with_data = datasrc.open(url, create=True)
    load(with_data, SMALL, ZONE)
    with_data.close()
    other = MemorySource()
    load(other, SMALL, "other.")
    sources = Sources(
        {"far": lambda: datasrc.open(url, read_only=True), "near": lambda: other},
        remote={"far"},
        changed=lambda name, failure: told.append(f"{name} {'back' if failure is None else 'lost'}"),
    )
    yield sources, told
    sources.close()


def answer(sources: Sources, name: str) -> tuple[str, float]:
    """What a question gets, and in how many seconds of the stopwatch."""
    watch = Stopwatch()
    try:
        with sources.snapshot() as snapshot:
            finder = snapshot.find_zone(dns.name.from_text(name))
            outcome = "none" if finder is None else "found"
    except Unavailable:
        outcome = "unavailable"
    return outcome, watch.seconds()


def until(sources: Sources, name: str, outcome: str) -> None:
    wait_until(lambda: answer(sources, name)[0] == outcome, DEADLINE, f"{name} is {outcome}")


@pytest.mark.parametrize("how", ["stopped", "killed", "frozen"])
def test_a_server_that_is_gone_costs_its_zones_and_nobody_elses_and_comes_back(own_postgres, served, how):
    sources, told = served
    assert answer(sources, ZONE)[0] == "found"
    if how == "frozen":
        own_postgres.freeze()
    else:
        own_postgres.stop(immediately=how == "killed")
    try:
        until(sources, ZONE, "unavailable")
        for _ in range(50):  # from now on nobody waits, whatever the server does
            outcome, seconds = answer(sources, ZONE)
            assert outcome == "unavailable"
            assert seconds < 0.5
            assert answer(sources, "other.")[0] == "found"
    finally:
        own_postgres.thaw() if how == "frozen" else own_postgres.start()
    until(sources, ZONE, "found")
    assert told == ["far lost", "far back"]  # once each


def test_a_question_in_hand_when_the_server_stops_answering_waits_two_seconds(own_postgres, served):
    sources, _ = served
    with sources.snapshot() as snapshot:
        finder = snapshot.find_zone(dns.name.from_text(ZONE))
        assert finder is not None
        own_postgres.freeze()
        try:
            began = time.monotonic()
            with pytest.raises(StorageError, match="no answer from the server for 2 s"):
                list(finder.rrsets())
            assert 1.5 < time.monotonic() - began < 20
        finally:
            own_postgres.thaw()


def test_who_asks_for_the_status_does_not_wait_for_a_server_that_is_gone(own_postgres, served):
    sources, _ = served
    own_postgres.freeze()
    try:
        until(sources, ZONE, "unavailable")
        began = time.monotonic()
        failures = [bool(status.failure) for status in sources.status()]
        assert time.monotonic() - began < 1
        assert failures == [True, False]
    finally:
        own_postgres.thaw()


def test_a_writer_waits_longer_for_its_transaction_than_for_a_look(own_postgres, monkeypatch):
    source = datasrc.open(own_postgres.url(own_postgres.create_database()), create=True)
    monkeypatch.setattr(engine, "WRITER", Patience(answer=2.5, statement=60.0))
    assert isinstance(source, DatabaseSource)
    waits: list[float] = []
    with source._database.write() as connection:
        driver: Any = connection.connection.driver_connection
        waits.append(driver.answer)
    with source._database.read() as connection:
        driver = connection.connection.driver_connection
        waits.append(driver.answer)
    assert waits == [2.5, LOOKING.answer]
    source.close()


def test_a_server_that_was_restarted_between_two_questions_is_not_noticed(own_postgres):
    url = own_postgres.url(own_postgres.create_database())
    source = datasrc.open(url, create=True)
    load(source, SMALL, ZONE)
    assert serial_of(source) == 1
    own_postgres.stop()
    own_postgres.start()
    assert serial_of(source) == 1
    source.close()


def test_a_server_that_is_not_there_at_the_start_is_waited_for_in_the_background(own_postgres):
    url = own_postgres.url(own_postgres.create_database())
    datasrc.open(url, create=True).close()
    own_postgres.stop()
    began = time.monotonic()
    sources = open_sources({"far": {"type": "database", "url": url}})
    assert time.monotonic() - began < 20
    assert answer(sources, ZONE)[0] == "unavailable"
    assert "connection" in sources.status()[0].failure
    own_postgres.start()
    until(sources, ZONE, "none")
    sources.close()


# Hearing of changes.


@pytest.fixture
def bell(source: DatabaseSource) -> Iterator[NotificationListener]:
    heard = source.listen("test")
    assert isinstance(heard, NotificationListener)
    assert heard.listening.wait(60)
    yield heard
    heard.close()


def test_a_change_made_elsewhere_rings_at_once(source, bell, postgres_url, record_property):
    wait_until(bell.drain, DEADLINE, "what may have been missed")
    other = datasrc.open(postgres_url)
    load(other, SMALL, ZONE)
    began = time.monotonic()
    wait_until(bell.drain, DEADLINE, "the bell")
    record_property("figure", f"PostgreSQL: a commit is heard of after {(time.monotonic() - began) * 1000:.0f} ms")
    with other.updater(dns.name.from_text(ZONE)) as updater:
        assert updater.commit(Provenance("ann", "test", "")) is None
    assert not bell.drain()  # nothing changed
    other.close()


def test_who_listens_hears_again_after_the_server_was_restarted(own_postgres):
    source = datasrc.open(own_postgres.url(own_postgres.create_database()), create=True)
    bell = source.listen("test")
    assert isinstance(bell, NotificationListener)
    assert bell.listening.wait(60)
    own_postgres.stop()
    wait_until(lambda: not bell.listening.is_set(), DEADLINE, "the loss is noticed")
    assert bell.failure
    own_postgres.start()
    assert bell.listening.wait(60)
    bell.drain()
    load(source, SMALL, ZONE)
    wait_until(bell.drain, DEADLINE, "the bell")
    bell.close()
    source.close()


def test_zones_made_elsewhere_are_known_when_the_server_is_gone(own_postgres, served):
    sources, _ = served
    other = datasrc.open(own_postgres.url("test_1"))
    load(other, SMALL, "late.")
    other.close()
    wait_until(lambda: sources.status()[0].zones == 2, DEADLINE, "it is taken notice of")
    own_postgres.stop()
    until(sources, "late.", "unavailable")  # and not the answer of another zone


# Secrets.


@pytest.fixture
def guarded(postgres_server: PostgresServer, source: DatabaseSource, tmp_path: Path) -> tuple[str, Path]:
    """The URL of a database that wants a password, and the file it is in."""
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o600)
    url = postgres_server.tcp_url(str(source._database.url.database), password=None)
    return f"{url}?password_file={file}", file


def test_the_password_comes_from_a_file(guarded, source):
    load(source, SMALL, ZONE)
    url, file = guarded
    opened = datasrc.open(url)
    assert isinstance(opened, DatabaseSource)
    assert serial_of(opened) == 1
    assert PASSWORD not in repr(opened._database.url)
    opened._database.engine.dispose()
    file.write_text("changed")
    with pytest.raises(StorageError, match="password authentication failed") as caught:
        serial_of(opened)
    assert "changed" not in str(caught.value)
    file.write_text(PASSWORD)  # read anew for each connection
    assert serial_of(opened) == 1
    opened.close()


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda file: file.chmod(0o644), "is open to everybody: chmod o="),
        (lambda file: file.unlink(), "cannot be read: No such file or directory"),
        (lambda file: file.write_bytes(b"\xff"), "cannot be read: 'utf-8' codec"),
    ],
)
def test_a_password_file_that_cannot_be_used_is_told(guarded, spoil, fault):
    url, file = guarded
    spoil(file)
    with pytest.raises(StorageError, match=fault) as caught:
        datasrc.open(url)
    assert str(file) in str(caught.value)


def test_a_password_in_the_url_is_told_to_nobody(postgres_server):
    url = postgres_server.tcp_url("nowhere").replace("%2F", "%2Fwrong")
    with pytest.raises(StorageError, match="password authentication failed") as caught:
        datasrc.open(url)
    assert "battery" not in str(caught.value)
    assert "***" in str(caught.value)


def test_the_server_is_authenticated_as_the_url_says():
    with PostgresServer(tls=True) as server:
        url = server.tcp_url(server.create_database())
        strict = f"{url}?sslmode=verify-full&sslrootcert={server.authority}"
        source = datasrc.open(strict, create=True)
        assert isinstance(source, DatabaseSource)
        with source._database.read() as connection:
            assert connection.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).scalar_one()
        source.close()
        with pytest.raises(StorageError, match="certificate"):
            datasrc.open(f"{url}?sslmode=verify-full&sslrootcert=/etc/hostname")


def test_what_the_server_ends_by_itself(postgres_url):
    database = Database(postgres_url)
    with database.read() as connection:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name")
        shown = {name: connection.execute(text(f"SHOW {name}")).scalar_one() for name in names}
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "repeatable read"
        assert connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on"
    assert shown == {
        "statement_timeout": "1min",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "1min",
        "application_name": "bobdns",
    }
    with database.write() as connection:
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
    database.close()


def test_of_two_suites_that_change_one_zone_one_wins(source, postgres_url):
    load(source, SMALL, ZONE)
    other = datasrc.open(postgres_url)
    with source.updater(dns.name.from_text(ZONE), replace=True) as first:
        load(other, zone(2), ZONE)
        with pytest.raises(Conflict):
            first.commit(Provenance("ann", "test", ""))
    other.close()
