cimport cython
from libc.stdint cimport uint64_t
from auth.reply_tally cimport ReplyTally
from image.listing cimport Listing

cdef Py_ssize_t FIRST_PART, PART_WORDS, ROW_WORDS
cdef uint64_t HALF, NOT_LISTED

cdef class ZoneTally(ReplyTally):
    cdef Py_ssize_t part
    cdef Listing listing
    cdef readonly Py_ssize_t counting

    @cython.locals(number=uint64_t)
    cdef int choose(self, uint64_t value) except -1 nogil
    cdef int choose_row(self, Py_ssize_t row) except -1 nogil
