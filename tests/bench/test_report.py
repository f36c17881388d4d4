"""Tables of a run."""

from xml.etree import ElementTree as ET

import msgspec
from click.testing import CliRunner

from bench.sidebyside.__main__ import main
from bench.sidebyside.plot import svg
from bench.sidebyside.ratios import Reach
from bench.sidebyside.report import best_peer, markdown, ratio, reach, tally, verdict
from bench.sidebyside.results import DataResult, Loading, Machine, Outcome, Report, RowResult, Slice
from bench.sidebyside.rows import Goal

MACHINE = Machine("A Processor", 2, "6.18", "3.11", 0, 1, "2026-01-01T00:00+00:00", 0.1)


def outcome(*rates, busy=0.99, wrong=0):
    return Outcome([Slice(rate, 1e9 / rate, busy, 0.9, 60.0, 0, wrong) for rate in rates])


def row(**more):
    outcomes = {
        "echo": outcome(100.0, 200.0, 300.0),
        "bobdns": outcome(98.0, 196.0, 294.0),
        "nsd": outcome(90.0, 180.0, 270.0),
        "knot": outcome(50.0, 100.0, 150.0),
        "echo-again": outcome(101.0, 202.0, 303.0),
    }
    return RowResult("udp-1k", "UDP, 1 000 names", "names-1k", 1.0, outcomes | more)


def test_the_best_peer_is_neither_echo_nor_ours():
    assert best_peer(row()) == "nsd"


def test_ratios_are_taken_round_by_round():
    interval = ratio(row(), "bobdns", "echo")
    assert interval is not None
    assert (interval.low, interval.high) == (0.98, 0.98)


def test_a_goal_that_only_the_interval_reaches_is_told_as_within_noise():
    result = row(bobdns=outcome(90.0, 190.0, 300.0))  # of the echo: 0.90, 0.95, 1.00
    assert verdict(result, Goal(0.95, "echo")) == "Goal 0.95 of echo: reached, 0.95 (0.90 to 1.00)"
    assert verdict(result, Goal(0.97, "echo")) == "Goal 0.97 of echo: within noise, 0.95 (0.90 to 1.00)"
    assert verdict(result, Goal(1.01, "echo")) == "Goal 1.01 of echo: missed, 0.95 (0.90 to 1.00)"


def test_the_summary_counts_it_as_met_and_says_how_many_there_are():
    assert tally(row()) == "2 of 2"
    assert tally(row(bobdns=outcome(90.0, 190.0, 300.0))) == "2 of 2, 1 within noise"
    assert tally(row(bobdns=outcome(50.0, 100.0, 150.0))) == "0 of 2"


def test_a_goal_that_was_not_measured_is_not_met():
    without = row()
    del without.outcomes["nsd"]
    assert tally(without) == "1 of 2"


def test_more_noise_around_the_same_median_reaches_no_goal():
    quiet, noisy = row(bobdns=outcome(96.0, 192.0, 288.0)), row(bobdns=outcome(86.0, 192.0, 298.0))
    assert [reach(one, Goal(0.97, "echo")) for one in (quiet, noisy)] == [Reach.MISSED, Reach.WITHIN_NOISE]


def test_a_goal_against_who_is_not_here_is_not_measured():
    assert verdict(row(), Goal(1.0, "bind")) == "Goal 1 of bind: not measured"


def test_the_report_tells_machine_ratios_and_loading():
    loading = Loading(1.5, 0.25, 2.0, [0.2, 0.3, 0.4], 64 << 20, 65_000)
    data = DataResult("names-1k", "1 000 names", 1000, 1, {"bobdns": loading})
    text = markdown(Report(MACHINE, {"nsd": "4.6.1"}, ["PowerDNS"], [data], [row()]))
    assert "A Processor" in text
    assert "NSD 4.6.1" in text
    assert "Not installed: PowerDNS" in text
    assert "| bobdns | 0.2 | 0.98 (0.98 to 0.98) | - |" in text
    assert "Noise floor (a second echo to the first): 1.01 (1.01 to 1.01)" in text
    assert "| names-1k, bobdns | 1.50 | 0.25 | 2.00 | 0.30 | 64 | 65.0 |" in text
    assert "not quiet" not in text


def test_every_table_row_has_as_many_cells_as_its_head():
    text = markdown(Report(MACHINE, {}, [], [], [row()]))
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("| ")]
    assert len(tables) == 2
    for table in tables:
        assert len({line.count(" | ") for line in table}) == 1


