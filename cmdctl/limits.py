"""Every limit of the door. They bound what one client, permitted or not, can make this process hold or do."""

from __future__ import annotations

# BIND CVE-2023-3341 and Kea CVE-2026-3608 were unbounded nesting in a control channel's parser, before authentication.
MAX_BODY = 1024 * 1024  # bytes of a request body
MAX_DEPTH = 64  # nested arrays and objects in a request body
MAX_HEAD = 16 * 1024  # bytes of request line and headers; PowerDNS CVE-2026-33257 had no such limit
MAX_CONNECTIONS = 64
BACKLOG = 64  # connections the kernel keeps waiting

HEAD_SECONDS = 5.0  # a connection without a whole request head for so long is closed
BODY_SECONDS = 5.0  # for the body after the head
KEEP_ALIVE_SECONDS = 5
WRITE_SECONDS = 30.0  # a client that does not read for so long is cut off

PAGE_LIMIT = 1000  # entries of one page of a list
PAGE_DEFAULT = 100
EXPORT_BATCH = 1000  # records written between two looks at the client: some 10 ms of work
CHECKS_AT_ONCE = 2  # zones whose data is read and checked, a processor each
MAX_NAME_TEXT = (
    1024  # characters of a domain name in text: 255 octets, each \DDD at worst (RFC 1035 sections 2.3.4, 5.1)
)
MAX_REASON = 1000  # characters of the reason of a commit

CALL_SECONDS = 10.0  # a relayed command, unless the caller says otherwise
MAX_CALL_SECONDS = 60.0
STATUS_SECONDS = 5.0  # what one process has to say about itself; a process that hangs is replaced after 3 s
ASKING = 4  # requests at a time that read zone data
ASK_SECONDS = 10.0  # what is asked of data sources: a page takes milliseconds, and drivers with limits give up before
CHANGE_SECONDS = 60.0  # a zone that is deleted: a million records take some seconds
COMMIT_SECONDS = 15.0  # cfgmgr gives each member 5 s to prepare, and then some to apply

MAX_USERS = 1000
MAX_TOKENS = 10_000
MAX_TOKEN_ZONES = 100
MAX_LABEL = 200  # characters
MIN_PASSWORD = 8  # NIST SP 800-63B section 5.1.1.2
MAX_PASSWORD = 1024
PASSWORDS_AT_ONCE = 2  # argon2 takes 64 MiB and a core each
STORE_THREADS = PASSWORDS_AT_ONCE + 2  # for users, tokens and the audit log: some are free while passwords are checked
# A password or token that was wrong so often within so many seconds: the next ones are not looked at.
MAX_FAILURES = 10
FAILURE_SECONDS = 60.0
MAX_ORIGINS_REMEMBERED = 1000
REFUSALS_A_MINUTE = 30  # of one origin, of whom nobody knows
KNOWN_REFUSALS_A_MINUTE = 300  # of one author
AUDIT_ROWS = 1_000_000  # changes that are kept
AUDIT_REFUSALS = 100_000  # refusals that are kept
MAX_AUDIT_CHANGES = 50  # names of what one request changed; the rest is counted
MAX_AUDIT_PATH = 2 * MAX_NAME_TEXT  # characters of a path that are kept; more is no path of ours
HANDSHAKE_SECONDS = 5.0  # of TLS
