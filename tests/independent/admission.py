"""Admissions and reroutes: the order of SEMANTICS 10.1, and the holds that they open (FORMAT 9.7, 9.8 and 9.12).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Optional

from accounts import Account, Hold, Path, accounts_of, cells_and_caps, least_room, path_of
from decide import Decision, Ranking, reason_name, stated_limit
from policy import Request
from records import (
    ADMITTED,
    CAP_HELD,
    CAP_HOLDS,
    CELLS_MAX,
    DENIED_BUDGET,
    DENIED_HALTED,
    DENIED_POLICY,
    DENIED_THROTTLE,
    HALT_ALL,
    NO_HALT,
    OUTCOME_NAMES,
    PATH_MAX,
    REDUCE_ONLY,
    Contradiction,
    describe_outcome,
)
from throttles import COUNTED_NAMES
from wire import IDENTITY_BYTES_MAX, Malformed, Reader

_pack = struct.pack


class Answer(NamedTuple):
    """An outcome of FORMAT 9.8, its decision, and its bytes without a deadline."""

    outcome: int
    decision: Optional[Decision]
    body: bytes


HALTED = Answer(DENIED_HALTED, None, bytes([DENIED_HALTED]))


class Admission:
    """The part of the ledger that decides again, and opens holds."""

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
        request = Request(source.take(source.u16()), self.policy)
        outcome_at = source.at
        recorded = source.rest()
        self._touch(self._accounts_on_path(named))
        path = path_of(named)
        answer = self._admit(request, path, self.halt != NO_HALT, path.throttles)
        self._open_hold(recorded, b"", answer, named, path)
        if answer.outcome == ADMITTED:
            for _, _, throttle in path.throttles:
                throttle.admit(throttle.counted(request, answer.decision.selected.cost), self.log_time)
        self.counts["asserted principals" if attested == 2 else "attested principals"] += 1
        return outcome_at

    def _accounts_on_path(self, named: tuple) -> tuple:
        """SEMANTICS 9.3."""
        if len(set(named)) != len(named):
            raise Contradiction("a path names an account twice")
        accounts = path_of(named).accounts
        size = cells_and_caps(accounts)
        if size > CELLS_MAX:
            raise Contradiction(f"a path of {size} cells and caps, at most {CELLS_MAX}")
        return accounts

    def _admit(self, request: Request, path: Path, halted: bool, throttles: list) -> Answer:
        """SEMANTICS 10.1 and 19.3."""
        if halted:
            return HALTED
        room = least_room(path.cells)
        available = max(room.left, 0)
        limit, applied = stated_limit(request), b"\0"
        ranking = Ranking(self.kernel, request)
        decision, outcome, tail = ranking.decide(limit), ADMITTED, b""
        full = _full_account(path)
        if decision.selected is None:
            outcome = DENIED_POLICY
        elif full is not None:
            outcome, tail = DENIED_BUDGET, _pack("<IB", full.handle, CAP_HOLDS)
        elif decision.selected.cost > available:
            limit = min(limit, available)
            applied = b"\1" + _pack("<Q", limit)
            decision = ranking.decide(limit)
            if decision.selected is None:
                outcome, tail = DENIED_BUDGET, _pack("<IB", room.account.handle, room.what)
        if outcome == ADMITTED:
            for account, number, throttle in throttles:
                if not throttle.passes(throttle.counted(request, decision.selected.cost), self.log_time):
                    outcome, tail = DENIED_THROTTLE, _pack("<IB", account.handle, number)
                    break
        head = bytes([outcome]) + _pack("<Q", self.policy.epoch) + self.policy.digest
        return Answer(outcome, decision, head + applied + decision.canonical() + tail)

    def _open_hold(self, recorded: bytes, before: bytes, answer: Answer, named: tuple, path: Path) -> None:
        """Compares an outcome of FORMAT 9.8 that follows `before` with the one recorded, and opens the hold of an admitted one."""
        outcome, decision, expected = answer.outcome, answer.decision, before + answer.body
        if outcome == ADMITTED and recorded[:-8] == expected:
            (deadline,) = struct.unpack("<q", recorded[-8:])
            if deadline <= self.log_time:
                raise Contradiction(f"deadline {deadline} is not after the effective time {self.log_time} (SEMANTICS 8.3)")
            selected = decision.selected
            hold = Hold(self.sequence, selected.cost, deadline, self.policy, selected.candidate, named, path.cells)
            for cell in hold.cells:
                cell.reserve(hold.amount)
            self._expose(hold, hold.amount, 1)
            self.holds[self.sequence] = hold
            self._name(hold.cells, 1)
        elif outcome == ADMITTED or recorded != expected:
            replayed = OUTCOME_NAMES[outcome] + (f", {decision}" if decision else "")
            seen = describe_outcome(recorded[len(before) :])
            raise Contradiction(f"the outcome recorded ({seen}) is not the one replayed ({replayed})")
        self._count(answer)

    def _count(self, answer: Answer) -> None:
        self.decisions[OUTCOME_NAMES[answer.outcome]] += 1
        if answer.decision is not None:
            self.reasons[reason_name(answer.decision.reason)] += 1
        if answer.outcome == DENIED_BUDGET:
            what = {CAP_HELD: "cap on what is held", CAP_HOLDS: "cap on holds"}.get(answer.body[-1], "limit")
            self.counts[f"budget denials by a {what}"] += 1
        if answer.outcome == DENIED_THROTTLE:
            handle, number = struct.unpack("<IB", answer.body[-5:])
            self.counts[f"throttles of {COUNTED_NAMES[self.accounts[handle].throttles[number].counts]} that deny"] += 1

    def _apply_reroute(self, source: Reader) -> int:
        """FORMAT 9.12, SEMANTICS 12.4 and 13.1."""
        hold, failed = self._open_and_not_due(source.u64()), source.u32()
        request = Request(source.take(source.u16()), self.policy)
        outcome_at = source.at
        recorded = source.rest()
        if failed not in request.excluded:
            raise Contradiction(f"the failed candidate {failed} is not among the excluded")
        for account in hold.named:
            self._open_account(account.handle)
        accounts = self._accounts_on_path(hold.named)
        self._touch(accounts_of(hold.cells))
        self._touch(accounts)
        self._end(hold)
        self._give_back(hold)
        path = path_of(hold.named)
        answer = self._readmit(request, path, hold.amount)
        self._open_hold(recorded, _pack("<Q", hold.amount), answer, hold.named, path)
        self.counts["reroutes by another path"] += accounts_of(hold.cells) != accounts
        return outcome_at

    def _readmit(self, request: Request, path: Path, released: int) -> Answer:
        """SEMANTICS 13.1; throttles take no notice (12.4)."""
        answer = self._admit(request, path, self.halt == HALT_ALL, [])
        if answer.outcome == ADMITTED and self.halt == REDUCE_ONLY and answer.decision.selected.cost > released:
            return HALTED
        return answer


def _full_account(path: Path) -> Optional[Account]:
    """SEMANTICS 10.1: the earliest that has as many open holds as may be."""
    for account in path.accounts:
        if account.terms.most_holds and account.open_holds >= account.terms.most_holds:
            return account
    return None
