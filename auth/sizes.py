"""How much the loop takes in hand: constants only, for the compiled modules."""

from __future__ import annotations

NOTHING = -1  # in place of the octets of a reply: none is sent
QUERY_SHIFT = 10
QUERY_OCTETS = 1 << QUERY_SHIFT  # of a query that the loop answers; longer ones are left, for they are nothing usual
MAX_DATAGRAM = 65535  # octets
MAX_UDP_SIZE = 4096  # octets of the largest reply over UDP (specs/auth.yaml, udp_size)
MAX_SEGMENT = 1232  # octets of a reply that is sent with others to the client: it needs no fragments anywhere
MAX_SEGMENTS = 64  # replies that are sent as one message (UDP_MAX_SEGMENTS of linux/udp.h)
MAX_SEGMENTED = 65000  # octets of them: the kernel has them as one datagram until it cuts them up
MAX_EVENTS = 64  # of one look at the descriptors
HATCH_MESSAGES = 256  # that wait for the plain implementation: what a kill loses stays small
HATCH_OCTETS = 1 << 20  # in which they wait
MAX_PLACES = 1024  # UDP sockets of a process
MAX_LAST_BATCHES = 64  # of a socket that is closed: more keep coming where another process has it too
STREAM_OCTETS = 2 + 65535  # that are received from one TCP connection at a time: the longest message fits
MAX_CONNECTIONS = 65536  # of a process (specs/auth.yaml, tcp.connections)
RING = MAX_CONNECTIONS + 2  # the one list of each auth.rings.Rings of connections, behind their numbers
MAX_IN_FRONT = 4096  # octets of a part of a message that are put in front of what is received
ACCEPT_BATCH = 16  # connections accepted before others get their turn
ACCEPT_PAUSE = 200  # ms, when the process is out of descriptors or memory
MAX_STREAM_UNSENT = 65536  # octets of replies for one connection, before the last one (CVE-2024-0760)
MAX_STREAM_REPLY = 65535  # octets
MAX_STREAM_QUERIES = 1024  # of one connection that are answered from images before other clients get their turn
