"""What is compiled ahead, for processes that are forked after it."""

from __future__ import annotations

import subprocess
import sys

import dns.name

import datasrc
from tests.auth.world import load

# After get_ready() nothing is compiled by whoever opens a database, follows it, and looks for a zone.
READER = """
import sys
import dns.name
import datasrc
from datasrc.database import store
from datasrc.database.prepared import Prepared

store.get_ready()

def refuse(self, dialect, parameters):
    raise AssertionError(f"compiled: {self.statement}")

Prepared._compile = refuse
source = datasrc.open(sys.argv[1], read_only=True)
last, keys = source.last_change(), source.zone_keys()
changes = source.changes(0)
assert [len(source.zones(after, 10)) for after in (None, dns.name.root)] == [1, 1]
with source.snapshot() as snapshot:
    assert len(list(snapshot.each([dns.name.from_text("example.")]))) == 1
    for text in (".", "example.", "www.example.", "a.b.www.example."):
        found = snapshot.find_zone(dns.name.from_text(text))
        print(text, None if found is None else found.info.origin)
print(last, len(keys), len(changes))
"""


def test_a_process_that_is_forked_when_all_is_ready_compiles_nothing(tmp_path):
    url = f"sqlite:///{tmp_path}/zones.sqlite"
    source = datasrc.open(url, create=True)
    load(source, {"example.": "@ NS ns\nns A 192.0.2.1\n"})
    with source.snapshot() as snapshot:
        assert snapshot.find_zone(dns.name.from_text("example.")) is not None
    source.close()
    done = subprocess.run([sys.executable, "-c", READER, url], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:4] == [". None", "example. example.", "www.example. example.", "a.b.www.example. example."]
    assert lines[4] == "1 1 1"
