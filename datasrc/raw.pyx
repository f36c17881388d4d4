"""Files looked at many at a time, without an object for any; raw.py is the same for the interpreter."""

from libc.string cimport strlen

cdef extern from *:
    """
    #include <errno.h>
    #include <stdint.h>
    #include <string.h>
    #include <sys/stat.h>

    typedef struct { int64_t error; uint64_t device, inode, size; int64_t written, changed; } bob_seen;

    static inline void bob_look(int directory, const char *name, unsigned char *found)
    {
        struct stat status;
        bob_seen seen = {0};
        if (fstatat(directory, name, &status, 0) != 0)
            seen.error = errno;
        else {
            seen.device = status.st_dev;
            seen.inode = status.st_ino;
            seen.size = status.st_size;
            seen.written = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
            seen.changed = (int64_t)status.st_ctim.tv_sec * 1000000000 + status.st_ctim.tv_nsec;
        }
        memcpy(found, &seen, sizeof(seen));
    }
    """
    ctypedef struct bob_seen:
        pass
    void bob_look(int directory, const char *name, unsigned char *found) noexcept nogil


cdef class Looker:
    """Asks the file system."""

    def look(self, int directory, bytes names, unsigned char[::1] found):
        """Look at files of a directory (descriptor), each name with a NUL behind it; of how many there was room.

        `found` has SEEN octets (datasrc.filelayout) for each.
        """
        cdef const char *name = names
        cdef const char *end = name + len(names)
        cdef Py_ssize_t at = 0
        cdef Py_ssize_t room = found.shape[0]
        with nogil:
            while name < end and at + <Py_ssize_t>sizeof(bob_seen) <= room:
                bob_look(directory, name, &found[at])
                name += strlen(name) + 1
                at += sizeof(bob_seen)
        return at // <Py_ssize_t>sizeof(bob_seen)
