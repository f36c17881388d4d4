"""The manual pages: what each says. How roff says it is in manual.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import click
import manual
from configuration_page import SPECS, option_parts, owners

from bobctl.nouns import NOUNS, Nouns

MANUAL = {"bob": 8, "bobctl": 1, "loadzone": 1, "bob.yaml": 5}
FILES = (
    ("/etc/bob/bob.yaml", "The configuration that the first start takes over; see `bob.yaml`(5)."),
    ("/var/lib/bob", "The state directory: configuration, zone data, users and the audit log."),
    ("/run/bob", "The run directory: the control socket, counters and the last lines of the log."),
)
STATUS = (
    ("0", "Done."),
    ("1", "Failed; also where no suite is running."),
    ("2", "Usage: the words are wrong."),
    ("3", "What was named is not there."),
    ("4", "A conflict with what somebody else did."),
    ("5", "Refused: not permitted, or not possible."),
)


def man_bob() -> Iterator[str]:
    """The program that runs the suite."""
    from bob.commands import cli

    yield from manual.head("bob", 8, "run an authoritative DNS server suite")
    yield ".SH SYNOPSIS"
    verbs = sorted(cli.commands.items())
    for name, command in verbs:
        yield from manual.synopsis(f"bob {name}", command)
    yield ".SH DESCRIPTION"
    yield from manual.paragraphs(
        "One process, bob, starts and watches all others: it answers for zones, takes orders through cmdctl, and keeps"
        " counts and logs. `bobctl`(1) is how to speak to it, `loadzone`(1) brings zones into its database, and"
        " `bob.yaml`(5) has what can be configured. " + " ".join((SPECS["bob"].text or "").split())
    )
    for name, command in verbs:
        yield f".SS bob {manual.words(name)}"
        yield from manual.paragraphs(command.help or "")
        yield from manual.options(command)
    yield from _man_files()
    yield from manual.see_also(MANUAL, "bob")


def man_bobctl() -> Iterator[str]:
    """The client."""
    from bobctl.cli import root

    yield from manual.head("bobctl", 1, "configure, command and watch a DNS server suite")
    yield ".SH SYNOPSIS"
    yield ".PP"
    yield r"\fBbobctl\fP [\fIOPTION\fP]... [\fINOUN\fP [\fIVERB\fP] [\fIARGUMENT\fP]...]"
    yield ".SH DESCRIPTION"
    yield from manual.paragraphs(root.help or "")
    yield ".SH OPTIONS"
    yield from manual.options(root)
    yield ".SH COMMANDS"
    group = Nouns("bobctl")
    for noun in sorted(NOUNS):
        command = group.get_command(click.Context(group), noun)
        assert command is not None
        verbs = sorted(command.commands.items()) if isinstance(command, click.Group) else []
        yield f".SS {manual.words(noun)}"
        yield from manual.paragraphs(command.help or "")
        if not verbs:
            yield from manual.synopsis(f"bobctl {noun}", command)
            yield from manual.options(command)
        for name, verb in verbs:
            if not verb.hidden:
                yield from manual.synopsis(f"bobctl {noun} {name}", verb)
                yield from manual.paragraphs(verb.help or "")
                yield from manual.options(verb)
    yield ".SH EXIT STATUS"
    yield from manual.terms(STATUS)
    yield from manual.see_also(MANUAL, "bobctl")


def man_loadzone() -> Iterator[str]:
    """What loads zones."""
    from loadzone.cli import command

    yield from manual.head("loadzone", 1, "load zone files into the database of a DNS server suite")
    yield ".SH SYNOPSIS"
    yield from manual.synopsis("loadzone", command)
    yield ".SH DESCRIPTION"
    yield from manual.paragraphs(command.help or "")
    yield ".SH OPTIONS"
    yield from manual.options(command)
    yield from manual.see_also(MANUAL, "loadzone")


def man_configuration() -> Iterator[str]:
    """Every option, as in configuration.md."""
    yield from manual.head("bob.yaml", 5, "configuration of a DNS server suite")
    yield ".SH DESCRIPTION"
    yield from manual.paragraphs(
        "A YAML file with the top-level keys below, all of which may be left out. It is read at the first start, and by"
        " `bobctl config reload`; `bob check-config FILE` checks it. After that the configuration is kept by the suite"
        " and changed by `bobctl config`.\n\n"
        "Paths are as `bobctl config set` takes them: `NAME` stands for a key of your own choice, `[N]` for the place"
        " of an item in a list. `bobctl config describe PATH` says the same of one."
    )
    for key, spec in owners():
        yield f".SH {manual.words(key)}"
        yield from manual.paragraphs(spec.title + ".")
        for part in option_parts(key, spec.configurable[key]):
            yield from manual.of_markdown(part)
    yield from _man_files()
    yield from manual.see_also(MANUAL, "bob.yaml")


def _man_files() -> Iterator[str]:
    yield ".SH FILES"
    yield from manual.terms(FILES)


MAN_PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "bob.8": man_bob,
    "bobctl.1": man_bobctl,
    "loadzone.1": man_loadzone,
    "bob.yaml.5": man_configuration,
}
