"""A run: data set by data set, every server started once for all rows of it."""

from __future__ import annotations

import datetime as dt
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bench.sidebyside import processes
from bench.sidebyside.contents import DATA_SETS
from bench.sidebyside.datasets import Files, provide
from bench.sidebyside.load_program import Load, Programs, compiled
from bench.sidebyside.measure import Entrant, Pace, extra_octets, measure, warm_up
from bench.sidebyside.peers import PEERS
from bench.sidebyside.results import DataResult, Loading, Machine, Report, RowResult
from bench.sidebyside.rows import ECHO, ECHO_AGAIN, SUITE, SUITE_POSITIVE, Row
from bench.sidebyside.servers import Server, ServerError
from bench.sidebyside.signing import SigningError
from bench.sidebyside.suite import Suite
from bench.sidebyside.yardstick import Echo

KINDS: tuple[type[Server], ...] = (Suite, *PEERS)
SERVERS = {kind.key: kind for kind in KINDS}


@dataclass(frozen=True)
class Run:
    """What is to be measured, and how."""

    rows: Sequence[Row]
    servers: Sequence[str]
    pace: Pace
    restarts: int
    cache: Path
    tell: Callable[[str], None]
    save: Callable[[Report], None]  # what there is so far, after each data set

    def __call__(self) -> Report:
        """Measure everything."""
        server_core, load_core = processes.choose_cores()
        with processes.held_on(load_core):
            return self._measured(server_core, load_core)

    def _measured(self, server_core: int, load_core: int) -> Report:
        versions = {key: SERVERS[key].version() for key in self.servers}
        present = {key: version for key, version in versions.items() if version is not None}
        absent = [SERVERS[key].title for key in versions if key not in present]
        report = Report(_machine(server_core, load_core), present, absent)
        programs = compiled(self.cache)
        for name in dict.fromkeys(row.data for row in self.rows):
            self.tell(f"data set {name}")
            try:
                files = provide(DATA_SETS[name], self.cache)
            except SigningError as error:
                report.unmade[name] = str(error)
                self.tell(f"  {error}")
                continue
            house = _House(self, files, programs, server_core, load_core)
            rows = [row for row in self.rows if row.data == name]
            data, results = house.measure_all(list(present), rows)
            report.data.append(data)
            report.rows += results
            self.save(report)
        return report


@dataclass
class _House:
    """All servers of one data set."""

    run: Run
    files: Files
    programs: Programs
    server_core: int
    load_core: int

    def measure_all(self, keys: Sequence[str], rows: Sequence[Row]) -> tuple[DataResult, list[RowResult]]:
        data = self.files.data
        result = DataResult(data.name, data.title, data.records, data.zones, {})
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="side-")))
            servers = {}
            for key in keys:
                server = stack.enter_context(SERVERS[key](self.files, self.server_core))
                try:
                    result.loadings[key] = self._load(server)
                except ServerError as error:
                    result.left_out[key] = str(error)
                    self.run.tell(f"  {error}")
                else:
                    servers[key] = server
            results = [self._row(row, servers, scratch) for row in rows]
            for key, server in servers.items():
                result.loadings[key].memory = processes.proportional_set_size(server.pids())
                result.loadings[key].image = server.image_octets()
                result.loadings[key].delta = server.delta_octets()
        return result, results

    def _load(self, server: Server) -> Loading:
        began = time.monotonic()
        server.prepare()
        imported = time.monotonic() - began if server.imports else 0.0
        first = server.start()
        settled = server.settle()
        restarts, began = [], time.monotonic()
        for _ in range(self.run.restarts):
            server.stop()
            restarts.append(server.start())
            server.settle()
        empty = server.empty_starts(self.run.restarts)
        took = time.monotonic() - began
        words = f"import {imported:.2f} s, first answers {first:.2f} s, all of {len(restarts)} restarts {took:.1f} s"
        self.run.tell(f"  {server.title}: {words}")
        return Loading(imported, first, settled, restarts, 0, 0, empty)

    def _row(self, row: Row, servers: dict[str, Server], scratch: Path) -> RowResult:
        pace = self.run.pace
        load = Load(self.programs.load, self.load_core, row, self.files)
        left_out: dict[str, str] = {}
        entrants, octets = {}, []
        for key, server in servers.items():
            entrant = Entrant(server, load)
            try:
                octets.append(warm_up(entrant, pace, scratch).octets)
            except ServerError as error:
                left_out[key] = str(error)
                self.run.tell(f"  {row.name}: {server.title}: {error}\n{server.words()}")
            else:
                entrants[key] = entrant
        if row.flood and SUITE in entrants:
            entrants[SUITE_POSITIVE] = Entrant(servers[SUITE], replace(load, row=replace(row, flood=False)))
        # Of the suite, which is the first where it is there.
        extra = extra_octets(self.files.data.probes, octets[0]) if octets else 0
        self.run.tell(f"  {row.name}: {pace.rounds} rounds of {pace.seconds:g} s for each of {len(entrants) + 2}")
        with ExitStack() as stack:
            for key in (ECHO, ECHO_AGAIN):
                echo = Echo(self.programs.echo, row.kind, extra, self.files, self.server_core)
                stack.enter_context(echo).start()
                entrants[key] = Entrant(echo, load)
            result = measure(row, entrants, pace, scratch)
        result.left_out = left_out
        return result


def _machine(server_core: int, load_core: int) -> Machine:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return Machine(
        processor=names[0] if names else platform.machine(),
        cores=os.cpu_count() or 1,
        kernel=platform.release(),
        python=platform.python_version(),
        server_core=server_core,
        load_core=load_core,
        date=dt.datetime.now(dt.UTC).isoformat(timespec="minutes"),
        busy=os.getloadavg()[0],
    )
