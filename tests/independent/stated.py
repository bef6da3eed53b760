"""A plain policy and the words to state a log of it by hand: cents cost one micro-unit each, tokens nothing, so that a test's
amounts are its requests. What holds, is denied, or stands in the end is stated by the test, and nothing is worked out here.

Candidate 1 takes a cent for a cent, candidate 2 two; times are nanoseconds.
"""

from __future__ import annotations

from datetime import datetime, timezone

import scenario as s
from on_disk import OnDisk
from write_log import (
    NO_PARENT,
    SECOND,
    LogWriter,
    admission_arguments,
    admission_outcome,
    bytes32,
    encode_account,
    encode_decision,
    encode_ledger,
    encode_policy,
    encode_request,
    encode_terms,
    genesis,
    hold_row,
    i64,
    limits_row,
    operation,
    settled_row,
    u8,
    u16,
    u32,
    u64,
    window_row,
)

HOUR = 3_600 * SECOND
DAY = 24 * HOUR
END = 9 * DAY  # a deadline beyond most
DENY, IF_AVAILABLE, DEBT = range(3)
CENTS, TOKENS = range(2)
CHEAP, DEAR = 1, 2
SCHEMA = {
    "name": "plain-1",
    "columns": [],
    "quantities": [("cents", 1, None), ("tokens", 1, None)],
    "tier_by": [],
    "gates": [],
    "merit": None,
}
POLICY = encode_policy(
    {
        "name": "plain",
        "epoch": 1,
        "schema": SCHEMA,
        "substitution": ("if_ineligible", None),
        "members": {},
        "candidates": [
            {"id": CHEAP, "name": "cheap", "values": {}, "cards": [(0, {CENTS: 1, TOKENS: 0})]},
            {"id": DEAR, "name": "dear", "values": {}, "cards": [(0, {CENTS: 2, TOKENS: 0})]},
        ],
    }
)
TERMS = encode_terms(10 * SECOND, 8, 1_000 * DAY, 2 * DAY, adjust_window=3 * DAY, settled=10)
NO_OPERATION = operation(None)
DENIED_BY_COST = encode_decision(2, 20)
DENIED_BY_EXCLUSION = encode_decision(2, 19)  # of one excluded and one too dear, the earlier reason (SEMANTICS 5.7)
HALTED = u8(4)


def request(cents: int, tokens: int = 0, **facts) -> bytes:
    stated = {quantity: amount for quantity, amount in ((CENTS, cents), (TOKENS, tokens)) if amount}
    return encode_request({"quantities": stated, **facts}, SCHEMA)


def first(cents: int, both: bool = True) -> bytes:
    """The cheap one, with the dear one beside it where the limit leaves it."""
    return encode_decision(0, 2, (CHEAP, cents), (DEAR, 2 * cents) if both else None)


def dear(cents: int) -> bytes:
    return encode_decision(0, 2, (DEAR, 2 * cents))


def given(deadline: int, decision: bytes, limit: int | None = None) -> bytes:
    return admission_outcome(0, POLICY, decision, limit, i64(deadline))


def denied_policy(decision: bytes) -> bytes:
    return admission_outcome(1, POLICY, decision)


def denied_budget(account: int, what: int, decision: bytes = DENIED_BY_COST, limit: int | None = None) -> bytes:
    return admission_outcome(2, POLICY, decision, limit, u32(account) + u8(what))


def throttled(account: int, number: int, decision: bytes, limit: int | None = None) -> bytes:
    return admission_outcome(3, POLICY, decision, limit, u32(account) + u8(number))


def ask(path: list, asked: bytes, outcome: bytes) -> tuple[int, bytes]:
    return 16, NO_OPERATION + admission_arguments("u", path, asked) + outcome


def hold(path: list, cents: int, deadline: int) -> tuple[int, bytes]:
    """An admission that is held, by accounts that have enough for either candidate or no less than the cheap one."""
    return ask(path, request(cents), given(deadline, first(cents)))


def commit(number: int, spent: int, extra: int = 0, unfunded: int = 0, expired: int = 0) -> tuple[int, bytes]:
    return 17, NO_OPERATION + u64(number) + u8(2) + u64(spent) + u8(expired) + u64(spent) + u64(extra) + u64(unfunded)


def part(number: int, so_far: int, held: int, extra: int = 0, unfunded: int = 0) -> tuple[int, bytes]:
    outcome = u8(0) + u64(so_far) + u64(extra) + u64(unfunded) + u64(held)
    return 20, NO_OPERATION + u64(number) + u8(2) + u64(so_far) + outcome


