"""Throttles: a generic cell rate algorithm in exact integers (SEMANTICS 19, FORMAT 9.14 and 10.6).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

from struct import pack

from policy import Request
from wire import U64_MAX, Malformed, Reader, members_of

REQUESTS, COST, UNITS = range(3)
COUNTED_NAMES = ("requests", "cost", "units")
RATE_MAX, PERIOD_NS_MAX, BURST_MAX = 2**62, 2**56, 2**62


class Throttle:
    """What it counts, how much of it may pass, and its state: an instant and a backlog then, in periods times what is counted."""

    __slots__ = ("counts", "quantities", "rate", "period", "burst", "instant", "backlog")

    def __init__(self, counts: int, quantities: list[int], rate: int, period: int, burst: int):
        self.counts, self.quantities = counts, quantities
        self.rate, self.period, self.burst = rate, period, burst
        self.instant = self.backlog = 0

    def counted(self, request: Request, cost: int) -> int:
        """SEMANTICS 19.1."""
        if self.counts == REQUESTS:
            return 1
        if self.counts == COST:
            return cost
        return sum(request.quantities.get(quantity, 0) for quantity in self.quantities)

    def passes(self, count: int, instant: int) -> bool:
        return self._after(count, instant) <= self.burst * self.period

    def admit(self, count: int, instant: int) -> None:
        """SEMANTICS 19.2."""
        self.instant, self.backlog = instant, self._after(count, instant)

    def _after(self, count: int, instant: int) -> int:
        """An empty backlog stays empty, at whatever instant: before the first there is none, also before 1970."""
        left = max(0, self.backlog - (instant - self.instant) * self.rate) if self.backlog else 0
        return left + count * self.period

    def canonical(self) -> bytes:
        """FORMAT 10.6."""
        return pack("<qQQ", self.instant, self.backlog & U64_MAX, self.backlog >> 64)


def read_throttle(source: Reader, quantities: int) -> Throttle:
    """FORMAT 9.14, under a schema with that many quantities."""
    counts, fed_by = source.choice(3, "what a throttle counts"), 0
    if counts == UNITS:
        fed_by = source.mask(1, quantities, "a throttle's quantities")
        if fed_by == 0:
            raise Malformed("a throttle that counts units of no quantity")
    stated = (source.u64(), source.u64(), source.u64())
    for name, value, most in zip(("rate", "period", "burst"), stated, (RATE_MAX, PERIOD_NS_MAX, BURST_MAX)):
        if not 1 <= value <= most:
            raise Malformed(f"a throttle's {name} is {value}, 1 to {most} are allowed")
    return Throttle(counts, members_of(fed_by), *stated)
