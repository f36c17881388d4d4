"""The domain name that is to be tested, as a person gives it (RequirementsAndNormalizationOfDomainNames)."""

from __future__ import annotations

import re
import unicodedata

import dns.name
import idna

from health.engine.errors import DomainNameError

# Zs of Unicode and the tabulator: what may stand around a pasted name.
_SPACES = "\t\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DOTS = {0xFF0E: ".", 0x3002: ".", 0xFF61: "."}  # full-width, ideographic, half-width ideographic full stop
_ASCII_LABEL = re.compile(r"[a-z0-9/_-]+\Z")
_MAX_NAME = 253  # RFC 1035 section 2.3.4, as text
_MAX_LABEL = 63


def domain_name(text: str) -> dns.name.Name:
    """The absolute name for what was given: trimmed, lower case, U-labels as A-labels (IDNA 2008).

    Raises DomainNameError, whose tag is that of the specification.
    """
    name = text.strip(_SPACES).translate(_DOTS)
    if not name:
        raise DomainNameError("EMPTY_DOMAIN_NAME", "the domain name is empty")
    if name == ".":
        return dns.name.root
    if name.startswith("."):
        raise DomainNameError("INITIAL_DOT", f"the domain name {text!r} begins with a dot")
    if ".." in name:
        raise DomainNameError("REPEATED_DOTS", f"the domain name {text!r} has two dots without a label between them")
    if "\u0130" in name:
        raise DomainNameError("AMBIGUOUS_DOWNCASING", f"{text!r} has a letter (U+0130) with no certain lower case")
    labels = [_label(label) for label in name.removesuffix(".").split(".")]
    if len(".".join(labels)) > _MAX_NAME:
        raise DomainNameError("DOMAIN_NAME_TOO_LONG", f"the domain name {text!r} is longer than {_MAX_NAME} characters")
    return dns.name.Name([label.encode("ascii") for label in labels] + [b""])


def unicode_text(name: dns.name.Name) -> str:
    """A name with its A-labels as U-labels, for people; labels that are none stay as they are."""
    return ".".join(_shown(label) for label in name.to_text(omit_final_dot=True).split(".")) or "."


def _label(label: str) -> str:
    if label.isascii():
        lower = label.lower()
        if not _ASCII_LABEL.match(lower):
            raise DomainNameError("INVALID_ASCII", f"the label {label!r} has a character that is not allowed")
    else:
        lower = _a_label(label)
    if len(lower) > _MAX_LABEL:
        raise DomainNameError("LABEL_TOO_LONG", f"the label {label!r} is longer than {_MAX_LABEL} characters")
    return lower


def _a_label(label: str) -> str:
    normal = unicodedata.normalize("NFC", label.lower())
    try:
        return idna.encode(normal).decode("ascii")
    except idna.IDNAError as error:
        if "too long" in str(error):
            raise DomainNameError(
                "LABEL_TOO_LONG", f"the label {label!r} is longer than {_MAX_LABEL} characters"
            ) from error
        raise DomainNameError("INVALID_U_LABEL", f"the label {label!r} is no label of IDNA 2008: {error}") from error


def _shown(label: str) -> str:
    try:
        return idna.decode(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return label
