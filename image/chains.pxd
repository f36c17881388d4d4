cimport cython
from image.searcher cimport Searcher

cdef Py_ssize_t BELOW_DELTA, FRAGMENT_FIXED, HASH_OCTETS, IN_DELTA, NODE_FIXED, NODE_LINK, NSEC, NSEC3_ENTRY, NSEC_ENTRY, PATCH_HASH, PATCH_NSEC3_ENTRY, PATCH_NSEC_ENTRY, POINTER_OCTETS, SECOND_FIXED, SET_OCTETS, STAR, UNIT, WITH_SIGNATURES, ZONE_FIXED, ZONE_ITERATIONS, ZONE_ORIGIN_OCTETS, ZONE_SALT_OCTETS, NSEC3_FLAGS

cdef class ChainSearcher(Searcher):
    cdef Py_ssize_t denial
    cdef Py_ssize_t denial_zone
    cdef Py_ssize_t denial_node
    cdef Py_ssize_t denial_generation

    cdef Py_ssize_t recall_denial(self, Py_ssize_t node) noexcept nogil
    cdef Py_ssize_t keep_denial(self, Py_ssize_t node, Py_ssize_t found) noexcept nogil
    @cython.locals(link=Py_ssize_t, number=Py_ssize_t)
    cdef Py_ssize_t link_of(self, Py_ssize_t node) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, at=Py_ssize_t, order=Py_ssize_t, index=Py_ssize_t)
    cdef Py_ssize_t patch_at(self, Py_ssize_t place) except -1 nogil
    cdef Py_ssize_t patched_node(self, Py_ssize_t number) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, rank=Py_ssize_t, node=Py_ssize_t)
    cdef Py_ssize_t patched_before(self, Py_ssize_t entry, Py_ssize_t level, Py_ssize_t wildcard) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, entry=Py_ssize_t)
    cdef Py_ssize_t patched_covering(self) except -1 nogil
    @cython.locals(rank=Py_ssize_t)
    cdef Py_ssize_t last_live(self, Py_ssize_t entry, Py_ssize_t number) except -1 nogil
    cdef Py_ssize_t nsec_node(self, Py_ssize_t entry) except -1 nogil
    cdef Py_ssize_t nsec_fragment(self, Py_ssize_t node) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cdef Py_ssize_t nsec_before(self, Py_ssize_t level, Py_ssize_t wildcard) except -1 nogil
    @cython.locals(owner=Py_ssize_t, left=Py_ssize_t, labels=Py_ssize_t, wanted=Py_ssize_t, number=Py_ssize_t, at=Py_ssize_t, order=Py_ssize_t)
    cdef Py_ssize_t compare(self, Py_ssize_t node, Py_ssize_t level, Py_ssize_t wildcard) except? -9999 nogil
    @cython.locals(size=Py_ssize_t, other=Py_ssize_t, shorter=Py_ssize_t, index=Py_ssize_t)
    cdef Py_ssize_t compare_label(self, Py_ssize_t at, Py_ssize_t start) except? -9999 nogil
    cdef Py_ssize_t compare_star(self, Py_ssize_t at) except? -9999 nogil
    @cython.locals(salt=Py_ssize_t, index=Py_ssize_t)
    cdef int read_parameters(self) except -1 nogil
    cdef Py_ssize_t nsec3_fragment(self, Py_ssize_t entry) except -1 nogil
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, order=Py_ssize_t)
    cdef Py_ssize_t nsec3_covering(self, Py_ssize_t level, Py_ssize_t wildcard) except -1 nogil
    @cython.locals(index=Py_ssize_t)
    cdef Py_ssize_t compare_hash(self, Py_ssize_t at) except? -9999 nogil
    @cython.locals(source=Py_ssize_t, pointers=Py_ssize_t, wire=Py_ssize_t, owner=Py_ssize_t)
    cdef int is_opt_out(self, Py_ssize_t fragment) except -1 nogil
