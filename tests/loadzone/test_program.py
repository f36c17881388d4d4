"""The program as people and scripts use it."""

from __future__ import annotations

import os
import pty
import pwd
import select
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import dns.name
import pytest

from datasrc.records import Match
from tests.loadzone.running import PROGRAM, environment, exported, loadzone, opened, zone_text

ORIGIN = dns.name.from_text("example.org.")
EXAMPLE = Path(__file__).parents[2] / "examples/example.org.zone"


def test_the_example_zone_is_loaded_without_a_warning(run, state):
    done = run("example.org", EXAMPLE)
    assert (done.returncode, done.stdout) == (0, "example.org: loaded, 52 records, serial 2025010101\n")
    assert done.stderr == (
        f"made a new database, {state}/zones.sqlite\n"
        "no suite is running now; what is loaded is served from its next start on\n"
    )
    source = opened(state)
    with source.snapshot() as snapshot:
        finder = snapshot.zone(ORIGIN)
        assert finder is not None
        assert finder.find(dns.name.from_text("a.wild.example.org."), 1).wildcard
        assert finder.find(dns.name.from_text("x.sub.example.org."), 1).match is Match.DELEGATION
    source.close()


def test_a_load_says_who_did_it_and_from_what(run, state, tmp_path):
    file = tmp_path / "example.org"
    file.write_text(zone_text(1))
    run("example.org", file)
    source = opened(state)
    (change,) = source.changes()
    source.close()
    assert (change.origin, change.version, change.serial) == (ORIGIN, 1, 1)
    assert (change.provenance.source, change.provenance.reason) == ("loadzone", str(file))
    assert change.provenance.author == pwd.getpwuid(os.getuid()).pw_name


def test_a_zone_is_replaced_and_the_difference_is_in_the_journal(run, stored, state):
    done = run("example.org", "-", text=zone_text(11, "www A 192.0.2.80"))
    assert (done.returncode, done.stdout) == (0, "example.org: loaded, 4 records, serial 11 (before: 10)\n")
    source = opened(state)
    chain = source.journal(ORIGIN, 10, 11)
    assert chain is not None
    (difference,) = chain
    source.close()
    assert [str(rrset.name) for rrset in difference.added] == ["example.org.", "www.example.org."]
    assert [str(rrset.name) for rrset in difference.deleted] == ["example.org."]


def test_the_same_data_is_not_written(run, stored, state):
    done = run("Example.ORG", "-", text=stored)
    assert (done.returncode, done.stdout) == (0, "example.org: unchanged, serial 10; nothing was written\n")
    source = opened(state)
    assert len(source.changes()) == 1
    source.close()


def test_changed_data_under_the_same_serial_is_loaded_with_a_warning(run, stored, state):
    done = run("example.org", "-", text=zone_text(10, "www A 192.0.2.80"))
    assert done.returncode == 0
    assert "<stdin>:2: warning: the data changed but the serial is still 10" in done.stderr
    assert "www.example.org." in (exported(state) or "")


def test_changed_data_under_the_same_serial_is_an_error_when_strict(run, stored, state):
    before = exported(state)
    done = run("--strict", "example.org", "-", text=zone_text(10, "www A 192.0.2.80"))
    assert done.returncode == 1
    assert "loadzone: example.org: 1 warning (--strict); nothing was written" in done.stderr
    assert exported(state) == before


@pytest.mark.parametrize(("serial", "reason"), [(9, "lower than the 10"), (10 + (1 << 31), "2^31 from the 10")])
def test_a_serial_that_is_not_newer_is_refused_without_force_zon_10(run, stored, state, serial, reason):
    before = exported(state)
    done = run("example.org", "-", text=zone_text(serial))
    assert (done.returncode, done.stdout) == (5, "")
    assert reason in done.stderr
    assert exported(state) == before
    done = run("--force", "example.org", "-", text=zone_text(serial))
    assert (done.returncode, done.stdout) == (0, f"example.org: loaded, 3 records, serial {serial} (before: 10)\n")


