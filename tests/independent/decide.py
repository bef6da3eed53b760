"""Decisions: SEMANTICS 3, 5, 6 and 7, and their canonical form (FORMAT 4).

The outcome is that of judging every candidate by SEMANTICS 5.2. To be fast over thousands of candidates, gates are bit sets over
the candidates' positions, costs are computed a column at a time, and a table that is used often keeps only the candidates
that can come first or second whatever the request's numbers are.

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections import Counter
from heapq import nsmallest
from itertools import compress
from typing import NamedTuple, Optional

from policy import AT_MOST, BEST, FROM_QUANTITIES, FROM_RISK, HAS_ALL, IF_INELIGIBLE, NEVER, ONE_OF, Policy, Request
from wire import I64_MAX, I64_MIN, U64_MAX, members_of, tagged_digest

EXECUTE, SUBSTITUTE, DENY = range(3)

# FORMAT 4.2
REQUESTED, FIRST, OUTRANKED, REQUESTED_INELIGIBLE_SUBSTITUTED = 1, 2, 3, 4
RISK_LIMIT, CONFIDENCE_MINIMUM, DISABLED, EXCLUDED, COST, UTILITY, REQUESTED_INELIGIBLE, GATE = 16, 17, 18, 19, 20, 21, 22, 32

REASON_NAMES = {
    REQUESTED: "requested",
    FIRST: "first",
    OUTRANKED: "outranked",
    REQUESTED_INELIGIBLE_SUBSTITUTED: "requested_ineligible_substituted",
    RISK_LIMIT: "risk_limit",
    CONFIDENCE_MINIMUM: "confidence_minimum",
    DISABLED: "disabled",
    EXCLUDED: "excluded",
    COST: "cost",
    UTILITY: "utility",
    REQUESTED_INELIGIBLE: "requested_ineligible",
}

_SCALE = 10**8  # SEMANTICS 7.1
_KEPT = 4096  # bit sets and tables kept before the oldest thousands are forgotten
_USES_BEFORE_PRUNING = 12
_ZERO_ONE = bytes.maketrans(b"01", b"\0\1")


def reason_name(code: int) -> str:
    return REASON_NAMES.get(code) or f"gate {code - GATE}"


class Choice(NamedTuple):
    """A selected candidate or runner-up; `utility` is clamped (SEMANTICS 7.4), None where the policy has none."""

    candidate: int
    cost: int
    utility: Optional[int]


class Decision(NamedTuple):
    action: int
    reason: int
    selected: Optional[Choice] = None
    runner_up: Optional[Choice] = None

    def canonical(self) -> bytes:
        """FORMAT 4.1."""
        selected, runner_up = self.selected, self.runner_up
        if selected is None:
            return bytes((self.action, self.reason, 0))
        mask = 1 | (2 if runner_up else 0) | (0 if selected.utility is None else 4)
        out = bytes((self.action, self.reason, mask))
        for choice in (selected, runner_up):
            if choice is not None:
                out += struct.pack("<IQ", choice.candidate, choice.cost)
                if choice.utility is not None:
                    out += struct.pack("<q", choice.utility)
        return out

    def digest(self, policy: Policy, request: Request) -> bytes:
        """FORMAT 4.3."""
        body = struct.pack("<Q", policy.epoch) + policy.digest + request.digest() + self.canonical()
        return tagged_digest(b"assize/decision/1", body)

    def __str__(self) -> str:
        text = f"{('execute', 'substitute', 'deny')[self.action]} ({reason_name(self.reason)})"
        if self.selected is not None:
            text += f" candidate {self.selected.candidate} at {self.selected.cost}"
        if self.runner_up is not None:
            text += f", then candidate {self.runner_up.candidate} at {self.runner_up.cost}"
        return text


class Kernel:
    """What can be worked out about a policy before a request comes."""

    def __init__(self, policy: Policy):
        self.policy = policy
        self.count = len(policy.candidates)
        self.enabled = self._bits(at for at, candidate in enumerate(policy.candidates) if candidate.enabled)
        self.on = self.enabled
        self.gates = [_gate_selector(self, gate) for gate in policy.gates]
        self.tier_bounds = sorted({above for c in policy.candidates for above, _ in c.cards[1:]})
        self.traits = _Traits(policy)
        self._priced: dict = {}
        self._tables: dict = {}

    def _bits(self, positions) -> int:
        digits = bytearray(b"0") * self.count
        for at in positions:
            digits[self.count - 1 - at] = 0x31
        return int(bytes(digits), 2)

    def set_disabled(self, candidates) -> None:
        """The candidates that the host has disabled (SEMANTICS 13.2)."""
        known = self.policy.position
        self.on = self.enabled & ~self._bits(known[candidate] for candidate in candidates if candidate in known)

    def selectors(self, bits: int) -> bytes:
        """One byte 0 or 1 for each candidate, for itertools.compress."""
        return format(bits, f"0{self.count}b").encode()[::-1].translate(_ZERO_ONE)

    def stages(self, request: Request):
        """What stays after each of disabled, excluded and the gates: pairs of reason and bits (SEMANTICS 5.2)."""
        alive = self.on
        yield DISABLED, alive
        for candidate in request.excluded:
            at = self.policy.position.get(candidate)
            if at is not None:
                alive &= ~(1 << at)
        yield EXCLUDED, alive
        for at, (gate, select) in enumerate(zip(self.policy.gates, self.gates)):
            demand = request.demands.get(at)
            if gate.source == FROM_QUANTITIES:
                demand = sum(request.quantities.get(quantity, 0) for quantity in gate.fed_by) or None
            elif gate.source == FROM_RISK:
                demand = request.risk
            if demand is not None:
                alive &= select(demand)
            yield GATE + at, alive

    def table(self, alive: int, request: Request) -> _Table:
        """The candidates of `alive` that may be eligible for the request's quantities, with their prices."""
        tier_sum = self.policy.tier_sum(request.quantities)
        stated = tuple(sorted(request.quantities))
        band = (bisect_left(self.tier_bounds, tier_sum), stated)
        table = self._tables.get((alive, band))
        if table is None:
            priced = self._priced.get(band)
            if priced is None:
                priced = _keep(self._priced, band, _Prices(self, tier_sum, stated))
            table = _keep(self._tables, (alive, band), _Table(self, priced, alive))
        return table

    def rank(self, request: Request) -> Ranking:
        return Ranking(self, request)


