# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""One pass over the JSON of a ticket's event, as nearly every producer writes it.

Takes a value only where decode.py and times.py would certainly take it, and then gives what they would give. All
else is declined, be it good or bad: escapes, letters beyond ASCII, nested values, fields named twice. So nothing
here has to find a reason for a refusal, and the definition of an event stays in events.py alone.

Functions that read take the place where they begin and the end of the value, and give the place where they ended:
NULL where they decline. Nothing is read at or beyond the end.
"""

from libc.string cimport memcmp, memcpy


cdef extern from *:
    """
    #if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    #define SCAN_WORDS 1
    #define scan_first_byte(word) (__builtin_ctzll(word) >> 3)
    #else  /* byte by byte: slower, and the same */
    #define SCAN_WORDS 0
    #define scan_first_byte(word) 0
    #endif

    static const int scan_days_before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    static const int scan_days_of[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    """
    const bint SCAN_WORDS
    int scan_first_byte(unsigned long long word) nogil
    const int scan_days_before[12]
    const int scan_days_of[12]


cdef enum:
    # limits of decode.py (MAX_VALUE_BYTES) and events.py (NAME_LENGTH, Text)
    MOST_BYTES = 1 << 20
    MOST_NAME = 512
    MOST_TEXT = 1024
    # longer integers may not fit 64 bits
    MOST_DIGITS = 18
    # years that lie wholly between EARLIEST_US and LATEST_US of times.py, but for the first day
    FIRST_YEAR = 1970
    LAST_YEAR = 2199
    EARLIEST_DAY = 1

cdef enum:
    # what a value can be
    STRING = 1
    INTEGER
    NOTHING
    TRUE
    FALSE

cdef struct Value:
    int kind
    Text text               # of a STRING or an INTEGER

cdef enum:
    # attributes of the event that were read
    SEEN_ID = 1
    SEEN_SOURCE = 2
    SEEN_SUBJECT = 4
    SEEN_TIME = 8
    SEEN_TYPE = 16
    SEEN_VERSION = 32
    SEEN_DATA = 64
    SEEN_REQUIRED = 127
    SEEN_SEQUENCE = 128
    SEEN_TENANT = 256

cdef enum:
    # fields of its data that were read
    SEEN_ACTOR = 1
    SEEN_AGENT = 2
    SEEN_TO = 4
    SEEN_FROM = 8
    SEEN_PUBLIC = 16
    SEEN_CHANNEL = 32
    SEEN_GROUP = 64
    SEEN_PRIORITY = 128
    SEEN_ASSIGNEE = 256
    SEEN_CATEGORY = 512
    SEEN_COMPLAINT = 1024
    SEEN_TAGS = 2048
    SEEN_REQUESTER = 4096
    SEEN_BRAND = 8192
    SEEN_LEVEL = 16384

cdef enum:
    # whether a value was read
    DECLINED = 0
    TAKEN = 1


# -- tokens -----------------------------------------------------------------------------------------------------


cdef inline const char *blanks(const char *at, const char *end) noexcept nogil:
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
        # subtraction after an exclusive or if it was the one looked for. A borrow spoils only later bytes, and
        # the first that is found counts (Warren, Hacker's Delight, 2nd ed., section 6-1).
        while end - at >= 8:
            memcpy(&word, at, 8)
            found = word | (word - <unsigned long long>0x2020202020202020)
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


cdef inline const char *string(const char *at, const char *end, Text *text) noexcept nogil:
    """After a string whose opening quote is behind already."""
    cdef const char *quote = closing_quote(at, end)
    if not quote:
        return NULL
    text.at = at
    text.size = quote - at
    return quote + 1


cdef inline const char *key(const char *at, const char *end, Text *name) noexcept nogil:
    """After a key and its colon: at its value."""
    at = blanks(at, end)
    if at >= end or at[0] != c'"':
        return NULL
    at = string(at + 1, end, name)
    if not at:
        return NULL
    at = blanks(at, end)
    if at >= end or at[0] != c":":
        return NULL
    return blanks(at + 1, end)


cdef const char *integer(const char *at, const char *end, Value *value) noexcept nogil:
    """After an integer of at most 18 digits."""
    cdef const char *digits
    value.kind = INTEGER
    value.text.at = at
    if at[0] == c"-":
        at += 1
    digits = at
    while at < end and c"0" <= at[0] <= c"9":
        at += 1
    if at == digits or at - digits > MOST_DIGITS or (digits[0] == c"0" and at - digits > 1):
        return NULL
    # a point or an exponent is not what may follow a value, so it is declined there
    value.text.size = at - value.text.at
    return at


cdef inline const char *scalar(const char *at, const char *end, Value *value) noexcept nogil:
    """After a string, an integer, true, false or null."""
    cdef char first
    if at >= end:
        return NULL
    first = at[0]
    if first == c'"':
        value.kind = STRING
        return string(at + 1, end, &value.text)
    if first == c"-" or c"0" <= first <= c"9":
        return integer(at, end, value)
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


cdef const char *strings(const char *at, const char *end) noexcept nogil:
    """After a list of strings whose bracket is behind already."""
    cdef Text text
    at = blanks(at, end)
    if at < end and at[0] == c"]":
        return at + 1
    while True:
        at = blanks(at, end)
        if at >= end or at[0] != c'"':
            return NULL
        at = string(at + 1, end, &text)
        if not at:
            return NULL
        at = blanks(at, end)
        if at >= end:
            return NULL
        if at[0] == c"]":
            return at + 1
        if at[0] != c",":
            return NULL
        at += 1


cdef const char *flat_object(const char *at, const char *end) noexcept nogil:
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


# -- values -----------------------------------------------------------------------------------------------------


cdef inline int name(Value *value, Text *text) noexcept nogil:
    """Name of events.py: 1 to 512 letters."""
    text[0] = value.text
    return value.kind == STRING and 1 <= value.text.size <= MOST_NAME


cdef inline int text_or_null(Value *value, Text *text, Py_ssize_t most) noexcept nogil:
    """A text of at most so many letters, or null."""
    if value.kind == NOTHING:
        text.size = NULL_VALUE
        return TAKEN
    text[0] = value.text
    return value.kind == STRING and value.text.size <= most


cdef inline int event_type(Value *value, int *type) noexcept nogil:
    cdef const char *at = value.text.at
    cdef Py_ssize_t size = value.text.size
    if value.kind != STRING or size < 23 or memcmp(at, b"helpdesk.ticket.", 16) != 0:
        return DECLINED
    at += 16
    if size == 23 and memcmp(at, b"message", 7) == 0:
        type[0] = MESSAGE
    elif size == 30 and memcmp(at, b"status_changed", 14) == 0:
        type[0] = STATUS_CHANGED
    elif size == 23 and memcmp(at, b"updated", 7) == 0:
        type[0] = UPDATED
    elif size == 23 and memcmp(at, b"created", 7) == 0:
        type[0] = CREATED
    elif size == 25 and memcmp(at, b"escalated", 9) == 0:
        type[0] = ESCALATED
    else:
        return DECLINED
    return TAKEN


cdef inline int actor(Value *value, int *number) noexcept nogil:
    """Its place in ACTORS of tickets/machine.py."""
    cdef const char *at = value.text.at
    cdef Py_ssize_t size = value.text.size
    if value.kind != STRING:
        return DECLINED
    if size == 5 and memcmp(at, b"agent", 5) == 0:
        number[0] = 1
    elif size == 8 and memcmp(at, b"customer", 8) == 0:
        number[0] = 0
    elif size == 6 and memcmp(at, b"system", 6) == 0:
        number[0] = 3
    elif size == 3 and memcmp(at, b"bot", 3) == 0:
        number[0] = 2
    else:
        return DECLINED
    return TAKEN


cdef inline int status(Value *value, int *number) noexcept nogil:
    """Its place in STATUSES of tickets/rules.py."""
    cdef const char *at = value.text.at
    cdef Py_ssize_t size = value.text.size
    if value.kind != STRING:
        return DECLINED
    if size == 3 and memcmp(at, b"new", 3) == 0:
        number[0] = 0
    elif size == 4 and memcmp(at, b"open", 4) == 0:
        number[0] = 1
    elif size == 7 and memcmp(at, b"pending", 7) == 0:
        number[0] = 2
    elif size == 7 and memcmp(at, b"on_hold", 7) == 0:
        number[0] = 3
    elif size == 8 and memcmp(at, b"resolved", 8) == 0:
        number[0] = 4
    elif size == 6 and memcmp(at, b"closed", 6) == 0:
        number[0] = 5
    else:
        return DECLINED
    return TAKEN


cdef inline int sequence(Value *value, Scanned *event) noexcept nogil:
    """A text of at most 512 letters, a whole number, or null."""
    cdef const char *at = value.text.at
    cdef Py_ssize_t size = value.text.size
    cdef Py_ssize_t place
    cdef int number = 0
    if value.kind == NOTHING:
        event.sequence_text.size = NULL_VALUE
        return TAKEN
    if value.kind > INTEGER or size > MOST_NAME or (value.kind == INTEGER and at[0] == c"-"):
        return DECLINED
    event.sequence_text = value.text
    if size == 0:
        return TAKEN
    event.sequence = OTHER_SEQUENCE
    if size > 3 or (at[0] == c"0" and size > 1):
        return TAKEN
    for place in range(size):
        if not c"0" <= at[place] <= c"9":
            return TAKEN
        number = 10 * number + (at[place] - c"0")
    event.sequence = number
    return TAKEN


# -- time -------------------------------------------------------------------------------------------------------


cdef inline int two_digits(const char *at) noexcept nogil:
    """0 to 99; where one is no digit far more, beyond every limit also when hundreds or tens are added."""
    cdef unsigned int tens = <unsigned int>(<unsigned char>at[0]) - c"0"
    cdef unsigned int ones = <unsigned int>(<unsigned char>at[1]) - c"0"
    return <int>(10 * tens + ones) if tens <= 9 and ones <= 9 else 100000


cdef inline const char *fraction(const char *at, const char *end, int *fraction_us) noexcept nogil:
    """After the digits that follow the point: those beyond microseconds are cut."""
    cdef const char *digits = at
    cdef int place_us = 100000
    fraction_us[0] = 0
    while at < end and c"0" <= at[0] <= c"9":
        fraction_us[0] += place_us * (at[0] - c"0")
        place_us //= 10
        at += 1
    return at if at > digits else NULL


cdef inline int offset(const char *at, const char *end, long long *offset_s) noexcept nogil:
    """"Z", or how far the clock is ahead of UTC: "+01:00"."""
    cdef int hours, minutes
    if end - at == 1 and at[0] == c"Z":
        offset_s[0] = 0
        return TAKEN
    if end - at != 6 or (at[0] != c"+" and at[0] != c"-") or at[3] != c":":
        return DECLINED
    hours, minutes = two_digits(at + 1), two_digits(at + 4)
    if hours > 23 or minutes > 59:
        return DECLINED
    offset_s[0] = (60 * hours + minutes) * (60 if at[0] == c"+" else -60)
    return TAKEN


cdef inline int time(Value *value, long long *time_us) noexcept nogil:
    """What parse_rfc3339 gives, of "2026-01-01T00:00:00Z" with or without a fraction, or with an offset."""
    cdef const char *at = value.text.at
    cdef const char *end = at + value.text.size
    cdef int year, month, day, hour, minute, second, days, micros = 0
    cdef int leap_day = 0, days_of_month
    cdef long long offset_s = 0
    if value.kind != STRING or value.text.size < 20:
        return DECLINED
    if at[4] != c"-" or at[7] != c"-" or at[10] != c"T" or at[13] != c":" or at[16] != c":":
        return DECLINED
    year, month, day = 100 * two_digits(at) + two_digits(at + 2), two_digits(at + 5), two_digits(at + 8)
    hour, minute, second = two_digits(at + 11), two_digits(at + 14), two_digits(at + 17)
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and hour <= 23 and minute <= 59 and second <= 59):
        return DECLINED
    if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        leap_day = 1
    days_of_month = scan_days_of[month - 1] + (leap_day if month == 2 else 0)
    if not 1 <= day <= days_of_month:
        return DECLINED
    # leap days of the years before, counted from 1970 (Gregorian calendar)
    days = 365 * (year - 1970) + (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400
    days += scan_days_before[month - 1] + (leap_day if month > 2 else 0) + day - 1
    at += 19
    if at[0] == c".":
        at = fraction(at + 1, end, &micros)
        if not at:
            return DECLINED
    if not offset(at, end, &offset_s):
        return DECLINED
    time_us[0] = (86400 * <long long>days + 3600 * hour + 60 * minute + second - offset_s) * 1000000 + micros
    # an offset reaches less than a day beyond; the last year's end is declined with it
    return days > EARLIEST_DAY and (offset_s >= 0 or year < LAST_YEAR)


# -- the event --------------------------------------------------------------------------------------------------


cdef inline int attribute(Text *name_, Value *value, Scanned *event, int *seen) noexcept nogil:
    """One attribute but ``data`` (CloudEvents 1.0, section 3); those that are not known are skipped."""
    cdef const char *at = name_.at
    cdef Py_ssize_t size = name_.size
    cdef int mark = 0, taken = TAKEN
    if size == 2:
        if memcmp(at, b"id", 2) == 0:
            mark = SEEN_ID
            taken = name(value, &event.id)
    elif size == 4:
        if memcmp(at, b"time", 4) == 0:
            mark = SEEN_TIME
            taken = time(value, &event.time_us)
        elif memcmp(at, b"type", 4) == 0:
            mark = SEEN_TYPE
            taken = event_type(value, &event.type)
    elif size == 6:
        if memcmp(at, b"source", 6) == 0:
            mark = SEEN_SOURCE
            taken = name(value, &event.source)
        elif memcmp(at, b"tenant", 6) == 0:
            mark = SEEN_TENANT
            taken = text_or_null(value, &event.tenant, MOST_BYTES)
    elif size == 7:
        if memcmp(at, b"subject", 7) == 0:
            mark = SEEN_SUBJECT
            taken = name(value, &event.subject)
    elif size == 8:
        if memcmp(at, b"sequence", 8) == 0:
            mark = SEEN_SEQUENCE
            taken = sequence(value, event)
    elif size == 11:
        if memcmp(at, b"specversion", 11) == 0:
            mark = SEEN_VERSION
            taken = value.kind == STRING and value.text.size == 3 and memcmp(value.text.at, b"1.0", 3) == 0
    if seen[0] & mark:
        return DECLINED
    seen[0] |= mark
    return taken


cdef inline int any_text(Value *value) noexcept nogil:
    """Text of events.py, of which nothing is kept."""
    cdef Text ignored
    return text_or_null(value, &ignored, MOST_TEXT)


cdef inline int created_or_updated(Text *name_, Value *value, Scanned *event, int *seen) noexcept nogil:
    """One field that is no list."""
    cdef const char *at = name_.at
    cdef Py_ssize_t size = name_.size
    cdef int mark = 0, taken = TAKEN
    if size == 4:
        if memcmp(at, b"tags", 4) == 0:
            mark = SEEN_TAGS
            event.has_tags = True
            taken = value.kind == NOTHING
    elif size == 5:
        if memcmp(at, b"group", 5) == 0:
            mark = SEEN_GROUP
            taken = text_or_null(value, &event.group, MOST_TEXT)
        elif memcmp(at, b"brand", 5) == 0:
            mark = SEEN_BRAND
            taken = any_text(value)
        elif memcmp(at, b"actor", 5) == 0:
            mark = SEEN_ACTOR
            if event.type == UPDATED:
                taken = any_text(value)
            elif value.kind != NOTHING:
                taken = actor(value, &event.actor)
    elif size == 7:
        if memcmp(at, b"channel", 7) == 0:
            mark = SEEN_CHANNEL
            taken = text_or_null(value, &event.channel, MOST_TEXT)
    elif size == 8:
        if memcmp(at, b"assignee", 8) == 0:
            mark = SEEN_ASSIGNEE
            taken = text_or_null(value, &event.assignee, MOST_TEXT)
        elif memcmp(at, b"priority", 8) == 0:
            mark = SEEN_PRIORITY
            taken = text_or_null(value, &event.priority, MOST_TEXT)
        elif memcmp(at, b"category", 8) == 0:
            mark = SEEN_CATEGORY
            taken = text_or_null(value, &event.category, MOST_TEXT)
    elif size == 9:
        if memcmp(at, b"requester", 9) == 0:
            mark = SEEN_REQUESTER
            taken = any_text(value)
        elif memcmp(at, b"complaint", 9) == 0:
            mark = SEEN_COMPLAINT
            event.complaint = NULL_VALUE if value.kind == NOTHING else value.kind == TRUE
            taken = value.kind >= NOTHING
    if seen[0] & mark:
        return DECLINED
    seen[0] |= mark
    return taken


cdef inline int message(Text *name_, Value *value, Scanned *event, int *seen) noexcept nogil:
    cdef const char *at = name_.at
    cdef int mark = 0, taken = TAKEN
    if name_.size == 5:
        if memcmp(at, b"actor", 5) == 0:
            mark = SEEN_ACTOR
            taken = actor(value, &event.actor)
        elif memcmp(at, b"agent", 5) == 0:
            mark = SEEN_AGENT
            taken = any_text(value)
    elif name_.size == 6:
        if memcmp(at, b"public", 6) == 0:
            mark = SEEN_PUBLIC
            event.public = value.kind == TRUE
            taken = value.kind >= TRUE
    if seen[0] & mark:
        return DECLINED
    seen[0] |= mark
    return taken


cdef inline int status_changed(Text *name_, Value *value, Scanned *event, int *seen) noexcept nogil:
    cdef const char *at = name_.at
    cdef int mark = 0, taken = TAKEN
    if name_.size == 2:
        if memcmp(at, b"to", 2) == 0:
            mark = SEEN_TO
            taken = status(value, &event.status)
    elif name_.size == 4:
        if memcmp(at, b"from", 4) == 0:
            mark = SEEN_FROM
            taken = any_text(value)
    elif name_.size == 5:
        if memcmp(at, b"actor", 5) == 0:
            mark = SEEN_ACTOR
            taken = any_text(value)
        elif memcmp(at, b"agent", 5) == 0:
            mark = SEEN_AGENT
            taken = any_text(value)
    if seen[0] & mark:
        return DECLINED
    seen[0] |= mark
    return taken


cdef inline int escalated(Text *name_, Value *value, int *seen) noexcept nogil:
    if name_.size != 5 or memcmp(name_.at, b"level", 5) != 0:
        return TAKEN
    if seen[0] & SEEN_LEVEL:
        return DECLINED
    seen[0] |= SEEN_LEVEL
    return value.kind <= NOTHING


cdef inline int field(Text *name_, Value *value, Scanned *event, int *seen) noexcept nogil:
    """One field of the data; those that the type does not have are skipped."""
    if event.type == MESSAGE:
        return message(name_, value, event, seen)
    if event.type == STATUS_CHANGED:
        return status_changed(name_, value, event, seen)
    if event.type == ESCALATED:
        return escalated(name_, value, seen)
    return created_or_updated(name_, value, event, seen)


cdef inline const char *tags(const char *at, const char *end, Scanned *event, int *seen) noexcept nogil:
    """After the list of strings; only two types have one."""
    if (event.type != CREATED and event.type != UPDATED) or seen[0] & SEEN_TAGS:
        return NULL
    seen[0] |= SEEN_TAGS
    event.has_tags = True
    return strings(at, end)


cdef inline int is_tags(Text *name_) noexcept nogil:
    return name_.size == 4 and memcmp(name_.at, b"tags", 4) == 0


cdef const char *data(const char *at, const char *end, Scanned *event) noexcept nogil:
    """After the object of fields of an event whose type is known."""
    cdef Text name_
    cdef Value value
    cdef int seen = 0
    value.text.at, value.text.size = at, 0
    if at >= end or at[0] != c"{":
        return NULL
    at = blanks(at + 1, end)
    if at < end and at[0] == c"}":
        at += 1
    else:
        while True:
            at = key(at, end, &name_)
            if not at:
                return NULL
            if is_tags(&name_) and at < end and at[0] == c"[":
                at = tags(at + 1, end, event, &seen)
                if not at:
                    return NULL
            else:
                at = scalar(at, end, &value)
                if not at or not field(&name_, &value, event, &seen):
                    return NULL
            at = blanks(at, end)
            if at >= end:
                return NULL
            if at[0] == c"}":
                at += 1
                break
            if at[0] != c",":
                return NULL
            at += 1
    if event.type == MESSAGE and not seen & SEEN_ACTOR:
        return NULL
    if event.type == STATUS_CHANGED and not seen & SEEN_TO:
        return NULL
    return at


cdef inline void begin(Scanned *event) noexcept nogil:
    """Nothing was read yet."""
    event.sequence = NO_SEQUENCE
    event.sequence_text.size = event.tenant.size = ABSENT
    event.actor = -1
    event.public = True
    event.status = -1
    event.channel.size = event.group.size = event.priority.size = ABSENT
    event.assignee.size = event.category.size = ABSENT
    event.complaint = ABSENT
    event.has_tags = False


cdef inline int is_data(Text *name_) noexcept nogil:
    return name_.size == 4 and memcmp(name_.at, b"data", 4) == 0


cdef int scan(const char *value, Py_ssize_t size, Scanned *event) noexcept nogil:
    cdef const char *at
    cdef const char *end = value + size
    cdef const char *early = NULL  # data that comes before the type
    cdef const char *after_early = NULL
    cdef Text name_
    cdef Value read
    cdef int seen = 0
    if size > MOST_BYTES:
        return DECLINED
    read.text.at, read.text.size = value, 0
    at = blanks(value, end)
    if at >= end or at[0] != c"{":
        return DECLINED
    begin(event)
    at += 1
    while True:
        at = key(at, end, &name_)
        if not at:
            return DECLINED
        if is_data(&name_):
            if seen & SEEN_DATA:
                return DECLINED
            seen |= SEEN_DATA
            if seen & SEEN_TYPE:
                at = data(at, end, event)
            else:
                early = at
                at = after_early = flat_object(at, end)
            if not at:
                return DECLINED
        else:
            at = scalar(at, end, &read)
            if not at or not attribute(&name_, &read, event, &seen):
                return DECLINED
        at = blanks(at, end)
        if at >= end:
            return DECLINED
        if at[0] == c"}":
            break
        if at[0] != c",":
            return DECLINED
        at += 1
    if blanks(at + 1, end) != end or seen & SEEN_REQUIRED != SEEN_REQUIRED:
        return DECLINED
    return early == NULL or data(early, end, event) == after_early


# -- for tests --------------------------------------------------------------------------------------------------


cdef object text_of(Text *text):
    return None if text.size < 0 else text.at[: text.size].decode("ascii")


def scanned(bytes value):
    cdef Scanned event
    if not scan(value, len(value), &event):
        return None
    out = {
        "type": event.type,
        "id": text_of(&event.id),
        "source": text_of(&event.source),
        "subject": text_of(&event.subject),
        "time_us": event.time_us,
        "sequence": event.sequence,
        "sequence_text": text_of(&event.sequence_text),
        "tenant": text_of(&event.tenant),
    }
    if event.type == MESSAGE:
        out.update(actor=event.actor, public=bool(event.public))
    elif event.type == STATUS_CHANGED:
        out.update(status=event.status)
    elif event.type == CREATED or event.type == UPDATED:
        if event.type == CREATED:
            out.update(actor=event.actor)
        if event.channel.size != ABSENT:
            out.update(channel=text_of(&event.channel))
        if event.group.size != ABSENT:
            out.update(group=text_of(&event.group))
        if event.priority.size != ABSENT:
            out.update(priority=text_of(&event.priority))
        if event.assignee.size != ABSENT:
            out.update(assignee=text_of(&event.assignee))
        if event.category.size != ABSENT:
            out.update(category=text_of(&event.category))
        if event.complaint != ABSENT:
            out.update(complaint=None if event.complaint == NULL_VALUE else bool(event.complaint))
        out.update(has_tags=bool(event.has_tags))
    return out
