"""The ledger: what the records of FORMAT 9 mean by SEMANTICS 8 to 13, and its canonical form (FORMAT 10).

Every outcome is worked out again and compared with the one recorded; a difference raises Contradiction.

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

import struct
from collections import Counter
from heapq import heappop, heappush
from typing import Optional

from accounts import Account, Hold, Operation, Settled, least_available
from decide import Decision, Kernel, Ranking, reason_name, stated_limit
from policy import Policy, Request
from records import (
    ACCOUNT,
    ADJUST,
    ADMISSION,
    ADMITTED,
    CANDIDATE,
    CELLS_MAX,
    CLOSE,
    COMMIT,
    DEBT,
    DENIED_BUDGET,
    DENIED_HALTED,
    DENIED_POLICY,
    DENY_OVERRUN,
    EXPIRE,
    EXPIRE_MAX,
    EXPIRED,
    EXTEND,
    GRANT,
    HALT,
    HALT_ALL,
    IF_AVAILABLE,
    KIND_NAMES,
    NO_HALT,
    NO_PARENT,
    OPEN,
    OUTCOME_NAMES,
    PART_COMMIT,
    PATH_MAX,
    POLICY,
    RECOVERY,
    REDUCE_ONLY,
    RELEASE,
    REROUTE,
    TERMS,
    describe_outcome,
    read_terms,
)
from wire import I64_MAX, IDENTITY_BYTES_MAX, TOO_SHORT, U64_MAX, Malformed, Reader, ascending, members_of, tagged_digest

_pack = struct.pack


class Contradiction(Exception):
    """A record that the replay does not reproduce, or that the rules do not allow."""


class Ledger:
    """The state after the records applied so far."""

    def __init__(self, log_time: int, genesis: bytes):
        """The state that the checkpoint of segment 1 states (FORMAT 10.2 to 10.4): terms and the first policy, nothing else.
        Whether it states just that is seen by comparing it with `canonical_sections`."""
        source = Reader(genesis)
        try:
            source.take(2 + 8 + 8)
            terms, terms_bytes = read_terms(source)
            source.take(1 + 8 + 4)
            policy = Policy(source.bytes32())
        except TOO_SHORT:
            raise Malformed("the first checkpoint ends too soon") from None
        self.sequence = 0
        self.log_time = log_time
        self.terms, self.terms_bytes = terms, terms_bytes
        self.halt = NO_HALT
        self.policy, self.kernel = policy, Kernel(policy)
        self.disabled: set[int] = set()
        self.accounts: list[Account] = []
        self.names: dict[bytes, Account] = {}
        self.holds: dict[int, Hold] = {}
        self.settled: dict[int, Settled] = {}
        self.operations: dict[bytes, Operation] = {}
        self._expired: list[tuple[int, int]] = []  # heap of deadline and hold
        self._issued: list[tuple[int, bytes]] = []  # heap of issue time and operation id
        self._paths: dict[tuple, tuple] = {}
        self._touched: tuple = ()
        self.counts: Counter = Counter()
        self.decisions: Counter = Counter()
        self.reasons: Counter = Counter()

    # ---- Records ----

    def apply(self, kind: int, sequence: int, effective: int, caller: int, payload: bytes) -> None:
        """Applies one record; raises Contradiction or Malformed where the evidence does not hold."""
        self._advance(sequence, effective, caller, kind)
        if kind != TERMS:  # their own horizon and late window are the ones that count (FORMAT 10.8)
            self._forget()
        self._touched = ()
        source = Reader(payload)
        try:
            if kind in self._OPERATED:
                self._apply_operated(kind, source)
            else:
                self._APPLIED[kind](self, source)
        except TOO_SHORT:
            raise Malformed(f"the payload ends too soon, after {len(payload)} bytes") from None
        source.end("payload")
        self.counts[KIND_NAMES[kind]] += 1
        for account in self._touched:
            self._conserves(account)

    def _advance(self, sequence: int, effective: int, caller: int, kind: Optional[int] = None) -> None:
        """SEMANTICS 8.1 and 8.2."""
        expected = self.log_time if kind == RECOVERY else max(caller, self.log_time)
        if effective != expected:
            raise Contradiction(
                f"effective time {effective} is not the later of the caller's {caller} and the log's {self.log_time}"
            )
        if effective - self.log_time > self.terms.clock_jump:
            raise Contradiction(f"the caller's time is {caller - self.log_time} ns ahead, {self.terms.clock_jump} is allowed")
        self.sequence, self.log_time = sequence, effective

    def _forget(self) -> None:
        """FORMAT 10.8, for good: a longer horizon does not bring back."""
        while self._issued and self.log_time - self._issued[0][0] > self.terms.horizon:
            issued, id = heappop(self._issued)
            del self.operations[id]
        while self._expired and self.log_time - self._expired[0][0] > self.terms.late_window:
            self.holds.pop(heappop(self._expired)[1], None)
        self._forget_settled()

    def _forget_settled(self) -> None:
        """SEMANTICS 9.15, FORMAT 10.8."""
        window, most = self.terms.adjust_window, self.terms.settled_max
        for settled in sorted(self.settled.values(), key=lambda settled: (settled.at, settled.sequence)):
            if len(self.settled) <= most and self.log_time - settled.at <= window:
                break
            del self.settled[settled.sequence]

    def _conserves(self, account: Account) -> None:
        """SEMANTICS 9.2."""
        kept = account.available + account.reserved + account.committed + account.lapsed
        if account.granted != kept or account.reserved < 0 or account.available < -I64_MAX or account.committed > U64_MAX:
            raise Contradiction(f"money is not conserved at account {account.handle}")

    def check_reserved(self) -> None:
        """The holds counted anew: what each cell has reserved is what its open holds hold (SEMANTICS 9.1)."""
        reserved: Counter = Counter()
        for hold in self.holds.values():
            if hold.state == OPEN:
                for account in hold.cells:
                    reserved[account.handle] += hold.amount
        for account in self.accounts:
            self._conserves(account)
            if reserved[account.handle] != account.reserved:
                raise Contradiction(f"account {account.handle} has {account.reserved} reserved, its open holds hold another sum")

    # ---- Administration ----

    def _apply_terms(self, source: Reader) -> None:
        self.terms, self.terms_bytes = read_terms(source)
        self._forget()

    def _apply_policy(self, source: Reader) -> None:
        policy = Policy(source.rest())
        policy.may_follow(self.policy)
        self.policy, self.kernel = policy, Kernel(policy)
        self.kernel.set_disabled(self.disabled)

    def _apply_halt(self, source: Reader) -> None:
        self.halt = source.choice(3, "halt")

    def _apply_candidate(self, source: Reader) -> None:
        candidate, enabled = source.u32(), source.choice(2, "candidate switch")
        (self.disabled.discard if enabled else self.disabled.add)(candidate)
        self.kernel.set_disabled(self.disabled)

    def _apply_account(self, source: Reader) -> None:
        """FORMAT 9.14, with the windows, throttles and caps that this version does not write refused."""
        name, parent_handle, after = source.name("account name", IDENTITY_BYTES_MAX), source.u32(), source.at
        overrun, limits = source.choice(3, "overrun"), source.u8()
        if limits != 1 or source.u8() != 0 or source.u8() != 0:
            raise Malformed("an account with other than one lifetime limit and no throttles (reserved)")
        if source.u64() or source.u32():
            raise Malformed("an account with an exposure cap, for which there is no rule")
        if name in self.names:
            raise Contradiction(f"account name {name!r} is taken (SEMANTICS 9.13)")
        parent = None if parent_handle == NO_PARENT else self._open_account(parent_handle)
        account = Account(len(self.accounts), name, parent, overrun, source.data[after : source.at])
        if len(account.ancestry) > CELLS_MAX:
            raise Contradiction(f"an account with {len(account.ancestry)} cells up to its root")
        if parent is not None:
            parent.children_open += 1
        self.accounts.append(account)
        self.names[name] = account

    def _apply_close(self, source: Reader) -> None:
        """SEMANTICS 9.12."""
        account = self._open_account(source.u32())
        if self.has_open_holds(account) or account.children_open:
            raise Contradiction(f"account {account.handle} closed with a hold open, money reserved or an open child")
        account.closed = True
        if account.parent is not None:
            account.parent.children_open -= 1

    def has_open_holds(self, account: Account) -> bool:
        """Whether an open hold is at its cell, one of 0 included."""
        return any(hold.state == OPEN and account in hold.cells for hold in self.holds.values())

    def _apply_recovery(self, source: Reader) -> None:
        """FORMAT 9.16; where it may stand is for the chain."""
        source.take(4 + 8 + 8 + 32)

    def _open_account(self, handle: int) -> Account:
        if handle >= len(self.accounts):
            raise Contradiction(f"account {handle} is unknown")
        if self.accounts[handle].closed:
            raise Contradiction(f"account {handle} is closed")
        return self.accounts[handle]

    # ---- Operations ----

    def _apply_operated(self, kind: int, source: Reader) -> None:
        """FORMAT 9.2; the handler reads arguments and outcome, and returns where the outcome starts."""
        id, issued = None, 0
        if source.choice(2, "operation"):
            id, issued = source.take(16), source.i64()
            self._check_operation(id, issued)
        arguments_at = source.at
        outcome_at = self._OPERATED[kind](self, source)
        if id is None:
            return
        digest = tagged_digest(b"assize/operation/1", _pack("<H", kind) + source.data[arguments_at:outcome_at])
        outcome = source.data[outcome_at:]
        canonical = id + _pack("<q", issued) + digest + _pack("<HQB", kind, self.sequence, len(outcome)) + outcome
        self.operations[id] = Operation(id, issued, canonical)
        heappush(self._issued, (issued, id))
        self.counts["operations"] += 1

    def _check_operation(self, id: bytes, issued: int) -> None:
        """SEMANTICS 11.2 and 11.3."""
        if id in self.operations:
            raise Contradiction("an operation id within the horizon is recorded again")
        if self.log_time - issued > self.terms.horizon:
            raise Contradiction("an operation is issued before the horizon (stale)")
        if issued - self.log_time > self.terms.clock_jump:
            raise Contradiction("an operation is issued after the clock jump allowed")
        if len(self.operations) >= self.terms.operations_max:
            raise Contradiction(f"an operation beyond the table's {self.terms.operations_max} (operations_full)")

    # ---- Admission (SEMANTICS 10) ----

    def _apply_admission(self, source: Reader) -> int:
        """FORMAT 9.7."""
        attested = source.u8()
        if attested not in (1, 2):
            raise Malformed(f"principal's origin is {attested}, 1 or 2 are known")
        source.name("principal", IDENTITY_BYTES_MAX)
        count = source.u8()
        if not 1 <= count <= PATH_MAX:
            raise Malformed(f"a path of {count} accounts, 1 to {PATH_MAX} are allowed")
        named = tuple(self._open_account(source.u32()) for _ in range(count))
        request = self._request(source)
        outcome_at = source.at
        recorded = source.rest()
        outcome, decision, body = self._admit(request, self._cells(named), self.halt != NO_HALT)
        self._open_hold(recorded, b"", outcome, decision, body, named)
        self.counts["asserted principals" if attested == 2 else "attested principals"] += 1
        return outcome_at

    def _request(self, source: Reader) -> Request:
        return Request(source.take(source.u16()), self.policy)

    def _cells(self, named: tuple) -> tuple:
        """SEMANTICS 9.3."""
        cells = self._paths.get(named)
        if cells is None:
            if len(set(named)) != len(named):
                raise Contradiction("a path names an account twice")
            cells = tuple(dict.fromkeys(cell for account in named for cell in account.ancestry))
            if len(cells) > CELLS_MAX:
                raise Contradiction(f"a path of {len(cells)} cells, at most {CELLS_MAX}")
            self._paths[named] = cells
        return cells

    def _admit(self, request: Request, cells: tuple, halted: bool) -> tuple[int, Optional[Decision], bytes]:
        """SEMANTICS 10.1: outcome, decision, and the bytes of FORMAT 9.8 without a deadline."""
        if halted:
            return DENIED_HALTED, None, bytes([DENIED_HALTED])
        binding = least_available(cells)
        available = max(binding.available, 0)
        limit, applied = stated_limit(request), b"\0"
        ranking = Ranking(self.kernel, request)
        decision, outcome = ranking.decide(limit), ADMITTED
        if decision.selected is None:
            outcome = DENIED_POLICY
        elif decision.selected.cost > available:
            limit = min(limit, available)
            applied = b"\1" + _pack("<Q", limit)
            decision = ranking.decide(limit)
            if decision.selected is None:
                outcome = DENIED_BUDGET
        head = bytes([outcome]) + _pack("<Q", self.policy.epoch) + self.policy.digest
        tail = _pack("<I", binding.handle) if outcome == DENIED_BUDGET else b""
        return outcome, decision, head + applied + decision.canonical() + tail

    def _open_hold(self, recorded: bytes, before: bytes, outcome: int, decision: Optional[Decision], body: bytes, named: tuple):
        """Compares an outcome of FORMAT 9.8 that follows `before` with the one recorded, and opens the hold of an admitted one."""
        expected = before + body
        if outcome == ADMITTED and recorded[:-8] == expected:
            (deadline,) = struct.unpack("<q", recorded[-8:])
            if deadline <= self.log_time:
                raise Contradiction(f"deadline {deadline} is not after the effective time {self.log_time} (SEMANTICS 8.3)")
            cells = self._cells(named)
            hold = Hold(self.sequence, decision.selected.cost, deadline, self.policy, decision.selected.candidate, named, cells)
            self.holds[self.sequence] = hold
            self._move(cells, -hold.amount, hold.amount)
        elif outcome == ADMITTED or recorded != expected:
            replayed = OUTCOME_NAMES[outcome] + (f", {decision}" if decision else "")
            seen = describe_outcome(recorded[len(before) :])
            raise Contradiction(f"the outcome recorded ({seen}) is not the one replayed ({replayed})")
        self.decisions[OUTCOME_NAMES[outcome]] += 1
        if decision is not None:
            self.reasons[reason_name(decision.reason)] += 1

    def _apply_reroute(self, source: Reader) -> int:
        """FORMAT 9.12, SEMANTICS 12.4 and 13.1."""
        hold, failed = self._open_and_not_due(source.u64()), source.u32()
        request = self._request(source)
        outcome_at = source.at
        recorded = source.rest()
        if failed not in request.excluded:
            raise Contradiction(f"the failed candidate {failed} is not among the excluded")
        for account in hold.cells:
            self._open_account(account.handle)
        self._end(hold)
        self._move(hold.cells, hold.amount, -hold.amount)
        outcome, decision, body = self._admit(request, hold.cells, self.halt == HALT_ALL)
        if outcome == ADMITTED and self.halt == REDUCE_ONLY and decision.selected.cost > hold.amount:
            outcome, decision, body = DENIED_HALTED, None, bytes([DENIED_HALTED])
        self._open_hold(recorded, _pack("<Q", hold.amount), outcome, decision, body, hold.named)
        return outcome_at

    # ---- Settlement (SEMANTICS 9 and 12) ----

    def _move(self, cells: tuple, available: int, reserved: int) -> None:
        for account in cells:
            account.available += available
            account.reserved += reserved
        self._touched = cells

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
        due = hold.deadline <= self.log_time
        if hold.state == OPEN and due:
            self._move(hold.cells, hold.amount, -hold.amount)
            self.counts["expired by a settlement"] += 1
        self._end(hold)
        return hold, due

    def _end(self, hold: Hold) -> None:
        del self.holds[hold.sequence]

    def _apply_commit(self, source: Reader) -> int:
        """FORMAT 9.9."""
        sequence, spend = source.u64(), self._spend(source)
        outcome_at = source.at
        hold, expired = self._settled(sequence)
        actual, part = self._stated(hold, spend)
        booked, unfunded = (0, part) if expired else self._book(hold, part, 0)
        self._miss(hold, unfunded)
        missed = hold.unfunded + unfunded
        self.settled[sequence] = Settled(sequence, self.log_time, actual - missed, missed, hold.named, hold.cells)
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
        actual, part = self._stated(hold, spend)
        left = max(hold.amount - part, 0)
        booked, unfunded = self._book(hold, part, left)
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

    def _miss(self, hold, unfunded: int) -> None:
        """SEMANTICS 9.11."""
        for account in hold.cells:
            account.unfunded = min(account.unfunded + unfunded, U64_MAX)
        self._touched = hold.cells

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

    def _book(self, hold: Hold, part: int, left: int) -> tuple[int, int]:
        """SEMANTICS 9.5, 9.6 and 9.14: the extra booked and what stays unfunded; `left` stays held."""
        held, cells = hold.amount, hold.cells
        extra = max(part - held, 0)
        booked = self._bookable(cells, extra)
        charged = min(part, held) + booked
        self._move(cells, held - left - charged, left - held)
        for account in cells:
            account.committed += charged
        return booked, extra - booked

    @staticmethod
    def _bookable(cells: tuple, extra: int) -> int:
        """SEMANTICS 9.6: how much of an extra the strictest mode lets be booked."""
        mode = min(account.overrun for account in cells)
        least = least_available(cells).available
        return min(extra, {DENY_OVERRUN: 0, IF_AVAILABLE: max(least, 0), DEBT: max(least + I64_MAX, 0)}[mode])

    def _apply_adjust(self, source: Reader) -> int:
        """FORMAT 9.18, SEMANTICS 9.16."""
        sequence, actual = source.u64(), source.u64()
        if actual > I64_MAX:
            raise Malformed(f"an adjustment to {actual} (SEMANTICS 1.1)")
        outcome_at = source.at
        hold = self.settled.get(sequence)
        if hold is None:
            raise Contradiction(f"hold {sequence} is not remembered as settled (not_adjustable)")
        for account in hold.cells:
            self._open_account(account.handle)
        extra, refunded = max(actual - hold.booked - hold.unfunded, 0), max(hold.booked - actual, 0)
        booked = self._bookable(hold.cells, extra)
        self._move(hold.cells, refunded - booked, 0)
        for account in hold.cells:
            account.committed += booked - refunded
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

    def _apply_release(self, source: Reader) -> int:
        """FORMAT 9.10."""
        sequence = source.u64()
        outcome_at = source.at
        hold, expired = self._settled(sequence)
        if not expired:
            self._move(hold.cells, hold.amount, -hold.amount)
        expected = (int(expired), 0 if expired else hold.amount)
        recorded = (source.u8(), source.u64())
        if recorded != expected:
            raise Contradiction(f"the release recorded (outcome, amount: {recorded}) is not the one replayed ({expected})")
        self.counts["releases expired" if expired else "releases done"] += 1
        return outcome_at

    def _apply_extend(self, source: Reader) -> int:
        """FORMAT 9.11, SEMANTICS 9.9."""
        hold, amount = self._open_and_not_due(source.u64()), source.u64()
        if amount > I64_MAX:
            raise Malformed(f"an extension by {amount} (SEMANTICS 1.1)")
        outcome_at = source.at
        recorded = source.rest()
        for account in hold.cells:
            self._open_account(account.handle)
        binding = least_available(hold.cells)
        deadline = hold.deadline
        if self.halt != NO_HALT:
            expected, result = bytes([DENIED_HALTED]), "extends halted"
        elif amount > max(binding.available, 0):
            expected, result = bytes([DENIED_BUDGET]) + _pack("<I", binding.handle), "extends denied"
        else:
            if len(recorded) == 17:
                (deadline,) = struct.unpack_from("<q", recorded, 1)
            expected, result = _pack("<BqQ", 0, deadline, hold.amount + amount), "extends done"
            hold.amount += amount
            self._move(hold.cells, -amount, amount)
        if recorded != expected or deadline < hold.deadline or hold.amount > I64_MAX:
            raise Contradiction(f"the extension recorded ({recorded.hex()}) is not the one replayed ({expected.hex()})")
        hold.deadline = deadline
        self.counts[result] += 1
        return outcome_at

    def _apply_expire(self, source: Reader) -> None:
        """FORMAT 9.13."""
        count = source.u16()
        if not 1 <= count <= EXPIRE_MAX:
            raise Malformed(f"{count} holds expire, 1 to {EXPIRE_MAX} are allowed")
        sequences = [source.u64() for _ in range(count)]
        ascending(sequences, "expired holds")
        for sequence in sequences:
            hold = self.holds.get(sequence)
            if hold is None or hold.state != OPEN or hold.deadline > self.log_time:
                raise Contradiction(f"hold {sequence} expires that is not open and due")
            hold.state = EXPIRED
            self._move(hold.cells, hold.amount, -hold.amount)
            for account in hold.cells:
                self._conserves(account)
            heappush(self._expired, (hold.deadline, sequence))
        self.counts["holds expired"] += count
        self._forget()

    def _apply_grant(self, source: Reader) -> int:
        """FORMAT 9.15, SEMANTICS 9.10."""
        account, limit, change = self._open_account(source.u32()), source.u8(), source.i64()
        if limit != 0 or change == 0:
            raise Malformed(f"a grant of {change} to limit {limit}")
        if -change > max(account.available, 0) and change < 0:
            raise Contradiction(f"a grant takes {-change} of {account.available} available")
        if account.granted + change > I64_MAX:
            raise Contradiction("a grant raises granted above i64::MAX")
        account.granted += change
        account.available += change
        self._touched = (account,)
        return source.at

    _APPLIED = {
        TERMS: _apply_terms,
        POLICY: _apply_policy,
        HALT: _apply_halt,
        CANDIDATE: _apply_candidate,
        EXPIRE: _apply_expire,
        ACCOUNT: _apply_account,
        CLOSE: _apply_close,
        RECOVERY: _apply_recovery,
    }
    _OPERATED = {
        ADMISSION: _apply_admission,
        COMMIT: _apply_commit,
        RELEASE: _apply_release,
        EXTEND: _apply_extend,
        PART_COMMIT: _apply_part_commit,
        REROUTE: _apply_reroute,
        ADJUST: _apply_adjust,
        GRANT: _apply_grant,
    }

    # ---- Canonical form (FORMAT 10.3 to 10.10) ----

    def canonical_sections(self) -> list[tuple[str, bytes]]:
        """The parts of FORMAT 10.3 with their names; joined they are the canonical form."""
        return self._sections(
            self.accounts,
            lambda account: account.handle,
            lambda policy: _pack("<I", len(policy.canonical)) + policy.canonical,
        )

    def digest(self) -> bytes:
        """FORMAT 10.10."""
        ordered = sorted(self.accounts, key=lambda account: account.name)
        rank = {account.handle: at for at, account in enumerate(ordered)}
        sections = self._sections(ordered, lambda account: rank[account.handle], lambda policy: policy.digest)
        return tagged_digest(b"assize/ledger/1", b"".join(raw for _, raw in sections))

    def _sections(self, accounts, number_of, policy_bytes) -> list[tuple[str, bytes]]:
        named = {hold.policy.epoch: hold.policy for hold in self.holds.values()}
        named[self.policy.epoch] = self.policy
        policies = [policy_bytes(named[epoch]) for epoch in sorted(named)]
        operations = [self.operations[id].canonical for id in sorted(self.operations)]
        return [
            ("layout, sequence, log time", _pack("<HQq", 1, self.sequence, self.log_time)),
            ("terms", self.terms_bytes),
            ("halt", bytes([self.halt])),
            ("policies", _pack("<QI", self.policy.epoch, len(policies)) + b"".join(policies)),
            ("disabled candidates", _pack(f"<I{len(self.disabled)}I", len(self.disabled), *sorted(self.disabled))),
            ("accounts", _listed([account.canonical(number_of) for account in accounts])),
            ("holds", _listed([self.holds[sequence].canonical(number_of) for sequence in sorted(self.holds)])),
            ("settled holds", _listed([self.settled[sequence].canonical(number_of) for sequence in sorted(self.settled)])),
            ("operations", _listed(operations)),
        ]

    def totals(self) -> dict[str, int]:
        """Sums over all cells; a hold counts at every cell of its path."""
        fields = ("granted", "available", "reserved", "committed", "lapsed", "unfunded")
        return {field: sum(getattr(account, field) for account in self.accounts) for field in fields}


def _listed(items: list[bytes]) -> bytes:
    return _pack("<I", len(items)) + b"".join(items)
