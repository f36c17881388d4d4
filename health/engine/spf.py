"""Whether text is an SPF policy by the grammar of RFC 7208. No lookups; in time linear to the length."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter

VERSION = "v=spf1"

_TERM = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*)([:=/]?)(.*)\Z", re.DOTALL)
_LITERAL = r"[\x21-\x24\x26-\x7e]"
# Section 7.2: the letters c, r and t are for explanation text only.
_EXPAND = r"%(?:\{[slodiphv][0-9]*r?[-.+,/_=]*\}|[%_-])"
_EXPLAINING = r"%(?:\{[slodiphcrtv][0-9]*r?[-.+,/_=]*\}|[%_-])"
_MACRO_STRING = re.compile(rf"(?:{_LITERAL}|{_EXPAND})*\Z")
_ANY_MACRO_STRING = re.compile(rf"(?:{_LITERAL}|{_EXPLAINING})*\Z")
_LAST_EXPAND = re.compile(_EXPAND)
_TOP_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
_IP4_LENGTH = re.compile(r"(?:0|[1-9][0-9]?)\Z")
_IP6_LENGTH = re.compile(r"(?:0|[1-9][0-9]{0,2})\Z")
_KNOWN_MODIFIERS = ("redirect", "exp")


def is_policy(text: str) -> bool:
    """Whether a TXT record's text claims to be an SPF policy (section 4.5), whatever else is wrong with it."""
    return text.lower() == VERSION or text.lower().startswith(f"{VERSION} ")


def is_valid(policy: str) -> bool:
    """Whether a policy follows the grammar of sections 4.6, 5, 6, 7 and 12."""
    version, *terms = policy.lower().split(" ")
    written = [term for term in terms if term]
    modifiers = Counter(term.partition("=")[0] for term in written)
    once = all(modifiers[name] <= 1 for name in _KNOWN_MODIFIERS)  # section 6
    return version == VERSION and once and all(_is_term(term) for term in written)


def _is_term(term: str) -> bool:
    parts = _TERM.match(term)
    if parts is None:
        return False
    qualifier, name, separator, rest = parts.groups()
    if separator == "=":
        return not qualifier and (_is_domain(rest) if name in _KNOWN_MODIFIERS else bool(_ANY_MACRO_STRING.match(rest)))
    return _is_mechanism(name, separator, rest)


def _is_mechanism(name: str, separator: str, rest: str) -> bool:
    match name:
        case "all":
            return not separator and not rest
        case "include" | "exists":
            return separator == ":" and _is_domain(rest)
        case "a" | "mx":
            return _is_host(separator, rest)
        case "ptr":
            return separator + rest == "" or (separator == ":" and _is_domain(rest))
        case "ip4":
            return separator == ":" and _is_network(rest, ipaddress.IPv4Address, _IP4_LENGTH, 32)
        case "ip6":
            return separator == ":" and _is_network(rest, ipaddress.IPv6Address, _IP6_LENGTH, 128)
        case _:
            return False


def _is_host(separator: str, rest: str) -> bool:
    """What may follow "a" and "mx": a domain, prefix lengths for either family, both or neither."""
    text = separator + rest
    text, slashes, length = text.rpartition("//")
    if not slashes:
        text = length
    elif not _is_length(length, _IP6_LENGTH, 128):
        return False
    before, slash, length = text.rpartition("/")
    if slash and _is_length(length, _IP4_LENGTH, 32):
        text = before
    return not text or (text.startswith(":") and _is_domain(text[1:]))


def _is_domain(text: str) -> bool:
    """A domain-spec: ends in a macro, or in a dot and a label a top level domain can have."""
    if not _MACRO_STRING.match(text):
        return False
    macros = list(_LAST_EXPAND.finditer(text))
    tail = text[macros[-1].end() :] if macros else text
    if not tail:
        return bool(macros)
    _, dot, label = tail.removesuffix(".").rpartition(".")
    return bool(dot) and bool(_TOP_LABEL.match(label)) and not label.isdigit()


def _is_network(
    text: str,
    kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address],
    length: re.Pattern[str],
    most: int,
) -> bool:
    address, slash, bits = text.partition("/")
    try:
        kind(address)
    except ValueError:
        return False
    return "%" not in address and (not slash or _is_length(bits, length, most))


def _is_length(text: str, form: re.Pattern[str], most: int) -> bool:
    return bool(form.match(text)) and int(text) <= most
