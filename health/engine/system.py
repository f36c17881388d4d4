"""The tags that no test case emits: the pseudo-module System (zonemaster.md 3.2), and those that frame every case."""

from __future__ import annotations

from collections.abc import Mapping

from health.engine.registry import Tag, critical, debug, error, info

MODULE = "System"
UNSPECIFIED = "Unspecified"
ROOTS_SILENT = "ROOTS_SILENT"

TAGS: Mapping[str, Tag] = {
    "CANNOT_CONTINUE": critical("domain"),
    # Ours: the time for the test was over; what had been found stands.
    "DEADLINE_PASSED": critical("seconds", "cases"),
    # Ours: none of the root servers answered, so that what is said of the domain says nothing about it.
    ROOTS_SILENT: critical(),
    "MODULE_ERROR": critical("module_name", "testcase", "msg"),
    "NO_NETWORK": critical(),
    "CNAME_CHAIN_TOO_LONG": error("name", "count"),
    "CNAME_LOOP_INNER": error("name", "target"),
    "CNAME_LOOP_OUTER": error("name", "target"),
    "CNAME_NO_MATCH": error("name", "target"),
    "CNAME_RECORDS_CHAIN_BROKEN": error("name", "count"),
    "CNAME_RECORDS_MULTIPLE_FOR_NAME": error("name"),
    "CNAME_RECORDS_TOO_MANY": error("name", "count"),
    "FAKE_DELEGATION_IN_ZONE_NO_IP": error("domain", "nsname"),
    "FAKE_DELEGATION_NO_IP": error("domain", "nsname"),
    "GLOBAL_VERSION": info("version"),
    "CNAME_RECORDS_DUPLICATES": debug("name"),
    "DEPENDENCY_VERSION": debug("name", "version"),
    "PACKET_BIG": debug("ns_ip", "query_name", "rrtype", "size"),
    "CNAME_FOLLOWED_OUT_OF_ZONE": debug("name", "target"),
    "MODULE_END": debug("module"),
    "START_TIME": debug("time_t", "string"),
    "TEST_TARGET": debug("domain"),
}

# What a case may emit beside the tags of its own.
FRAME: Mapping[str, Tag] = {
    "IPV4_DISABLED": debug("ns", "rrtype"),
    "IPV6_DISABLED": debug("ns", "rrtype"),
    "TEST_CASE_END": debug("testcase"),
    "TEST_CASE_START": debug("testcase"),
}

# What the module Basic says itself, when its last case is not needed.
NOT_NEEDED = "HAS_NAMESERVER_NO_WWW_A_TEST"
MODULE_TAGS: Mapping[str, Tag] = {NOT_NEEDED: info()}
