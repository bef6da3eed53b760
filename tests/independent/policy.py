"""Policies and requests: FORMAT 2 and 3, and the rules of SEMANTICS 2 to 4 that make them valid.

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

from wire import BPS_MAX, TOO_SHORT, Malformed, Reader, ascending, members_of, tagged_digest

BPS, NUMBER, SET, MEMBER = range(4)
AT_LEAST, AT_MOST, FITS, HAS_ALL, HAS_ANY, ONE_OF = range(6)
FROM_REQUEST, FROM_QUANTITIES, FROM_RISK = range(3)
BEST, MARGIN, IF_INELIGIBLE, NEVER = range(4)

COLUMNS_MAX, GATES_MAX, QUANTITIES_MAX, CARDS_MAX = 32, 16, 8, 4  # SEMANTICS 2.2, FORMAT 2.8
CANDIDATES_MAX, EXCLUDED_MAX, SET_DEMANDS_MAX = 65_535, 16, 8  # SEMANTICS 2.1, 4.1
SET_MEMBERS = 512  # SEMANTICS 2.5
WEIGHTED_SUM_LIMIT = 2**96  # SEMANTICS 7.3

KINDS_OF_RELATION = {
    AT_LEAST: (BPS, NUMBER),
    AT_MOST: (BPS, NUMBER),
    FITS: (BPS, NUMBER),
    HAS_ALL: (SET,),
    HAS_ANY: (SET,),
    ONE_OF: (MEMBER,),
}


class Quantity:
    __slots__ = ("name", "per", "fallback")

    def __init__(self, name: bytes, per: int, fallback: int | None):
        self.name, self.per, self.fallback = name, per, fallback


class Gate:
    """`source` is where the demand comes from; `fed_by` are the quantities of a gate that takes their sum."""

    __slots__ = ("column", "relation", "source", "fed_by", "kind")

    def __init__(self, column: int, relation: int, source: int, fed_by: tuple[int, ...], kind: int):
        self.column, self.relation, self.source, self.fed_by, self.kind = column, relation, source, fed_by, kind

    @property
    def numeric(self) -> bool:
        return self.relation <= FITS


class Utility:
    """Multiplier, what unknown merit counts as (or None), and weights: (column, weight, what unknown counts as or None)."""

    __slots__ = ("multiplier", "merit_unknown", "weights")

    def __init__(self, multiplier: int, merit_unknown: int | None, weights: list[tuple[int, int, int | None]]):
        self.multiplier, self.merit_unknown, self.weights = multiplier, merit_unknown, weights


class Candidate:
    """`values` has one entry a column, None where unknown; `cards` are (above, {quantity: rate}), the base first."""

    __slots__ = ("id", "name", "enabled", "flat", "values", "cards")

    def __init__(self, id: int, name: bytes, enabled: bool, flat: int, values: list, cards: list):
        self.id, self.name, self.enabled, self.flat, self.values, self.cards = id, name, enabled, flat, values, cards


class Policy:
    """A policy read from its canonical form (FORMAT 2.1)."""

    def __init__(self, canonical: bytes):
        self.canonical = canonical
        self.digest = tagged_digest(b"assize/policy/1", canonical)
        source = Reader(canonical)
        try:
            self._read(source)
        except TOO_SHORT:
            raise Malformed("the policy ends too soon") from None
        source.end("policy")
        self._check_weights()
        self.position = {candidate.id: at for at, candidate in enumerate(self.candidates)}
        self.names = {candidate.id: candidate.name for candidate in self.candidates}

    def _read(self, source: Reader) -> None:
        version = source.u16()
        if version != 1:
            raise Malformed(f"policy layout {version}, 1 is known")
        self.name = source.name("policy name")
        self.epoch = source.u64()
        schema_start = source.at
        self._read_schema(source)
        self.schema_digest = tagged_digest(b"assize/schema/1", self.canonical[schema_start : source.at])
        self._read_limits(source)
        self._read_utility(source)
        self.substitution = source.choice(4, "substitution")  # FORMAT 2.5
        self.margin = source.u64() if self.substitution == MARGIN else 0
        self._read_members(source)
        self._read_candidates(source)

    def _read_schema(self, source: Reader) -> None:
        """FORMAT 2.2."""
        self.schema_name = source.name("schema name")
        columns = [
            (source.name("column name"), source.choice(4, "column kind")) for _ in range(source.choice(COLUMNS_MAX + 1, "columns"))
        ]
        ascending([name for name, _ in columns], "column names")
        self.kinds = [kind for _, kind in columns]
        self.column_names = [name for name, _ in columns]
        self.quantities = []
        for _ in range(source.choice(QUANTITIES_MAX + 1, "quantities")):
            name, per, fallback = source.name("quantity name"), source.u64(), source.u8()
            if per == 0:
                raise Malformed(f"quantity {name!r} is priced per 0")
            self.quantities.append(Quantity(name, per, None if fallback == 255 else fallback))
        ascending([quantity.name for quantity in self.quantities], "quantity names")
        self._check_fallbacks()
        self.tier_by = members_of(source.mask(1, len(self.quantities), "tier_by"))
        self.gates = [self._read_gate(source) for _ in range(source.choice(GATES_MAX + 1, "gates"))]
        if len({(gate.column, gate.relation, gate.source, gate.fed_by) for gate in self.gates}) != len(self.gates):
            raise Malformed("two gates have the same column, relation and source")
        merit = source.u8()
        if merit != 255 and (merit >= len(columns) or self.kinds[merit] != BPS):
            raise Malformed(f"merit column {merit} is no bps column")
        self.merit_column = None if merit == 255 else merit

    def _check_fallbacks(self) -> None:
        """SEMANTICS 2.6: fallbacks name quantities with the same `per` and form no cycle."""
        for start in range(len(self.quantities)):
            at, steps = start, 0
            while self.quantities[at].fallback is not None:
                at, steps = self.quantities[at].fallback, steps + 1
                if at >= len(self.quantities) or steps > len(self.quantities):
                    raise Malformed(f"fallback of quantity {start} leads nowhere or in a cycle")
                if self.quantities[at].per != self.quantities[start].per:
                    raise Malformed(f"quantity {start} falls back to one that is priced per another number")

    def _read_gate(self, source: Reader) -> Gate:
        """FORMAT 2.2, SEMANTICS 2.4."""
        column, relation = source.u8(), source.choice(6, "relation")
        if column >= len(self.kinds) or self.kinds[column] not in KINDS_OF_RELATION[relation]:
            raise Malformed(f"relation {relation} on column {column}, which is missing or of another kind")
        kind = self.kinds[column]
        demand_from = source.choice(3, "source of a demand")
        if kind not in ((BPS, NUMBER, SET, MEMBER), (BPS, NUMBER), (BPS,))[demand_from]:
            raise Malformed(f"a gate on column {column} of kind {kind} takes its demand from source {demand_from}")
        fed_by: tuple[int, ...] = ()
        if demand_from == FROM_QUANTITIES:
            fed_by = tuple(members_of(source.mask(1, len(self.quantities), "gate's quantities")))
            if not fed_by:
                raise Malformed("a gate is fed by no quantity")
        return Gate(column, relation, demand_from, fed_by, kind)

    def _read_limits(self, source: Reader) -> None:
        """FORMAT 2.3."""
        mask = source.mask(1, 2, "limits")
        self.risk_hard_limit = source.bps("risk hard limit") if mask & 1 else None
        self.confidence_minimum = source.bps("confidence minimum") if mask & 2 else None

    def _read_utility(self, source: Reader) -> None:
        """FORMAT 2.4."""
        self.utility = None
        if source.choice(2, "utility") == 0:
            return
        if self.merit_column is None:
            raise Malformed("a utility without a merit column")
        multiplier, merit_unknown = source.u32(), source.u16()
        if merit_unknown > BPS_MAX and merit_unknown != 65_535:
            raise Malformed(f"merit when unknown is {merit_unknown} bps")
        weights = []
        for _ in range(source.u8()):
            column, weight = source.u8(), source.i64()
            unknown = source.u64() if source.choice(2, "weight's unknown") else None
            if column >= len(self.kinds) or self.kinds[column] not in (BPS, NUMBER):
                raise Malformed(f"a weight on column {column}, which is missing or not numeric")
            if unknown is not None and self.kinds[column] == BPS and unknown > BPS_MAX:
                raise Malformed(f"unknown of bps column {column} counts as {unknown}")
            weights.append((column, weight, unknown))
        ascending([column for column, _, _ in weights], "weights")
        self.utility = Utility(multiplier, None if merit_unknown == 65_535 else merit_unknown, weights)

    def _read_members(self, source: Reader) -> None:
        """FORMAT 2.6: for each set or member column, the numbers of its members as bits."""
        self.members: dict[int, int] = {}
        self.member_names: dict[int, dict[int, bytes]] = {}
        for column, kind in enumerate(self.kinds):
            if kind not in (SET, MEMBER):
                continue
            listed = [(source.u16(), source.name("member name")) for _ in range(source.u16())]
            numbers = [number for number, _ in listed]
            ascending(numbers, f"members of column {column}")
            if numbers and numbers[-1] >= SET_MEMBERS:
                raise Malformed(f"member {numbers[-1]} of column {column}, below {SET_MEMBERS} is allowed")
            if len({name for _, name in listed}) != len(listed):
                raise Malformed(f"two members of column {column} have one name")
            self.members[column] = sum(1 << number for number in numbers)
            self.member_names[column] = dict(listed)

    def _read_candidates(self, source: Reader) -> None:
        """FORMAT 2.8."""
        count = source.u32()
        if not 1 <= count <= CANDIDATES_MAX:
            raise Malformed(f"{count} candidates, 1 to {CANDIDATES_MAX} are allowed")
        self.candidates = [self._read_candidate(source) for _ in range(count)]
        ascending([candidate.id for candidate in self.candidates], "candidates")
        if len({candidate.name for candidate in self.candidates}) != count:
            raise Malformed("two candidates have one name")

    def _read_candidate(self, source: Reader) -> Candidate:
        candidate_id, name = source.u32(), source.name("candidate name")
        enabled = source.mask(1, 1, "candidate's flags") == 1
        flat = source.u64()
        known = source.mask(4, len(self.kinds), "known columns")
        values = [self._read_value(source, column, kind) if known >> column & 1 else None for column, kind in enumerate(self.kinds)]
        cards = [self._read_card(source) for _ in range(source.choice(CARDS_MAX + 1, "cards"))]
        ascending([above for above, _ in cards], f"cards of candidate {candidate_id}")
        if cards and cards[0][0] != 0:
            raise Malformed(f"the base card of candidate {candidate_id} is above {cards[0][0]}, not 0")
        if len(cards) > 1 and not self.tier_by:
            raise Malformed(f"candidate {candidate_id} has {len(cards)} cards, and no quantity chooses one")
        return Candidate(candidate_id, name, enabled, flat, values, cards)

    def _read_value(self, source: Reader, column: int, kind: int) -> int:
        if kind in (BPS, NUMBER):
            value = source.u64()
            if kind == BPS and value > BPS_MAX:
                raise Malformed(f"a value of {value} in bps column {column}")
            return value
        value = source.u16() if kind == MEMBER else source.set8("a candidate's set")
        bits = (1 << value) if kind == MEMBER else value
        if bits & ~self.members[column]:
            raise Malformed(f"column {column} names a member that is not listed")
        return value

    def _read_card(self, source: Reader) -> tuple[int, dict[int, int]]:
        above = source.u64()
        rated = members_of(source.mask(1, len(self.quantities), "rates of a card"))
        return above, {quantity: source.u64() for quantity in rated}

    def _check_weights(self) -> None:
        """SEMANTICS 7.3."""
        if self.utility is None:
            return
        total = 0
        for column, weight, unknown in self.utility.weights:
            largest = max((c.values[column] for c in self.candidates if c.values[column] is not None), default=0)
            total += abs(weight) * max(largest, unknown or 0)
        if total >= WEIGHTED_SUM_LIMIT:
            raise Malformed("the weighted columns may reach 2^96")

    def may_follow(self, before: Policy) -> None:
        """SEMANTICS 2.7."""
        if self.epoch <= before.epoch:
            raise Malformed(f"policy epoch {self.epoch} is not above {before.epoch}, which is in force")
        if self.schema_digest != before.schema_digest:
            raise Malformed("the policy has another schema than the one in force")
        renamed = [c.id for c in self.candidates if before.names.get(c.id, c.name) != c.name]
        for column, names in self.member_names.items():
            old = before.member_names[column]
            renamed += [number for number, name in names.items() if old.get(number, name) != name]
        if renamed:
            raise Malformed(f"the policy gives another name to candidates or members {renamed[:8]}")

    # ---- Prices (SEMANTICS 6) ----

    def rates(self, candidate: Candidate, tier_sum: int, stated: list[int]) -> list[int] | None:
        """The rates of the `stated` quantities on the card that `tier_sum` chooses; None where the candidate has no cost."""
        card = None
        for above, rates in candidate.cards:
            if above == 0 or above < tier_sum:
                card = rates
        if card is None:
            return None
        found = []
        for quantity in stated:
            at: int | None = quantity
            while at is not None and at not in card:
                at = self.quantities[at].fallback
            if at is None:
                return None
            found.append(card[at])
        return found

    def tier_sum(self, quantities: dict[int, int]) -> int:
        return sum(quantities.get(quantity, 0) for quantity in self.tier_by)

    def cost(self, candidate: Candidate, quantities: dict[int, int]) -> int | None:
        """SEMANTICS 6.2, exact: above u64::MAX where the rule says larger than every limit. None where there is no cost."""
        stated = sorted(quantities)
        rates = self.rates(candidate, self.tier_sum(quantities), stated)
        if rates is None:
            return None
        total = candidate.flat
        for quantity, rate in zip(stated, rates):
            total += -(-quantities[quantity] * rate // self.quantities[quantity].per)
        return total


class Request:
    """A request read from its canonical form (FORMAT 3.1) and valid for `policy` (SEMANTICS 3.4, 4.3, 4.5)."""

    __slots__ = (
        "canonical",
        "value",
        "confidence",
        "risk",
        "requested",
        "cost_limit",
        "excluded",
        "demands",
        "quantities",
    )

    def __init__(self, canonical: bytes, policy: Policy):
        self.canonical = canonical
        source = Reader(canonical)
        try:
            self._read(source, policy)
        except TOO_SHORT:
            raise Malformed("the request ends too soon") from None
        source.end("request")
        self._check_facts(policy)

    def _read(self, source: Reader, policy: Policy) -> None:
        facts = source.mask(1, 6, "facts")
        gates = source.mask(2, len(policy.gates), "demands")
        stated = source.mask(1, len(policy.quantities), "quantities")
        self.value = source.i64() if facts & 1 else None
        self.confidence = source.bps("confidence") if facts & 2 else None
        self.risk = source.bps("risk") if facts & 4 else None
        self.requested = source.u32() if facts & 8 else None
        self.cost_limit = source.u64() if facts & 16 else None
        self.excluded: list[int] = []
        if facts & 32:
            count = source.u8()
            if not 1 <= count <= EXCLUDED_MAX:
                raise Malformed(f"{count} excluded candidates, 1 to {EXCLUDED_MAX} are allowed")
            self.excluded = [source.u32() for _ in range(count)]
            ascending(self.excluded, "excluded candidates")
        self.demands = {at: self._read_demand(source, at, policy) for at in members_of(gates)}
        if sum(not policy.gates[at].numeric for at in self.demands) > SET_DEMANDS_MAX:
            raise Malformed(f"more than {SET_DEMANDS_MAX} demands for sets")
        self.quantities = {quantity: source.u64() for quantity in members_of(stated)}
        if 0 in self.quantities.values():
            raise Malformed("a quantity of 0 is stated")

    @staticmethod
    def _read_demand(source: Reader, at: int, policy: Policy) -> int:
        gate = policy.gates[at]
        if gate.source != FROM_REQUEST:
            raise Malformed(f"a demand on gate {at}, which the request does not feed")
        if gate.numeric:
            demand = source.u64()
            if gate.kind == BPS and demand > BPS_MAX:
                raise Malformed(f"a demand of {demand} bps on gate {at}")
            return demand
        demand = source.set8(f"demand on gate {at}")
        if demand & ~policy.members[gate.column]:
            raise Malformed(f"the demand on gate {at} names a member that is not listed")
        return demand

    def _check_facts(self, policy: Policy) -> None:
        utility = policy.utility
        needs = {
            "risk": policy.risk_hard_limit is not None or (utility is not None and utility.multiplier > 0),
            "confidence": policy.confidence_minimum is not None or utility is not None,
            "value": utility is not None,
        }
        for fact, needed in needs.items():
            if needed and getattr(self, fact) is None:
                raise Malformed(f"the policy uses {fact}, the request does not state it")

    def digest(self) -> bytes:
        """FORMAT 3.2."""
        return tagged_digest(b"assize/request/1", self.canonical)