def release(number: int, given_back: int, expired: int = 0) -> tuple[int, bytes]:
    return 18, NO_OPERATION + u64(number) + u8(expired) + u64(given_back)


def extend(number: int, more: int, deadline: int, held: int) -> tuple[int, bytes]:
    return 19, NO_OPERATION + u64(number) + u64(more) + u8(0) + i64(deadline) + u64(held)


def extend_denied(number: int, more: int, account: int, what: int) -> tuple[int, bytes]:
    return 19, NO_OPERATION + u64(number) + u64(more) + u8(2) + u32(account) + u8(what)


def adjust(number: int, actual: int, extra: int = 0, unfunded: int = 0, refunded: int = 0) -> tuple[int, bytes]:
    return 23, NO_OPERATION + u64(number) + u64(actual) + u64(extra) + u64(unfunded) + u64(refunded)


def reroute(number: int, cents: int, given_back: int, outcome: bytes) -> tuple[int, bytes]:
    """To the dear one, the cheap one having failed."""
    asked = request(cents, excluded=[CHEAP])
    return 21, NO_OPERATION + u64(number) + u32(CHEAP) + u16(len(asked)) + asked + u64(given_back) + outcome


def expire(*numbers: int) -> tuple[int, bytes]:
    return 22, u16(len(numbers)) + b"".join(map(u64, numbers))


def grant(account: int, change: int, limit: int = 0) -> tuple[int, bytes]:
    return 33, NO_OPERATION + u32(account) + u8(limit) + i64(change)


def opened(fields: bytes) -> tuple[int, bytes]:
    return 32, fields


def plain(name: str, parent: int | None = None, overrun: int = DENY, **terms) -> tuple[int, bytes]:
    return opened(encode_account(name, parent, overrun, **terms))


def for_life(fields: bytes, granted: int, available: int, committed: int = 0, unfunded: int = 0, throttles=(), **more) -> bytes:
    """The row of an account of one limit, for life."""
    row = window_row(0, 0, granted, available, committed, 0, unfunded)
    return limits_row(fields, [(granted, [row])], throttles, **more)


def closed(account: int) -> tuple[int, bytes]:
    return 34, u32(account)


def reparent(account: int, parent: int | None) -> tuple[int, bytes]:
    return 35, u32(account) + u32(NO_PARENT if parent is None else parent)


def boundary(account: int, limit: int) -> tuple[int, bytes]:
    return 36, u32(account) + u8(limit)


def held_row(number, amount, deadline, named, cells, state=0, spent=0, missed=0, candidate=CHEAP) -> bytes:
    return hold_row(number, state, amount, deadline, 1, candidate, named, cells, spent, missed)


def settled(number, at, booked, unfunded, named, cells) -> bytes:
    return settled_row(number, at, booked, unfunded, named, cells)


def instant_of(*date) -> int:
    """Nanoseconds of an instant in UTC, by the library's calendar."""
    since = datetime(*date, tzinfo=timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * SECOND


class Stated(OnDisk):
    """Logs of steps (time, (kind, payload)), the first at `START`."""

    START = 0

    def log(self, steps: list) -> LogWriter:
        log = LogWriter(s.SECRET, s.KEY_ID, s.LOG_ID, self.START)
        log.begin_segment(genesis(self.START, TERMS, 1, POLICY))
        for time, (kind, payload) in steps:
            log.record(kind, payload, time)
        return log

    def stands(self, steps: list, accounts: list | None = None, holds: list | None = None, settled: list | None = None):
        """The log holds, and the rows stated are those of the replay's ledger."""
        ledger = self.verified(self.log(steps).files).ledger
        ledger.check_reserved()
        sections = dict(ledger.canonical_sections())
        for name, rows in (("accounts", accounts), ("holds", holds), ("settled holds", settled)):
            if rows is not None:
                self.assertEqual(sections[name].hex(), (u32(len(rows)) + b"".join(rows)).hex(), name)
        return ledger

    def breaks(self, steps: list, *rows: tuple) -> None:
        """Each row is a step after the others: time, step, and what the failure says, or None where it holds."""
        for time, step, message in rows:
            with self.subTest(time=time, step=step, message=message):
                log = self.log([*steps, (time, step)])
                if message is None:
                    self.verified(log.files).ledger.check_reserved()
                else:
                    self.assertEqual(self.refused(log.files, message).sequence, len(steps) + 1)

    def checkpoint(self, steps: list, time: int, accounts: list, holds: list = (), settled: list = ()) -> bytes:
        """The canonical form of the ledger after the steps, without operations."""
        return encode_ledger(len(steps), time, TERMS, 0, 1, [bytes32(POLICY)], [], accounts, holds, [], settled)
