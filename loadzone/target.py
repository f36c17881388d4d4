"""Which data source a zone is loaded into, and which suite may be serving it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasrc
from daemonkit.paths import SYSTEM_CONFIG, SYSTEM_STATE, Directories, find_running
from datasrc.errors import Missing, SchemaTooOld
from datasrc.source import DataSource
from datasrc.sources import source_url
from loadzone.errors import Failed, NotFound, Refused, UsageFault

DATA_SOURCES = "data_sources"
DATABASE = "database"
PLACES = {DATABASE: "url", "master-files": "directory"}  # by type, the option that says where
# What a suite has that is told nothing (specs/zones.yaml).
DEFAULT_SOURCES = {"main": {"type": DATABASE, "url": "sqlite:///{state_dir}/zones.sqlite"}}
SQLITE = "sqlite"  # the scheme of a URL
ACCOUNT = "bob"  # whom the system's suite runs as
STATE_MODE = 0o750


@dataclass(frozen=True, slots=True)
class Selection:
    """What the command line says about it."""

    database: str | None = None
    config: Path | None = None
    state_dir: Path | None = None
    run_dir: Path | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A data source to write, and the directories of the suite that would serve it."""

    name: str
    url: str
    directories: Directories

    @property
    def shown(self) -> str:
        """Where it is: a file, or a server's address without the password."""
        path = self.url.removeprefix("sqlite:///")
        return path if path != self.url else self.url.rpartition("@")[2]

    def open(self) -> DataSource:
        """Open it as it is. Raises DataSourceError: Missing or SchemaTooOld where it is to be made."""
        if self._is_in_state_directory() and not self.directories.state.exists():
            raise Missing("its directory is not there yet", database=self.shown)
        return datasrc.open(self.url, name=self.name)

    def make(self) -> DataSource:
        """Open it, made if need be. Raises DataSourceError, Refused, Failed."""
        if self._is_in_state_directory():
            _make_state_directory(self.directories.state)
        return datasrc.open(self.url, name=self.name, create=True)

    def _is_in_state_directory(self) -> bool:
        file = self._file
        return file is not None and file.is_relative_to(self.directories.state)

    @property
    def _file(self) -> Path | None:
        """The file of an SQLite database."""
        scheme, found, rest = self.url.partition(":///")
        if not found or scheme.partition("+")[0] != SQLITE:
            return None
        return Path(rest.partition("?")[0]).absolute()


class Store:
    """The data source of a target, opened when it is first asked for and made when the first zone is good."""

    def __init__(self, target: Target, say: Callable[[str], None]) -> None:
        self._target = target
        self._say = say
        self._source: DataSource | None = None

    def existing(self) -> DataSource | None:
        """The data source; None where there is none yet. Raises DataSourceError, Refused, Failed."""
        if self._source is None:
            try:
                self._source = self._target.open()
            except Missing:
                return None
            except SchemaTooOld as error:
                if error.empty:
                    return None
                self._source = self._target.make()
        return self._source

    def made(self) -> DataSource:
        """The data source, made if need be. Raises DataSourceError, Refused, Failed."""
        if self._source is None:
            self._source = self._target.make()
            self._say(f"made a new database, {self._target.shown}")
        return self._source

    def close(self) -> None:
        """Close what is open."""
        if self._source is not None:
            self._source.close()


def choose(selection: Selection) -> Target:
    """The data source the command line means. Raises UsageFault, NotFound, Refused."""
    directories = find_running(selection.state_dir, selection.run_dir)
    if selection.database is not None:
        return Target(selection.source or "", selection.database, directories)
    sources = _configured(selection, directories)
    name = _chosen(selection.source, sources)
    entry = sources[name]
    if entry["type"] != DATABASE:
        place = directories.substitute(str(entry["directory"]))
        raise Refused(f"the data source {name} is a directory of master files: put the file into {place}")
    return Target(name, directories.substitute(source_url(entry)), directories)


def _configured(selection: Selection, directories: Directories) -> Mapping[str, Mapping[str, Any]]:
    file = selection.config
    if file is None and directories.state == SYSTEM_STATE and SYSTEM_CONFIG.exists():
        file = SYSTEM_CONFIG
    return DEFAULT_SOURCES if file is None else _read_sources(file)


def _chosen(wanted: str | None, sources: Mapping[str, Mapping[str, Any]]) -> str:
    if wanted is not None:
        if wanted not in sources:
            raise NotFound(f"there is no data source {wanted!r}; there are {', '.join(sources) or 'none'}")
        return wanted
    databases = [name for name, entry in sources.items() if entry["type"] == DATABASE]
    if len(databases) == 1:
        return databases[0]
    if databases:
        raise UsageFault(f"there are several data sources to load into, choose with --source: {', '.join(databases)}")
    raise UsageFault("the configuration has no data source of type database to load into")


def _read_sources(file: Path) -> Mapping[str, Mapping[str, Any]]:
    """The data sources of a configuration file. The whole of it is for `bob check-config` to judge."""
    import yaml  # slow to import, and mostly there is no file to read

    try:
        with file.open("rb") as stream:
            document = yaml.load(stream, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe, in C
    except FileNotFoundError:
        raise NotFound(f"{file}: no such file") from None
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise UsageFault(f"{file}: {' '.join(str(error).split())}") from error
    if document is not None and not isinstance(document, dict):
        raise UsageFault(f"{file}: not a map of options")
    sources = (document or {}).get(DATA_SOURCES, DEFAULT_SOURCES)
    faults = _faults(sources)
    if faults:
        raise UsageFault(f"{file}: {faults}; `bob check-config {file}` says more")
    checked: Mapping[str, Mapping[str, Any]] = sources
    return checked


def _faults(sources: Any) -> str:
    if not isinstance(sources, dict):
        return f"{DATA_SOURCES} is not a map"
    for name, entry in sources.items():
        where = f"{DATA_SOURCES}.{name}"
        if not isinstance(name, str):
            return f"{where} has a name that is no text"
        place = PLACES.get(str(entry.get("type"))) if isinstance(entry, dict) else None
        if place is None:
            return f"{where} has no type that is known"
        if not isinstance(entry.get(place), str):
            return f"{where} has no {place}"
    return ""


def _make_state_directory(path: Path) -> None:
    """Make the state directory where the suite was never started; that of the system belongs to the suite's account."""
    if path.exists():
        return
    try:
        account = pwd.getpwnam(ACCOUNT) if path == SYSTEM_STATE else None
    except KeyError:
        raise Refused(f"there is neither {path} nor an account {ACCOUNT}: name a directory with --state-dir") from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=STATE_MODE, exist_ok=True)
        if account is not None:
            os.chown(path, account.pw_uid, account.pw_gid)
    except OSError as error:
        raise Failed(f"cannot make the state directory {path}: {error.strerror}") from error
