"""Accounts by the record: opening, closing, another parent, grants, boundaries, and the rollover that a touch brings
(SEMANTICS 9.10, 9.12, 9.18 and 18.2).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

from typing import Iterable

from accounts import Account, read_account_terms
from limits import Limit, Rollover
from records import LEVELS_MAX, NO_PARENT, Contradiction
from windows import GIVEN, WINDOW_NAMES
from wire import I64_MAX, IDENTITY_BYTES_MAX, Malformed, Reader


class Administration:
    """The part of the ledger that opens, moves, funds and closes accounts."""

    def _apply_account(self, source: Reader) -> None:
        """FORMAT 9.14."""
        name, parent_handle = source.name("account name", IDENTITY_BYTES_MAX), source.u32()
        terms = read_account_terms(source, len(self.policy.quantities))
        if name in self.names:
            raise Contradiction(f"account name {name!r} is taken (SEMANTICS 9.13)")
        parent = self._parent(parent_handle)
        account = Account(len(self.accounts), name, parent, terms, self.log_time)
        self._check_levels(account)
        self.accounts.append(account)
        self.names[name] = account

    def _apply_close(self, source: Reader) -> None:
        """SEMANTICS 9.12."""
        account = self._open_account(source.u32())
        if account.open_holds or any(not child.closed for child in account.children):
            raise Contradiction(f"account {account.handle} closed with a hold open, money reserved or an open child")
        account.closed = True

    def _apply_reparent(self, source: Reader) -> None:
        """FORMAT 9.19, SEMANTICS 9.18."""
        account, parent = self._open_account(source.u32()), self._parent(source.u32())
        if parent is account.parent:
            raise Contradiction(f"account {account.handle} is put below the parent that it has")
        if parent is not None and account in parent.ancestry:
            raise Contradiction(f"account {account.handle} is put below itself")
        account.move_below(parent)
        self._check_levels(account)

    def _apply_boundary(self, source: Reader) -> None:
        """FORMAT 9.20, SEMANTICS 18.2: what has ended of its account rolls over first, then this limit."""
        account = self._open_account(source.u32())
        limit = self._limit(account, source.u8())
        if limit.window.kind != GIVEN:
            raise Contradiction(f"a boundary is given to limit {limit.number}, whose windows are functions of the instant")
        if limit.current.span.start >= I64_MAX:
            raise Contradiction("a boundary after the last instant")
        self._touch([account])
        self._rolled(limit, limit.roll_given(self.log_time))
        self.counts["boundaries after the log's time"] += limit.current.span.start > self.log_time

    def _apply_grant(self, source: Reader) -> int:
        """FORMAT 9.15, SEMANTICS 9.10."""
        account, number, change = self._open_account(source.u32()), source.u8(), source.i64()
        if change == 0:
            raise Malformed(f"a grant of {change} to limit {number}")
        limit = self._limit(account, number)
        self._touch([account])
        cell = limit.current
        if -change > max(cell.available, 0):
            raise Contradiction(f"a grant takes {-change} of {cell.available} available")
        if not cell.granted + change <= I64_MAX or not 0 <= limit.allowance + change <= I64_MAX:
            raise Contradiction("a grant raises granted, or the allowance, above i64::MAX")
        limit.grant(change)
        return source.at

    def _open_account(self, handle: int) -> Account:
        if handle >= len(self.accounts):
            raise Contradiction(f"account {handle} is unknown")
        if self.accounts[handle].closed:
            raise Contradiction(f"account {handle} is closed")
        return self.accounts[handle]

    def _parent(self, handle: int) -> Account | None:
        return None if handle == NO_PARENT else self._open_account(handle)

    @staticmethod
    def _limit(account: Account, number: int) -> Limit:
        if number >= len(account.limits):
            raise Malformed(f"account {account.handle} has no limit {number}")
        return account.limits[number]

    @staticmethod
    def _check_levels(account: Account) -> None:
        """SEMANTICS 9.18: from the root down to the lowest account below, closed ones too."""
        levels = len(account.ancestry) - 1 + account.levels
        if levels > LEVELS_MAX:
            raise Contradiction(f"{levels} levels of accounts, at most {LEVELS_MAX}")

    def _touch(self, accounts: Iterable[Account]) -> None:
        """SEMANTICS 18.2: rolls over every limit of these accounts whose window has ended; a record does so before all else.
        A closed account keeps the windows that it closed with."""
        for account in accounts:
            self._touched.add(account)
            for limit in () if account.closed else account.limits:
                if limit.has_ended(self.log_time):
                    self._rolled(limit, limit.roll(self.log_time))

    def _rolled(self, limit: Limit, rollover: Rollover) -> None:
        self._unnamed.add(limit)
        self.counts[f"rollovers of {WINDOW_NAMES[limit.window.kind]} windows"] += 1
        self.counts["rollovers that lapsed"] += rollover.lapsed > 0
        self.counts["rollovers that carried a debt"] += rollover.carried > 0
        self.counts["rollovers with a debt lowered by skipped windows"] += rollover.carried < rollover.debt
        self.counts["rollovers of cells that holds name"] += rollover.closed.named_by > 0
