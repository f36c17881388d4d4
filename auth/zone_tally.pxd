cimport cython
from libc.stdint cimport uint64_t
from auth.reply_tally cimport ReplyTally

cdef Py_ssize_t FIRST_PART, PART_WORDS, ROW_WORDS
cdef uint64_t HALF

cdef class ZoneTally(ReplyTally):
    cdef Py_ssize_t part
    cdef const uint64_t[::1] keys
    cdef const uint64_t[::1] rows
    cdef readonly Py_ssize_t zones

    @cython.locals(size=Py_ssize_t, place=Py_ssize_t, _=Py_ssize_t)
    cdef int choose(self, uint64_t value) except -1 nogil
    cdef int choose_row(self, Py_ssize_t row) except -1 nogil