def test_the_summary_has_a_line_for_each_row():
    text = markdown(Report(MACHINE, {}, [], [], [row()]))
    assert "| udp-1k | 0 | 0.98 | 0.90 | 0.50 | 1.09 (1.09 to 1.09) | 2 of 2 |" in text


def test_a_busy_machine_is_told():
    busy = row(echo=outcome(100.0, 200.0, 300.0, busy=0.4))
    assert "The machine was not quiet" in markdown(Report(MACHINE, {}, [], [], [busy]))


def test_what_is_written_as_json_can_be_read_back():
    report = Report(MACHINE, {"nsd": "4.6.1"}, [], [], [row()])
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_the_chart_has_a_bar_for_each_server_but_the_echo():
    tree = ET.fromstring(svg(Report(MACHINE, {}, [], [], [row()])))
    texts = [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text in ("bobdns", "NSD", "Knot", "echo")] == ["bobdns", "NSD", "Knot"]
    assert "0.98 (0.98 to 0.98)" in texts


def test_goals_of_loading_are_judged():
    loadings = {"bobdns": Loading(1.5, 0.25, 2.0, [1.4, 1.4, 9.0], 64 << 20, 66_000)}
    text = markdown(Report(MACHINE, {}, [], [DataResult("records-1m", "", 1000, 1, loadings)], []))
    assert "Goal records-1m: restart in 1.5 s: reached, 1.40." in text
    assert "Goal records-1m: 65 octets a record: missed, 66.00." in text
    assert "Restart: the median of 3." in text


def test_octets_a_record_are_told_without_deltas_and_with_them():
    def told(delta):
        loading = Loading(1.5, 0.25, 2.0, [1.4], 64 << 20, 66_000, [], delta)
        return markdown(Report(MACHINE, {}, [], [DataResult("records-1m", "", 1000, 1, {"bobdns": loading})], []))

    assert "| image octets/record | with deltas |" in told(9_000)
    assert "| 66.0 | 75.0 |" in told(9_000)
    assert "| 66.0 | - |" in told(None)  # as reports have it that were written before it was asked for


def test_a_restart_with_many_zones_is_judged_by_a_start_without_any():
    def told(restart, empty):
        loading = Loading(0.0, 2.25, 9.0, [restart], 64 << 20, 66_000, empty)
        return markdown(Report(MACHINE, {}, [], [DataResult("zones-100k", "", 1000, 1, {"bobdns": loading})], []))

    assert "Goal zones-100k: first answers in 2 s: missed, 2.25." in told(1.0, [0.8])
    words = "Goal zones-100k: restart in 1.30 s, a start without zones and 0.5 s"
    assert f"{words}: reached, 1.20." in told(1.2, [0.7, 0.8, 0.9])
    assert f"{words}: missed, 1.40." in told(1.4, [0.7, 0.8, 0.9])
    assert "restart in" not in told(1.4, [])


def test_figures_that_were_written_can_be_shown_again(tmp_path):
    figures = tmp_path / "figures.json"
    figures.write_bytes(msgspec.json.encode(Report(MACHINE, {"nsd": "4.6.1"}, [], [], [row()])))
    done = CliRunner().invoke(main, ["--read", str(figures), "--plot", str(tmp_path / "chart.svg")])
    assert done.exit_code == 0
    assert "### udp-1k" in done.output
    assert (tmp_path / "chart.svg").read_text().startswith("<svg")


def test_wrong_answers_make_the_exit_status_one(tmp_path):
    figures = tmp_path / "figures.json"
    figures.write_bytes(msgspec.json.encode(Report(MACHINE, {}, [], [], [row(nsd=outcome(1.0, 1.0, 1.0, wrong=1))])))
    assert CliRunner().invoke(main, ["--read", str(figures)]).exit_code == 1


def test_servers_in_directories_of_their_own_find_a_cache_that_is_named_from_here(tmp_path, monkeypatch):
    places = []

    def run(rows, servers, pace, restarts, cache, *rest):
        places.append(cache)
        return lambda: Report(MACHINE, {}, [], [], [])

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bench.sidebyside.__main__.Run", run)
    assert CliRunner().invoke(main, ["udp-1k", "--cache", "kept"], catch_exceptions=False).exit_code == 0
    assert places == [tmp_path.resolve() / "kept"]
