"""The command line of bob: `run`, `check-config`, `version`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import click

from bob.errors import ExitStatus, StartError
from daemonkit.log import LEVELS
from daemonkit.log_destinations import FORMATS


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """bobdns: an authoritative DNS server suite."""


def _endpoint(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    from daemonkit.option_addresses import parse_endpoint

    if value is None or value == "off":
        return value
    try:
        return str(parse_endpoint(value))
    except ValueError:
        other = " (nor `off`)" if parameter.name != "listen" else ""
        raise click.BadParameter(f"{value!r} is not ADDRESS@PORT{other}", param=parameter) from None


def _endpoints(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    if "off" in values:
        reason = "'off' is not ADDRESS@PORT; a suite that answers nobody has `listen: []` in its configuration"
        raise click.BadParameter(reason, param=parameter)
    return tuple(dict.fromkeys(str(_endpoint(context, parameter, value)) for value in values))


@cli.command()
@click.option("--config", type=click.Path(path_type=Path), help="Seed of the configuration, read at the first start.")
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where zone data and configuration are kept.")
@click.option("--run-dir", type=click.Path(path_type=Path), help="Where the sockets of this run are.")
@click.option("--listen", multiple=True, metavar="ADDR@PORT", callback=_endpoints, help="Answer here; may be repeated.")
@click.option(
    "--rest",
    metavar="ADDR@PORT|off",
    callback=_endpoint,
    help="Where REST is served over HTTPS (default 127.0.0.1@8053).",
)
@click.option(
    "--metrics", metavar="ADDR@PORT|off", callback=_endpoint, help="Where metrics are (default 127.0.0.1@9153)."
)
@click.option("--user", metavar="NAME", help="As root: the account to run as (default: bob).")
@click.option(
    "--config-store",
    metavar="files|database|URL",
    default="files",
    show_default=True,
    help="Where the configuration is kept: files or a database in the state directory, or a database by URL.",
)
@click.option(
    "--core-dumps",
    is_flag=True,
    help="Let processes that crash leave core files, as far as the limit of the caller allows. They hold secrets.",
)
@click.option("--log-level", type=click.Choice(list(LEVELS)), help="In this run, instead of logging.level.")
@click.option("--log-format", type=click.Choice(list(FORMATS)), help="In this run, instead of logging.format.")
def run(
    config: Path | None,
    state_dir: Path | None,
    run_dir: Path | None,
    listen: tuple[str, ...],
    rest: str | None,
    metrics: str | None,
    user: str | None,
    config_store: str,
    log_level: str | None,
    log_format: str | None,
    *,
    core_dumps: bool,
) -> None:
    """Run the suite in the foreground until Ctrl-C or SIGTERM. SIGHUP reads the configuration file again."""
    from bob.startup import Request, prepare

    overlay = {"cmdctl.rest": rest, "stats.metrics": metrics, "logging.level": log_level, "logging.format": log_format}
    request = Request(
        config=config,
        state_dir=state_dir,
        run_dir=run_dir,
        listen=listen,
        overlay={path: value for path, value in overlay.items() if value is not None},
        user=user,
        config_store=config_store,
        log_level=log_level or "info",
        log_format=log_format or "text",
        core_dumps=core_dumps,
    )
    try:
        prepared = prepare(request)
    except StartError as error:
        click.echo(f"bob: {error}", err=True)
        sys.exit(error.status)
    try:
        with prepared:
            sys.exit(asyncio.run(prepared.run()))
    except KeyboardInterrupt:  # once more, when all was over
        sys.exit(ExitStatus.INTERRUPTED)


@cli.command("check-config")
@click.argument("file", type=click.Path(path_type=Path))
def check_config(file: Path) -> None:
    """Check a configuration file; nothing need be running. Exit status 0: it can be used."""
    from daemonkit.process import interpreter

    done = subprocess.run([*interpreter(), "-m", "cfgmgr", "--check", str(file.absolute())], check=False)
    sys.exit(done.returncode)


@cli.command()
def version() -> None:
    """Print the version."""
    import importlib.metadata

    click.echo(f"bob {importlib.metadata.version('bobdns')}")
