"""The ledger: what the records of FORMAT 9 mean by SEMANTICS 8 to 13, 18 and 19, and its canonical form (FORMAT 10).

Every outcome is worked out again and compared with the one recorded; a difference raises Contradiction.

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

import struct
from collections import Counter
from heapq import heappop, heappush
from typing import Optional

from accounts import Account, Hold, Operation, Settled, accounts_of
from administration import Administration
from admission import Admission
from decide import Kernel
from limits import COUNTERS, Cell, Limit
from policy import Policy
from records import (
    ACCOUNT,
    ADJUST,
    ADMISSION,
    BOUNDARY,
    CANDIDATE,
    CLOSE,
    COMMIT,
    EXPIRE,
    EXTEND,
    GRANT,
    HALT,
    KIND_NAMES,
    NO_HALT,
    OPEN,
    PART_COMMIT,
    POLICY,
    RECOVERY,
    RELEASE,
    REPARENT,
    REROUTE,
    RETENTION,
    TERMS,
    Contradiction,
    read_terms,
)
from settlement import Settlement
from wire import TOO_SHORT, Malformed, Reader, tagged_digest

_pack = struct.pack


class Ledger(Administration, Admission, Settlement):
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
        self._touched: set[Account] = set()  # since the last record: their cells are checked after the next
        self._unnamed: set[Limit] = set()  # with closed cells that perhaps no hold names any more
        self.counts: Counter = Counter()
        self.decisions: Counter = Counter()
        self.reasons: Counter = Counter()

    # ---- Records ----

    def apply(self, kind: int, sequence: int, effective: int, caller: int, payload: bytes) -> None:
        """Applies one record; raises Contradiction or Malformed where the evidence does not hold."""
        self._advance(sequence, effective, caller, kind)
        if kind != TERMS:  # their own horizon and late window are the ones that count (FORMAT 10.8)
            self._forget()
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
        self._check_touched()

    def _check_touched(self) -> None:
        """SEMANTICS 9.2 at every cell of what the record touched; then closed cells go that no hold names (18.6)."""
        for account in self._touched:
            for cell in account.cells:
                self._conserves(cell)
        for limit in self._unnamed:
            limit.forget_unnamed()
        self._touched.clear()
        self._unnamed.clear()

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
            hold = self.holds.pop(heappop(self._expired)[1], None)
            if hold is not None:
                self._name(hold.cells, -1)
        self._forget_settled()

    def _forget_settled(self) -> None:
        """SEMANTICS 9.15, FORMAT 10.8."""
        window, most = self.terms.adjust_window, self.terms.settled_max
        for settled in sorted(self.settled.values(), key=lambda settled: (settled.at, settled.sequence)):
            if len(self.settled) <= most and self.log_time - settled.at <= window:
                break
            del self.settled[settled.sequence]
            self._name(settled.cells, -1)

    def _name(self, cells: tuple, change: int) -> None:
        """Counts a hold that names these cells, or does so no more (SEMANTICS 18.6)."""
        for cell in cells:
            cell.named_by += change
            if cell.named_by == 0:
                self._unnamed.add(cell.limit)

    @staticmethod
    def _conserves(cell: Cell) -> None:
        """SEMANTICS 9.2."""
        fault = cell.fault()
        if fault is not None:
            raise Contradiction(f"{fault} at account {cell.limit.account.handle}, limit {cell.limit.number}")

    def check_reserved(self) -> None:
        """The holds counted anew: what each cell has reserved is what its open holds hold (SEMANTICS 9.1), what they hold at
        an account is within its caps (9.17), and the closed cells are those that a hold names (18.6)."""
        reserved: Counter = Counter()
        held: Counter = Counter()
        count: Counter = Counter()
        named = {cell for hold in (*self.holds.values(), *self.settled.values()) for cell in hold.cells}
        for hold in self.holds.values():
            if hold.state == OPEN:
                reserved.update(dict.fromkeys(hold.cells, hold.amount))
                held.update(dict.fromkeys(accounts_of(hold.cells), hold.amount))
                count.update(accounts_of(hold.cells))
        for account in self.accounts:
            for cell in account.cells:
                self._conserves(cell)
                if reserved[cell] != cell.reserved:
                    raise Contradiction(f"account {account.handle} has {cell.reserved} reserved, its open holds hold another sum")
                if cell.closed and cell not in named:
                    raise Contradiction(f"account {account.handle} keeps a closed window that no hold names")
            if (held[account], count[account]) != (account.held, account.open_holds):
                raise Contradiction(f"account {account.handle} has other open holds than are counted")
            most = account.terms.most_held or account.held, account.terms.most_holds or account.open_holds
            if account.held > most[0] or account.open_holds > most[1]:
                raise Contradiction(f"account {account.handle} has more held, or more holds open, than its caps allow")

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

    def _apply_recovery(self, source: Reader) -> None:
        """FORMAT 9.16; where it may stand is for the chain."""
        source.take(4 + 8 + 8 + 32)

    def _apply_retention(self, source: Reader) -> None:
        """FORMAT 9.21; what it may name is for the chain."""
        source.take(4 + 8 + 32)

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

    _APPLIED = {
        TERMS: _apply_terms,
        POLICY: _apply_policy,
        HALT: _apply_halt,
        CANDIDATE: _apply_candidate,
        EXPIRE: Settlement._apply_expire,
        ACCOUNT: Administration._apply_account,
        CLOSE: Administration._apply_close,
        REPARENT: Administration._apply_reparent,
        BOUNDARY: Administration._apply_boundary,
        RECOVERY: _apply_recovery,
        RETENTION: _apply_retention,
    }
    _OPERATED = {
        ADMISSION: Admission._apply_admission,
        COMMIT: Settlement._apply_commit,
        RELEASE: Settlement._apply_release,
        EXTEND: Settlement._apply_extend,
        PART_COMMIT: Settlement._apply_part_commit,
        REROUTE: Admission._apply_reroute,
        ADJUST: Settlement._apply_adjust,
        GRANT: Administration._apply_grant,
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

    def snapshot_digest(self) -> bytes:
        """FORMAT 10.13."""
        ordered = sorted(self.accounts, key=lambda account: account.name)
        rank = {account.handle: at for at, account in enumerate(ordered)}
        accounts = _listed([account.canonical(lambda of: rank[of.handle]) for account in ordered])
        return tagged_digest(b"assize/snapshot/1", _pack("<Qq", self.sequence, self.log_time) + accounts)

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
        """Sums over all cells, those of closed windows that are kept included; a hold counts at every cell of its path."""
        return totals_of(self.accounts)


def totals_of(accounts) -> dict[str, int]:
    return {counter: sum(getattr(cell, counter) for account in accounts for cell in account.cells) for counter in COUNTERS}


def _listed(items: list[bytes]) -> bytes:
    return _pack("<I", len(items)) + b"".join(items)
