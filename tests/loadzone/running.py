"""The program loadzone as a process, and a look at what it left in the database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dns.name

import datasrc
from datasrc.errors import Missing, SchemaTooOld
from datasrc.source import DataSource
from datasrc.zonetext_writer import zone_lines

PROGRAM = [sys.executable, "-W", "error", "-I", "-m", "loadzone"]
DEADLINE = 60.0  # s; ten times what is expected and more

ZONE = """$TTL 60
@ SOA ns h {serial} 7200 3600 1209600 300
@ NS ns
ns A 192.0.2.1
{extra}
"""


def zone_text(serial: int = 1, extra: str = "") -> str:
    return ZONE.format(serial=serial, extra=extra)


def environment(home: Path) -> dict[str, str]:
    """Nothing of whoever runs the tests: a home of its own."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


def loadzone(
    *arguments: str | Path,
    home: Path,
    text: str | bytes | None = None,
    user: int | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    data = text.encode() if isinstance(text, str) else text
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        input=b"" if data is None else data,
        capture_output=True,
        env=environment(home),
        timeout=DEADLINE,
        check=False,
        user=user,
        cwd=cwd,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def url_of(state: Path) -> str:
    return f"sqlite:///{state}/zones.sqlite"


def exported(state: Path, origin: str = "example.org.") -> str | None:
    """The stored zone as text; None where there is no such zone."""
    try:
        source = datasrc.open(url_of(state), read_only=True)
    except (Missing, SchemaTooOld):
        return None
    try:
        with source.snapshot() as snapshot:
            finder = snapshot.zone(dns.name.from_text(origin))
            return None if finder is None else "".join(zone_lines(finder.rrsets()))
    finally:
        source.close()


def opened(state: Path) -> DataSource:
    return datasrc.open(url_of(state))
