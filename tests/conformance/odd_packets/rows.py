"""What the rows of the odd packet tables are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply

NAME = "www.plain.test."
EXPECTED = [f"{NAME} 3600 A 192.0.2.1"]
Check = Callable[[Reply | None], None]


@dataclass(frozen=True)
class Row:
    """One odd packet."""

    ident: str
    sent: str
    answered: str
    message: bytes
    check: Check

    def __str__(self) -> str:
        return f"{self.ident} {self.sent}"


def row(ident: str, sent: str, answered: str, message: bytes, check: Check) -> Row:
    """One row; the first three arguments are read from the source by tests.conformance.lines."""
    return Row(ident, sent, answered, message, check)


def dropped(reply: Reply | None) -> None:
    """No reply."""
    assert reply is None


def formerr(*, question: bool = True, opt: bool = False) -> Check:
    """FORMERR, with or without the question and OPT, and nothing else."""
    return error("FORMERR", question=question, opt=opt)


def error(*rcodes: str, question: bool | None = None, opt: bool = False, ede: int | None = None) -> Check:
    """One of these response codes and no data. `question` None: with or without."""

    def check(reply: Reply | None) -> None:
        assert reply is not None
        assert reply.rcode in rcodes
        questions, *others = reply.counts
        assert others == [0, 0, int(opt)]
        assert question is None or questions == int(question)
        assert not reply.aa
        assert ede is None or reply.error_codes == {ede}

    return check


def answered(*, opt: bool = False, answer: list[str] = EXPECTED, options: Sequence[int] = ()) -> Check:
    """The ordinary answer, with every bit of the header as it must be."""

    def check(reply: Reply | None) -> None:
        assert reply is not None
        assert (reply.rcode, reply.answer) == ("NOERROR", answer)
        assert reply.flags & ~packet.RD == packet.QR | packet.AA
        assert (reply.opt is not None) is opt
        assert reply.opt is None or [code for code, _ in reply.opt.options] == list(options)

    return check


def nodata(reply: Reply | None) -> None:
    """NODATA with the SOA."""
    assert reply is not None
    assert reply.is_nodata("plain.test.")


def nxdomain(reply: Reply | None) -> None:
    """NXDOMAIN with the SOA."""
    assert reply is not None
    assert reply.is_nxdomain("plain.test.")


def one_set(reply: Reply | None) -> None:
    """One RRset of the name."""
    assert reply is not None
    assert len({record.type for record in reply.records[0]}) == 1
    assert reply.aa


def bad_key(reply: Reply | None) -> None:
    """NOTAUTH with an unsigned TSIG that says BADKEY (RFC 8945 section 5.2.1)."""
    assert reply is not None
    assert reply.rcode == "NOTAUTH"
    assert not reply.answer
    assert [kind for _, kind in reply.owners(2)] == ["TSIG"]
    rdata = reply.records[2][0].rdata
    algorithm = packet.name("hmac-sha256.")
    assert rdata.startswith(algorithm)
    mac_size = int.from_bytes(rdata[len(algorithm) + 8 : len(algorithm) + 10])
    tail = rdata[len(algorithm) + 10 :]
    assert mac_size == 0
    assert int.from_bytes(tail[2:4]) == 17