def _keep(cache: dict, key, value):
    if len(cache) >= _KEPT:
        for old in list(cache)[: _KEPT // 2]:
            del cache[old]
    cache[key] = value
    return value


def _gate_selector(kernel: Kernel, gate):
    """A function from a demand to the bits of the candidates that pass (SEMANTICS 3.1 to 3.3)."""
    values = [candidate.values[gate.column] for candidate in kernel.policy.candidates]
    known = [(value, at) for at, value in enumerate(values) if value is not None]
    cache: dict = {}

    if gate.numeric:
        known.sort()
        ordered = [value for value, _ in known]
        at_most = gate.relation == AT_MOST

        def numeric(demand: int) -> int:
            cut = bisect_right(ordered, demand) if at_most else bisect_left(ordered, demand)
            bits = cache.get(cut)
            if bits is None:
                passing = known[:cut] if at_most else known[cut:]
                bits = _keep(cache, cut, kernel._bits(at for _, at in passing))
            return bits

        return numeric

    holders: dict[int, list[int]] = {}
    for value, at in known:
        for member in [value] if gate.relation == ONE_OF else members_of(value):
            holders.setdefault(member, []).append(at)
    by_member = {member: kernel._bits(positions) for member, positions in holders.items()}
    all_known = kernel._bits(at for _, at in known)

    def membership(demand: int) -> int:
        bits = cache.get(demand)
        if bits is None:
            of_each = [by_member.get(member, 0) for member in members_of(demand)]
            bits = all_known if gate.relation == HAS_ALL else 0
            for one in of_each:
                bits = bits & one if gate.relation == HAS_ALL else bits | one
            _keep(cache, demand, bits)
        return bits

    return membership


class _Traits:
    """What a candidate brings to order and utility whatever the request: lists in the order of candidates."""

    def __init__(self, policy: Policy):
        utility, merit_column = policy.utility, policy.merit_column
        self.ids = [candidate.id for candidate in policy.candidates]
        self.ranks: list[int] = []  # rising: higher merit first, as counted with a utility, else unknown last (SEMANTICS 5.3)
        self.merits: list[int] = []
        self.weighted: list[int] = []
        self.unknown_utility: set[int] = set()  # positions (SEMANTICS 7.2)
        for at, candidate in enumerate(policy.candidates):
            merit = None if merit_column is None else candidate.values[merit_column]
            total = 0
            if utility is not None:
                if merit is None:
                    merit = utility.merit_unknown
                for column, weight, unknown in utility.weights:
                    value = candidate.values[column]
                    if value is None:
                        value = unknown
                    if value is None:
                        self.unknown_utility.add(at)
                    else:
                        total += weight * value
                if merit is None:
                    self.unknown_utility.add(at)
            self.ranks.append(1 if merit is None else -merit)
            self.merits.append(merit or 0)
            self.weighted.append(total)


class _Prices:
    """Every candidate's rates for one band of the tier sum and one set of stated quantities, a list for each quantity."""

    def __init__(self, kernel: Kernel, tier_sum: int, stated: tuple[int, ...]):
        policy = kernel.policy
        found = [policy.rates(candidate, tier_sum, list(stated)) for candidate in policy.candidates]
        self.stated = stated
        self.bits = kernel._bits(at for at, rates in enumerate(found) if rates is not None)
        self.rates = [[0 if rates is None else rates[k] for rates in found] for k in range(len(stated))]
        self.flats = [candidate.flat for candidate in policy.candidates]


class _Table:
    """Columns of the candidates that have a cost and, where the policy has a utility, a known one."""

    def __init__(self, kernel: Kernel, prices: _Prices, alive: int):
        traits = kernel.traits
        unknown = kernel._bits(traits.unknown_utility)
        self.policy = kernel.policy
        self.stated = prices.stated
        self.unpriced = popcount(alive & ~prices.bits)
        self.priced_without_utility = self._columns(kernel, prices, alive & prices.bits & unknown)
        self.all = self._columns(kernel, prices, alive & prices.bits & ~unknown)
        self.best = self.all
        self.uses = 0
        self._price_counts: tuple | None = None  # distinct prices, and how many candidates have each

    def _columns(self, kernel: Kernel, prices: _Prices, bits: int) -> tuple:
        """Flats, merits, weighted columns, ranks, ids, then the rates of each stated quantity."""
        chosen, traits = kernel.selectors(bits), kernel.traits
        columns = (prices.flats, traits.merits, traits.weighted, traits.ranks, traits.ids, *prices.rates)
        return tuple(list(compress(column, chosen)) for column in columns)

    def contenders(self) -> tuple:
        self.uses += 1
        if self.uses == _USES_BEFORE_PRUNING:
            self.best = self._pruned()
        return self.best

    def _pruned(self) -> tuple:
        """Without the rows behind which two others stand that are nowhere worse, ties included: those two come before it for
        every request, limits (they cost no more) included. Cost, utility and clamping are monotone in each column."""
        flats, merits, weighted, ranks, ids, *rates = self.all
        if self.policy.utility is None:
            merits = weighted = [0] * len(ids)
        keys = list(zip(*rates, flats, [-merit for merit in merits], weighted, ranks, ids))
        order = sorted(range(len(ids)), key=keys.__getitem__)
        kept: list[int] = []
        kept_keys: list[tuple] = []
        for at in order:
            key, better = keys[at], 0
            tie = key[-2:]
            for other in kept_keys:
                if other[-2:] <= tie and all(map(int.__le__, other[:-2], key)):
                    better += 1
                    if better == 2:
                        break
            if better < 2:
                kept.append(at)
                kept_keys.append(key)
        return tuple([column[at] for at in kept] for column in self.all)

    def costs(self, columns: tuple, request: Request) -> list[int]:
        """SEMANTICS 6.2, exact; what does not fit u64 is above every limit."""
        costs = columns[0]
        for quantity, rates in zip(self.stated, columns[5:]):
            amount, per = request.quantities[quantity], self.policy.quantities[quantity].per
            costs = [cost - (-amount * rate // per) for cost, rate in zip(costs, rates)]
        return costs

    def utilities(self, columns: tuple, costs: list[int], request: Request) -> list[int]:
        """SEMANTICS 7.1, before the clamp."""
        worth, penalty = utility_terms(self.policy, request)
        return [worth * merit // _SCALE - penalty - cost - weighted for merit, weighted, cost in zip(columns[1], columns[2], costs)]

    def rows(self, request: Request) -> list[tuple]:
        """Those that may come first or second, as sort keys of SEMANTICS 5.3: utility negated or 0, cost, rank, id."""
        columns = self.contenders()
        costs = self.costs(columns, request)
        if self.policy.utility is None:
            if len(costs) > 2:
                bound = nsmallest(2, costs)[1]
                return [(0, c, rank, id) for c, rank, id in zip(costs, columns[3], columns[4]) if c <= bound]
            return [(0, c, rank, id) for c, rank, id in zip(costs, columns[3], columns[4])]
        utilities = self.utilities(columns, costs, request)
        return [
            (-clamp(utility), cost, rank, id)
            for utility, cost, rank, id in zip(utilities, costs, columns[3], columns[4])
            if utility > 0
        ]

    def failures(self, request: Request, limit: int) -> tuple[int, int]:
        """How many the cost turns away, and how many the utility (SEMANTICS 5.2), where none is eligible."""
        total = self.unpriced + len(self.all[4]) + len(self.priced_without_utility[4])
        if self.policy.utility is None:
            return total, 0
        if self._price_counts is None:
            prices: Counter = Counter()
            for flats, _, _, _, _, *rates in (self.all, self.priced_without_utility):
                prices.update(zip(flats, *rates))
            flats, *rates = zip(*prices) if prices else [()] * (1 + len(self.stated))
            self._price_counts = (flats, (), (), (), (), *rates), tuple(prices.values())
        columns, counts = self._price_counts
        too_dear = map(limit.__lt__, self.costs(columns, request))
        by_cost = self.unpriced + sum(compress(counts, too_dear))
        return by_cost, total - by_cost


def utility_terms(policy: Policy, request: Request) -> tuple[int, int]:
    """value · confidence, and the risk's term, of SEMANTICS 7.1."""
    value = max(request.value or 0, 0)
    multiplier = policy.utility.multiplier
    penalty = value * (request.risk or 0) * multiplier // _SCALE if multiplier else 0
    return value * (request.confidence or 0), penalty


def clamp(utility: int) -> int:
    return max(I64_MIN, min(I64_MAX, utility))


def popcount(bits: int) -> int:
    return bin(bits).count("1")


class Ranking:
    """One request under one policy: decided once for every limit that is asked for."""

    def __init__(self, kernel: Kernel, request: Request):
        self.kernel, self.policy, self.request = kernel, kernel.policy, request
        self._rows: list[tuple] | None = None

    def decide(self, limit: int) -> Decision:
        """SEMANTICS 5, with `limit` as the cost limit (at most u64::MAX, see 6.2)."""
        denial = self._denied_by_request()
        if denial is not None:
            return Decision(DENY, denial)
        self._prepare()
        request, substitution = self.request, self.policy.substitution
        best = nsmallest(2, (row for row in self._rows if row[1] <= limit))
        if request.requested is None:
            return self._chosen(EXECUTE, FIRST, best[0], best) if best else self._none(limit)
        requested = self._requested_row(limit)
        if requested is None and substitution == NEVER:
            return Decision(DENY, REQUESTED_INELIGIBLE)
        if not best:
            return self._none(limit)
        if requested is None:
            return self._chosen(SUBSTITUTE, REQUESTED_INELIGIBLE_SUBSTITUTED, best[0], best)
        if requested == best[0] or self._stays(requested, best[0]):
            return self._chosen(EXECUTE, REQUESTED, requested, best)
        return self._chosen(SUBSTITUTE, OUTRANKED, best[0], best)

    def _denied_by_request(self) -> int | None:
        """SEMANTICS 5.1."""
        policy, request = self.policy, self.request
        if policy.risk_hard_limit is not None and request.risk >= policy.risk_hard_limit:
            return RISK_LIMIT
        if policy.confidence_minimum is not None and request.confidence < policy.confidence_minimum:
            return CONFIDENCE_MINIMUM
        return None

    def _prepare(self) -> None:
        if self._rows is not None:
            return
        for _, alive in self.kernel.stages(self.request):
            self.alive = alive
        self._table = self.kernel.table(self.alive, self.request)
        self._rows = self._table.rows(self.request)

    def _stays(self, requested: tuple, first: tuple) -> bool:
        """SEMANTICS 5.4: whether the eligible requested candidate is kept though another comes first."""
        substitution = self.policy.substitution
        if substitution in (IF_INELIGIBLE, NEVER):
            return True
        if substitution == BEST:
            return False
        of = 1 if self.policy.utility is None else 0
        return requested[of] - first[of] <= self.policy.margin

    def _requested_row(self, limit: int) -> tuple | None:
        at = self.policy.position.get(self.request.requested)
        if at is None or not self.alive >> at & 1:
            return None
        traits, candidate = self.kernel.traits, self.policy.candidates[at]
        cost = self.policy.cost(candidate, self.request.quantities)
        if cost is None or cost > limit:
            return None
        if self.policy.utility is None:
            return (0, cost, traits.ranks[at], candidate.id)
        worth, penalty = utility_terms(self.policy, self.request)
        utility = worth * traits.merits[at] // _SCALE - penalty - cost - traits.weighted[at]
        if utility <= 0 or at in traits.unknown_utility:
            return None
        return (-clamp(utility), cost, traits.ranks[at], candidate.id)

    def _chosen(self, action: int, reason: int, selected: tuple, best: list[tuple]) -> Decision:
        others = [row for row in best if row != selected]
        return Decision(action, reason, self._choice(selected), self._choice(others[0]) if others else None)

    def _choice(self, row: tuple) -> Choice:
        return Choice(row[3], row[1], None if self.policy.utility is None else -row[0])

    def _none(self, limit: int) -> Decision:
        """SEMANTICS 5.7: the reason of a denial where no candidate is eligible."""
        reason, most, before = DISABLED, -1, self.kernel.count
        for stage, alive in self.kernel.stages(self.request):
            left = popcount(alive)
            if before - left > most:
                reason, most = stage, before - left
            before = left
        by_cost, by_utility = self._table.failures(self.request, limit)
        for stage, count in ((COST, by_cost), (UTILITY, by_utility)):
            if count > most:
                reason, most = stage, count
        return Decision(DENY, reason)


def stated_limit(request: Request) -> int:
    """SEMANTICS 4.2."""
    return U64_MAX if request.cost_limit is None else request.cost_limit
