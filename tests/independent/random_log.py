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

import write_log
from accounts import Account, Hold, least_available
from ledger import Ledger
from policy import Request
from random_policy import random_policy, random_request
from records import ADMITTED, DENIED_HALTED, HALT_ALL, NO_HALT, OPEN, REDUCE_ONLY
from wire import I64_MAX, U32_MAX, crc32c, crc32c_words, words_of
from write_log import (
    SECOND,
    LogWriter,
    admission_arguments,
    encode_account,
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
T0 = 1_700_000_000 * SECOND
CLOCK_JUMP = 3_600 * SECOND


class RandomLog:
    """A ledger and a writer that take the same steps."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.policy = self._first_policy()
        first = genesis(T0, self._terms(), 1, encode_policy(self.policy))
        self.time = T0
        self.writer = LogWriter(SECRET, KEY_ID, LOG_ID, T0)
        self.writer.begin_segment(first)
        self.ledger = Ledger(T0, first)
        self.kinds: Counter = Counter()
        self._names = self._operations = 0

    def run(self, steps: int) -> None:
        """Each step leaves at least one record."""
        actions = {
            self._open_account: 2, self._grant: 10, self._halt: 2, self._switch: 1, self._swap: 2, self._new_terms: 2,
            self._close: 2, self._expire: 5, self._admit: 38, self._commit: 17, self._part_commit: 12, self._adjust: 8,
            self._release: 6, self._extend: 7, self._reroute: 6,
        }  # fmt: skip
        for _ in range(steps):
            self.time += self.rng.choice([0, 0, 1_000, SECOND // 5, SECOND, SECOND, 2 * SECOND, -SECOND])
            [action] = self.rng.choices(list(actions), weights=list(actions.values()))
            if len(self.ledger.accounts) < 3:
                action = self._open_account
            self._begin(action)
            if not action():
                self._record(4, u32(U32_MAX) + u8(0))
            if self.rng.random() < 0.01:
                self.writer.seal()
                self.writer.begin_segment(b"".join(raw for _, raw in self.ledger.canonical_sections()))

    def _begin(self, action) -> None:
        """Brings the ledger to the time of the next record, so that outcomes can be asked of it."""
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

    def _first_policy(self) -> dict:
        """One that prices most requests, in hundreds, so that accounts run short now and then."""
        while True:
            policy = random_policy(self.rng)
            if len(policy["candidates"]) > 5:
                break
        policy["limits"] = {}
        for candidate in policy["candidates"]:
            candidate["enabled"], candidate["flat"] = True, self.rng.choice([0, 0, 50, 700])
            candidate["cards"] = [(above, {q: rate * 100 for q, rate in rates.items()}) for above, rates in candidate["cards"]]
        return policy

    def _terms(self) -> bytes:
        rng = self.rng
        horizon, operations, late_window = rng.choice([10, 20, 200]), rng.choice([8, 64, 1_000]), rng.choice([0, 5, 40])
        adjust_window, settled = rng.choice([0, 5, 60]), rng.choice([0, 1, 3, 50])
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
            closed = any(account.closed for account in hold.cells)
            if not (late or live and (due or hold.state != OPEN or closed)):
                found.append(hold)
        return self.rng.choice(found) if found else None

    def _request(self, excluded: list[int]) -> bytes:
        rng, schema = self.rng, self.policy["schema"]
        request = random_request(rng, schema)
        if rng.random() < 0.7:
            request["demands"] = {}
        if rng.random() < 0.6:
            request.pop("excluded", None)
            request.pop("requested", None)
        if "limit" in request:
            request["limit"] *= 50
        request["risk"] = rng.randint(0, 5)
        named = set(request.pop("excluded", [])[:15]) | set(excluded)
        return encode_request({**request, "excluded": sorted(named)} if named else request, schema)

    def _deadline(self) -> bytes:
        return i64(self.ledger.log_time + self.rng.randint(1, 30 * SECOND))

    # ---- Steps; each returns whether it left a record ----

    def _open_account(self) -> bool:
        if len(self.ledger.accounts) >= 20:
            return False
        self._names += 1
        parents = [account.handle for account in self._open_accounts() if len(account.ancestry) < 5]
        name = f"{self.rng.choice('abcxyz')}{self._names}"
        return self._record(32, encode_account(name, self.rng.choice([None, *parents]), self.rng.randint(0, 2)))

    def _grant(self) -> bool:
        account, change = self.rng.choice(self._open_accounts()), self.rng.randint(1, 20_000)
        if self.rng.random() < 0.3:
            if account.available <= 0:
                return False
            change = -self.rng.randint(1, account.available)
        return self._record(33, self._operation() + u32(account.handle) + u8(0) + i64(change))

    def _halt(self) -> bool:
        return self._record(3, u8(0 if self.ledger.halt else self.rng.choice([0, 1, 2])))

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
            if not account.children_open and not self.ledger.has_open_holds(account)
        ]
        if not idle or len(self._open_accounts()) < 4:
            return False
        return self._record(34, u32(self.rng.choice(idle).handle))

    def _expire(self) -> bool:
        ledger = self.ledger
        due = [hold.sequence for hold in ledger.holds.values() if hold.state == OPEN and hold.deadline <= ledger.log_time]
        chosen = sorted(due)[: self.rng.randint(1, 4)]
        return bool(chosen) and self._record(22, u16(len(chosen)) + b"".join(map(u64, chosen)))

    def _admit(self) -> bool:
        accounts, ledger = self._open_accounts(), self.ledger
        named = self.rng.sample(accounts, min(len(accounts), self.rng.randint(1, 3)))
        raw = self._request([])
        outcome, _, body = ledger._admit(Request(raw, ledger.policy), ledger._cells(tuple(named)), ledger.halt != NO_HALT)
        arguments = admission_arguments("u", [account.handle for account in named], raw, self.rng.random() < 0.5)
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
            part = rng.choice([0, hold.amount, rng.randint(0, 2 * hold.amount + 10), rng.randint(0, 10**5)])
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
        kept = [(account, account.available, account.reserved, account.committed) for account in hold.cells]
        found = self.ledger._book(hold, part, 0)
        for account, available, reserved, committed in kept:
            account.available, account.reserved, account.committed = available, reserved, committed
        return found

    def _adjust(self) -> bool:
        rng = self.rng
        found = [hold for hold in self.ledger.settled.values() if not any(account.closed for account in hold.cells)]
        if not found:
            return False
        hold = rng.choice(found)
        told = hold.booked + hold.unfunded
        actual = rng.choice([0, hold.booked, told, rng.randint(0, told), rng.randint(0, 2 * told + 10), told + rng.randint(0, 500)])
        actual = I64_MAX if rng.random() < 0.02 else min(actual, I64_MAX)
        extra = max(actual - told, 0)
        booked = self.ledger._bookable(hold.cells, extra)
        outcome = u64(booked) + u64(extra - booked) + u64(max(hold.booked - actual, 0))
        return self._record(23, self._operation() + u64(hold.sequence) + u64(actual) + outcome)

    def _release(self) -> bool:
        hold = self._hold(live=False)
        if hold is None:
            return False
        expired = hold.deadline <= self.ledger.log_time
        return self._record(18, self._operation() + u64(hold.sequence) + u8(expired) + u64(0 if expired else hold.amount))

    def _extend(self) -> bool:
        rng, hold = self.rng, self._hold(live=True)
        if hold is None:
            return False
        more, binding = rng.choice([0, rng.randint(0, 300), rng.randint(0, 5_000)]), least_available(hold.cells)
        if self.ledger.halt != NO_HALT:
            outcome = u8(DENIED_HALTED)
        elif more > max(binding.available, 0):
            outcome = u8(2) + u32(binding.handle)
        else:
            outcome = u8(0) + i64(hold.deadline + rng.choice([0, rng.randint(0, 20 * SECOND)])) + u64(hold.amount + more)
        return self._record(19, self._operation() + u64(hold.sequence) + u64(more) + outcome)

    def _reroute(self) -> bool:
        hold, ledger = self._hold(live=True), self.ledger
        if hold is None:
            return False
        raw = self._request([hold.candidate])
        ledger._move(hold.cells, hold.amount, -hold.amount)
        outcome, decision, body = ledger._admit(Request(raw, ledger.policy), hold.cells, ledger.halt == HALT_ALL)
        ledger._move(hold.cells, -hold.amount, hold.amount)
        if outcome == ADMITTED and ledger.halt == REDUCE_ONLY and decision.selected.cost > hold.amount:
            outcome, body = DENIED_HALTED, u8(DENIED_HALTED)
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
    log.run(400)
    os.mkdir(directory, 0o700)
    files = {os.path.join(directory, name): bytes(content) for name, content in log.writer.files.items()}
    files[key] = b"assize-key-1\nid=%d\nsecret=%s\n" % (KEY_ID, SECRET.hex().encode())
    for path, content in files.items():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
    print(log.ledger.digest().hex())


if __name__ == "__main__":
    main()
