"""Manual pages in roff (man(7)), from the same commands and options as the reference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

SUITE = "bobdns"
ESCAPES = str.maketrans({"\\": "\\e", "-": "\\-", "'": "\\(aq", "^": "\\(ha", "~": "\\(ti"})  # groff_char(7)


def words(text: str) -> str:
    """Plain text; what is between backticks is bold."""
    safe = text.translate(ESCAPES)
    bold = re.sub(r"`([^`]*)`", r"\\fB\1\\fP", safe).replace("`", "\\(ga")
    return re.sub(r"^\.", r"\\&.", bold)


def paragraphs(text: str) -> Iterator[str]:
    """Each as one line, so that none of its words begins a line."""
    for part in text.strip().split("\n\n"):
        if part.strip():
            yield ".PP"
            yield words(" ".join(part.split()))


def head(name: str, section: int, title: str) -> Iterator[str]:
    """The first lines of a page."""
    yield '.\\" Made by `make docs` from the specs and the code: change those.'
    yield f'.TH "{words(name).upper()}" "{section}" "" "{SUITE}" "{SUITE} manual"'
    yield ".SH NAME"
    yield f"{words(name)} \\- {words(title)}"


def options(command: click.Command) -> Iterator[str]:
    """Each option with what it does."""
    for option in command.params:
        if not isinstance(option, click.Option) or option.hidden:
            continue
        value = "" if option.is_flag else f" \\fI{words(option.metavar or (option.name or '').upper())}\\fP"
        names = [f"\\fB{words(name)}\\fP{value}" for name in (*option.opts, *option.secondary_opts)]
        yield ".TP"
        yield ", ".join(names)
        text = " ".join((option.help or "").split())
        yield words(text) or "See above."


def place(argument: click.Argument) -> str:
    """What stands for an argument."""
    word = argument.metavar or (argument.name or "").upper()
    if argument.required or word.startswith("["):
        return word
    return f"[{word}]..." if argument.nargs != 1 else f"[{word}]"


def synopsis(name: str, command: click.Command) -> Iterator[str]:
    """How it is called."""
    yield ".PP"
    arguments = " ".join(f"\\fI{words(place(one))}\\fP" for one in command.params if isinstance(one, click.Argument))
    has_options = any(isinstance(one, click.Option) and not one.hidden for one in command.params)
    option = " [\\fIOPTION\\fP]..." if has_options else ""
    yield f"\\fB{words(name)}\\fP{option} {arguments}".rstrip()


def terms(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Each with its explanation."""
    for name, text in rows:
        yield ".TP"
        yield f"\\fB{words(name)}\\fP"
        yield words(text)


def of_markdown(part: str) -> Iterator[str]:
    """A part of a page of the reference: a heading, a list, or text."""
    text = re.sub(r"\[([^\]]*)\]\(#[^)]*\)", r"\1", part)  # links within the page
    if text.startswith("#"):
        yield f".SS {words(text.lstrip('# ').replace('`', ''))}"
    elif text.startswith("- "):
        for line in text.split("\n"):
            yield ".IP \\(bu 2"
            yield words(line.removeprefix("- "))
    else:
        yield from paragraphs(text)


def see_also(pages: Mapping[str, int], but: str) -> Iterator[str]:
    """The other pages."""
    yield ".SH SEE ALSO"
    yield ",\n".join(f"\\fB{words(name)}\\fP({section})" for name, section in pages.items() if name != but)


def write(pages: Mapping[str, str], directory: Path) -> None:
    """Put pages there, and nothing else."""
    directory.mkdir(exist_ok=True)
    for path in directory.glob("*"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (directory / name).write_text(text)
