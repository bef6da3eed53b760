"""Random terms of accounts for tests: limits of every window, throttles of every kind, caps; and times that meet their edges."""

from __future__ import annotations

import random

from write_log import COST, GIVEN, LIFETIME, REQUESTS, SECOND, day, encode_account, fixed, month, throttle, units

DAY = 86_400 * SECOND
_OFFSETS = (0, 0, 3_600, 19_800, -64_800, 64_800, -1)
_LENGTHS = (1_000_000, SECOND, 3 * SECOND, 5 * SECOND + 1, 20 * SECOND, 7_200 * SECOND, 2**62)


def random_account(rng: random.Random, name: str, parent: int | None, overrun: int, quantities: int) -> bytes:
    """FORMAT 9.14."""
    windows: list[bytes] = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        window = random_window(rng)
        if window not in windows:
            windows.append(window)
    throttles = [random_throttle(rng, quantities) for _ in range(rng.choice([0, 0, 0, 0, 1, 2, 4]))]
    caps = (rng.choice([0, 0, 0, rng.randint(200, 3_000)]), rng.choice([0, 0, 0, 0, rng.randint(2, 8)]))
    return encode_account(name, parent, overrun, windows, throttles, caps)


def random_window(rng: random.Random) -> bytes:
    kind = rng.randrange(7)
    if kind == 0:
        return LIFETIME
    if kind == 1:
        return GIVEN
    if kind in (2, 3):
        return (day, month)[kind - 2](rng.choice(_OFFSETS))
    length = rng.choice(_LENGTHS)
    return fixed(length, rng.choice([0, rng.randrange(length)]))


def random_throttle(rng: random.Random, quantities: int) -> bytes:
    """Tight enough to deny now and then: a few requests, some hundreds of money, some tens of units a second."""
    counts = rng.randrange(3)
    period = rng.choice([SECOND, 7 * SECOND, 999_999_999])
    if counts == 0:
        return throttle(REQUESTS, rng.randint(1, 4), period, rng.randint(1, 4))
    if counts == 1:
        return throttle(COST, rng.randint(10, 300), period, rng.randint(300, 3_000))
    fed_by = sorted(rng.sample(range(quantities), rng.randint(1, quantities)))
    return throttle(units(*fed_by), rng.randint(5, 40), period, rng.randint(15, 60))


def later(rng: random.Random, ledger, time: int, most: int) -> int:
    """The time of the next record: often the same or a little later, now and then an hour, days or a month, or where a window or
    a throttle of some account has its edge, or a nanosecond before."""
    drawn = rng.random()
    if drawn < 0.12:
        furthest = 40 * SECOND if drawn < 0.11 else most - SECOND
        edges = [edge for edge in _edges(ledger) if ledger.log_time + 1 < edge <= ledger.log_time + furthest]
        if edges:
            return rng.choice(sorted(edges)) - rng.randrange(2)
    if drawn < 0.127:
        return time + rng.choice([3_600 * SECOND, DAY, 2 * DAY + 1, 33 * DAY])
    return time + rng.choice([0, 0, 0, 1_000, SECOND // 5, SECOND // 2, SECOND, 2 * SECOND, -SECOND])


def _edges(ledger) -> list[int]:
    """The ends of current windows, and the instants from which throttles of requests pass one more."""
    found = [limit.current.span.end for account in ledger.accounts for limit in account.limits if limit.current.span.end]
    for account in ledger.accounts:
        for item in account.throttles:
            lacking = item.backlog + (1 - item.burst) * item.period
            if item.counts == 0 and lacking > 0:
                found.append(item.instant - -lacking // item.rate)
    return found
