"""Limits and their cells: what a window grants, what closes with it, and what is lent to it afterwards (SEMANTICS 9 and 18).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

from struct import pack
from typing import NamedTuple

from wire import I64_MAX, U64_MAX
from windows import LIFETIME, Span, Window

COUNTERS = ("granted", "available", "reserved", "committed", "lapsed", "unfunded")


class Cell:
    """The money of one window of a limit. `named_by` counts the holds, open, expired or settled, that name it (SEMANTICS 18.6)."""

    __slots__ = ("limit", "span", "named_by", *COUNTERS)

    def __init__(self, limit: Limit, span: Span, granted: int):
        self.limit, self.span, self.named_by = limit, span, 0
        self.granted = self.available = granted
        self.reserved = self.committed = self.lapsed = self.unfunded = 0

    @property
    def payer(self) -> Cell:
        """The cell that what is taken more for this one's holds is taken from: the current one of its limit (SEMANTICS 18.5)."""
        return self.limit.current

    @property
    def closed(self) -> bool:
        """Whether its window is over; the one that an account closed with is not."""
        return self.limit.current is not self

    @property
    def lendable(self) -> int:
        """What a closed cell may be lent before it owes more than i64::MAX (SEMANTICS 18.5)."""
        return I64_MAX + self.available

    @property
    def charged(self) -> int:
        """What a current cell misses of its allowance: debt carried over and what it lent (SEMANTICS 18.4)."""
        return max(self.limit.allowance - self.granted, 0)

    @property
    def left(self) -> int:
        """What its limit has for a hold of it: below 0 where it is in debt."""
        return min(self.payer.available, self.lendable) if self.closed else self.payer.available

    @property
    def most_debt(self) -> int:
        """How much more may be booked in debt (SEMANTICS 9.6 and 18.5). What is lent leaves granted less available of the payer
        as it is; what is booked at a current cell raises it."""
        if self.closed:
            return min(self.payer.available + I64_MAX, self.lendable)
        return self.available + I64_MAX - (0 if self.limit.for_life else max(self.granted, 0))

    def reserve(self, amount: int) -> None:
        self._fund(amount)
        self.reserved += amount

    def book(self, held: int, extra: int) -> None:
        """Commits what is held, and an extra that is not."""
        self._fund(extra)
        self.reserved -= held
        self.committed += held + extra

    def release(self, amount: int) -> int:
        """How much of it made up for what a closed cell owes."""
        self.reserved -= amount
        return self._give_back(amount)

    def refund(self, amount: int) -> int:
        """As `release`."""
        self.committed -= amount
        return self._give_back(amount)

    def miss(self, amount: int) -> None:
        """SEMANTICS 9.11."""
        self.unfunded = min(self.unfunded + amount, U64_MAX)

    def _fund(self, amount: int) -> None:
        """SEMANTICS 18.5: to a closed cell it is lent, and owed by it."""
        payer = self.payer
        payer.available -= amount
        if payer is not self:
            payer.granted -= amount
            self.available -= amount

    def _give_back(self, amount: int) -> int:
        """SEMANTICS 18.4: what comes back to a closed cell makes up for what it owes, and else lapses."""
        if not self.closed:
            self.available += amount
            return 0
        made_up = min(amount, -self.available)
        self.available += made_up
        self.lapsed += amount - made_up
        payer = self.payer
        returned = min(made_up, payer.charged)
        payer.granted += returned
        payer.available += returned
        return made_up

    def fault(self) -> str | None:
        """What breaks SEMANTICS 9.2, or leaves the counters' ranges (9.6, 9.11, 18.5, FORMAT 10.6)."""
        kept = self.available + self.reserved + self.committed + self.lapsed
        if self.granted != kept or self.reserved < 0 or self.committed < 0:
            return "money is not conserved"
        if self.available < -I64_MAX or (self.closed and self.available > 0) or (not self.closed and self.lapsed):
            return f"{self.available} available, {self.lapsed} lapsed: not as the window stands"
        if not -I64_MAX <= self.granted <= I64_MAX or self.committed > U64_MAX or self.lapsed > U64_MAX:
            return "a counter leaves its range"
        if self.limit.for_life:
            if self.closed or self.lapsed or self.granted != self.limit.allowance or self.span[1:] != (0, 0):
                return "a limit for life has not its one window, or another granted than its allowance"
        elif not self.closed and self.granted > self.limit.allowance:
            return f"{self.granted} granted, above the allowance of {self.limit.allowance}"
        elif not self.closed and self.granted - self.available > I64_MAX:
            return f"{self.granted} granted and {self.available} available: more than i64::MAX apart"
        return None

    def canonical(self) -> bytes:
        """FORMAT 10.6."""
        span = (self.span.start_i64, self.span.end_i64)
        return pack("<qqqqQQQ", *span, self.granted, self.available, self.committed, self.lapsed, self.unfunded)


class Rollover(NamedTuple):
    """What a rollover closed, what lapsed of it, its debt, and what of that was carried over."""

    closed: Cell
    lapsed: int
    debt: int
    carried: int


class Limit:
    """A limit of an account: its allowance, the cells of closed windows that holds still name, and the current cell."""

    __slots__ = ("account", "number", "window", "allowance", "closed", "current")

    def __init__(self, account, number: int, window: Window, instant: int):
        self.account, self.number, self.window = account, number, window
        self.allowance = 0
        self.closed: list[Cell] = []
        self.current = Cell(self, window.span_at(instant), 0)

    @property
    def cells(self) -> list[Cell]:
        """In the order of their windows."""
        return [*self.closed, self.current]

    @property
    def for_life(self) -> bool:
        return self.window.kind == LIFETIME

    def has_ended(self, instant: int) -> bool:
        return self.window.has_ended(self.current.span, instant)

    def roll(self, instant: int) -> Rollover:
        """SEMANTICS 18.3, to the window that holds `instant`."""
        return self._begin(self.window.span_at(instant))

    def roll_given(self, instant: int) -> Rollover:
        """SEMANTICS 18.2: a boundary that the host gives."""
        last = self.current.span
        return self._begin(Span(last.number + 1, max(instant, last.start + 1), I64_MAX))

    def _begin(self, span: Span) -> Rollover:
        old, between = self.current, span.number - self.current.span.number - 1
        debt = max(-old.available, 0)
        carried = max(debt - between * self.allowance, 0)
        lapsed = max(old.available, 0)
        old.lapsed += lapsed
        old.granted += debt - carried
        old.available = -carried
        self.closed.append(old)
        self.current = Cell(self, span, self.allowance - carried)
        return Rollover(old, lapsed, debt, carried)

    def grant(self, change: int) -> None:
        """SEMANTICS 9.10."""
        self.allowance += change
        self.current.granted += change
        self.current.available += change

    def forget_unnamed(self) -> None:
        """SEMANTICS 18.6."""
        self.closed = [cell for cell in self.closed if cell.named_by]

    def canonical(self) -> bytes:
        """FORMAT 10.6."""
        return pack("<QI", self.allowance, len(self.closed) + 1) + b"".join(cell.canonical() for cell in self.cells)
