# cython: cdivision=True
"""Parts of flat JSON (RFC 8259): strings without escapes, integers, true, false, null, and lists of such strings.

Functions take the place where they begin and the end of the value, and give the place where they ended: NULL where
they decline. Nothing is read at or beyond the end.
"""

from libc.string cimport memcmp, memcpy

from metrics_core.native.scan cimport NULL_VALUE, Text


cdef extern from *:
    """
    #if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    #define SCAN_WORDS 1
    #define scan_first_byte(word) (__builtin_ctzll(word) >> 3)
    #else  /* byte by byte: slower, and the same */
    #define SCAN_WORDS 0
    #define scan_first_byte(word) 0
    #endif
    """
    const bint SCAN_WORDS
    int scan_first_byte(unsigned long long word) nogil


cdef enum:
    # longer integers may not fit 64 bits
    MOST_DIGITS = 18

cdef enum:
    # what a value can be
    STRING = 1
    INTEGER
    NOTHING                 # null
    TRUE
    FALSE

cdef struct Value:
    int kind
    const char *at          # of a STRING or an INTEGER
    Py_ssize_t size

cdef enum:
    # whether a value was read
    DECLINED = 0
    TAKEN = 1


cdef inline const char *after_blanks(const char *at, const char *end) noexcept nogil:
    """After white space (RFC 8259, section 2)."""
    while at < end and (at[0] == c" " or at[0] == c"\n" or at[0] == c"\r" or at[0] == c"\t"):
        at += 1
    return at


cdef inline const char *closing_quote(const char *at, const char *end) noexcept nogil:
    """The quote that ends a text; declines where an escape, a control or a byte beyond ASCII comes first."""
    cdef unsigned long long word, found
    cdef unsigned char byte
    if SCAN_WORDS:
        # Eight bytes at a time: the top bit of a byte below 0x80 is set by subtraction if it was too small, and by
        # subtraction after an exclusive or if it was the one looked for; one beyond keeps its own in a part. A
        # borrow spoils only later bytes, and the first that is found counts (Warren, Hacker's Delight, 2nd ed.,
        # section 6-1).
        while end - at >= 8:
            memcpy(&word, at, 8)
            found = word - <unsigned long long>0x2020202020202020
            found |= (word ^ <unsigned long long>0x2222222222222222) - <unsigned long long>0x0101010101010101
            found |= (word ^ <unsigned long long>0x5C5C5C5C5C5C5C5C) - <unsigned long long>0x0101010101010101
            found &= <unsigned long long>0x8080808080808080
            if found:
                at += scan_first_byte(found)
                return at if at[0] == c'"' else NULL
            at += 8
    while at < end:
        byte = <unsigned char>at[0]
        if byte == c'"':
            return at
        if byte == c"\\" or byte < 0x20 or byte >= 0x80:
            return NULL
        at += 1
    return NULL


cdef inline const char *after_string(const char *at, const char *end, Text *text) noexcept nogil:
    """After a string whose opening quote is behind already."""
    cdef const char *quote = closing_quote(at, end)
    if not quote:
        return NULL
    text.at = at
    text.size = quote - at
    return quote + 1


cdef inline const char *after_key(const char *at, const char *end, Text *name) noexcept nogil:
    """After a key and its colon: at its value."""
    at = after_blanks(at, end)
    if at >= end or at[0] != c'"':
        return NULL
    at = after_string(at + 1, end, name)
    if not at:
        return NULL
    at = after_blanks(at, end)
    if at >= end or at[0] != c":":
        return NULL
    return after_blanks(at + 1, end)


cdef inline const char *after_integer(const char *at, const char *end, Value *value) noexcept nogil:
    """After an integer of at most 18 digits."""
    cdef const char *digits
    value.kind = INTEGER
    value.at = at
    if at[0] == c"-":
        at += 1
    digits = at
    while at < end and c"0" <= at[0] <= c"9":
        at += 1
    if at == digits or at - digits > MOST_DIGITS or (digits[0] == c"0" and at - digits > 1):
        return NULL
    # a point or an exponent is not what may follow a value, so it is declined there
    value.size = at - value.at
    return at


cdef inline const char *after_scalar(const char *at, const char *end, Value *value) noexcept nogil:
    """After a string, an integer, true, false or null."""
    cdef char first
    cdef const char *quote
    if at >= end:
        return NULL
    first = at[0]
    if first == c'"':
        quote = closing_quote(at + 1, end)
        if not quote:
            return NULL
        value.kind = STRING
        value.at = at + 1
        value.size = quote - value.at
        return quote + 1
    if first == c"-" or c"0" <= first <= c"9":
        return after_integer(at, end, value)
    if end - at < 5:  # "null" is never the end: an object must still be closed
        return NULL
    if memcmp(at, b"null", 4) == 0:
        value.kind = NOTHING
        return at + 4
    if memcmp(at, b"true", 4) == 0:
        value.kind = TRUE
        return at + 4
    if memcmp(at, b"false", 5) == 0:
        value.kind = FALSE
        return at + 5
    return NULL


cdef inline const char *after_strings(const char *at, const char *end) noexcept nogil:
    """After a list of strings whose bracket is behind already."""
    cdef Text text
    at = after_blanks(at, end)
    if at < end and at[0] == c"]":
        return at + 1
    while True:
        at = after_blanks(at, end)
        if at >= end or at[0] != c'"':
            return NULL
        at = after_string(at + 1, end, &text)
        if not at:
            return NULL
        at = after_blanks(at, end)
        if at >= end:
            return NULL
        if at[0] == c"]":
            return at + 1
        if at[0] != c",":
            return NULL
        at += 1


cdef inline const char *after_flat_object(const char *at, const char *end) noexcept nogil:
    """After an object without objects inside, which is read later: when its event's type is known."""
    if at >= end or at[0] != c"{":
        return NULL
    at += 1
    while at < end:
        if at[0] == c'"':
            at = closing_quote(at + 1, end)
            if not at:
                return NULL
        elif at[0] == c"}":
            return at + 1
        elif at[0] == c"{":
            return NULL
        at += 1
    return NULL


cdef inline int read_text(Value *value, Text *text, Py_ssize_t most) noexcept nogil:
    """A text of at most so many letters, or null."""
    if value.kind == NOTHING:
        text.size = NULL_VALUE
        return TAKEN
    text.at, text.size = value.at, value.size
    return value.kind == STRING and value.size <= most
