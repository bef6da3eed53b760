"""What ends or changes a hold: commits, parts, adjustments, releases, extensions, expiries (SEMANTICS 9, 12 and 18.4,
FORMAT 9.9 to 9.18).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

import struct
from heapq import heappush

from accounts import Hold, Settled, accounts_of, least_room
from limits import Cell
from policy import Policy
from records import (
    DEBT,
    DENIED_BUDGET,
    DENIED_HALTED,
    DENY_OVERRUN,
    EXPIRE_MAX,
    EXPIRED,
    IF_AVAILABLE,
    NO_HALT,
    OPEN,
    Contradiction,
)
from wire import I64_MAX, Malformed, Reader, ascending, members_of

_pack = struct.pack


class Settlement:
    """The part of the ledger that moves what holds hold."""

    # ---- Holds ----

    def _hold(self, sequence: int) -> Hold:
        """A hold that is open, or expired and not yet forgotten (SEMANTICS 9.8)."""
        hold = self.holds.get(sequence)
        if hold is None or (hold.state == OPEN and self.log_time - hold.deadline > self.terms.late_window):
            raise Contradiction(f"hold {sequence} is unknown or has ended")
        return hold

    def _open_and_not_due(self, sequence: int) -> Hold:
        hold = self._hold(sequence)
        if hold.state != OPEN or hold.deadline <= self.log_time:
            raise Contradiction(f"hold {sequence} has expired")
        return hold

    def _settled(self, sequence: int) -> tuple[Hold, bool]:
        """Ends the hold and says whether it has expired; one that is due expires by that (SEMANTICS 8.3)."""
        hold = self._hold(sequence)
        self._touch(accounts_of(hold.cells))
        due = hold.deadline <= self.log_time
        if hold.state == OPEN and due:
            self._give_back(hold)
            self.counts["expired by a settlement"] += 1
        self._end(hold)
        return hold, due

    def _end(self, hold: Hold) -> None:
        del self.holds[hold.sequence]
        self._name(hold.cells, -1)

    def _give_back(self, hold: Hold) -> None:
        """SEMANTICS 9.7, 9.17 and 18.4."""
        for cell in hold.cells:
            made_up = cell.release(hold.amount)
            self._count_back("holds", cell, hold.amount, made_up)
        self._expose(hold, -hold.amount, -1)

    def _count_back(self, what: str, cell: Cell, amount: int, made_up: int) -> None:
        self.counts[f"{what} that lapsed in a closed cell"] += cell.closed and amount > made_up
        self.counts[f"{what} that made up for what is owed"] += made_up > 0

    @staticmethod
    def _expose(hold: Hold, amount: int, count: int) -> None:
        """SEMANTICS 9.17."""
        for account in accounts_of(hold.cells):
            account.held += amount
            account.open_holds += count

    # ---- Commits ----

    def _apply_commit(self, source: Reader) -> int:
        """FORMAT 9.9."""
        sequence, spend = source.u64(), self._spend(source)
        outcome_at = source.at
        hold, expired = self._settled(sequence)
        actual, part = self._stated(hold, spend)
        booked, unfunded = (0, part) if expired else self._book(hold, part, 0, ends=1)
        self._miss(hold, unfunded)
        missed = hold.unfunded + unfunded
        self.settled[sequence] = Settled(sequence, self.log_time, actual - missed, missed, hold.named, hold.cells)
        self._name(hold.cells, 1)
        self._forget_settled()
        recorded = (source.u8(), source.u64(), source.u64(), source.u64())
        if recorded != (int(expired), actual, booked, unfunded):
            raise Contradiction(
                f"the commit recorded (outcome, actual, extra, unfunded: {recorded}) is not the one replayed "
                f"({(int(expired), actual, booked, unfunded)})"
            )
        self.counts["commits expired" if expired else "commits settled"] += 1
        return outcome_at

    def _apply_part_commit(self, source: Reader) -> int:
        """FORMAT 9.17, SEMANTICS 9.14."""
        hold, spend = self._open_and_not_due(source.u64()), self._spend(source)
        outcome_at = source.at
        self._touch(accounts_of(hold.cells))
        actual, part = self._stated(hold, spend)
        left = max(hold.amount - part, 0)
        booked, unfunded = self._book(hold, part, left, ends=0)
        self._miss(hold, unfunded)
        hold.amount, hold.spent, hold.unfunded = left, actual, hold.unfunded + unfunded
        recorded = (source.u8(), source.u64(), source.u64(), source.u64(), source.u64())
        if recorded != (0, actual, booked, unfunded, left):
            raise Contradiction(
                f"the part commit recorded (outcome, actual, extra, unfunded, held: {recorded}) is not the one replayed "
                f"({(0, actual, booked, unfunded, left)})"
            )
        return outcome_at

    @staticmethod
    def _spend(source: Reader) -> tuple:
        """FORMAT 9.9: a served candidate and its quantities, or an amount."""
        spend = source.u8()
        if spend == 1:
            served = source.u32()
            stated = members_of(source.u8())
            return served, {quantity: source.u64() for quantity in stated}
        if spend == 2:
            return (source.u64(),)
        raise Malformed(f"spend is {spend}, 1 or 2 are known")

    def _stated(self, hold: Hold, spend: tuple) -> tuple[int, int]:
        """SEMANTICS 9.5, 12.1 and 12.5: what was spent in all, and what of it was not stated before."""
        actual = spend[0] if len(spend) == 1 else self._priced(hold.policy, *spend)
        self.counts["stated amounts"] += len(spend) == 1
        if actual > I64_MAX:
            raise Contradiction(f"an amount of {actual} is spent (SEMANTICS 1.1, 12.2)")
        if actual < hold.spent:
            raise Contradiction(f"{actual} is stated as spent, below the {hold.spent} of parts before (spent_below)")
        return actual, actual - hold.spent

    @staticmethod
    def _priced(policy: Policy, served: int, quantities: dict[int, int]) -> int:
        """SEMANTICS 12.1 and 12.2."""
        if 0 in quantities.values() or any(quantity >= len(policy.quantities) for quantity in quantities):
            raise Malformed("usage states a quantity of 0 or one that the policy does not have")
        if served not in policy.position:
            raise Contradiction(f"candidate {served} served, which the hold's policy does not have")
        cost = policy.cost(policy.candidates[policy.position[served]], quantities)
        if cost is None:
            raise Contradiction(f"the usage has no price under candidate {served} (SEMANTICS 12.2)")
        return cost

    def _miss(self, hold, unfunded: int) -> None:
        for cell in hold.cells:
            cell.miss(unfunded)

    def _book(self, hold: Hold, part: int, left: int, ends: int) -> tuple[int, int]:
        """SEMANTICS 9.5, 9.6 and 9.14: the extra booked and what stays unfunded; `left` stays held.
        `ends` is 1 where the hold does not stay open."""
        extra = max(part - hold.amount, 0)
        booked = self._bookable(hold.cells, extra)
        charged = min(part, hold.amount)
        rest = hold.amount - left - charged
        for cell in hold.cells:
            cell.book(charged, booked)
            made_up = cell.release(rest)
            self.counts["overruns lent to a closed cell"] += cell.closed and booked > 0
            self._count_back("rests", cell, rest, made_up)
        self._expose(hold, left - hold.amount, -ends)
        return booked, extra - booked

    @staticmethod
    def _bookable(cells: tuple, extra: int) -> int:
        """SEMANTICS 9.6 and 18.5: how much of an extra the strictest mode lets be booked."""
        mode = min(account.overrun for account in accounts_of(cells))
        if mode == DENY_OVERRUN:
            return 0
        least = min(cell.left if mode == IF_AVAILABLE else cell.most_debt for cell in cells)
        return min(extra, max(least, 0))

    def _apply_adjust(self, source: Reader) -> int:
        """FORMAT 9.18, SEMANTICS 9.16."""
        sequence, actual = source.u64(), source.u64()
        if actual > I64_MAX:
            raise Malformed(f"an adjustment to {actual} (SEMANTICS 1.1)")
        outcome_at = source.at
        hold = self.settled.get(sequence)
        if hold is None:
            raise Contradiction(f"hold {sequence} is not remembered as settled (not_adjustable)")
        accounts = accounts_of(hold.cells)
        for account in accounts:
            self._open_account(account.handle)
        self._touch(accounts)
        extra, refunded = max(actual - hold.booked - hold.unfunded, 0), max(hold.booked - actual, 0)
        booked = self._bookable(hold.cells, extra)
        for cell in hold.cells:
            cell.book(0, booked)
            made_up = cell.refund(refunded)
            self.counts["adjustments lent to a closed cell"] += cell.closed and booked > 0
            self._count_back("refunds", cell, refunded, made_up)
        self._miss(hold, extra - booked)
        hold.booked += booked - refunded
        hold.unfunded += extra - booked
        recorded = (source.u64(), source.u64(), source.u64())
        if recorded != (booked, extra - booked, refunded):
            raise Contradiction(
                f"the adjustment recorded (extra, unfunded, refunded: {recorded}) is not the one replayed "
                f"({(booked, extra - booked, refunded)})"
            )
        self.counts["stated amounts"] += 1
        return outcome_at

    # ---- Releases, extensions, expiries ----

    def _apply_release(self, source: Reader) -> int:
        """FORMAT 9.10."""
        sequence = source.u64()
        outcome_at = source.at
        hold, expired = self._settled(sequence)
        if not expired:
            self._give_back(hold)
        expected = (int(expired), 0 if expired else hold.amount)
        recorded = (source.u8(), source.u64())
        if recorded != expected:
            raise Contradiction(f"the release recorded (outcome, amount: {recorded}) is not the one replayed ({expected})")
        self.counts["releases expired" if expired else "releases done"] += 1
        return outcome_at

    def _apply_extend(self, source: Reader) -> int:
        """FORMAT 9.11, SEMANTICS 9.9 and 9.17."""
        hold, amount = self._open_and_not_due(source.u64()), source.u64()
        if amount > I64_MAX:
            raise Malformed(f"an extension by {amount} (SEMANTICS 1.1)")
        outcome_at = source.at
        recorded = source.rest()
        accounts = accounts_of(hold.cells)
        for account in accounts:
            self._open_account(account.handle)
        self._touch(accounts)
        expected, result = self._extension(hold, amount)
        deadline = hold.deadline
        if expected[0] == 0:
            if len(recorded) == 17:
                (deadline,) = struct.unpack_from("<q", recorded, 1)
            expected = _pack("<BqQ", 0, deadline, hold.amount + amount)
            hold.amount += amount
            self._expose(hold, amount, 0)
            for cell in hold.cells:
                cell.reserve(amount)
                self.counts["extensions lent to a closed cell"] += cell.closed and amount > 0
        if recorded != expected or deadline < hold.deadline or hold.amount > I64_MAX:
            raise Contradiction(f"the extension recorded ({recorded.hex()}) is not the one replayed ({expected.hex()})")
        hold.deadline = deadline
        self.counts[result] += 1
        return outcome_at

    def _extension(self, hold: Hold, amount: int) -> tuple[bytes, str]:
        """The outcome of an extension, without what follows where it is granted, and what it is counted as."""
        room = least_room(hold.cells)
        if self.halt != NO_HALT:
            return bytes([DENIED_HALTED]), "extends halted"
        if amount > max(room.left, 0):
            return _pack("<BIB", DENIED_BUDGET, room.account.handle, room.what), "extends denied"
        return b"\0", "extends done"

    def _apply_expire(self, source: Reader) -> None:
        """FORMAT 9.13."""
        count = source.u16()
        if not 1 <= count <= EXPIRE_MAX:
            raise Malformed(f"{count} holds expire, 1 to {EXPIRE_MAX} are allowed")
        sequences = [source.u64() for _ in range(count)]
        ascending(sequences, "expired holds")
        holds = [self.holds.get(sequence) for sequence in sequences]
        for hold, sequence in zip(holds, sequences):
            if hold is None or hold.state != OPEN or hold.deadline > self.log_time:
                raise Contradiction(f"hold {sequence} expires that is not open and due")
            self._touch(accounts_of(hold.cells))
        for hold in holds:
            hold.state = EXPIRED
            self._give_back(hold)
            heappush(self._expired, (hold.deadline, hold.sequence))
        self.counts["holds expired"] += count
        self._forget()
