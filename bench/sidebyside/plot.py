"""A chart of a run, as SVG: what share of the echo each server reached in each row, with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from bench.sidebyside.ratios import Interval
from bench.sidebyside.report import ORDER, TITLES, ratio
from bench.sidebyside.results import Report, RowResult
from bench.sidebyside.rows import ECHO, SUITE, SUITE_POSITIVE

BAR, GAP, HEAD = 14, 18, 26  # heights
LEFT, SCALE, RIGHT = 190, 460, 130  # widths: names, the bars of a ratio of 1, figures
TEXT = 'font-family="sans-serif" font-size="12"'
COLOURS = {SUITE: "#c0392b", "nsd": "#7f8c8d", "knot": "#95a5a6", "bind": "#bdc3c7", "powerdns": "#d5d8dc"}


def svg(report: Report) -> str:
    """One group of bars a row of the run."""
    y, shapes = GAP, []
    for result in report.rows:
        shapes.append(f'<text x="8" y="{y + BAR}" {TEXT} font-weight="bold">{escape(result.title)}</text>')
        y += HEAD
        for key, interval in _ratios(result):
            shapes += _bar(y, key, interval)
            y += BAR + 4
        y += GAP
    widest = max((interval.high for result in report.rows for _, interval in _ratios(result)), default=1.0)
    width = LEFT + SCALE * max(1.0, widest) + RIGHT
    line = f'<line x1="{LEFT + SCALE}" y1="0" x2="{LEFT + SCALE}" y2="{y}" stroke="#888" stroke-dasharray="3 3"/>'
    words = f"Right answers a second, ratio to a bare echo (dashed line); {_where(report)}"
    note = f'<text x="8" y="{y + BAR}" {TEXT}>{words}</text>'
    body = "\n".join([line, *shapes, note])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y + 2 * GAP}">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _ratios(result: RowResult) -> Iterator[tuple[str, Interval]]:
    for key in ORDER:
        interval = ratio(result, key, ECHO)
        if interval is not None and key not in (ECHO, SUITE_POSITIVE):
            yield key, interval


def _bar(y: float, key: str, interval: Interval) -> Iterator[str]:
    middle, low, high = (LEFT + SCALE * value for value in (interval.median, interval.low, interval.high))
    colour = COLOURS.get(key, "#ccc")
    yield f'<text x="24" y="{y + BAR - 3}" {TEXT}>{escape(TITLES.get(key, key))}</text>'
    yield f'<rect x="{LEFT}" y="{y}" width="{middle - LEFT:.1f}" height="{BAR}" fill="{colour}"/>'
    yield f'<line x1="{low:.1f}" y1="{y + BAR / 2}" x2="{high:.1f}" y2="{y + BAR / 2}" stroke="black"/>'
    yield f'<text x="{max(middle, high) + 6:.1f}" y="{y + BAR - 3}" {TEXT}>{interval}</text>'


def _where(report: Report) -> str:
    return escape(f"{report.machine.processor}, {report.machine.date[:10]}")
