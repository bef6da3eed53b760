"""Accounts by hand: strict reading, caps on exposure, new parents (SEMANTICS 9.17 and 9.18, FORMAT 9.14 and 9.19)."""

from __future__ import annotations

import unittest

from stated import (
    CENTS,
    DAY,
    DEBT,
    DENIED_BY_COST,
    DENY,
    END,
    HALTED,
    IF_AVAILABLE,
    POLICY,
    TERMS,
    TOKENS,
    Stated,
    adjust,
    ask,
    closed,
    commit,
    dear,
    denied_budget,
    denied_policy,
    expire,
    extend,
    extend_denied,
    first,
    for_life,
    given,
    grant,
    held_row,
    hold,
    opened,
    part,
    plain,
    release,
    reparent,
    request,
    reroute,
)
from write_log import (
    COST,
    GIVEN,
    LIFETIME,
    REQUESTS,
    day,
    digest,
    encode_account,
    encode_ledger,
    fixed,
    limits_row,
    month,
    throttle,
    u8,
    units,
    window_row,
)

class Fields(Stated):
    def test_windows_are_in_their_ranges(self):
        rows: list[tuple] = [([], "0 limits"), ([LIFETIME, day(0), GIVEN, month(0)], "4 limits"), ([u8(5)], "window is 5")]
        rows += [([window, window], "two limits") for window in (LIFETIME, GIVEN, day(60), month(-60), fixed(10**6, 5))]
        rows += [([day(0), day(1)], None), ([day(0), month(0), fixed(DAY)], None), ([fixed(DAY, 1), fixed(DAY, 2)], None)]
        for kind in (day, month):
            rows += [([kind(64_800)], None), ([kind(-64_800)], None), ([kind(64_801)], "offset"), ([kind(-64_801)], "offset")]
        rows += [
            ([fixed(10**6)], None),
            ([fixed(10**6 - 1)], "window of 999999 ns"),
            ([fixed(2**62, 2**62 - 1)], None),
            ([fixed(2**62 + 1)], "ns, 1000000 to"),
            ([fixed(10**6, 10**6)], "origin"),
            ([fixed(10**6, -1)], "origin"),
        ]
        self.breaks([], *((0, plain("a", windows=windows), message) for windows, message in rows))

    def test_throttles_are_in_their_ranges(self):
        good = throttle(REQUESTS, 1, 1, 1)
        rows: list[tuple] = [([good] * 4, None), ([good] * 5, "count of throttles is 5")]
        rows += [
            ([throttle(units(CENTS, TOKENS), 2**62, 2**56, 2**62)], None),
            ([throttle(u8(3), 1, 1, 1)], "counts is 3"),
            ([throttle(units(), 1, 1, 1)], "units of no quantity"),
            ([throttle(units(2), 1, 1, 1)], "reserved bits"),
            ([throttle(COST, 0, 1, 1)], "rate is 0"),
            ([throttle(COST, 2**62 + 1, 1, 1)], "rate is"),
            ([throttle(COST, 1, 0, 1)], "period is 0"),
            ([throttle(COST, 1, 2**56 + 1, 1)], "period is"),
            ([throttle(COST, 1, 1, 0)], "burst is 0"),
            ([throttle(COST, 1, 1, 2**62 + 1)], "burst is"),
        ]
        self.breaks([], *((0, plain("a", throttles=throttles), message) for throttles, message in rows))

    def test_caps_are_in_their_ranges(self):
        for most, message in ((0, None), (1, None), (2**63 - 1, None), (2**63, "cap of"), (2**64 - 1, "cap of")):
            self.breaks([], (0, plain("a", caps=(most, 0)), message))

    def test_an_account_ends_where_it_ends(self):
        kind, payload = plain("a", windows=[month(0), GIVEN], throttles=[throttle(COST, 1, 1, 1)], caps=(2**63 - 1, 2**32 - 1))
        self.breaks([], (0, (kind, payload), None), (0, (kind, payload + b"\0"), "after its end"))
        self.breaks([], *((0, (kind, payload[:size]), "too soon|wanted") for size in range(len(payload))))


