"""The state that a checkpoint states, read from its canonical form (FORMAT 10.3 to 10.11): where the replay of a log that was
pruned begins (FORMAT 8.8).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

from heapq import heappush

from accounts import Account, Hold, Operation, Settled, accounts_of, read_account_terms
from decide import Kernel
from ledger import Ledger
from limits import Cell, Limit
from policy import Policy
from records import NO_PARENT, OPEN, read_terms
from windows import GIVEN, LIFETIME, Span
from wire import IDENTITY_BYTES_MAX, TOO_SHORT, Malformed, Reader


def restore(log_time: int, checkpoint: bytes) -> Ledger:
    """The ledger of a checkpoint. That there is one encoding of it is seen by comparing it with `canonical_sections`."""
    ledger = Ledger(log_time, checkpoint)
    source = Reader(checkpoint)
    try:
        source.take(2)
        ledger.sequence = source.u64()
        source.take(8)
        read_terms(source)
        ledger.halt = source.choice(3, "halt")
        policies = _policies(ledger, source)
        ledger.disabled = {source.u32() for _ in range(source.u32())}
        ledger.kernel.set_disabled(ledger.disabled)
        _accounts(ledger, source)
        for _ in range(source.u32()):
            _hold(ledger, source, policies)
        for _ in range(source.u32()):
            sequence, at, booked, unfunded = source.u64(), source.i64(), source.u64(), source.u64()
            ledger.settled[sequence] = Settled(sequence, at, booked, unfunded, *_paid_by(ledger, source))
            ledger._name(ledger.settled[sequence].cells, 1)
        for _ in range(source.u32()):
            _operation(ledger, source)
    except TOO_SHORT:
        raise Malformed("the checkpoint ends too soon") from None
    source.end("checkpoint")
    return ledger


def _policies(ledger: Ledger, source: Reader) -> dict[int, Policy]:
    """FORMAT 10.4."""
    in_force = source.u64()
    listed = [Policy(source.bytes32()) for _ in range(source.u32())]
    policies = {policy.epoch: policy for policy in listed}
    ledger.policy = _known(policies, in_force, "policy")
    ledger.kernel = Kernel(ledger.policy)
    return policies


def _accounts(ledger: Ledger, source: Reader) -> None:
    """FORMAT 10.6."""
    parents = []
    for handle in range(source.u32()):
        name, parent = source.name("account name", IDENTITY_BYTES_MAX), source.u32()
        account = Account(handle, name, None, read_account_terms(source, len(ledger.policy.quantities)), 0)
        account.closed = bool(source.choice(2, "an account's state"))
        for limit in account.limits:
            limit.allowance, count = source.u64(), source.u32()
            cells = [_cell(limit, source) for _ in range(count)]
            if not cells:
                raise Malformed("a limit without a window")
            limit.closed, limit.current = cells[:-1], cells[-1]
        for throttle in account.throttles:
            throttle.instant, throttle.backlog = source.i64(), source.u64() | source.u64() << 64
        parents.append(parent)
        ledger.accounts.append(account)
        ledger.names[name] = account
    for account, parent in zip(ledger.accounts, parents):
        if parent != NO_PARENT:
            account.move_below(_known(dict(enumerate(ledger.accounts)), parent, "account"))


def _cell(limit: Limit, source: Reader) -> Cell:
    start, end = source.i64(), source.i64()
    span = Span(0, start, end) if limit.window.kind in (LIFETIME, GIVEN) else limit.window.span_at(start)
    cell = Cell(limit, span, 0)
    cell.granted, cell.available = source.i64(), source.i64()
    cell.committed, cell.lapsed, cell.unfunded = source.u64(), source.u64(), source.u64()
    cell.reserved = cell.granted - cell.available - cell.committed - cell.lapsed
    return cell


def _hold(ledger: Ledger, source: Reader, policies: dict[int, Policy]) -> None:
    """FORMAT 10.7."""
    sequence, state, amount = source.u64(), source.choice(2, "a hold's state"), source.u64()
    spent, unfunded, deadline = source.u64(), source.u64(), source.i64()
    policy, candidate = _known(policies, source.u64(), "policy"), source.u32()
    hold = Hold(sequence, amount, deadline, policy, candidate, *_paid_by(ledger, source))
    hold.state, hold.spent, hold.unfunded = state, spent, unfunded
    ledger.holds[sequence] = hold
    ledger._name(hold.cells, 1)
    if state != OPEN:
        heappush(ledger._expired, (deadline, sequence))
        return
    for account in accounts_of(hold.cells):
        account.held += amount
        account.open_holds += 1


def _paid_by(ledger: Ledger, source: Reader) -> tuple[tuple, tuple]:
    """FORMAT 10.7: the accounts named, and the cells."""
    accounts = dict(enumerate(ledger.accounts))
    named = tuple(_known(accounts, source.u32(), "account") for _ in range(source.u8()))
    cells = []
    for _ in range(source.u8()):
        account, number, start = _known(accounts, source.u32(), "account"), source.u8(), source.i64()
        limit = _known(dict(enumerate(account.limits)), number, "limit")
        cells.append(_known({cell.span.start_i64: cell for cell in limit.cells}, start, "window"))
    return named, tuple(cells)


def _operation(ledger: Ledger, source: Reader) -> None:
    """FORMAT 10.9."""
    start = source.at
    id, issued = source.take(16), source.i64()
    source.take(32 + 2 + 8)
    source.bytes8()
    ledger.operations[id] = Operation(id, issued, source.data[start : source.at])
    heappush(ledger._issued, (issued, id))


def _known(items: dict, key: int, what: str):
    if key not in items:
        raise Malformed(f"the checkpoint names {what} {key}, which it does not have")
    return items[key]
