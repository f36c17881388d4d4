"""What Tab offers in the shell: the same as click offers to bash, zsh and fish, with the help beside it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from click.shell_completion import CompletionItem, ShellComplete, split_arg_string
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from bobctl import lines
from bobctl.nouns import NOUNS
from bobctl.shell_help import SHELL_WORDS
from bobctl.suite import Suite

MAX_HELP = 60  # characters beside an offer


class ShellCompleter(Completer):
    """Completes a command line of ours."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    def get_completions(self, document: Document, _event: CompleteEvent) -> Iterator[Completion]:
        """What the word at the cursor may become."""
        text = document.text_before_cursor
        words, typed = words_before(text)
        start = _start_of_word(text) - len(text)
        for item in self._items(words, typed):
            yield Completion(
                shlex.quote(item.value) if _needs_quotes(item.value) else item.value,
                start_position=start,
                display=item.value,
                display_meta=(item.help or "")[:MAX_HELP],
            )

    def _items(self, words: list[str], typed: str) -> list[CompletionItem]:
        asks_help = words[:1] == ["help"]
        rest = words[1:] if asks_help else words
        if rest and rest[0] not in NOUNS:
            return []
        offers = ShellComplete(lines.root, {"obj": self._suite.for_a_line()}, "", "").get_completions(list(rest), typed)
        own = [CompletionItem(word, help=text) for word, text in SHELL_WORDS.items() if word.startswith(typed)]
        return [*offers, *own] if not words else offers


def words_before(text: str) -> tuple[list[str], str]:
    """The words before the one that is being typed, and that one as far as it goes."""
    words = split_arg_string(text)
    if words and _start_of_word(text) < len(text):
        return words[:-1], words[-1]
    return words, ""


def _start_of_word(text: str) -> int:
    """Where the last word begins; the end of the text where a new one would."""
    start, quote = 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character.isspace():
            start = position + 1
    return start


def _needs_quotes(value: str) -> bool:
    """Brackets of a path need none: lines here are no shell's, only split as one does it."""
    return any(character.isspace() or character in "\"'\\#" for character in value)