class Caps(Stated):
    """A root with at most 500 held and 2 holds open, and a child that has more money than that."""

    ROOT, CHILD = encode_account("root", None, DEBT, caps=(500, 2)), encode_account("child", 0, DEBT)
    START_STEPS = [(0, opened(ROOT)), (0, opened(CHILD)), (0, grant(0, 10_000)), (0, grant(1, 400))]

    def test_what_is_held(self):
        """300 of 500 are held: 200 are left there, 100 in the child."""
        steps = [*self.START_STEPS, (1, hold([1], 300, END))]
        self.stands(steps, [for_life(self.ROOT, 10_000, 9_700), for_life(self.CHILD, 400, 100)])
        self.breaks(
            steps,
            (2, ask([1], request(101), denied_budget(1, 0, limit=100)), None),
            (2, ask([1], request(101), denied_budget(0, 3, limit=200)), "not the one replayed"),
            (2, ask([0], request(201), denied_budget(0, 3, limit=200)), None),
            (2, ask([0], request(201), denied_budget(0, 0, limit=200)), "not the one replayed"),
            (2, ask([0], request(201), given(END, first(201))), "not the one replayed"),
            (2, ask([0], request(200), given(END, first(200))), None),
            (2, extend(5, 100, END, 400), None),
            (2, extend_denied(5, 101, 1, 0), None),
            (2, extend(5, 101, END, 401), "not the one replayed"),
            # the dear one would cost 202
            (2, ask([0], request(101), given(END, first(101))), None),
            (2, ask([0], request(201), denied_budget(0, 4)), "not the one replayed"),
        )
        rich = [*steps, (2, grant(1, 1_000))]
        self.breaks(
            rich,
            (2, extend_denied(5, 201, 0, 3), None),
            (2, extend_denied(5, 201, 1, 0), "not the one replayed"),
            (2, extend_denied(5, 201, 0, 4), "not the one replayed"),
            (2, extend(5, 201, END, 501), "not the one replayed"),
            (2, extend(5, 200, END, 500), None),
        )

    def test_equals_bind_at_a_cell_before_a_cap(self):
        steps = [*self.START_STEPS, (1, grant(1, 100))]
        self.breaks(
            steps,
            (1, ask([1], request(501), denied_budget(1, 0, limit=500)), None),
            (1, ask([1], request(501), denied_budget(0, 3, limit=500)), "not the one replayed"),
        )

    def test_of_equal_limits_and_caps_the_first_binds(self):
        """Two limits and two caps that each leave 100."""
        steps = [(0, plain("r", caps=(100, 0))), (0, plain("a", 0, windows=[LIFETIME, GIVEN], caps=(100, 0)))]
        rich = [*steps, (0, grant(0, 200)), (0, grant(1, 200)), (0, grant(1, 200, 1))]
        equal = [*steps, (0, grant(0, 100)), (0, grant(1, 100)), (0, grant(1, 100, 1))]
        for before, account, what in ((rich, 1, 3), (equal, 1, 0)):
            self.breaks(before, (1, ask([1], request(101), denied_budget(account, what, limit=100)), None))
            self.breaks(before, (1, ask([1], request(101), denied_budget(0, what, limit=100)), "not the one replayed"))
            self.breaks(before, (1, ask([1], request(101), denied_budget(1, 1, limit=100)), "not the one replayed"))

    def test_parts_and_ends_give_back_and_overruns_take_nothing(self):
        """300 held; 250 of it spent leaves 50; then an overrun of 2000 in debt."""
        steps = [*self.START_STEPS, (1, hold([1], 300, 100)), (2, part(5, 250, 50))]
        self.breaks(steps, (2, ask([0], request(450), given(END, first(450))), None))
        self.breaks(steps, (2, ask([0], request(451), denied_budget(0, 3, limit=450)), None))
        over = [*steps, (3, part(5, 2_300, 0, extra=2_000))]
        for ended in ([], [(4, commit(5, 2_300))], [(4, release(5, 0))], [(100, expire(5))]):
            self.breaks([*over, *ended], (100, ask([0], request(500), given(END, first(500))), None))
            self.breaks([*over, *ended], (100, ask([0], request(501), denied_budget(0, 3, limit=500)), None))

    def test_how_many_are_open(self):
        """The third is denied with the decision that selects, whatever it costs; one of 0 counts, an expired one does not."""
        steps = [*self.START_STEPS, (1, hold([1], 0, 100)), (1, hold([0], 10, END))]
        self.breaks(
            steps,
            (2, ask([1], request(1), denied_budget(0, 4, first(1))), None),
            (2, ask([1], request(0), denied_budget(0, 4, first(0))), None),
            (2, ask([1], request(5_000), denied_budget(0, 4, first(5_000))), None),
            (2, ask([1], request(5_000), denied_budget(1, 0, limit=400)), "not the one replayed"),
            (2, ask([1], request(1), given(END, first(1))), "not the one replayed"),
            (2, ask([1], request(1), denied_budget(1, 4, first(1))), "not the one replayed"),
            (2, ask([1], request(1), denied_budget(0, 4, first(1), limit=400)), "not the one replayed"),
            (2, ask([1], request(1, limit=0), denied_policy(DENIED_BY_COST)), None),
            (2, extend(5, 400, END, 400), None),
            # a reroute releases first
            (2, reroute(5, 10, 0, given(END, dear(10))), None),
            (2, reroute(5, 10, 0, denied_budget(0, 4, dear(10))), "not the one replayed"),
        )
        for ended in ((2, release(5, 0)), (2, commit(5, 0)), (100, expire(5))):
            self.breaks([*steps, ended], (100, ask([1], request(1), given(END, first(1))), None))
        # a part leaves it open
        self.breaks([*steps, (2, part(6, 10, 0))], (2, ask([1], request(1), denied_budget(0, 4, first(1))), None))

    def test_the_earliest_full_account_is_named(self):
        steps = [(0, plain("a", caps=(0, 1))), (0, plain("b", 0, caps=(0, 1))), (0, hold([1], 0, END))]
        self.breaks(
            steps,
            (1, ask([1], request(0), denied_budget(1, 4, first(0))), None),
            (1, ask([1], request(0), denied_budget(0, 4, first(0))), "not the one replayed"),
            (1, ask([0, 1], request(0), denied_budget(0, 4, first(0))), None),
        )

    def test_a_hold_of_several_limits_counts_once(self):
        steps = [(0, plain("a", windows=[LIFETIME, day(0), GIVEN], caps=(100, 2)))]
        steps += [(0, grant(0, 1_000, limit)) for limit in range(3)]
        steps += [(1, hold([0], 60, END))]
        self.breaks(steps, (1, hold([0], 40, END), None), (1, ask([0], request(41), denied_budget(0, 3, limit=40)), None))
        # what is held in a closed window is held, and what is lent to it too
        rolled = [*steps, (DAY, extend(5, 30, END, 90))]
        self.breaks(rolled, (DAY, hold([0], 5, END), None), (DAY, ask([0], request(11), denied_budget(0, 3, limit=10)), None))

    def test_cells_and_caps_are_at_most_24(self):
        """Seven accounts of three cells are 21, the root's two caps 23; another account of one cell and a cap is too much."""
        three = [LIFETIME, day(0), GIVEN]
        steps = [(0, plain("0", windows=three, caps=(1, 5)))]
        steps += [(0, plain(str(n), n - 1, windows=three)) for n in range(1, 7)]
        steps += [(0, plain("one")), (0, plain("capped", caps=(0, 1)))]
        self.breaks(
            steps,
            (1, hold([6], 0, END), None),
            (1, hold([6, 7], 0, END), None),
            (1, hold([6, 8], 0, END), "path of 25"),
            (1, hold([7, 6, 8], 0, END), "path of 26"),
        )


