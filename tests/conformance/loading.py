"""Zone files that show what loadzone takes, mends, warns of and refuses, and what came of loading them.

Each zone is HEADER and the lines that matter, so that these begin at line 5. Two rounds are loaded into the database
that the server under test serves: CASES, and then NEXT, new versions of some of them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dns.name

import datasrc
from datasrc.zonetext_writer import zone_lines
from tests.kit.dnsclient import Subject

ROOT = Path(__file__).parent.parent.parent
DEADLINE = 60.0  # seconds for one run of loadzone
HEADER = """$TTL 3600
@ IN SOA ns1.plain.test. hostmaster.plain.test. {serial} 7200 900 604800 300
@ IN NS ns1.plain.test.
www IN A 192.0.2.1
"""
MIXED_TARGET = "03777777 0a6475706c696361746573 0474657374 00"  # www.duplicates.test.

GOOD = {
    "closed.test": "",
    "dropped.test": "",
    "local.test": "to-closed CNAME www.closed.test.\n",
    "damaged.test": "",
    "case.test": 'MiXeD TXT "Case"\nother CNAME MiXeD\nx\\.y\\000z TXT "\\\\ \\" \\255"\n',
    "duplicates.test": f"www A 192.0.2.1\nmx MX 10 www\nmx MX \\# 23 000a {MIXED_TARGET}\n"
    "opaque TYPE65280 \\# 2 0141\nopaque TYPE65280 \\# 2 0161\n",
    "strings.test": f'longest TXT "{"x" * 255}"\nshortest TXT ""\nhinfo HINFO "" ""\n',
    "syntax.test": r"""@ TXT "at the apex"
relative TXT "relative"
absolute.syntax.test. TXT "absolute"
repeated TXT "first"
         TXT "owner of the line before"
folded TXT ( ; a comment in parentheses
    "in parentheses" )
quoted TXT "semi;colon and (parentheses)"
commented TXT "before a comment" ; and the comment
swapped IN 60 TXT "class before TTL"
$ORIGIN sub
@ TXT "@ after $ORIGIN"
below TXT "below $ORIGIN"
$ORIGIN syntax.test.
$INCLUDE parts/included.txt
$INCLUDE parts/included.txt other-origin
after-include TXT "the origin is restored"
""",
}

# Loaded, with a warning that names line 5 where there is one.
WARNED = {
    "out-of-zone.test": "stranger.invalid. A 192.0.2.66\n",
    "ns-alias.test": "@ NS alias\nalias CNAME www\n",
    "mx-alias.test": "@ MX 10 alias\nalias CNAME www\n",
    "ds-apex.test": "@ DS 1 13 2 " + "ab" * 32 + "\n",
    "ds-nowhere.test": "www DS 1 13 2 " + "ab" * 32 + "\n",
    "dnskey-below.test": "www DNSKEY 257 3 13 " + "A" * 86 + "==\n",
    "cds-below.test": "www CDS 1 13 2 " + "ab" * 32 + "\n",
    "wild-ns.test": "*.below NS ns1.plain.test.\n",
    "wild-dname.test": "*.below DNAME other.test.\n",
    "dname-ns.test": "cut NS ns1.plain.test.\ncut DNAME other.test.\n",
    "dname-below.test": "dn DNAME other.test.\nbelow.dn A 192.0.2.66\n",
}

# Two keys, and all but two sets signed with the algorithms of both, by signatures that are none.
_RRSIG = "RRSIG {} {} 2 3600 20300101000000 20200101000000 1 @ " + "A" * 86 + "=="
_TWICE = "".join(f"@ {_RRSIG.format(covered, number)}\n" for covered in ("DNSKEY", "SOA", "NS") for number in (8, 13))
HALF_SIGNED = "half-signed.test"
HALF_SIGNED_LINES = {4, 7}  # the address, and the DS
HALF_SIGNED_TEXT = (
    f"@ DNSKEY 257 3 13 {'A' * 86}==\n@ DNSKEY 256 3 8 {'A' * 86}==\ncut DS 1 13 2 {'ab' * 32}\n"
    f"cut NS ns.cut\nns.cut A 192.0.2.2\n{_TWICE}www {_RRSIG.format('A', 13)}\n"
    f'text TXT "signed"\ntext {_RRSIG.format("TXT", 8)}\ntext {_RRSIG.format("TXT", 13)}\n'
)

# TTLs are the point: these have headers of their own.
WHOLE = {
    "ttls.test": HEADER.format(serial=1).replace("www IN", "www 300 IN") + "www 100 IN A 192.0.2.2\n",
    "ttl-default.test": "$TTL 500\n@ 900 IN SOA ns1.plain.test. h.plain.test. 1 2 3 4 300\n"
    "@ 700 IN NS ns1.plain.test.\nwww A 192.0.2.1\n",
    "ttl-last.test": "@ 900 IN SOA ns1.plain.test. h.plain.test. 1 7200 900 604800 300\n"
    "@ 777 IN NS ns1.plain.test.\nwww A 192.0.2.1\n",
    "ttl-minimum.test": "@ IN SOA ns1.plain.test. h.plain.test. 1 7200 900 604800 300\n"
    "@ NS ns1.plain.test.\nwww A 192.0.2.1\n",
    "no-soa.test": "$TTL 1\n@ IN NS ns1.plain.test.\n",
    "two-soa.test": HEADER.format(serial=1) + "@ SOA ns2.plain.test. h.plain.test. 2 2 3 4 5\n",
    "soa-elsewhere.test": HEADER.format(serial=1) + "www SOA ns2.plain.test. h.plain.test. 2 2 3 4 5\n",
    "no-ns.test": "$TTL 1\n@ IN SOA ns1.plain.test. h.plain.test. 1 7200 900 604800 300\n",
    "wild-soa.test": HEADER.format(serial=1) + "*.below SOA ns2.plain.test. h.plain.test. 2 2 3 4 5\n",
}

# Refused, naming line 5.
REFUSED = {
    "other-class.test": 'www CH TXT "class"\n',
    "unbalanced.test": 'x TXT ( "never closed"\n',
    "unquoted.test": 'x TXT "never closed\n',
    "no-include.test": "$INCLUDE parts/nothing.txt\n",
    "string256.test": f'x TXT "{"x" * 256}"\n',
    "txt-empty.test": "x TXT\n",
    "caa-no-tag.test": 'x CAA 0 "" "ca.example"\n',
    "label64.test": "a" * 64 + " A 192.0.2.1\n",
    "name256.test": ".".join(["a" * 63] * 4) + " A 192.0.2.1\n",
    "empty-label.test": "a..b A 192.0.2.1\n",
    "generic-length.test": "x TYPE65280 \\# 4 0a0000\n",
    "generic-hex.test": "x TYPE65280 \\# 2 0g00\n",
    "generic-a.test": "x A \\# 3 c00002\n",
    "generic-mx.test": "x MX \\# 4 000a c00c\n",
    "cname-other.test": "www CNAME other.test.\n",
    "two-cname.test": "x CNAME other.test.\nx CNAME www.other.test.\n",
    "cname-apex.test": "@ CNAME other.test.\n",
    "dname-two.test": "x DNAME other.test.\nx DNAME plain.test.\n",
    "dname-cname.test": "x DNAME other.test.\nx CNAME other.test.\n",
    "meta-opt.test": "x OPT \\# 0\n",
    "meta-tsig.test": "x TYPE250 \\# 0\n",
    "meta-tkey.test": "x TKEY \\# 0\n",
    "meta-axfr.test": "x AXFR \\# 0\n",
    "meta-any.test": "x ANY \\# 0\n",
}

VERSIONED = {
    "keeps.test": 1,
    "serial-wrap.test": 2**32 - 1,
    "serial-lower.test": 100,
    "serial-half.test": 100,
    "serial-far.test": 100,
}

CASES = {
    **{zone: HEADER.format(serial=1) + rest for zone, rest in (GOOD | WARNED | REFUSED).items()},
    HALF_SIGNED: HEADER.format(serial=1) + HALF_SIGNED_TEXT,
    **WHOLE,
    **{zone: HEADER.format(serial=serial) for zone, serial in VERSIONED.items()},
}

NEXT = {
    "keeps.test": HEADER.format(serial=2).replace("192.0.2.1", "192.0.2.2") + "www CNAME other.test.\n",
    "serial-wrap.test": HEADER.format(serial=5),
    "serial-lower.test": HEADER.format(serial=99) + "new A 192.0.2.2\n",
    "serial-half.test": HEADER.format(serial=100 + 2**31) + "new A 192.0.2.2\n",
    "serial-far.test": HEADER.format(serial=100 + 2**31 - 1) + "new A 192.0.2.2\n",
}


def write(directory: Path, zones: Mapping[str, str]) -> Path:
    """The zones as files, and the part that some include."""
    (directory / "parts").mkdir(parents=True)
    (directory / "parts" / "included.txt").write_text('included TXT "from the included file"\n')
    for zone, text in zones.items():
        (directory / f"{zone}.zone").write_text(text)
    return directory


def run_loadzone(database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The real program."""
    command = [sys.executable, "-I", "-W", "error", "-m", "loadzone", "--database", database, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)


