"""Calendars by hand: where windows begin and end (SEMANTICS 18.1)."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta, timezone

from stated import DAY
from stated import instant_of as at
from wire import I64_MAX, I64_MIN
from windows import DAY as DAYS
from windows import FIXED, MONTH, Window


class Calendars(unittest.TestCase):
    def test_days_and_months(self):
        """Midnight by an offset of +1 h is 23:00 UTC of the day before."""
        plus, minus = 3_600, -5 * 3_600
        rows = [
            (DAYS, 0, at(2024, 2, 29, 12), at(2024, 2, 29), at(2024, 3, 1)),
            (DAYS, plus, at(2024, 2, 29, 12), at(2024, 2, 28, 23), at(2024, 2, 29, 23)),
            (DAYS, plus, at(2024, 2, 29, 23), at(2024, 2, 29, 23), at(2024, 3, 1, 23)),
            (DAYS, plus, at(2024, 2, 29, 23) - 1, at(2024, 2, 28, 23), at(2024, 2, 29, 23)),
            (DAYS, minus, at(2024, 2, 29, 12), at(2024, 2, 29, 5), at(2024, 3, 1, 5)),
            (DAYS, 0, -1, -DAY, 0),
            (DAYS, 64_800, 0, at(1969, 12, 31, 6), at(1970, 1, 1, 6)),
            (MONTH, 0, at(2024, 2, 29, 12), at(2024, 2, 1), at(2024, 3, 1)),
            (MONTH, 0, at(2023, 2, 28, 12), at(2023, 2, 1), at(2023, 3, 1)),
            (MONTH, 0, at(1900, 2, 28, 12), at(1900, 2, 1), at(1900, 3, 1)),
            (MONTH, 0, at(2000, 2, 29), at(2000, 2, 1), at(2000, 3, 1)),
            (MONTH, plus, at(2023, 12, 31, 23), at(2023, 12, 31, 23), at(2024, 1, 31, 23)),
            (MONTH, minus, at(2024, 1, 1, 4), at(2023, 12, 1, 5), at(2024, 1, 1, 5)),
            (MONTH, 0, -1, at(1969, 12, 1), 0),
        ]
        for kind, offset, instant, start, end in rows:
            span = Window(kind, offset=offset).span_at(instant)
            self.assertEqual((span.start, span.end), (start, end), (kind, offset, instant))

    def test_months_are_as_long_as_the_calendar_says(self):
        """2100 is no leap year, 2000 was one; the number of a month counts them without a gap."""
        lengths = {1900: 28, 1968: 29, 1970: 28, 2000: 29, 2023: 28, 2024: 29, 2100: 28, 2200: 28}
        for year, february in lengths.items():
            span = Window(MONTH).span_at(at(year, 2, 15))
            self.assertEqual(span.end - span.start, february * DAY)
        instant, number = at(1890, 1, 1), None
        while instant < at(2110, 1, 1):
            span = Window(MONTH).span_at(instant)
            self.assertEqual(span.start, instant)
            self.assertIn(number, (None, span.number - 1))
            instant, number = span.end, span.number

    def test_fixed_lengths(self):
        rows = [
            (10, 0, 0, 0),
            (10, 0, 9, 0),
            (10, 0, 10, 10),
            (10, 3, 2, -7),
            (10, 3, 3, 3),
            (10, 3, -8, -17),
            (10, 9, -1, -1),
            (2**62, 0, I64_MIN, -(2**63)),
        ]
        for length, origin, instant, start in rows:
            span = Window(FIXED, length, origin).span_at(instant)
            self.assertEqual((span.start, span.end), (start, start + length))

    def test_windows_are_cut_at_the_first_and_the_last_instant(self):
        for window in (Window(DAYS), Window(MONTH, offset=64_800), Window(FIXED, 2**62, 5)):
            low, high = window.span_at(I64_MIN), window.span_at(I64_MAX)
            self.assertEqual((low.start_i64, high.end_i64), (I64_MIN, I64_MAX))
            self.assertFalse(window.has_ended(high, I64_MAX))

    def test_every_instant_is_in_its_window(self):
        """Against the calendar of the library, over some leap years before and after 1970."""
        instant = datetime(1899, 12, 31, tzinfo=timezone.utc)
        offset = timedelta(seconds=19_800)
        for _ in range(3_000):
            local = instant + offset
            begin = datetime(local.year, local.month, 1, tzinfo=timezone.utc) - offset
            span = Window(MONTH, offset=19_800).span_at(at(*instant.timetuple()[:6]))
            self.assertEqual(span.start, at(*begin.timetuple()[:6]))
            instant += timedelta(days=29, hours=7)


if __name__ == "__main__":
    unittest.main()
