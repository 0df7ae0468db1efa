# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Records of delimited text as the tuples of COPY's binary format, in one pass over their bytes.

Each reader takes the place after a field's begin and returns the place after its value, NULL where
the value is of any other form than the one that its type is written in. What is scanned ends with a
line feed, which no value holds: no reader looks beyond it.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy, memset

ctypedef const uint8_t* Bytes

#: as in forms.py
cdef enum Kind:
    TEXT = 0
    INT8 = 1
    NUMERIC = 2
    FLOAT8 = 3
    BOOL = 4
    DATE = 5
    TIMESTAMP = 6
    TIMESTAMPTZ = 7
    TIME = 8
    UUID = 9

#: how a scan ended
cdef enum End:
    WHOLE = 0
    # within quotes
    OPEN = 1
    # at a record of another form
    OTHER = 2

cdef enum:
    #: bytes written for each that is read at most: a record of one NUMERIC of one digit is 16
    MOST_WRITTEN = 8
    #: digits of whole numbers that 64 bits keep whatever they are
    INT8_DIGITS = 18
    #: digits that 64 bits of floating point keep
    FLOAT8_DIGITS = 15
    #: days from 0000-03-01 to 2000-01-01
    DAYS_TO_2000 = 730425
    LF = 10
    CR = 13

cdef struct Column:
    Kind kind
    # characters of a text at most, 0 for any; digits before the point
    Py_ssize_t most
    # digits after it
    Py_ssize_t scale

cdef struct Scan:
    # next byte to read, and behind the last, which is a line feed
    Bytes at
    Bytes end
    # next byte to write
    uint8_t* out
    Py_ssize_t rows
    # ends of lines, those in quotes included
    Py_ssize_t lines


cdef inline bint is_digit(uint8_t byte) noexcept nogil:
    return <uint8_t>(byte - 48) < 10


cdef inline uint8_t* put2(uint8_t* out, uint16_t value) noexcept nogil:
    out[0] = <uint8_t>(value >> 8)
    out[1] = <uint8_t>value
    return out + 2


cdef inline uint8_t* put4(uint8_t* out, uint32_t value) noexcept nogil:
    out[0] = <uint8_t>(value >> 24)
    out[1] = <uint8_t>(value >> 16)
    out[2] = <uint8_t>(value >> 8)
    out[3] = <uint8_t>value
    return out + 4


cdef inline uint8_t* put8(uint8_t* out, uint64_t value) noexcept nogil:
    return put4(put4(out, <uint32_t>(value >> 32)), <uint32_t>value)


cdef inline uint8_t* put_int8(uint8_t* out, int64_t value) noexcept nogil:
    return put8(put4(out, 8), <uint64_t>value)


cdef inline Bytes whole_digits(Bytes at) noexcept nogil:
    """The place after digits, NULL where there are none or a zero leads them."""
    cdef Bytes begin = at
    while is_digit(at[0]):
        at += 1
    if at == begin or (begin[0] == 48 and at - begin > 1):
        return NULL
    return at


cdef inline Bytes fraction_digits(Bytes at) noexcept nogil:
    """The place after a point and digits, or the same where there is no point."""
    cdef Bytes begin
    if at[0] != 46:
        return at
    at += 1
    begin = at
    while is_digit(at[0]):
        at += 1
    if at == begin:
        return NULL
    return at


cdef inline uint64_t number_of(Bytes at, Bytes end) noexcept nogil:
    cdef uint64_t value = 0
    while at < end:
        value = value * 10 + (at[0] - 48)
        at += 1
    return value


cdef inline Bytes read_int8(Bytes at, uint8_t** out) noexcept nogil:
    cdef bint negative = at[0] == 45
    cdef Bytes begin = at + negative
    cdef Bytes end = whole_digits(begin)
    cdef int64_t value
    if end == NULL or end - begin > INT8_DIGITS or (negative and begin[0] == 48):
        return NULL
    if out != NULL:
        value = <int64_t>number_of(begin, end)
        out[0] = put_int8(out[0], -value if negative else value)
    return end


