"""One short row with real servers: the load, the echo, this suite and what else is installed."""

import shutil

import msgspec
import pytest
from click.testing import CliRunner

from bench.sidebyside.__main__ import main
from bench.sidebyside.results import Report
from bench.sidebyside.run import SERVERS

pytestmark = pytest.mark.system


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_a_row_is_measured_with_right_answers(tmp_path):
    figures = tmp_path / "figures.json"
    words = ["udp-1k", "--rounds", "1", "--seconds", "1", "--restarts", "0", "--cache", str(tmp_path / "cache")]
    peers = [key for key in ("nsd", "knot") if SERVERS[key].version()]
    words += [word for key in ("bobdns", *peers) for word in ("--server", key)]
    done = CliRunner().invoke(main, [*words, "--json", str(figures)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    report = msgspec.json.decode(figures.read_bytes(), type=Report)
    (row,) = report.rows
    assert list(row.outcomes) == ["bobdns", *peers, "echo", "echo-again"]
    for key, outcome in row.outcomes.items():
        (one,) = outcome.slices
        assert one.rate > 0, key
        assert one.processor_ns > 0, key
        assert (one.wrong, outcome.faults) == (0, []), key
    (data,) = report.data
    assert all(loading.memory > 0 and loading.first_answer > 0 for loading in data.loadings.values())
    assert "| bobdns |" in done.output
