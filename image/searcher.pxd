cimport cython
from libc.stdint cimport uint64_t
from image.access cimport Access
from image.linking cimport Linker
from image.listing cimport Listing

cdef Py_ssize_t BELOW_DELTA, CAPACITY_WORD, CLOSED, DROPPED, FEW_SETS, HEADER_OCTETS, IN_DELTA, IPV4_OCTETS, MAX_DEPTH, MAX_ENTERED, MAX_SLOTS, NODE_BEFORE, NODE_FIXED, NODE_GONE, NOT_ADMITTED, NOT_MAPPED, NOWHERE, OPEN, NSEC, NSEC3, PART, REFERRAL, ROW, ROW_BUCKET_COUNT, ROW_BUCKETS, ROW_CHAIN, ROW_FRAGMENTS, ROW_HEAP, ROW_LACKING, ROW_NODES, ROW_TABLE, ROW_ZONES, SET_OCTETS, STAR, UNIT, ZONE_CHAIN, ZONE_CHAIN_ENTRIES, ZONE_DELTA, ZONE_FIRST_END, ZONE_FIXED, ZONE_FLAGS, ZONE_GENERATION, ZONE_GONE, ZONE_LABELS, ZONE_LAST_END, ZONE_LEFT, ZONE_NEGATIVE, ZONE_NODES, ZONE_NODES_END, ZONE_NUMBER, ZONE_ORIGIN_OCTETS, ZONE_PATCH, ZONE_PATCH_ENTRIES, ZONE_UNIT, NEAR_NAMES, NEAR_ZONES, USED_WORD
cdef int ADMITS, NO_BATCH, REFUSES
cdef uint64_t HALF, MASK32, NOT_LISTED, OFFSET_MASK, SLOT_MASK, SLOT_SHIFT, TAG_MASK, TAG_SHIFT, ZONE_TAG_MASK, ZONE_TAG_SHIFT

cdef class Searcher(Linker):
    cdef const uint64_t[::1] arena64
    cdef readonly uint64_t[::1] rows
    cdef readonly Py_ssize_t directory
    cdef Py_ssize_t directory_entries
    cdef Py_ssize_t directory_capacity
    cdef Py_ssize_t directory_before
    cdef readonly Py_ssize_t is_far
    cdef readonly Py_ssize_t is_wide
    cdef Listing listing
    cdef readonly Py_ssize_t listings
    cdef uint64_t[::1] sieve
    cdef int sieve_shift
    cdef readonly Py_ssize_t usual
    cdef readonly Access access
    cdef readonly Py_ssize_t guarded
    cdef Py_ssize_t client
    cdef int client_shift
    cdef Py_ssize_t client_spacing
    cdef Py_ssize_t client_octets
    cdef Py_ssize_t[::1] owner_lefts
    cdef Py_ssize_t[::1] entered
    cdef Py_ssize_t entered_count
    cdef readonly Py_ssize_t zone
    cdef Py_ssize_t slot
    cdef Py_ssize_t row
    cdef Py_ssize_t zone_flags
    cdef Py_ssize_t first_end
    cdef Py_ssize_t last_end
    cdef Py_ssize_t negative
    cdef uint64_t number
    cdef Py_ssize_t buckets
    cdef Py_ssize_t bucket_count
    cdef Py_ssize_t nodes
    cdef Py_ssize_t first_node
    cdef Py_ssize_t end_node
    cdef Py_ssize_t table
    cdef Py_ssize_t generation
    cdef Py_ssize_t chain
    cdef Py_ssize_t chain_entries
    cdef Py_ssize_t iterations
    cdef Py_ssize_t patch
    cdef Py_ssize_t patch_entries

    cdef int come_from(self, Py_ssize_t address, Py_ssize_t octets) except -1 nogil
    cdef int come_in_batch(self, Py_ssize_t first, Py_ssize_t spacing, int shift, Py_ssize_t octets) except -1 nogil
    @cython.locals(level=Py_ssize_t, value=uint64_t, place=Py_ssize_t, who=Py_ssize_t, own=uint64_t)
    cdef Py_ssize_t find_zone(self, Py_ssize_t deepest) except -3 nogil
    @cython.locals(action=int, client=Py_ssize_t)
    cdef Py_ssize_t permitted(self, Py_ssize_t place, Py_ssize_t who, int is_own) except -3 nogil
    @cython.locals(at=Py_ssize_t, entry=uint64_t, slot=Py_ssize_t, offset=Py_ssize_t, base=Py_ssize_t, place=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t look_up_zone(self, uint64_t value, Py_ssize_t level) except -3 nogil
    cdef uint64_t entry_before(self, Py_ssize_t at, Py_ssize_t slot) except? 1 nogil
    @cython.locals(start=Py_ssize_t, size=Py_ssize_t)
    cdef int is_origin(self, Py_ssize_t place, Py_ssize_t level) except -1 nogil
    @cython.locals(size=Py_ssize_t, origin=uint64_t, index=Py_ssize_t, place=Py_ssize_t, same_size=bint)
    cdef Py_ssize_t as_before(self) except -1 nogil
    @cython.locals(word=Py_ssize_t, row=Py_ssize_t)
    cdef int enter(self, Py_ssize_t place, Py_ssize_t slot) except -1 nogil
    cdef Py_ssize_t find_node(self, Py_ssize_t level) except -1 nogil
    cdef Py_ssize_t find_wildcard(self, Py_ssize_t level) except -1 nogil
    @cython.locals(size=Py_ssize_t, value=uint64_t, bucket=Py_ssize_t, entry=uint64_t, offset=Py_ssize_t, node=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t probe(self, uint64_t suffix, Py_ssize_t start, Py_ssize_t wildcard) except -1 nogil
    @cython.locals(size=Py_ssize_t, bucket=Py_ssize_t, entry=uint64_t, node=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t probe_delta(self, uint64_t value, Py_ssize_t start, Py_ssize_t wildcard) except -1 nogil
    @cython.locals(older=Py_ssize_t)
    cdef Py_ssize_t as_of(self, Py_ssize_t node) except -1 nogil
    @cython.locals(size=Py_ssize_t, at=Py_ssize_t)
    cdef int is_owner(self, Py_ssize_t node, Py_ssize_t start, Py_ssize_t wildcard) except -1 nogil
    @cython.locals(there=Py_ssize_t, level=Py_ssize_t)
    cdef Py_ssize_t closest(self, Py_ssize_t missing) except -1 nogil
    @cython.locals(at=Py_ssize_t, count=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t set_of(self, Py_ssize_t node, Py_ssize_t rdtype) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cdef Py_ssize_t sets_before(self, Py_ssize_t first, Py_ssize_t count, Py_ssize_t rdtype) except -1 nogil
    @cython.locals(at=Py_ssize_t, other=Py_ssize_t, rdtype=Py_ssize_t, _=Py_ssize_t)
    cdef Py_ssize_t set_for_any(self, Py_ssize_t node) except -1 nogil
    cdef Py_ssize_t fragment_at(self, Py_ssize_t entry) except -1 nogil
