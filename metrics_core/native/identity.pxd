# cython: cdivision=True
"""Identities: whether a history may hold one, how a UUID is shortened, and which partition a key belongs to."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memchr, memcmp

from metrics_core.native.scan cimport Text

cdef enum:
    #: of a UUID (RFC 9562, section 4)
    UUID_LETTERS = 36
    UUID_BYTES = 16


cdef inline bint holds(bytes history, const unsigned char *known, Py_ssize_t size) noexcept:
    """Whether an identity may be in a history: its bytes are."""
    cdef const unsigned char *at = <const unsigned char *> PyBytes_AS_STRING(history)
    cdef const unsigned char *end = at + PyBytes_GET_SIZE(history) - size + 1
    while at < end:
        at = <const unsigned char *> memchr(at, known[0], end - at)
        if at == NULL:
            return False
        if at[size - 1] == known[size - 1] and memcmp(at, known, size) == 0:
            return True
        at += 1
    return False


cdef inline int hex_digit(unsigned char letter) noexcept nogil:
    if c'0' <= letter <= c'9':
        return letter - c'0'
    if c'a' <= letter <= c'f':
        return letter - c'a' + 10
    return -1


cdef inline bint short_uuid(const char *ident, unsigned char *uuid) noexcept nogil:
    """rows.short: the 16 bytes of a UUID in small letters (RFC 9562, section 4)."""
    cdef int at = 0, high, low, i
    for i in range(UUID_BYTES):
        if i == 4 or i == 6 or i == 8 or i == 10:
            if ident[at] != c'-':
                return False
            at += 1
        high, low = hex_digit(ident[at]), hex_digit(ident[at + 1])
        if high < 0 or low < 0:
            return False
        uuid[i] = high << 4 | low
        at += 2
    return True


cdef inline long long partition_for(Text key, long long partitions) noexcept nogil:
    """partitioner.partition_for: murmur2 as Kafka computes it."""
    cdef unsigned int m = 0x5BD1E995, h = 0x9747B28Cu ^ <unsigned int> key.size, k
    cdef const unsigned char *at = <const unsigned char *> key.at
    cdef Py_ssize_t left = key.size
    while left >= 4:
        k = at[0] | at[1] << 8 | at[2] << 16 | <unsigned int> at[3] << 24
        k *= m
        k ^= k >> 24
        k *= m
        h = h * m ^ k
        at += 4
        left -= 4
    if left == 3:
        h ^= at[2] << 16
    if left >= 2:
        h ^= at[1] << 8
    if left >= 1:
        h ^= at[0]
        h *= m
    h ^= h >> 13
    h *= m
    h ^= h >> 15
    return (h & 0x7FFFFFFF) % partitions
