"""Option types that name things: domain names, addresses, endpoints, paths."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from daemonkit.findings import Findings, Path
from daemonkit.options import CONTROL, MAX_STRING, MISSING, OFF, Scalar, StringOption, Substitute, Wrong
from daemonkit.secretfiles import version_of

# UDP and TCP ports are 16 bits; 0 is reserved (RFC 6335 section 6).
MAX_PORT = 65535
# RFC 1035 section 2.3.4: 255 octets on the wire, so 253 characters of plain text.
MAX_NAME_TEXT = 253
PLACEHOLDERS = ("state_dir", "run_dir")

_EASY_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
# Between user and host, also where it holds a slash (SQLAlchemy takes it so), or among the options of the driver.
_URL_PASSWORD = re.compile(r"://[^:/@]*:[^@]*@|[?&][^=&]*pass(?:word|wd)=", re.I)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def normal_name(text: str) -> str | None:
    """A domain name in lower case without the final dot (the root is "."), or None when it is none."""
    if len(text) <= MAX_NAME_TEXT and _EASY_NAME.fullmatch(text):
        return text
    if len(text) > 4 * (MAX_NAME_TEXT + 2) or CONTROL.search(text) or " " in text:  # \DDD takes four characters
        return None
    import dns.exception  # three megabytes, which most processes never need
    import dns.name

    try:
        name = dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError, ValueError):
        return None
    return name.canonicalize().to_text(omit_final_dot=True) if text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameOption(Scalar):
    """A domain name, kept in lower case and without the final dot (RFC 9499 section 2)."""

    def expects(self) -> str:
        return "a domain name"

    def read(self, value: Any) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise Wrong(f"{self.expects()} (put numbers that are text in quotes)")
        name = normal_name(value) if isinstance(value, str) else None
        if name is None:
            raise Wrong(self.expects())
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressOption(Scalar):
    """An IPv4 or IPv6 address."""

    def expects(self) -> str:
        return "an IP address"

    def read(self, value: Any) -> str:
        try:
            return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
        except ValueError:
            raise Wrong(self.expects()) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixOption(Scalar):
    """An address, or a prefix whose host bits are zero."""

    def expects(self) -> str:
        return "an IP address or prefix such as 192.0.2.0/24"

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong(self.expects())
        try:
            return str(ipaddress.ip_network(value)) if "/" in value else str(ipaddress.ip_address(value))
        except ValueError:
            pass
        try:
            loose = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise Wrong(self.expects()) from None
        raise Wrong(f"a prefix without host bits (as in {loose})")


class Endpoint(NamedTuple):
    """An address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}@{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Read `ADDRESS@PORT`; raises ValueError."""
    address, at, port = text.rpartition("@")
    if not at or not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > MAX_PORT:
        raise ValueError(f"{text!r} is not ADDRESS@PORT")
    return Endpoint(str(ipaddress.ip_address(address)), int(port))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOption(Scalar):
    """`ADDRESS@PORT`, or `off` where that is allowed."""

    off: bool = False

    def expects(self) -> str:
        return "ADDRESS@PORT such as 127.0.0.1@53" + (" or off" if self.off else "")

    def read(self, value: Any) -> str:
        if self.off and (value is False or value == OFF):
            return OFF
        try:
            return str(parse_endpoint(value if isinstance(value, str) else ""))
        except ValueError:
            raise Wrong(self.expects()) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathOption(Scalar):
    """An absolute path, once `{state_dir}` and `{run_dir}` are filled in."""

    def expects(self) -> str:
        return "an absolute path, or one that begins with {state_dir} or {run_dir}"

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > MAX_STRING or CONTROL.search(value):
            raise Wrong(self.expects())
        if not value.startswith(("/", *(f"{{{name}}}" for name in PLACEHOLDERS))):
            raise Wrong(self.expects())
        unknown = [name for name in _PLACEHOLDER.findall(value) if name not in PLACEHOLDERS]
        if unknown:
            raise Wrong(f"a path with no other braces than {{state_dir}} and {{run_dir}} (found {{{unknown[0]}}})")
        return value

    def convert(self, complete: Any, substitute: Substitute) -> Any:
        return None if complete is None else substitute(complete)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlOption(StringOption):
    """The URL of a database. One with a password is refused at once and not shown: a candidate is for all to see."""

    pattern: str = "[a-z][a-z0-9+]*://.*"

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        if isinstance(value, str) and _URL_PASSWORD.search(value):
            findings.error(path, "must not hold a password: it would be shown to everybody who may look")
            return MISSING
        return super(UrlOption, self).check(value, path, findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFileOption(PathOption):
    """The path of a file with a secret. A daemon gets `{path, version}`; another version is another secret."""

    def expects(self) -> str:
        return f"{super(SecretFileOption, self).expects()}, of a file with a secret in base64"

    def convert(self, complete: Any, substitute: Substitute) -> Any:
        if complete is None:
            return None
        path = substitute(complete)
        return {"path": path, "version": version_of(path)}
