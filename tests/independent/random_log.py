#!/usr/bin/env python3
"""Writes a random log that holds, for other implementations to replay: every kind of record, in states that nobody thought of.

    python3 tests/independent/random_log.py SEED DIR KEY

DIR and KEY are created. Prints the ledger's digest at the head, which is what a replay must find. Outcomes are those of this
folder's ledger: that it agrees with other implementations on thousands of such records is what is being tested.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from typing import Iterable

import write_log
from accounts import Account, Hold, accounts_of, cells_and_caps, least_room, path_of
from ledger import Ledger
from limits import COUNTERS
from policy import Request
from random_accounts import DAY, later, random_account
from random_policy import priced_policy, random_request
from records import ADMITTED, CELLS_MAX, DENIED_BUDGET, HALT_ALL, NO_HALT, OPEN, RETENTION
from windows import GIVEN
from wire import I64_MAX, U32_MAX, crc32c, crc32c_words, words_of
from write_log import (
    SECOND,
    LogWriter,
    admission_arguments,
    encode_policy,
    encode_request,
    encode_terms,
    genesis,
    i64,
    operation,
    u8,
    u16,
    u32,
    u64,
)

SECRET, KEY_ID, LOG_ID = bytes(range(32)), 1, b"random log 00000"
# 2023; before a leap day; before 1970, in the year's last days; long before, before a year that was no leap year
STARTS = tuple(seconds * SECOND + 123_456_789 for seconds in (1_700_000_000, 1_709_000_000, -300_000, -2_208_000_000 - 31_000_000))
CLOCK_JUMP = 40 * DAY


class RandomLog:
    """A ledger and a writer that take the same steps."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.policy = priced_policy(self.rng)
        self.time = STARTS[seed % len(STARTS)]
        first = genesis(self.time, self._terms(), 1, encode_policy(self.policy))
        self.writer = LogWriter(SECRET, KEY_ID, LOG_ID, self.time)
        self.writer.begin_segment(first)
        self.ledger = Ledger(self.time, first)
        self.kinds: Counter = Counter()
        self.reached: Counter = Counter()  # besides what the ledger counts
        self._names = self._operations = 0
        self._overruns = self.rng.choice([[2], [1, 2, 2, 2], [0, 2], [1, 1, 1, 2], [0, 0, 1, 2]])

    def run(self, steps: int) -> None:
        """Each step leaves at least one record."""
        actions = {
            self._open_account: 3, self._grant: 24, self._reparent: 4, self._boundary: 3,
            self._halt: 3, self._switch: 1, self._swap: 2, self._new_terms: 2,
            self._close: 2, self._expire: 5, self._admit: 40, self._commit: 15, self._part_commit: 12, self._adjust: 9,
            self._release: 6, self._extend: 7, self._reroute: 9,
        }  # fmt: skip
        for _ in range(steps):
            self.time = later(self.rng, self.ledger, self.time, CLOCK_JUMP)
            [action] = self.rng.choices(list(actions), weights=list(actions.values()))
            if len(self.ledger.accounts) < 3:
                action = self._open_account
            if self.ledger.halt and self.rng.random() < 0.3:
                action = self._halt if self.rng.random() < 0.6 else self._reroute
            self._begin(action)
            if not action():
                self._admit()
            if self.rng.random() < 0.01:
                self.rotate()
                if self.writer.number % 3 == 0:
                    self._retain(self.writer.number - 1)

    def rotate(self) -> None:
        """Begins a segment."""
        self.writer.seal()
        self.writer.begin_segment(b"".join(raw for _, raw in self.ledger.canonical_sections()))

    def _retain(self, segment: int) -> None:
        """Lets go of what comes before that segment. Nothing is drawn for it."""
        payload = self.writer.retention(segment)
        self.writer.record(RETENTION, payload, self.time)
        self.ledger.apply(RETENTION, self.writer.sequence, self.writer.time, self.time, payload)
        self.kinds[RETENTION] += 1

    def _begin(self, action) -> None:
        """Brings the ledger to the time of the next record, so that outcomes can be asked of it. A step that also rolls over what
        its record will touch writes that record, which then finds nothing more to roll over."""
        ledger = self.ledger
        ledger._advance(ledger.sequence, max(self.time, ledger.log_time), self.time)
        if action != self._new_terms:
            ledger._forget()

    def _record(self, kind: int, payload: bytes) -> bool:
        self.writer.record(kind, payload, self.time)
        self.ledger.apply(kind, self.writer.sequence, self.writer.time, self.time, payload)
        self.kinds[kind] += 1
        if self.rng.random() < 0.3:
            self.writer.synced_through = self.writer.sequence - 1
        return True

    # ---- What a step may draw ----

    def _terms(self) -> bytes:
        rng = self.rng
        horizon, operations, late_window = rng.choice([10, 20, 200]), rng.choice([8, 64, 1_000]), rng.choice([0, 5, 40, 90_000])
        adjust_window, settled = rng.choice([0, 5, 60, 200_000]), rng.choice([0, 1, 3, 50])
        return encode_terms(horizon * SECOND, operations, CLOCK_JUMP, late_window * SECOND, adjust_window * SECOND, settled)

    def _operation(self) -> bytes:
        ledger, rng = self.ledger, self.rng
        if rng.random() < 0.5 or len(ledger.operations) >= ledger.terms.operations_max:
            return operation(None)
        self._operations += 1
        issued = ledger.log_time + rng.randint(-min(15 * SECOND, ledger.terms.horizon), 5 * SECOND)
        return operation(rng.getrandbits(96) << 32 | self._operations, issued)

    def _open_accounts(self) -> list[Account]:
        return [account for account in self.ledger.accounts if not account.closed]

    def _hold(self, live: bool) -> Hold | None:
        """One that an extension or a reroute may take (live), or a settlement."""
        ledger = self.ledger
        found = []
        for hold in ledger.holds.values():
            due = hold.deadline <= ledger.log_time
            late = hold.state == OPEN and ledger.log_time - hold.deadline > ledger.terms.late_window
            if not (late or live and (due or hold.state != OPEN)):
                found.append(hold)
        straddling = [hold for hold in found if any(cell.closed for cell in hold.cells)]
        orphaned = [hold for hold in found if any(account.closed for account in accounts_of(hold.cells))]
        if straddling and self.rng.random() < 0.5:
            found = straddling
        if orphaned and self.rng.random() < 0.5:
            found = orphaned
        return self.rng.choice(found) if found else None

    def _ended(self, accounts: Iterable[Account]) -> int:
        """How many of their limits have a current window that is over now."""
        return sum(limit.has_ended(self.ledger.log_time) for account in accounts for limit in account.limits)

    def _reach_closed(self, hold: Hold) -> None:
        """Counts a late settlement where accounts have closed since."""
        closed = [account for account in accounts_of(hold.cells) if account.closed]
        self.reached["late settlements at closed accounts"] += bool(closed)
        self.reached["late settlements at closed accounts with windows that ended"] += self._ended(closed) > 0

    def _reach_bounds(self, hold, extra: int, booked: int) -> None:
        """Counts an extra that SEMANTICS 18.5 cuts at limits that are not for life."""
        mode = min(account.overrun for account in accounts_of(hold.cells))
        bound = [cell for cell in hold.cells if not cell.limit.for_life]
        if mode == 2 and booked < extra:
            self.reached["debts cut at a current cell"] += any(not cell.closed and cell.most_debt == booked for cell in bound)
        if mode > 0 and booked < extra:
            lent = [cell for cell in bound if cell.closed and cell.payer.available > booked]
            self.reached["extras cut by what a closed cell has"] += any(cell.lendable == booked for cell in lent)

    def _request(self, excluded: list[int]) -> bytes:
        rng, schema = self.rng, self.policy["schema"]
        request = random_request(rng, schema)
        if rng.random() < 0.85:
            request["demands"] = {}
        if rng.random() < 0.6:
            request.pop("excluded", None)
            request.pop("requested", None)
        if rng.random() < 0.7:
            request.update(value=2**40, confidence=9_000)
            request.pop("limit", None)
        if "limit" in request:
            request["limit"] *= 50
        request["risk"] = rng.randint(0, 5)
        named = set(request.pop("excluded", [])[:15]) | set(excluded)
        return encode_request({**request, "excluded": sorted(named)} if named else request, schema)

    def _deadline(self) -> bytes:
        most = self.rng.choice([10 * SECOND, 30 * SECOND, 30 * SECOND, 90 * SECOND, 2 * DAY, 80 * DAY])
        return i64(self.ledger.log_time + self.rng.randint(1, most))

    # ---- Steps; each returns whether it left a record ----

    def _open_account(self) -> bool:
        if len(self.ledger.accounts) >= 20:
            return False
        self._names += 1
        parents = [account.handle for account in self._open_accounts() if len(account.ancestry) < 5]
        name, parent = f"{self.rng.choice('abcxyz')}{self._names}", self.rng.choice([None, *parents])
        overrun = self.rng.choice(self._overruns)
        return self._record(32, random_account(self.rng, name, parent, overrun, len(self.ledger.policy.quantities)))

    def _grant(self) -> bool:
        account, change = self.rng.choice(self._open_accounts()), self.rng.randint(1, 30_000)
        poor = [limit for limit in account.limits if limit.current.available < 2_000]
        limit = self.rng.choice(poor or account.limits)
        self.ledger._touch([account])
        available, most = limit.current.available, I64_MAX - max(limit.current.granted, limit.allowance)
        if available < -(10**9) and self.rng.random() < 0.6:
            change = self.rng.randint(1, 30_000) - available
        elif available > 10**9 and self.rng.random() < 0.6:
            change = -min(available - self.rng.randint(0, 30_000), limit.allowance)
        elif self.rng.random() < 0.03 and not limit.for_life:
            change = most - self.rng.randint(0, 3_000)
        elif self.rng.random() < 0.3 and available > 0:
            change = -self.rng.randint(1, min(available, 10_000, max(limit.allowance, 1)))
        change = min(change, most)
        if change == 0 or limit.allowance + change < 0 or -change > max(available, 0):
            return False
        return self._record(33, self._operation() + u32(account.handle) + u8(limit.number) + i64(change))

    def _reparent(self) -> bool:
        account = self.rng.choice(self._open_accounts())
        parents = [
            parent
            for parent in self._open_accounts()
            if account not in parent.ancestry and len(parent.ancestry) + account.levels <= 5 and parent is not account.parent
        ]
        parents += [None] if account.parent is not None else []
        if not parents:
            return False
        parent = self.rng.choice(parents)
        self.reached["reparented with open holds"] += account.open_holds > 0
        return self._record(35, u32(account.handle) + u32(U32_MAX if parent is None else parent.handle))

    def _boundary(self) -> bool:
        accounts = self._open_accounts()
        given = [limit for account in accounts for limit in account.limits if limit.window.kind == GIVEN]
        if not given:
            return False
        due = [limit for limit in given if self._ended([limit.account])]
        limit = self.rng.choice(due or given)
        self.reached["boundaries with other limits due"] += self._ended([limit.account]) > 0
        return self._record(36, u32(limit.account.handle) + u8(limit.number))

    def _halt(self) -> bool:
        return self._record(3, u8(0 if self.ledger.halt else self.rng.choice([0, 1, 1, 2, 2])))

    def _switch(self) -> bool:
        candidate = self.rng.choice(self.policy["candidates"])["id"]
        return self._record(4, u32(candidate) + u8(self.rng.choice([0, 1, 1])))

    def _swap(self) -> bool:
        rng = self.rng
        rule = rng.choice([("best", None), ("margin", rng.randint(0, 400)), ("if_ineligible", None), ("never", None)])
        candidates = [{**candidate, "flat": rng.choice([0, 10, 90])} for candidate in self.policy["candidates"]]
        epoch = self.policy["epoch"] + rng.randint(1, 3)
        self.policy = {**self.policy, "epoch": epoch, "substitution": rule, "candidates": candidates}
        return self._record(2, encode_policy(self.policy))

    def _new_terms(self) -> bool:
        return self._record(1, self._terms())

    def _close(self) -> bool:
        idle = [
            account
            for account in self._open_accounts()
            if all(child.closed for child in account.children) and not account.open_holds
        ]
        if not idle or len(self._open_accounts()) < 4:
            return False
        expired = {found for hold in self.ledger.holds.values() for found in accounts_of(hold.cells) if hold.state != OPEN}
        idle = [account for account in idle if account in expired] or idle
        return self._record(34, u32(self.rng.choice(idle).handle))

    def _expire(self) -> bool:
        ledger = self.ledger
        due = [hold.sequence for hold in ledger.holds.values() if hold.state == OPEN and hold.deadline <= ledger.log_time]
        chosen = sorted(due)[: self.rng.randint(1, 4)]
        return bool(chosen) and self._record(22, u16(len(chosen)) + b"".join(map(u64, chosen)))

    def _admit(self) -> bool:
        rng, accounts, ledger = self.rng, self._open_accounts(), self.ledger
        while True:
            named = tuple(rng.sample(accounts, min(len(accounts), rng.choice([1, 1, 1, 2, 3]))))
            if cells_and_caps(path_of(named).accounts) <= CELLS_MAX:
                break
        raw = self._request([])
        request, halted = Request(raw, ledger.policy), ledger.halt != NO_HALT
        if halted:  # what it rolls over is left to the record
            self.reached[f"halted admissions that roll over, halt {ledger.halt}"] += self._ended(path_of(named).accounts) > 0
        else:
            ledger._touch(path_of(named).accounts)
        path = path_of(named)
        outcome, decision, body = ledger._admit(request, path, halted, path.throttles)
        for _, _, item in path.throttles if outcome == ADMITTED else ():
            full = item._after(item.counted(request, decision.selected.cost), ledger.log_time) == item.burst * item.period
            self.reached["throttles filled to the brim"] += full
        self.reached["admissions before 1970"] += outcome == ADMITTED and ledger.log_time < 0
        arguments = admission_arguments("u", [account.handle for account in named], raw, rng.random() < 0.5)
        return self._record(16, self._operation() + arguments + body + (self._deadline() if outcome == ADMITTED else b""))

    def _spend(self, hold: Hold) -> tuple[int, bytes] | None:
        """What was spent of it in all, and the bytes that state so."""
        rng, policy = self.rng, hold.policy
        if rng.random() < 0.5:
            served = rng.choice([policy.candidates[policy.position[hold.candidate]]] * 2 + [rng.choice(policy.candidates)])
            stated = {quantity: rng.randint(1, 30) for quantity in range(len(policy.quantities)) if rng.random() < 0.7}
            actual = policy.cost(served, stated)
            if actual is None or not hold.spent <= actual <= I64_MAX:
                return None
            spend = u8(1) + u32(served.id) + u8(sum(1 << quantity for quantity in stated)) + b"".join(map(u64, stated.values()))
        else:
            held = hold.amount
            part = rng.choice([0, held, rng.randint(0, held), rng.randint(0, 2 * held + 10), rng.randint(0, 10**5)])
            actual = min(hold.spent + part, I64_MAX)
            actual = I64_MAX if rng.random() < 0.02 else actual
            spend = u8(2) + u64(actual)
        return actual, spend

    def _commit(self) -> bool:
        hold = self._hold(live=False)
        found = hold and self._spend(hold)
        if not found:
            return False
        actual, spend = found
        part, expired = actual - hold.spent, hold.deadline <= self.ledger.log_time
        self._reach_closed(hold)
        booked, unfunded = (0, part) if expired else self._booked(hold, part)
        outcome = u8(expired) + u64(actual) + u64(booked) + u64(unfunded)
        return self._record(17, self._operation() + u64(hold.sequence) + spend + outcome)

    def _part_commit(self) -> bool:
        hold = self._hold(live=True)
        found = hold and self._spend(hold)
        if not found:
            return False
        actual, spend = found
        part = self.rng.choice([actual - hold.spent, min(actual - hold.spent, hold.amount // 3)])
        if spend[0] == 2:
            actual = hold.spent + part
            spend = u8(2) + u64(actual)
        part = actual - hold.spent
        booked, unfunded = self._booked(hold, part)
        outcome = u8(0) + u64(actual) + u64(booked) + u64(unfunded) + u64(max(hold.amount - part, 0))
        return self._record(20, self._operation() + u64(hold.sequence) + spend + outcome)

    def _booked(self, hold: Hold, part: int) -> tuple[int, int]:
        """SEMANTICS 9.6, after the rollover that the record brings."""
        self.ledger._touch(accounts_of(hold.cells))
        extra = max(part - hold.amount, 0)
        booked = self.ledger._bookable(hold.cells, extra)
        self._reach_bounds(hold, extra, booked)
        if extra and any(cell.closed for cell in hold.cells):
            mode = min(account.overrun for account in accounts_of(hold.cells))
            self.reached[f"overruns of straddling holds, mode {mode}"] += 1
        return booked, extra - booked

    def _adjust(self) -> bool:
        rng = self.rng
        found = [hold for hold in self.ledger.settled.values() if not any(account.closed for account in accounts_of(hold.cells))]
        if not found:
            return False
        straddling = [hold for hold in found if any(cell.closed for cell in hold.cells)]
        hold = rng.choice(straddling if straddling and rng.random() < 0.5 else found)
        self.ledger._touch(accounts_of(hold.cells))
        told = hold.booked + hold.unfunded
        actual = rng.choice([0, hold.booked, told, rng.randint(0, told), rng.randint(0, 2 * told + 10), told + rng.randint(0, 500)])
        actual = I64_MAX if rng.random() < 0.02 else min(actual, I64_MAX)
        extra = max(actual - told, 0)
        booked = self.ledger._bookable(hold.cells, extra)
        self._reach_bounds(hold, extra, booked)
        outcome = u64(booked) + u64(extra - booked) + u64(max(hold.booked - actual, 0))
        return self._record(23, self._operation() + u64(hold.sequence) + u64(actual) + outcome)

    def _release(self) -> bool:
        hold = self._hold(live=False)
        if hold is None:
            return False
        expired = hold.deadline <= self.ledger.log_time
        self._reach_closed(hold)
        return self._record(18, self._operation() + u64(hold.sequence) + u8(expired) + u64(0 if expired else hold.amount))

    def _extend(self) -> bool:
        rng, hold = self.rng, self._hold(live=True)
        if hold is None:
            return False
        more = rng.choice([0, rng.randint(0, 300), rng.randint(0, 5_000), *self._all_but_little(hold)])
        self.ledger._touch(accounts_of(hold.cells))
        more = min(more, I64_MAX - hold.amount)
        outcome, _ = self.ledger._extension(hold, more)
        if outcome[0] == DENIED_BUDGET:
            lent = [cell for cell in hold.cells if cell.closed and cell.left == least_room(hold.cells).left]
            self.reached["extends denied by what a closed cell has"] += any(cell.lendable < cell.payer.available for cell in lent)
        if outcome[0] == 0:
            outcome += i64(hold.deadline + rng.choice([0, rng.randint(0, 20 * SECOND)])) + u64(hold.amount + more)
        return self._record(19, self._operation() + u64(hold.sequence) + u64(more) + outcome)

    def _all_but_little(self, hold: Hold) -> list[int]:
        """What the hold's cells leave where that is far more than others take, or a little less or more."""
        left = least_room(hold.cells).left
        return [left, left + 1, left - self.rng.randint(1, 5_000)] if left > 10**9 else []

    def _reroute(self) -> bool:
        hold, ledger = self._hold(live=True), self.ledger
        if hold is None:
            return False
        accounts, was = path_of(hold.named).accounts, accounts_of(hold.cells)
        if cells_and_caps(accounts) > CELLS_MAX:
            return False
        raw = self._request([hold.candidate])
        touched = dict.fromkeys((*was, *accounts))
        self.reached["reroutes under a full halt that roll over"] += ledger.halt == HALT_ALL and self._ended(touched) > 0
        self.reached["halted reroutes by another path"] += ledger.halt == HALT_ALL and accounts != was
        ledger._touch(touched)
        cells = {cell for own in hold.cells for cell in (own, own.payer)}
        before = [(cell, name, getattr(cell, name)) for cell in cells for name in COUNTERS]
        ledger._give_back(hold)
        outcome, _, body = ledger._readmit(Request(raw, ledger.policy), path_of(hold.named), hold.amount)
        # so that the record finds it held
        for cell, name, count in before:
            setattr(cell, name, count)
        ledger._expose(hold, hold.amount, 1)
        arguments = u64(hold.sequence) + u32(hold.candidate) + u16(len(raw)) + raw
        end = self._deadline() if outcome == ADMITTED else b""
        return self._record(21, self._operation() + arguments + u64(hold.amount) + body + end)


def fast_crc32c(data: bytes) -> int:
    """In place of the scribe's own, which goes a bit at a time."""
    if len(data) % 4:
        return crc32c(data)
    return crc32c_words(words_of(bytes(data)), U32_MAX) ^ U32_MAX


def main() -> None:
    seed, directory, key = sys.argv[1:]
    write_log.crc32c = fast_crc32c
    log = RandomLog(int(seed))
    log.run(800)
    os.mkdir(directory, 0o700)
    kept = f"{log.writer.kept[0]:08}.seg"  # what was let go of is deleted
    files = {os.path.join(directory, name): bytes(content) for name, content in log.writer.files.items() if name >= kept}
    files[key] = b"assize-key-1\nid=%d\nsecret=%s\n" % (KEY_ID, SECRET.hex().encode())
    for path, content in files.items():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
    print(log.ledger.digest().hex())


if __name__ == "__main__":
    main()
