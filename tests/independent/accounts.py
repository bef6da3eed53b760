"""Accounts, paths and holds, with their rows in the canonical form of the ledger (SEMANTICS 9, FORMAT 9.14, 10.6, 10.7 and 10.9).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

from struct import pack
from typing import Callable, Iterable, NamedTuple, Optional

from limits import Cell, Limit
from records import CAP_HELD, LIMITS_MAX, NO_PARENT, OPEN, THROTTLES_MAX
from throttles import Throttle, read_throttle
from windows import Window, read_window
from wire import I64_MAX, Malformed, Reader


class AccountTerms(NamedTuple):
    """The fields of FORMAT 9.14 after the parent, and their bytes."""

    overrun: int
    windows: list[Window]
    throttles: list[Throttle]
    most_held: int
    most_holds: int
    raw: bytes


def read_account_terms(source: Reader, quantities: int) -> AccountTerms:
    """FORMAT 9.14, under a schema with that many quantities."""
    start = source.at
    overrun, count = source.choice(3, "overrun"), source.u8()
    if not 1 <= count <= LIMITS_MAX:
        raise Malformed(f"an account with {count} limits, 1 to {LIMITS_MAX} are allowed")
    windows = [read_window(source) for _ in range(count)]
    if len(set(windows)) != count:
        raise Malformed("an account with two limits of the same window")
    throttles = [read_throttle(source, quantities) for _ in range(source.choice(THROTTLES_MAX + 1, "a count of throttles"))]
    most_held, most_holds = source.u64(), source.u32()
    if most_held > I64_MAX:
        raise Malformed(f"a cap of {most_held} on what is held, at most {I64_MAX}")
    return AccountTerms(overrun, windows, throttles, most_held, most_holds, source.data[start : source.at])


class Account:
    """`held` and `open_holds` are of the open holds that have a cell of it, whatever the cell: what its caps bound."""

    __slots__ = (
        "handle", "name", "parent", "terms", "children", "closed", "limits", "throttles", "held", "open_holds",
    )  # fmt: skip

    def __init__(self, handle: int, name: bytes, parent: Optional[Account], terms: AccountTerms, instant: int):
        self.handle, self.name, self.parent, self.terms = handle, name, None, terms
        self.children: list[Account] = []
        self.closed = False
        self.limits = [Limit(self, number, window, instant) for number, window in enumerate(terms.windows)]
        self.throttles = terms.throttles
        self.held = self.open_holds = 0
        self.move_below(parent)

    def move_below(self, parent: Optional[Account]) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
        self.parent = parent
        if parent is not None:
            parent.children.append(self)

    @property
    def overrun(self) -> int:
        return self.terms.overrun

    @property
    def ancestry(self) -> list[Account]:
        """Itself, and its ancestors up to its root, by their parents now."""
        found = [self]
        while found[-1].parent is not None:
            found.append(found[-1].parent)
        return found

    @property
    def levels(self) -> int:
        """From itself down to the lowest account below it."""
        return 1 + max((child.levels for child in self.children), default=0)

    @property
    def cells(self) -> list[Cell]:
        return [cell for limit in self.limits for cell in limit.cells]

    def canonical(self, number_of: Callable[[Account], int]) -> bytes:
        """FORMAT 10.6."""
        parent = NO_PARENT if self.parent is None else number_of(self.parent)
        head = bytes([len(self.name)]) + self.name + pack("<I", parent) + self.terms.raw + bytes([self.closed])
        return head + b"".join(part.canonical() for part in (*self.limits, *self.throttles))


class Path(NamedTuple):
    """What an admission takes from (SEMANTICS 9.3), by the parents and the windows now."""

    accounts: tuple
    cells: tuple

    @property
    def throttles(self) -> list[tuple[Account, int, Throttle]]:
        """With their account and number, in the order of SEMANTICS 19.3."""
        return [(account, number, found) for account in self.accounts for number, found in enumerate(account.throttles)]


def path_of(named: Iterable[Account]) -> Path:
    accounts = tuple(dict.fromkeys(found for account in named for found in account.ancestry))
    return Path(accounts, tuple(limit.current for account in accounts for limit in account.limits))


def cells_and_caps(accounts: Iterable[Account]) -> int:
    """SEMANTICS 9.3: what counts against the most that a path may have."""
    return sum(len(account.limits) + bool(account.terms.most_held) + bool(account.terms.most_holds) for account in accounts)


class Room(NamedTuple):
    """What a cell, or a cap on what is held, leaves to be taken, and its number as FORMAT 9.8 says what binds."""

    left: int
    account: Account
    what: int


def least_room(cells: tuple) -> Room:
    """SEMANTICS 9.4: the least left by cells and caps, of equals the earliest in the order of 9.3."""
    rooms = [Room(cell.left, cell.limit.account, cell.limit.number) for cell in cells]
    accounts = accounts_of(cells)
    rooms += [
        Room(account.terms.most_held - account.held, account, CAP_HELD) for account in accounts if account.terms.most_held
    ]
    return min(rooms, key=lambda room: room.left)


def accounts_of(cells: tuple) -> tuple:
    return tuple(dict.fromkeys(cell.limit.account for cell in cells))


class Hold:
    __slots__ = ("sequence", "state", "amount", "spent", "unfunded", "deadline", "policy", "candidate", "named", "cells")

    def __init__(self, sequence, amount, deadline, policy, candidate, named, cells):
        self.sequence, self.state, self.amount, self.deadline = sequence, OPEN, amount, deadline
        self.spent = self.unfunded = 0
        self.policy, self.candidate, self.named, self.cells = policy, candidate, named, cells

    def canonical(self, number_of: Callable[[Account], int]) -> bytes:
        """FORMAT 10.7."""
        head = pack("<QBQQQq", self.sequence, self.state, self.amount, self.spent, self.unfunded, self.deadline)
        head += pack("<QI", self.policy.epoch, self.candidate)
        return head + paid_by(self.named, self.cells, number_of)


class Settled:
    """A committed hold that can be adjusted."""

    __slots__ = ("sequence", "at", "booked", "unfunded", "named", "cells")

    def __init__(self, sequence, at, booked, unfunded, named, cells):
        self.sequence, self.at, self.booked, self.unfunded, self.named, self.cells = sequence, at, booked, unfunded, named, cells

    def canonical(self, number_of: Callable[[Account], int]) -> bytes:
        """FORMAT 10.11."""
        head = pack("<QqQQ", self.sequence, self.at, self.booked, self.unfunded)
        return head + paid_by(self.named, self.cells, number_of)


def paid_by(named: tuple, cells: tuple, number_of: Callable[[Account], int]) -> bytes:
    """FORMAT 10.7: the accounts named, and the cells."""
    accounts = b"".join(pack("<I", number_of(account)) for account in named)
    taken = b"".join(pack("<IBq", number_of(cell.limit.account), cell.limit.number, cell.span.start_i64) for cell in cells)
    return bytes([len(named)]) + accounts + bytes([len(cells)]) + taken


class Operation(NamedTuple):
    id: bytes
    issued: int
    canonical: bytes
