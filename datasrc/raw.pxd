cdef class Looker:
    pass
