"""Accounts and holds, with their rows in the canonical form of the ledger (SEMANTICS 9, FORMAT 10.6, 10.7 and 10.9).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

from struct import pack
from typing import Callable, NamedTuple, Optional

from records import NO_PARENT, OPEN


class Account:
    __slots__ = (
        "handle", "name", "parent", "overrun", "after_parent", "ancestry", "children_open", "closed",
        "granted", "available", "reserved", "committed", "lapsed", "unfunded",
    )  # fmt: skip

    def __init__(self, handle: int, name: bytes, parent: Optional[Account], overrun: int, after_parent: bytes):
        self.handle, self.name, self.parent, self.overrun = handle, name, parent, overrun
        self.after_parent = after_parent  # the fields of FORMAT 9.14 from the overrun mode on
        self.ancestry: tuple = (self,) + (parent.ancestry if parent else ())
        self.children_open = 0
        self.closed = False
        self.granted = self.available = self.reserved = self.committed = self.lapsed = self.unfunded = 0

    def canonical(self, number_of: Callable[[Account], int]) -> bytes:
        """FORMAT 10.6."""
        parent = NO_PARENT if self.parent is None else number_of(self.parent)
        cell = pack("<qqqqQQQ", 0, 0, self.granted, self.available, self.committed, self.lapsed, self.unfunded)
        head = bytes([len(self.name)]) + self.name + pack("<I", parent)
        return head + self.after_parent + bytes([self.closed]) + cell


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
    taken = b"".join(pack("<IBq", number_of(account), 0, 0) for account in cells)
    return bytes([len(named)]) + accounts + bytes([len(cells)]) + taken


class Operation(NamedTuple):
    id: bytes
    issued: int
    canonical: bytes


def least_available(cells: tuple) -> Account:
    """SEMANTICS 9.4: the least available, of equals the earliest on the path."""
    return min(cells, key=lambda account: account.available)
