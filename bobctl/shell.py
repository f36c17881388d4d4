"""The shell: `bobctl` without words. The command lines are those of the program, completed as they are typed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from bobctl import completion, lines, output
from bobctl.errors import understood
from bobctl.shell_completer import ShellCompleter, words_before
from bobctl.shell_help import show_help
from bobctl.suite import Suite
from cmdctl.errors import ClientError
from daemonkit.errors import PathError

HISTORY = "bobdns/bobctl_history"  # below the XDG state directory
HISTORY_MODE = 0o600  # names of zones and addresses of peers are nobody else's business


class Shell:
    """A conversation with one suite."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._session: PromptSession[str] = PromptSession(
            completer=ShellCompleter(suite),
            complete_while_typing=False,
            complete_in_thread=True,
            history=_history(),
            key_bindings=self._keys(),
        )

    def run(self) -> None:
        """Ask for lines and do them, until `exit` or Ctrl-D."""
        self._greet()
        while True:
            try:
                line = self._session.prompt(self._prompt)
            except KeyboardInterrupt:  # the line is given up
                continue
            except EOFError:
                break
            if not self._do(line):
                break
        self._part()

    def _do(self, line: str) -> bool:
        """Do one line; whether to go on."""
        try:
            words = lines.words_of(line)
        except click.UsageError as error:
            output.words(error.message)
            return True
        if not words:
            return True
        if words[0] in ("exit", "quit"):
            return False
        try:
            if words[0] == "help" or words[-1] == "?":
                show_help(self._suite, [word for word in words if word not in ("help", "?")])
            else:
                lines.do(self._suite, words[1:] if words[0] == "bobctl" else words)
        except KeyboardInterrupt:
            output.words("aborted")
        return True

    def _prompt(self) -> FormattedText:
        """What is asked with: the changes of the candidate, if there are any, between the name and the sign."""
        changed = self._uncommitted()
        note = [("fg:ansiyellow", f" [{changed}]")] if changed else []
        return FormattedText([("bold", "bobctl"), *note, ("", "> ")])

    def _uncommitted(self) -> str:
        candidate = completion.ask(self._suite, "config", "candidate")
        count = len(candidate.get("changes", [])) + candidate.get("left_out", 0)
        if not count:
            return ""
        text = "1 change" if count == 1 else f"{count} changes"
        return f"{text}, outdated" if candidate["revision"] > candidate["base"] else text

    def _greet(self) -> None:
        try:
            found = self._suite.client.get("version")
        except (ClientError, PathError) as error:
            understood(error).show()
        else:
            output.words(f"bobdns {found['version']} at {self._suite.where}")
        output.words("Tab completes, ? and `help` help, `exit` or Ctrl-D ends.")

    def _part(self) -> None:
        if changed := self._uncommitted():
            output.words(f"{changed} not committed; what you changed stays in your candidate")

    def _keys(self) -> KeyBindings:
        """`?` where a word could begin helps with the words so far; in a word it is a character like others."""
        keys = KeyBindings()

        @Condition
        def at_word() -> bool:
            text = self._session.default_buffer.document.text_before_cursor
            return words_before(text)[1] == "" and '"' not in text and "'" not in text

        @keys.add("?", filter=at_word)
        def _help(event: KeyPressEvent) -> None:
            words, _ = words_before(event.current_buffer.document.text_before_cursor)
            run_in_terminal(lambda: show_help(self._suite, words))

        return keys


def _history() -> History:
    """Lines of former conversations, where they can be kept."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    path = Path(base).expanduser() / HISTORY
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(HISTORY_MODE)
        path.chmod(HISTORY_MODE)
    except (OSError, RuntimeError) as error:  # no home directory, or not ours to write
        sys.stderr.write(f"bobctl: lines are not kept: {error}\n")
        return InMemoryHistory()
    return FileHistory(str(path))
