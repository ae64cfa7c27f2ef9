"""Values of a history as msgpack writes them, each as short as can be
(https://github.com/msgpack/msgpack/blob/master/spec.md). Each function returns where the next value goes."""

from libc.string cimport memcpy

from metrics_core.native.scan cimport ABSENT, Text

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL


cdef inline unsigned char *big_endian(unsigned char *to, unsigned long long number, int size) noexcept nogil:
    cdef int i
    for i in range(size):
        to[i] = <unsigned char> (number >> 8 * (size - 1 - i))
    return to + size


cdef inline unsigned char *pack_number(unsigned char *to, long long number) noexcept nogil:
    if number >= 0:
        if number < 128:
            to[0] = number
            return to + 1
        if number < 1 << 8:
            to[0] = 0xCC
            return big_endian(to + 1, number, 1)
        if number < 1 << 16:
            to[0] = 0xCD
            return big_endian(to + 1, number, 2)
        if number < <long long> 1 << 32:
            to[0] = 0xCE
            return big_endian(to + 1, number, 4)
        to[0] = 0xCF
        return big_endian(to + 1, number, 8)
    if number >= -32:
        to[0] = <unsigned char> number
        return to + 1
    if number >= -128:
        to[0] = 0xD0
        return big_endian(to + 1, number, 1)
    if number >= -(1 << 15):
        to[0] = 0xD1
        return big_endian(to + 1, number, 2)
    if number >= -(<long long> 1 << 31):
        to[0] = 0xD2
        return big_endian(to + 1, number, 4)
    to[0] = 0xD3
    return big_endian(to + 1, number, 8)


cdef inline unsigned char *pack_text(unsigned char *to, const char *text, Py_ssize_t size) noexcept nogil:
    if size < 32:
        to[0] = 0xA0 | <unsigned char> size
        to += 1
    elif size < 1 << 8:
        to[0] = 0xD9
        to = big_endian(to + 1, size, 1)
    else:
        to[0] = 0xDA
        to = big_endian(to + 1, size, 2)
    memcpy(to, text, size)
    return to + size


cdef inline unsigned char *pack_str(unsigned char *to, object text) except NULL:
    cdef Py_ssize_t size
    cdef const char *at = PyUnicode_AsUTF8AndSize(text, &size)
    return pack_text(to, at, size)


cdef inline unsigned char *pack_text_or_nil(unsigned char *to, Text text) noexcept nogil:
    """Null is an empty text."""
    if text.size == ABSENT:
        to[0] = 0xC0
        return to + 1
    return pack_text(to, text.at, text.size if text.size > 0 else 0)
