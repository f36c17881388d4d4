"""Fuzz: `make fuzz TARGET=query SECONDS=60`, or `python -m tests.fuzz [--seconds N] [--keep] [TARGET ...]`.

Builds what it takes, and begins with seeds, corpus and what earlier runs found (build/fuzz/TARGET). Exit code 1 where
it found something: the input is in build/fuzz/findings, `python -m tests.fuzz --try FILE TARGET` tries it again.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import click

from tests.fuzz import building, corpus
from tests.fuzz.targets import TARGETS

INPUT_SECONDS = 20  # that one input may take: more is a finding
MEBIBYTES = 4096  # of memory: more is a finding


@click.command()
@click.argument("targets", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--seconds", default=60, show_default=True, help="How long each target is fuzzed.")
@click.option("--keep", is_flag=True, help="Write what reaches something else to the corpus (tests/fuzz/corpus).")
@click.option("--try", "tried", type=click.Path(exists=True, path_type=Path), help="Try this input only.")
def fuzz(targets: tuple[str, ...], seconds: int, keep: bool, tried: Path | None) -> None:
    """Fuzz targets, one after the other; all where none is named."""
    try:
        place = building.build()
    except building.CannotBuild as error:
        raise click.ClickException(str(error)) from None
    failed = [target for target in targets or TARGETS if not _fuzz(place, target, seconds, keep, tried)]
    if failed:
        click.echo(f"findings: {', '.join(failed)}", err=True)
        sys.exit(1)


def _fuzz(place: Path, target: str, seconds: int, keep: bool, tried: Path | None) -> bool:
    findings = place / "findings"
    findings.mkdir(exist_ok=True)
    common = [f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEBIBYTES}", f"-artifact_prefix={findings}/{target}-"]
    if tried is not None:
        return _run(place, target, *common, str(tried))
    inputs = place / target
    with tempfile.TemporaryDirectory() as directory:
        corpus.spread(TARGETS[target](Path(directory)).seeds(), inputs)
    corpus.spread(corpus.read(target), inputs)
    click.echo(f"{target}: {seconds} s, {sum(1 for _ in inputs.iterdir())} inputs to begin with")
    limit = f"-max_total_time={seconds}" if seconds else "-runs=0"
    done = _run(place, target, *common, limit, "-print_final_stats=1", str(inputs))
    if keep:
        with tempfile.TemporaryDirectory() as directory:
            _run(place, target, *common, "-merge=1", directory, str(inputs))
            count = corpus.write(target, corpus.gather(Path(directory)))
        click.echo(f"{target}: {count} inputs kept")
    return done


def _run(place: Path, *words: str) -> bool:
    command, environment = building.command(place, *words)
    return subprocess.run(command, cwd=building.ROOT, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    fuzz()
