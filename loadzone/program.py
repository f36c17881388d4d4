"""One run of the program: what is to be loaded, into what, and how it went."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datasrc.errors import DataSourceError
from loadzone import serving
from loadzone.directory import Load, Tally, files_of, load_all
from loadzone.errors import ExitCode, Interrupted, LoadError, exit_code_of
from loadzone.interruption import Interruption
from loadzone.loading import Loaded, Loader, Manner, check, open_text, parse_origin, plural, text_of
from loadzone.speech import Speech
from loadzone.target import Selection, Store, Target, choose

STDIN = "-"
STDIN_SHOWN = "<stdin>"
# Of so many zones it is said for each whether the suite serves it; of more, of how many it does.
MAX_ASKED = 20


class Program:
    """Does what the command line says and gives the exit code. Without a selection it only checks."""

    def __init__(self, manner: Manner, selection: Selection | None, interruption: Interruption) -> None:
        self._manner = manner
        self._selection = selection
        self._interruption = interruption
        self._speech = Speech(interruption)
        self._tally = Tally()

    def load_one(self, origin: str, file: str) -> ExitCode:
        """Load one zone."""
        with self._ending() as ending:
            name = parse_origin(origin)
            with sys.stdin.buffer if file == STDIN else open_text(Path(file)) as stream, self._load() as load:
                self._speech.begin(stream)
                loaded = load(name, stream, STDIN_SHOWN if file == STDIN else file)
                self._tally.loaded.append(loaded)
                self._speech.result(self._described(loaded))
        return ending.code

    def load_all(self, directory: Path) -> ExitCode:
        """Load every zone of a directory."""
        with self._ending() as ending:
            files = files_of(directory)
            with self._load() as load:
                load_all(files, load, self._speech, self._tally)
            self._speech.result(self._tally.summary(check=self._selection is None))
            if self._tally.failed:
                ending.code = ExitCode.FAILED
        return ending.code

    @contextmanager
    def _load(self) -> Iterator[Load]:
        """How a zone is loaded; at the end it is said who serves what was."""
        if self._selection is None:
            yield partial(check, manner=self._manner, listener=self._speech)
            return
        target = choose(self._selection)
        with closing(Store(target, self._speech.words)) as store:
            loader = Loader(store, self._manner, self._interruption)
            yield partial(loader.load, listener=self._speech)
        self._say_who_serves(target)

    @contextmanager
    def _ending(self) -> Iterator[_Ending]:
        """Turn what ends the work early into words and an exit code."""
        ending = _Ending()
        try:
            yield ending
        except (LoadError, DataSourceError) as error:
            self._speech.words(f"loadzone: {error}")
            ending.code = exit_code_of(error)
        except Interrupted as error:
            done = len(self._tally.loaded)
            written = (
                f"{plural(done, 'zone')} had been done, nothing else was written" if done else "nothing was written"
            )
            self._speech.words(f"loadzone: {error}: {written}")
            ending.code = ExitCode.FAILED

    def _say_who_serves(self, target: Target) -> None:
        loaded = self._tally.loaded
        socket = target.directories.control_socket
        try:
            if len(loaded) > MAX_ASKED:
                serials = [(one.origin, one.serial) for one in loaded]
                self._speech.words(self._whole(serving.report_many(socket, serials)))
                return
            for one in loaded:
                sentence = serving.report(socket, one.origin, one.serial)
                if sentence == serving.NOT_RUNNING:
                    self._speech.words(self._whole(sentence))
                    return
                self._speech.words(f"{text_of(one.origin)}: {sentence}" if len(loaded) > 1 else sentence)
        except Interrupted:
            self._speech.words("no longer waiting for the suite to serve it")

    def _whole(self, sentence: str) -> str:
        """That no suite runs is no cause for alarm where the next one finds the data."""
        assert self._selection is not None
        if sentence != serving.NOT_RUNNING or self._selection.database is not None:
            return sentence
        return f"{sentence}; what is loaded is served from its next start on"

    def _described(self, loaded: Loaded) -> str:
        text = f"{text_of(loaded.origin)}: "
        if self._selection is None:
            return f"{text}good, {plural(loaded.records, 'record')}, serial {loaded.serial}"
        if loaded.change is None:
            return f"{text}unchanged, serial {loaded.serial}; nothing was written"
        text += f"loaded, {plural(loaded.records, 'record')}"
        if loaded.tally is not None:
            text += f" (+{loaded.tally.added} -{loaded.tally.deleted})"
        text += f", serial {loaded.serial}"
        if loaded.before is not None and loaded.before.serial is not None:
            text += f" (before: {loaded.before.serial})"
        return text


@dataclass(slots=True)
class _Ending:
    """How it ended."""

    code: ExitCode = ExitCode.DONE