@dataclass(frozen=True)
class Loaded:
    """One round of loading: what loadzone said, and the server that serves what it wrote."""

    subject: Subject
    database: str
    words: str
    scratch: Path

    def lines(self, zone: str, severity: str) -> set[int]:
        """The lines of a zone's file that something of this severity was said about."""
        return {int(number) for number in re.findall(rf"/{re.escape(zone)}\.zone:(\d+): {severity}: ", self.words)}

    def assert_refused(self, zone: str, *, line: int | None = None) -> None:
        """loadzone said why, at the right place, and the server has nothing of it but what it had."""
        failed = re.findall(r"\d+ failed: (.*)", self.words)
        assert f"{zone}.zone" in failed[0].split(", "), self.words
        assert f"loadzone: {zone}: " in self.words, self.words
        assert line is None or line in self.lines(zone, "error"), self.words
        if zone not in VERSIONED:
            assert self.subject.ask(f"{zone}.", "SOA").rcode == "REFUSED"

    def assert_warned(self, zone: str) -> None:
        """loadzone warned of it and wrote it all the same."""
        assert self.lines(zone, "warning"), f"nothing was said of {zone}:\n{self.words}"
        assert self.subject.ask(f"{zone}.", "SOA").rcode == "NOERROR"

    def export(self, zone: str) -> str:
        """The zone as text."""
        source = datasrc.open(self.database, read_only=True)
        try:
            with source.snapshot() as snapshot:
                finder = snapshot.zone(dns.name.from_text(zone))
                assert finder is not None
                return "".join(zone_lines(finder.rrsets()))
        finally:
            source.close()

    def reload_export(self, zone: str) -> str:
        """Load the export again: "unchanged" where loadzone found that nothing changes."""
        file = self.scratch / f"{zone}.export"
        file.write_text(self.export(zone))
        done = run_loadzone(self.database, f"{zone}.", str(file))
        assert done.returncode == 0, done.stderr
        return "unchanged" if "unchanged" in done.stdout + done.stderr else done.stdout + done.stderr


class Reloaded(Loaded):
    """The second round."""
