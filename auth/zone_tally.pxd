from auth.reply_tally cimport ReplyTally

cdef Py_ssize_t FIRST_PART, PART_WORDS, ROW_WORDS

cdef class ZoneTally(ReplyTally):
    cdef Py_ssize_t part
    cdef readonly Py_ssize_t counting

    cdef int choose_row(self, Py_ssize_t row) except -1 nogil