class NewParents(Stated):
    """Roots 0 and 1, and 2 below 0; hold 7 takes 300 from 2 and 0."""

    FIELDS = [encode_account("r0", None, DEBT), encode_account("r1", None, DENY), encode_account("c", 0, DEBT)]
    STEPS = [(0, opened(fields)) for fields in FIELDS] + [(0, grant(account, 1_000)) for account in range(3)]
    STEPS = [*STEPS, (1, hold([2], 300, END))]
    MOVED = [*STEPS, (2, reparent(2, 1))]
    CHILD = encode_account("c", 1, DEBT)

    def test_holds_keep_their_cells(self):
        held = held_row(7, 300, END, [2], [(2, 0, 0), (0, 0, 0)])
        rows = [for_life(self.FIELDS[0], 1_000, 700), for_life(self.FIELDS[1], 1_000, 1_000), for_life(self.CHILD, 1_000, 700)]
        self.stands(self.MOVED, rows, [held])
        # extended at 0, not at 1; committed with 200 of debt at 0 though 1 denies overruns
        rows = [for_life(self.FIELDS[0], 1_000, 500, 500), for_life(self.FIELDS[1], 1_000, 1_000)]
        rows.append(for_life(self.CHILD, 1_000, 500, 500))
        done = [*self.MOVED, (3, extend(7, 100, END, 400)), (3, commit(7, 500, extra=100))]
        self.stands(done, rows, [])
        rows = [for_life(self.FIELDS[0], 1_000, 1_000), for_life(self.FIELDS[1], 1_000, 1_000), for_life(self.CHILD, 1_000, 1_000)]
        self.stands([*self.MOVED, (3, release(7, 300))], rows, [])
        self.breaks(self.MOVED, (3, commit(7, 500, unfunded=200), "not the one replayed"), (3, closed(0), "hold open"))

    def test_paths_go_by_the_new_parent(self):
        steps = [*self.MOVED, (3, hold([2], 50, END))]
        rows = [for_life(self.FIELDS[0], 1_000, 700), for_life(self.FIELDS[1], 1_000, 950), for_life(self.CHILD, 1_000, 650)]
        held = held_row(7, 300, END, [2], [(2, 0, 0), (0, 0, 0)])
        self.stands(steps, rows, [held, held_row(9, 50, END, [2], [(2, 0, 0), (1, 0, 0)])])
        # a reroute gives back to 0 and takes from 1
        steps = [*self.MOVED, (3, reroute(7, 100, 300, given(END, dear(100))))]
        rows = [for_life(self.FIELDS[0], 1_000, 1_000), for_life(self.FIELDS[1], 1_000, 800), for_life(self.CHILD, 1_000, 800)]
        self.stands(steps, rows, [held_row(9, 200, END, [2], [(2, 0, 0), (1, 0, 0)], candidate=2)])
        # then the old root can close, and what was settled there can no longer be adjusted
        settled = [*self.MOVED, (3, commit(7, 300)), (4, closed(0))]
        self.breaks(settled, (5, adjust(7, 200, refunded=100), "account 0 is closed"), (5, hold([2], 1, END), None))
        self.breaks([*self.MOVED, (3, commit(7, 300))], (5, adjust(7, 200, refunded=100), None))

    def test_caps_are_of_the_cells(self):
        """The old root's cap still counts the hold, the new one's does not."""
        steps = [(0, plain("r0", caps=(0, 1))), (0, plain("r1", caps=(0, 1))), (0, plain("c", 0)), (0, hold([2], 0, END))]
        moved = [*steps, (1, reparent(2, 1))]
        self.breaks(
            moved,
            (2, hold([2], 0, END), None),
            (2, ask([0], request(0), denied_budget(0, 4, first(0))), None),
            (2, ask([1, 0], request(0), denied_budget(0, 4, first(0))), None),
        )
        again = [*moved, (2, hold([2], 0, END))]
        self.breaks(again, (3, ask([2], request(0), denied_budget(1, 4, first(0))), None))

    def test_rolls_over_where_the_hold_is(self):
        """A part commit touches the old root, which rolls over, and not the new one."""
        fields = [encode_account(name, None, IF_AVAILABLE, [day(0)]) for name in ("r0", "r1")]
        child = encode_account("c", 0, IF_AVAILABLE)
        steps = [*[(0, opened(found)) for found in (*fields, child)], *[(0, grant(account, 100)) for account in range(3)]]
        steps += [(1, hold([2], 40, END)), (2, reparent(2, 1)), (DAY, part(7, 70, 0, extra=30))]
        old = limits_row(fields[0], [(100, [window_row(0, DAY, 100, -30, 70, 60), window_row(DAY, 2 * DAY, 70, 70)])])
        new = limits_row(fields[1], [(100, [window_row(0, DAY, 100, 100)])])
        self.stands(steps, [old, new, for_life(encode_account("c", 1, IF_AVAILABLE), 100, 30, 70)])
        # a reroute is of the path by the new parent, and touches both, also where a halt denies it
        before = steps[:-1]
        for halt in (1, 2):
            halted = [*before, (2, (3, u8(halt))), (DAY, reroute(7, 40, 40, HALTED))]
            fresh = [limits_row(found, [(100, [window_row(DAY, 2 * DAY, 100, 100)])]) for found in fields]
            self.stands(halted, [*fresh, for_life(encode_account("c", 1, IF_AVAILABLE), 100, 100)], [])
        steps[-1] = (DAY, reroute(7, 20, 40, given(END, dear(20))))
        old = limits_row(fields[0], [(100, [window_row(DAY, 2 * DAY, 100, 100)])])
        new = limits_row(fields[1], [(100, [window_row(DAY, 2 * DAY, 100, 60)])])
        self.stands(steps, [old, new, for_life(encode_account("c", 1, IF_AVAILABLE), 100, 60)])

    def test_what_is_refused(self):
        chain = [(0, plain(str(n), n - 1 if n else None)) for n in range(7)]
        chain += [(0, plain("x")), (0, plain("y", 7)), (0, plain("z"))]
        self.breaks(
            chain,
            (1, reparent(7, 5), None),
            (1, reparent(7, 6), "9 levels"),
            (1, reparent(9, 6), None),
            (1, plain("deep", 6), None),
            (1, reparent(0, 8), "9 levels"),
            (1, reparent(1, 8), None),
            (1, reparent(3, None), None),
            (1, reparent(3, 3), "below itself"),
            (1, reparent(3, 6), "below itself"),
            (1, reparent(3, 2), "the parent that it has"),
            (1, reparent(0, None), "the parent that it has"),
            (1, reparent(3, 10), "unknown"),
            (1, reparent(10, 3), "unknown"),
            (1, (35, reparent(3, 7)[1] + b"\0"), "after its end"),
        )
        self.breaks([*chain, (1, plain("deep", 6))], (1, plain("deeper", 10), "9 levels"), (1, reparent(9, 10), "9 levels"))
        self.breaks([*chain, (1, closed(9))], (1, reparent(3, 9), "closed"), (1, reparent(9, 3), "closed"))
        # a moved account counts as a child of its new parent alone
        self.breaks([*chain, (1, reparent(8, 9))], (1, closed(7), None), (1, closed(9), "open child"))

    def test_the_digest_ranks_the_new_parent(self):
        """By names: c, r0, r1; the parent of c is r1, of rank 2."""
        rows = [for_life(encode_account("c", 2, DEBT), 1_000, 700), for_life(self.FIELDS[0], 1_000, 700)]
        rows.append(for_life(self.FIELDS[1], 1_000, 1_000))
        held = [held_row(7, 300, END, [0], [(0, 0, 0), (1, 0, 0)])]
        stated = encode_ledger(8, 2, TERMS, 0, 1, [digest("assize/policy/1", POLICY)], [], rows, held, [])
        self.assertEqual(self.stands(self.MOVED).digest(), digest("assize/ledger/1", stated))


if __name__ == "__main__":
    unittest.main()
