"""Errors of the health checks.

HealthError
    MalformedMessage    octets that are no DNS message
    ProfileError        a profile that cannot be used; names the place in it
    HintsError          a hints file that cannot be used; names the line
    DomainNameError     what was given is no domain name; `tag` says why (zonemaster.md 3.7)
    UnknownCase         no test case or module has this name
    CatalogueError      a message catalogue that is broken or a language there is none for
    DeadlinePassed      the time for a test is over; what was found so far stands
"""

from __future__ import annotations


class HealthError(Exception):
    """Anything that is wrong here."""


class MalformedMessage(HealthError):
    """Octets that are no DNS message."""


class ProfileError(HealthError):
    """A profile that cannot be used."""


class HintsError(HealthError):
    """A hints file that cannot be used."""


class DomainNameError(HealthError):
    """What was given is no domain name that can be tested."""

    def __init__(self, tag: str, message: str) -> None:
        super().__init__(message)
        self.tag = tag


class UnknownCase(HealthError):
    """No test case or module has this name."""


class CatalogueError(HealthError):
    """A message catalogue that is broken, or a language there is none for."""


class DeadlinePassed(HealthError):
    """The time for a test is over."""