def test_a_serial_that_wrapped_around_is_newer_zon_10(run):
    assert run("example.org", "-", text=zone_text(0xFFFFFFFF)).returncode == 0
    assert run("example.org", "-", text=zone_text(0)).returncode == 0


def test_all_errors_are_said_and_the_old_zone_stays_zon_12(run, stored, state):
    before = exported(state)
    done = run("example.org", "-", text=zone_text(11, "a A x\n\n$TTL\nb FOO"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "<stdin>:5: error: bad A data: 'x' is not an IPv4 address [bad-rdata]",
        "<stdin>:7: error: the directive reads: $TTL time [bad-directive]",
        "<stdin>:8: error: 'FOO' is neither a TTL nor a class nor a type [unknown-type]",
        "loadzone: example.org: 3 errors; nothing was written",
    ]
    assert exported(state) == before


def test_an_error_in_a_new_zone_makes_no_zone_zon_12(run, state):
    done = run("example.org", "-", text="$TTL 60\n@ NS ns\n")
    assert done.returncode == 1
    assert "<stdin>: example.org. SOA: error: the zone has no SOA record" in done.stderr
    assert exported(state) is None
    assert not state.exists()  # a directory that was mistyped is not left behind either


def test_what_is_missing_in_a_zone_is_told_with_its_file(run, tmp_path):
    file = tmp_path / "a.zone"
    file.write_text("$TTL 60\n\n@ SOA ns h 1 7200 3600 1209600 300\n")
    assert f"{file}:3: error: the zone has no NS record" in run("example.org", file).stderr


def test_a_new_database_is_made_by_the_first_good_zone_of_a_directory(run, state, tmp_path):
    zones = tmp_path / "many"
    zones.mkdir()
    (zones / "a.test.zone").write_text("$TTL 60\n@ NS ns\n")
    assert run("--all", zones).returncode == 1
    assert not state.exists()
    (zones / "b.test.zone").write_text(zone_text(1))
    (zones / "c.test.zone").write_text(zone_text(1))
    done = run("--all", zones)
    assert done.stderr.count("made a new database") == 1
    assert exported(state, "b.test.") is not None
    assert exported(state, "c.test.") is not None


def test_warnings_are_errors_when_strict(run, state):
    text = zone_text(1, "x.net. A 192.0.2.2")
    done = run("--strict", "example.org", "-", text=text)
    assert done.returncode == 1
    assert "<stdin>:5: warning: x.net. is not in the zone" in done.stderr
    assert exported(state) is None
    assert run("example.org", "-", text=text).returncode == 0


def test_many_findings_of_one_kind_are_counted(run):
    done = run("example.org", "-", text=zone_text(1, "".join(f"x{number}. A 192.0.2.2\n" for number in range(100))))
    assert done.returncode == 0
    assert "... and 75 more [out-of-zone]" in done.stderr


def test_check_reads_only(tmp_path):
    file = tmp_path / "z"
    file.write_text(zone_text(1))
    done = loadzone("--check", "example.org", file, home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "example.org: good, 3 records, serial 1\n", "")
    file.write_text(zone_text(1, "x.net. A 192.0.2.2"))
    assert loadzone("--check", "example.org", file, home=tmp_path).returncode == 0
    assert loadzone("--check", "--strict", "example.org", file, home=tmp_path).returncode == 1
    file.write_text("x")
    done = loadzone("--check", "example.org", file, home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("loadzone: example.org: 1 error\n")
    assert list(tmp_path.iterdir()) == [file]


def test_files_are_included_relative_to_the_including_one(run, state, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/z").write_text(zone_text(1, "$INCLUDE more"))
    (tmp_path / "sub/more").write_text("www A 192.0.2.80\n")
    assert run("example.org", "sub/z", cwd=tmp_path).returncode == 0
    assert "www.example.org." in (exported(state) or "")


# --incremental.


def test_an_incremental_load_gives_the_same_zone_and_says_what_it_changed(run, stored, state):
    text = zone_text(11, "www 90 A 192.0.2.80\nwww 90 A 192.0.2.81\nNS TXT x\n").replace("192.0.2.1\n", "192.0.2.9\n")
    done = run("--incremental", "example.org", "-", text=text)
    assert (done.returncode, done.stdout) == (0, "example.org: loaded, 6 records (+5 -2), serial 11 (before: 10)\n")
    incremental = exported(state)
    run("--force", "example.org", "-", text=stored)
    run("example.org", "-", text=text)
    assert exported(state) == incremental


def test_an_incremental_load_of_the_same_data_writes_nothing(run, stored):
    done = run("--incremental", "example.org", "-", text=stored)
    assert (done.returncode, done.stdout) == (0, "example.org: unchanged, serial 10; nothing was written\n")


def test_an_incremental_load_wants_a_zone_that_is_there(run, state):
    done = run("--incremental", "example.org", "-", text=zone_text(1))
    assert done.returncode == 3
    assert "there is no such zone" in done.stderr


def test_an_incremental_load_wants_a_higher_serial(run, stored, state):
    before = exported(state)
    done = run("--incremental", "example.org", "-", text=zone_text(10, "www A 192.0.2.80"))
    assert done.returncode == 5
    assert "raise the serial" in done.stderr
    assert run("--incremental", "example.org", "-", text=zone_text(9)).returncode == 5
    assert exported(state) == before


# --all.


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    directory = tmp_path / "zones"
    directory.mkdir()
    for name in ("a.example.zone", "b.example", "c.example.zone"):
        (directory / name).write_text(zone_text(1))
    (directory / ".hidden").write_text("x")
    (directory / "b.example~").write_text("x")
    (directory / "sub").mkdir()
    return directory


def test_all_zones_of_a_directory_are_loaded(run, zones, state):
    done = run("--all", zones)
    assert (done.returncode, done.stdout) == (0, "3 files, 3 loaded, 0 unchanged, 0 failed\n")
    assert all(exported(state, f"{name}.example.") for name in "abc")
    (zones / "b.example").write_text(zone_text(2))
    assert run("--all", zones).stdout == "3 files, 1 loaded, 2 unchanged, 0 failed\n"


def test_bad_zones_of_a_directory_are_listed_and_the_others_loaded(run, zones, state):
    run("--all", zones)
    before = exported(state, "b.example.")
    (zones / "a.example.zone").write_text(zone_text(2))
    (zones / "b.example").write_text("x")
    (zones / "c.example").write_text(zone_text(1))
    (zones / "a..b").write_text(zone_text(1))
    done = run("--all", zones)
    assert (done.returncode, done.stdout) == (
        1,
        "5 files, 1 loaded, 0 unchanged, 4 failed: a..b, b.example, c.example, c.example.zone\n",
    )
    assert f"{zones}/b.example:1: error:" in done.stderr
    assert f"{zones}/c.example.zone: there is c.example beside it" in done.stderr
    assert f"{zones}/a..b: the name of the file is not that of a zone" in done.stderr
    assert exported(state, "b.example.") == before


def test_all_zones_of_a_directory_can_be_checked(zones, tmp_path):
    (zones / "b.example").write_text("x")
    done = loadzone("--check", "--all", zones, home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "3 files, 2 good, 1 failed: b.example\n")
    assert list(tmp_path.iterdir()) == [zones]


def test_a_directory_without_zones_is_not_found(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert run("--all", tmp_path / "empty").returncode == 3
    assert run("--all", tmp_path / "none").returncode == 3


# The command line.


def test_a_wrong_command_line_is_exit_code_2(tmp_path):
    done = loadzone("--nonsense", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--nonsense" in done.stderr
    done = loadzone("example..org", "-", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("loadzone: 'example..org' is not a domain name:")


def test_version_and_help_are_said(tmp_path):
    done = loadzone("--version", home=tmp_path)
    assert (done.returncode, done.stdout.split()[0]) == (0, "loadzone")
    done = loadzone("-h", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--incremental" in done.stdout


def test_a_file_that_is_not_there_is_exit_code_3(run, state, tmp_path):
    done = run("example.org", tmp_path / "none")
    assert (done.returncode, done.stderr) == (3, f"loadzone: {tmp_path}/none: no such file\n")
    assert not state.exists()


def test_a_file_that_cannot_be_read_is_exit_code_1(run, tmp_path):
    done = run("example.org", tmp_path)
    assert (done.returncode, done.stderr) == (1, f"loadzone: {tmp_path}: Is a directory\n")


# Which data source.


def test_a_database_is_named_by_url(tmp_path):
    url = f"sqlite:///{tmp_path}/zones.sqlite"
    done = loadzone("--database", url, "example.org", "-", home=tmp_path, text=zone_text(1))
    assert done.returncode == 0, done.stderr
    assert exported(tmp_path)


@pytest.mark.parametrize(
    ("url", "code", "reason"),
    [
        ("sqlite:////nonexistent/directory/x", 3, "directory cannot be opened"),
        ("nonsense:x", 2, "no backend for 'nonsense'"),
    ],
)
def test_a_database_that_cannot_be_is_said(tmp_path, url, code, reason):
    done = loadzone("--database", url, "example.org", "-", home=tmp_path, text=zone_text(1))
    assert done.returncode == code
    assert reason in done.stderr


def test_a_configuration_says_which(run, state, tmp_path):
    config = tmp_path / "bob.yaml"
    config.write_text(
        "data_sources:\n"
        "  one: {type: database, url: 'sqlite:///{state_dir}/one.sqlite'}\n"
        "  two: {type: database, url: 'sqlite:///{state_dir}/two.sqlite'}\n"
    )
    done = run("--config", config, "example.org", "-", text=zone_text(1))
    assert done.returncode == 2
    assert "choose with --source: one, two" in done.stderr
    done = run("--config", config, "--source", "two", "example.org", "-", text=zone_text(1))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in state.iterdir()] == ["two.sqlite"]


# A data source that fails.


def test_a_damaged_database_is_said_and_left_alone(run, state):
    state.mkdir()
    (state / "zones.sqlite").write_bytes(b"x" * 10_000)
    done = run("example.org", "-", text=zone_text(1))
    assert done.returncode == 1
    assert "the file is not an SQLite database" in done.stderr
    assert (state / "zones.sqlite").read_bytes() == b"x" * 10_000


def test_a_database_of_something_else_is_said(run, state):
    state.mkdir()
    connection = sqlite3.connect(state / "zones.sqlite")
    connection.execute("CREATE TABLE cats (name)")
    connection.close()
    done = run("example.org", "-", text=zone_text(1))
    assert done.returncode == 1
    assert "not a database of zones: it has the tables cats" in done.stderr


def test_a_locked_database_is_said_and_the_old_zone_stays(run, stored, state):
    before = exported(state)
    connection = sqlite3.connect(state / "zones.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    done = run("example.org", "-", text=zone_text(11))
    connection.execute("ROLLBACK")
    connection.close()
    assert done.returncode == 1
    assert "another process held its lock" in done.stderr
    assert exported(state) == before


def test_a_zone_with_damaged_rows_is_replaced(run, stored, state):
    run("example.org", "-", text=zone_text(11, "www A 192.0.2.80"))
    connection = sqlite3.connect(state / "zones.sqlite")
    done = connection.execute("UPDATE rrsets SET rdatas = x'00ff00' WHERE key = ?", (b"www\x00",))
    assert done.rowcount == 1
    connection.commit()
    connection.close()
    done = run("--incremental", "example.org", "-", text=zone_text(12, "www A 192.0.2.81"))
    assert done.returncode == 1
    assert "load it without --incremental" in done.stderr
    done = run("example.org", "-", text=zone_text(12, "www A 192.0.2.81"))
    assert done.returncode == 0, done.stderr
    assert "192.0.2.81" in (exported(state) or "")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written_is_said(run, state):
    state.mkdir(mode=0o555)
    done = run("example.org", "-", text=zone_text(1))
    assert done.returncode == 1
    assert "the file cannot be made: Permission denied" in done.stderr


def test_a_state_directory_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    done = loadzone("--state-dir", tmp_path / "file/a/state", "example.org", "-", home=tmp_path, text=zone_text(1))
    assert done.returncode == 1
    assert f"cannot make the state directory {tmp_path}/file/a/state: Not a directory" in done.stderr


NOBODY = 65534


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_a_directory_that_may_not_be_written_is_said_to_somebody_else(tmp_path, state):
    tmp_path.chmod(0o755)
    state.mkdir(mode=0o755)
    try:
        subprocess.run([*PROGRAM, "--version"], user=NOBODY, capture_output=True, check=True, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("another user cannot read the installation")
    arguments = ["--state-dir", str(state), "example.org", "-"]
    done = loadzone(*arguments, home=tmp_path, text=zone_text(1), user=NOBODY, cwd=Path("/"))
    assert done.returncode == 1
    assert "the file cannot be made: Permission denied" in done.stderr
    arguments[1] = str(state / "below")
    done = loadzone(*arguments, home=tmp_path, text=zone_text(1), user=NOBODY, cwd=Path("/"))
    assert done.returncode == 1
    assert f"cannot make the state directory {state}/below: Permission denied" in done.stderr


# Others, signals, terminals.


def start(state: Path, home: Path, *arguments: str, **options) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PROGRAM, "--state-dir", str(state), *arguments, "example.org", "-"],
        stdin=subprocess.PIPE,
        env=environment(home),
        **options,
    )


def wait_until_reading(process: subprocess.Popen[bytes]) -> None:
    """Until it waits for its standard input, which it does after it looked into the data source."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with open(f"/proc/{process.pid}/syscall") as file:
            words = file.read().split()
        if words[:2] == ["0", "0x0"]:  # read(0, ...) on x86-64 and nowhere else
            return
        time.sleep(0.02)
    raise AssertionError("it does not read its input")


on_x86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls are those of x86-64")


@on_x86_64
def test_a_zone_changed_by_another_meanwhile_is_a_conflict(run, stored, state, tmp_path):
    process = start(state, tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until_reading(process)
    assert run("example.org", "-", text=zone_text(11)).returncode == 0
    after = exported(state)
    out, err = process.communicate(zone_text(12).encode(), timeout=60)
    assert (process.returncode, out) == (4, b"")
    assert b"changed by another writer meanwhile" in err
    assert exported(state) == after


@on_x86_64
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_nothing_is_written(stored, state, tmp_path, number):
    before = exported(state)
    process = start(state, tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(zone_text(11).encode())
    process.stdin.flush()
    wait_until_reading(process)
    process.send_signal(number)
    assert process.stderr is not None
    assert process.wait(60) == 1
    assert process.stderr.read().decode() == f"loadzone: {number.name}: nothing was written\n"
    process.stdin.close()
    process.stderr.close()
    assert process.stdout is not None
    process.stdout.close()
    assert exported(state) == before


def test_progress_is_drawn_on_a_terminal_only(state, tmp_path):
    zone = tmp_path / "z"
    zone.write_text(zone_text(1, "$GENERATE 1-30000 h$ A 192.0.2.1"))
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "--check", "example.org", str(zone)],
        stdout=subprocess.PIPE,
        stderr=slave,
        env=environment(tmp_path),
    )
    os.close(slave)
    drawn = b""
    while select.select([master], [], [], 60)[0]:
        try:
            drawn += os.read(master, 4096)
        except OSError:  # the other end is closed
            break
    os.close(master)
    assert process.wait(60) == 0
    assert process.stdout is not None
    assert process.stdout.read() == b"example.org: good, 30003 records, serial 1\n"
    process.stdout.close()
    assert b"\r\x1b[K10000 records, 100 %" in drawn
    assert drawn.endswith(b"\r\x1b[K")
    assert loadzone("--check", "example.org", zone, home=tmp_path).stderr == ""
