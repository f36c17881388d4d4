"""Host names and mail addresses as the syntax cases judge them: no lookups, only text.

Host names follow RFC 952 and RFC 1123 section 2.1; mail addresses RFC 5322 section 3.4.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import dns.name

_LABEL = re.compile(rb"[-A-Za-z0-9]+\Z")
_DOUBLE_DASH = re.compile(rb"..--", re.DOTALL)  # RFC 5891 section 4.2.3.1: positions 3 and 4
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = rf"{_ATEXT}(?:\.{_ATEXT})*"
_QUOTED = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'
_LOCAL_PART = re.compile(rf"(?:{_DOT_ATOM}|{_QUOTED})\Z")
_MAIL_DOMAIN = re.compile(rf"{_DOT_ATOM}\Z")


def labels(name: dns.name.Name) -> tuple[bytes, ...]:
    """The labels of a name without the root's empty one."""
    return tuple(label for label in name.labels if label)


def label_text(label: bytes) -> str:
    """A label as text, with what is not printable ASCII escaped as in a zone file (RFC 1035 section 5.1)."""
    return dns.name.Name([label]).to_text()


def only_allowed_characters(name: dns.name.Name) -> bool:
    """Whether every label holds only letters, digits and hyphens."""
    return all(_LABEL.match(label) for label in labels(name))


def discouraged_double_dashes(name: dns.name.Name) -> Iterator[str]:
    """The labels with hyphens in positions 3 and 4 that are no A-labels ("xn--")."""
    for label in labels(name):
        if _DOUBLE_DASH.match(label) and not label.lower().startswith(b"xn--"):
            yield label_text(label)


def numeric_tld(name: dns.name.Name) -> str | None:
    """The last label where it is all digits (such a name reads as an IPv4 address), or None."""
    own = labels(name)
    return label_text(own[-1]) if own and own[-1].isdigit() else None


def mailbox(rname: dns.name.Name) -> str | None:
    """The mail address an SOA RNAME stands for, or None where it is none (RFC 1035 section 8, RFC 5322)."""
    local, *domain = labels(rname) or (b"",)
    local_part, domain_part = local.decode("latin-1"), b".".join(domain).decode("latin-1")
    if _LOCAL_PART.match(local_part) and _MAIL_DOMAIN.match(domain_part):
        return f"{local_part}@{domain_part}"
    return None


def holds_at_sign(rname: dns.name.Name) -> bool:
    """Whether "@" was written into an RNAME, where the first dot stands for it (RFC 1912 section 2.2)."""
    return any(b"@" in label for label in labels(rname))
