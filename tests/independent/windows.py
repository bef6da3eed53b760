"""Windows of limits: which one holds an instant, and how many lie between two (SEMANTICS 18.1, FORMAT 9.14).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from wire import I64_MAX, I64_MIN, Malformed, Reader

LIFETIME, DAY, MONTH, FIXED, GIVEN = range(5)
WINDOW_NAMES = ("lifetime", "day", "month", "fixed", "given")
DAY_NS = 86_400 * 10**9
OFFSET_SECONDS_MAX = 18 * 3_600
LENGTH_NS_MIN, LENGTH_NS_MAX = 10**6, 2**62
_EPOCH = date(1970, 1, 1).toordinal()


class Span(NamedTuple):
    """One window. Numbers of windows that follow each other do so too; start and end are exact, beyond `i64` too."""

    number: int
    start: int
    end: int

    @property
    def start_i64(self) -> int:
        return max(self.start, I64_MIN)

    @property
    def end_i64(self) -> int:
        return min(self.end, I64_MAX)


class Window(NamedTuple):
    """The terms of a limit: its kind, and its UTC offset in seconds, or its length and origin in nanoseconds."""

    kind: int
    length: int = 0
    origin: int = 0
    offset: int = 0

    def span_at(self, instant: int) -> Span:
        """The window that holds `instant`; of given boundaries, the one that begins there."""
        if self.kind == LIFETIME:
            return Span(0, 0, 0)
        if self.kind == GIVEN:
            return Span(0, instant, I64_MAX)
        if self.kind == FIXED:
            number = (instant - self.origin) // self.length
            start = self.origin + number * self.length
            return Span(number, start, start + self.length)
        shift = self.offset * 10**9
        days = (instant + shift) // DAY_NS
        if self.kind == DAY:
            return Span(days, days * DAY_NS - shift, (days + 1) * DAY_NS - shift)
        local = date.fromordinal(_EPOCH + days)
        month = local.year * 12 + local.month - 1
        return Span(month, _month_start(month) * DAY_NS - shift, _month_start(month + 1) * DAY_NS - shift)

    def has_ended(self, span: Span, instant: int) -> bool:
        """Whether the window is over at `instant`; of given boundaries, never by itself."""
        return self.kind in (DAY, MONTH, FIXED) and span.end <= instant


def _month_start(month: int) -> int:
    """The days from 1970-01-01 to the first of a month that is counted from the year 0."""
    return date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH


def read_window(source: Reader) -> Window:
    """FORMAT 9.14."""
    kind = source.choice(5, "window")
    if kind in (DAY, MONTH):
        offset = int.from_bytes(source.take(4), "little", signed=True)
        if abs(offset) > OFFSET_SECONDS_MAX:
            raise Malformed(f"a window with an offset of {offset} s, at most {OFFSET_SECONDS_MAX} either way")
        return Window(kind, offset=offset)
    if kind == FIXED:
        length, origin = source.u64(), source.i64()
        if not LENGTH_NS_MIN <= length <= LENGTH_NS_MAX:
            raise Malformed(f"a window of {length} ns, {LENGTH_NS_MIN} to {LENGTH_NS_MAX} are allowed")
        if not 0 <= origin < length:
            raise Malformed(f"a window of {length} ns with its origin at {origin}")
        return Window(kind, length=length, origin=origin)
    return Window(kind)