cdef inline Bytes read_float8(Bytes at, uint8_t** out) noexcept nogil:
    """So few digits are exact as a whole number, and so is the power of ten: it is divided once."""
    cdef bint negative = at[0] == 45
    cdef Bytes begin = at + negative
    cdef Bytes point = whole_digits(begin)
    cdef Bytes end
    cdef Py_ssize_t scale
    cdef double value
    cdef uint64_t bits
    if point == NULL:
        return NULL
    end = fraction_digits(point)
    if end == NULL:
        return NULL
    scale = end - point - 1 if end > point else 0
    if point - begin + scale > FLOAT8_DIGITS:
        return NULL
    if out != NULL:
        value = <double>number_of(begin, point)
        if scale:
            value = value * POWERS[scale] + <double>number_of(point + 1, end)
            value /= POWERS[scale]
        if negative:
            value = -value
        memcpy(&bits, &value, 8)
        out[0] = put8(put4(out[0], 8), bits)
    return end


cdef double[FLOAT8_DIGITS + 1] POWERS
for _power in range(FLOAT8_DIGITS + 1):
    POWERS[_power] = 10.0 ** _power


cdef inline Bytes read_numeric(Bytes at, uint8_t** out, const Column* column) noexcept nogil:
    """Digits in groups of four, as PostgreSQL's numeric_send writes them."""
    cdef bint negative = at[0] == 45
    cdef Bytes begin = at + negative
    cdef Bytes point = whole_digits(begin)
    cdef Bytes end
    cdef Bytes digit
    cdef uint8_t* head
    cdef uint8_t* group
    cdef Py_ssize_t whole, scale, left
    cdef int weight
    cdef uint16_t value
    if point == NULL:
        return NULL
    end = fraction_digits(point)
    if end == NULL:
        return NULL
    whole = point - begin
    scale = end - point - 1 if end > point else 0
    if scale > column.scale or (whole > column.most and not (whole == 1 and begin[0] == 48)):
        return NULL
    if out == NULL:
        return end
    head = out[0]
    group = head + 12
    # Before the point a first group of one to four digits, then full ones; none of zeros leads.
    weight = <int>((whole + 3) // 4) - 1
    digit = begin
    if begin[0] == 48:
        weight, digit = -1, point
    while digit < point:
        left = (point - digit) & 3
        if left == 0:
            left = 4
        value = <uint16_t>number_of(digit, digit + left)
        group = put2(group, value)
        digit += left
    digit = point + 1
    while digit < end:
        left = end - digit
        if left > 4:
            left = 4
        value = <uint16_t>(number_of(digit, digit + left) * PADS[left])
        digit += left
        if value == 0 and group == head + 12:
            weight -= 1
            continue
        group = put2(group, value)
    while group > head + 12 and (group - 1)[0] == 0 and (group - 2)[0] == 0:
        group -= 2
    if group == head + 12:
        weight = 0
        negative = False
    put4(head, <uint32_t>(group - head - 4))
    put2(head + 4, <uint16_t>((group - head - 12) >> 1))
    put2(head + 6, <uint16_t>weight)
    put2(head + 8, 0x4000 if negative else 0)
    put2(head + 10, <uint16_t>scale)
    out[0] = group
    return end


#: what so many digits of a group lack
cdef uint64_t[5] PADS
PADS[:] = [0, 1000, 100, 10, 1]


cdef inline bint spells(Bytes at, const char* word) noexcept nogil:
    """Whether the word stands there, in small letters or capitals."""
    while word[0]:
        if at[0] | 32 != <uint8_t>word[0]:
            return False
        at += 1
        word += 1
    return True


cdef inline Bytes read_bool(Bytes at, uint8_t** out) noexcept nogil:
    cdef bint value = spells(at, b"true")
    if not value and not spells(at, b"false"):
        return NULL
    if out != NULL:
        out[0] = put4(out[0], 1)
        out[0][0] = value
        out[0] += 1
    return at + (4 if value else 5)


cdef inline int two_digits(Bytes at) noexcept nogil:
    """The number, a negative one where they are none."""
    if not is_digit(at[0]) or not is_digit(at[1]):
        return -1
    return (at[0] - 48) * 10 + (at[1] - 48)


cdef inline int64_t days_of(int year, int month, int day) noexcept nogil:
    """Days from 2000-01-01, counted in years that begin with March."""
    cdef int64_t years = year - (month <= 2)
    cdef int64_t since_march = (153 * (month + (9 if month <= 2 else -3)) + 2) // 5 + day - 1
    return years * 365 + years // 4 - years // 100 + years // 400 + since_march - DAYS_TO_2000


cdef inline int last_day(int year, int month) noexcept nogil:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


cdef inline Bytes read_day(Bytes at, Bytes end, int* year, int64_t* days) noexcept nogil:
    """A day of the years 1 to 9999."""
    cdef int century, years, month, day
    if end - at < 11 or at[4] != 45 or at[7] != 45:
        return NULL
    century, years = two_digits(at), two_digits(at + 2)
    month, day = two_digits(at + 5), two_digits(at + 8)
    if century < 0 or years < 0 or month < 1 or month > 12 or day < 1:
        return NULL
    year[0] = century * 100 + years
    if year[0] == 0 or day > last_day(year[0], month):
        return NULL
    days[0] = days_of(year[0], month, day)
    return at + 10


cdef inline Bytes read_clock(Bytes at, Bytes end, int64_t* micros) noexcept nogil:
    """Hours, minutes and seconds, with up to six digits of a fraction."""
    cdef int hours, minutes, seconds
    cdef Bytes stop
    cdef Py_ssize_t scale
    if end - at < 9 or at[2] != 58 or at[5] != 58:
        return NULL
    hours, minutes, seconds = two_digits(at), two_digits(at + 3), two_digits(at + 6)
    if hours < 0 or hours > 23 or minutes < 0 or minutes > 59 or seconds < 0 or seconds > 59:
        return NULL
    micros[0] = <int64_t>((hours * 60 + minutes) * 60 + seconds) * 1000000
    at += 8
    stop = fraction_digits(at)
    if stop == NULL or stop - at > 7:
        return NULL
    if stop > at:
        scale = stop - at - 1
        micros[0] += <int64_t>number_of(at + 1, stop) * MICROS[scale]
    return stop


#: of a second's fraction of so many digits, microseconds in the last of them
cdef int64_t[7] MICROS
MICROS[:] = [0, 100000, 10000, 1000, 100, 10, 1]


cdef inline Bytes read_offset(Bytes at, Bytes end, int64_t* micros) noexcept nogil:
    """Z, or hours and minutes of less than 14 hours that a zone is ahead."""
    cdef int hours, minutes
    if at[0] == 90:
        micros[0] = 0
        return at + 1
    if end - at < 7 or (at[0] != 43 and at[0] != 45) or at[3] != 58:
        return NULL
    hours, minutes = two_digits(at + 1), two_digits(at + 4)
    if hours < 0 or hours > 13 or minutes < 0 or minutes > 59:
        return NULL
    micros[0] = <int64_t>(hours * 60 + minutes) * 60000000
    if at[0] == 45:
        micros[0] = -micros[0]
    return at + 6


cdef inline Bytes read_date(Bytes at, Bytes end, uint8_t** out) noexcept nogil:
    cdef int year
    cdef int64_t days
    at = read_day(at, end, &year, &days)
    if at != NULL and out != NULL:
        out[0] = put4(put4(out[0], 4), <uint32_t>days)
    return at


cdef inline Bytes read_time(Bytes at, Bytes end, uint8_t** out) noexcept nogil:
    cdef int64_t micros
    at = read_clock(at, end, &micros)
    if at != NULL and out != NULL:
        out[0] = put_int8(out[0], micros)
    return at


cdef inline Bytes read_timestamp(Bytes at, Bytes end, uint8_t** out, bint zoned) noexcept nogil:
    """A moment; with a zone one of years that are not the first or last of any."""
    cdef int year
    cdef int64_t days, micros, ahead = 0
    at = read_day(at, end, &year, &days)
    if at == NULL or (at[0] != 32 and at[0] != 84):
        return NULL
    at = read_clock(at + 1, end, &micros)
    if at == NULL:
        return NULL
    if zoned:
        at = read_offset(at, end, &ahead)
        if at == NULL or year < 1000 or year > 2999:
            return NULL
    if out != NULL:
        out[0] = put_int8(out[0], days * 86400000000LL + micros - ahead)
    return at


cdef inline int hex_digit(uint8_t byte) noexcept nogil:
    """The number, a negative one where it is none."""
    if is_digit(byte):
        return byte - 48
    byte |= 32
    return byte - 87 if 97 <= byte <= 102 else -1


cdef inline Bytes read_uuid(Bytes at, Bytes end, uint8_t** out) noexcept nogil:
    cdef int place, high, low
    cdef uint8_t value[16]
    if end - at < 37:
        return NULL
    for place in range(16):
        if place == 4 or place == 6 or place == 8 or place == 10:
            if at[0] != 45:
                return NULL
            at += 1
        high, low = hex_digit(at[0]), hex_digit(at[1])
        if high < 0 or low < 0:
            return NULL
        value[place] = <uint8_t>(high << 4 | low)
        at += 2
    if out != NULL:
        memcpy(put4(out[0], 16), value, 16)
        out[0] += 20
    return at


cdef inline Py_ssize_t line_ends(Bytes at, Bytes end) noexcept nogil:
    """How many ends of lines a text has: line feeds, and carriage returns before none."""
    cdef Py_ssize_t found = 0
    if memchr(at, LF, end - at) == NULL and memchr(at, CR, end - at) == NULL:
        return 0
    while at < end:
        found += at[0] == LF or (at[0] == CR and at[1] != LF)
        at += 1
    return found


cdef inline bint is_longer(Bytes at, Bytes end, Py_ssize_t most) noexcept nogil:
    """Whether UTF-8 has more characters than that."""
    cdef Py_ssize_t characters = 0
    if end - at <= most:
        return False
    while at < end:
        characters += (at[0] & 0xC0) != 0x80
        at += 1
    return characters > most


cdef inline uint8_t* put_text(uint8_t* out, Bytes at, Bytes end) noexcept nogil:
    out = put4(out, <uint32_t>(end - at))
    memcpy(out, at, end - at)
    return out + (end - at)


cdef uint8_t* put_unquoted(uint8_t* out, Bytes at, Bytes end, uint8_t quote) noexcept nogil:
    """A text whose quotes are doubled."""
    cdef uint8_t* begin = out + 4
    out = begin
    while at < end:
        out[0] = at[0]
        out += 1
        at += 2 if at[0] == quote else 1
    put4(begin - 4, <uint32_t>(out - begin))
    return out


cdef class RecordEncoder:
    """Reads records of one form: see `headrace_pgcopy`."""

    cdef Column* columns
    cdef Py_ssize_t width
    cdef uint8_t delimiter
    # 0 where no field is quoted
    cdef uint8_t quote
    cdef Py_ssize_t longest
    # what is written to, and what was the last time
    cdef bytearray writing
    cdef bytearray written
    # what ends a text without quotes, or has no place in it
    cdef bint[256] marks

    def __cinit__(self, columns, bytes delimiter, bytes quote, Py_ssize_t longest):
        self.width = len(columns)
        self.columns = <Column*>PyMem_Malloc(max(self.width, 1) * sizeof(Column))
        if self.columns == NULL:
            raise MemoryError
        for place, (kind, most, scale) in enumerate(columns):
            self.columns[<Py_ssize_t>place] = Column(<Kind><int>kind, most, scale)
        self.delimiter = delimiter[0]
        self.quote = quote[0] if quote else 0
        self.longest = longest
        memset(self.marks, 0, sizeof(self.marks))
        for mark in (0, LF, CR, self.delimiter, self.quote):
            self.marks[<int>mark] = True

    def __dealloc__(self):
        PyMem_Free(self.columns)

    def count(self, const uint8_t[::1] data, Py_ssize_t wanted):
        """Return how many records and lines there are, None where one is other, and their bytes.

        The last that counts is the first that ends at or beyond the wanted bytes; one that is not
        whole does not count. The data ends with a line feed.
        """
        cdef Scan scan
        cdef End end
        scan.at, scan.end = &data[0], &data[0] + data.shape[0]
        scan.rows = scan.lines = 0
        with nogil:
            end = self.scan(&scan, wanted, False)
        return None if end == OTHER else (scan.rows, scan.lines), scan.at - &data[0]

    def encode(self, const uint8_t[::1] data, Py_ssize_t wanted):
        """Return the records' tuples with what `count` returns of them.

        The tuples are overwritten by the next call but one: fresh memory for each took as long as
        a quarter of the reading.
        """
        cdef Scan scan
        cdef End end
        cdef uint8_t* begin
        self.exchange(data.shape[0] * MOST_WRITTEN)
        begin = <uint8_t*>PyByteArray_AS_STRING(self.writing)
        scan.at, scan.end = &data[0], &data[0] + data.shape[0]
        scan.rows = scan.lines = 0
        scan.out = begin
        with nogil:
            end = self.scan(&scan, wanted, True)
        if end == OTHER:
            return None, scan.at - &data[0]
        tuples = memoryview(self.writing)[: scan.out - begin]
        return (tuples, scan.rows, scan.lines), scan.at - &data[0]

    cdef exchange(self, Py_ssize_t size):
        """Write where nothing was written the last time."""
        self.writing, self.written = self.written, self.writing
        if self.writing is None or len(self.writing) < size:
            self.writing = PyByteArray_FromStringAndSize(NULL, size)

    cdef End scan(self, Scan* scan, Py_ssize_t wanted, bint writing) noexcept nogil:
        cdef Scan row = scan[0]
        cdef Bytes begin = row.at
        cdef End end
        while row.at < row.end and row.at - begin < wanted:
            if row.at[0] == LF or (row.at[0] == CR and row.at[1] == LF):
                # A blank line is no record.
                row.at += 1 if row.at[0] == LF else 2
                row.lines += 1
                scan[0] = row
                continue
            # Compiled once for each: what is written costs nothing where rows are counted only.
            if writing:
                end = self.scan_record(&row, True)
            else:
                end = self.scan_record(&row, False)
            if end != WHOLE:
                return end
            if row.at - scan.at > self.longest:
                return OTHER
            row.rows += 1
            row.lines += 1
            scan[0] = row
        return WHOLE

    cdef inline bint is_empty(self, Bytes at, bint quoted, bint is_last) noexcept nogil:
        if quoted:
            return at[0] == self.quote
        return at[0] == LF or at[0] == CR if is_last else at[0] == self.delimiter

    cdef inline End scan_record(self, Scan* scan, bint writing) noexcept nogil:
        cdef Bytes at = scan.at
        cdef Bytes end = scan.end
        cdef Bytes begin
        cdef uint8_t* out = scan.out
        cdef uint8_t** into = &out if writing else NULL
        cdef Py_ssize_t place
        cdef Column* column
        cdef bint quoted, is_last, doubled
        if writing:
            out = put2(out, <uint16_t>self.width)
        for place in range(self.width):
            column = &self.columns[place]
            is_last = place == self.width - 1
            quoted = self.quote and at[0] == self.quote
            if quoted:
                at += 1
            begin = at
            if column.kind == TEXT:
                doubled = False
                if quoted:
                    while True:
                        at = <Bytes>memchr(at, self.quote, end - at)
                        if at == NULL:
                            return OPEN
                        if at[1] != self.quote:
                            break
                        doubled = True
                        at += 2
                    if memchr(begin, 0, at - begin) != NULL:
                        return OTHER
                    scan.lines += line_ends(begin, at)
                else:
                    while not self.marks[at[0]]:
                        at += 1
                if column.most and is_longer(begin, at, column.most):
                    return OTHER
                if self.width == 1 and not quoted and is_space(begin[0]):
                    # A line of spaces is no record.
                    return OTHER
                if writing:
                    if at == begin and not quoted:
                        out = put4(out, 0xFFFFFFFF)
                    elif doubled:
                        out = put_unquoted(out, begin, at, self.quote)
                    else:
                        out = put_text(out, begin, at)
            elif self.is_empty(at, quoted, is_last):
                if writing:
                    out = put4(out, 0xFFFFFFFF)
            else:
                if column.kind == INT8:
                    at = read_int8(at, into)
                elif column.kind == NUMERIC:
                    at = read_numeric(at, into, column)
                elif column.kind == TIMESTAMP:
                    at = read_timestamp(at, end, into, False)
                elif column.kind == BOOL:
                    at = read_bool(at, into)
                elif column.kind == FLOAT8:
                    at = read_float8(at, into)
                elif column.kind == DATE:
                    at = read_date(at, end, into)
                elif column.kind == TIMESTAMPTZ:
                    at = read_timestamp(at, end, into, True)
                elif column.kind == TIME:
                    at = read_time(at, end, into)
                else:
                    at = read_uuid(at, end, into)
                if at == NULL:
                    return OTHER
            if quoted:
                if at[0] != self.quote:
                    return OTHER
                at += 1
            if not is_last:
                if at[0] != self.delimiter:
                    return OTHER
                at += 1
            elif at[0] == CR and at[1] == LF:
                at += 2
            elif at[0] == LF:
                at += 1
            else:
                return OTHER
        scan.at = at
        scan.out = out
        return WHOLE


cdef inline bint is_space(uint8_t byte) noexcept nogil:
    return byte == 32 or (9 <= byte <= 13)
