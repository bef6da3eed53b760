"""A second log, stated by hand: windows that end between records, throttles, caps on exposure and new parents, from a day before
1970 on. Every outcome, every balance and both checkpoints were worked out on paper from SEMANTICS 9, 10, 18 and 19.

The notes give available / reserved of the current cells where they change. Times are in hours from 1970-01-01T00:00Z.
"""

from __future__ import annotations

import scenario as s
from stated import (
    DAY,
    DEBT,
    DENIED_BY_EXCLUSION,
    HOUR,
    IF_AVAILABLE,
    POLICY,
    TERMS,
    TOKENS,
    adjust,
    ask,
    boundary,
    commit,
    denied_budget,
    expire,
    extend,
    extend_denied,
    first,
    given,
    grant,
    held_row,
    hold,
    opened,
    part,
    release,
    reparent,
    request,
    reroute,
    settled,
    throttled,
)
from write_log import (
    COST,
    GIVEN,
    LIFETIME,
    REQUESTS,
    LogWriter,
    bytes32,
    day,
    digest,
    encode_account,
    encode_ledger,
    fixed,
    genesis,
    limits_row,
    month,
    throttle,
    units,
    window_row,
)

I64_MAX = 2**63 - 1
START = -24
ORG, TEAM, LAB = range(3)
MONTHLY, FOR_LIFE = range(2)  # of org
DAILY, BY_HOST = range(2)  # of team
DECEMBER, JANUARY, FEBRUARY = -(31 * 24 + 1), -1, 31 * 24 - 1  # where months begin by UTC+1


def org() -> bytes:
    return encode_account("org", None, DEBT, [month(3_600), LIFETIME], [throttle(units(TOKENS), 1_000, DAY, 1_000)], caps=(600, 3))


def team(parent: int | None) -> bytes:
    return encode_account("team", parent, IF_AVAILABLE, [day(-5 * 3_600), GIVEN], [throttle(REQUESTS, 1, HOUR, 2)])


def lab(parent: int | None) -> bytes:
    return encode_account("lab", parent, DEBT, [fixed(6 * HOUR, HOUR)], [throttle(COST, 100, HOUR, 300)])


FIRST_SEGMENT = [
    # 1: org is in December until -1 h, team in a day until -19 h, lab in six hours until -23 h
    (-24, opened(org())),
    (-24, opened(team(ORG))),
    (-24, opened(lab(None))),
    (-24, grant(ORG, 2_000, MONTHLY)),
    (-24, grant(ORG, 10_000, FOR_LIFE)),
    (-24, grant(TEAM, 500, DAILY)),
    (-24, grant(TEAM, 800, BY_HOST)),
    (-24, grant(LAB, 300)),
    # 9: 700 tokens. team 300 / 200 and 600 / 200, org 1800 / 200 and 9800 / 200
    (-23, ask([TEAM], request(200, 700), given(72 * HOUR, first(200)))),
    # 10: 700 + 400 tokens are above the 1000 of org; the second request of the two that team may have
    (-23, ask([TEAM], request(100, 400), throttled(ORG, 0, first(100)))),
    # 11: lab's 300 lapsed at -23 h, and are there again: 50 / 250
    (-23, hold([LAB], 250, 48 * HOUR)),
    (-22, reparent(LAB, ORG)),
    # 13: at -19 h team's day ends, of which 300 lapse: 150 / 350 and 250 / 550; org 1450 / 550 and 9450 / 550, 50 below its cap
    (-19, hold([TEAM], 350, 48 * HOUR)),
    # 14: 60 is above the 50 that the cap of org leaves
    (-18, ask([TEAM], request(60), denied_budget(ORG, 3, limit=50))),
    # 15: 150 of 200; 50 stay held
    (-18, part(9, 150, 50)),
    # 16: 40 more, which team's day now lends: 110 of a granted 460. team's other limit 210 / 440, org 1410 / 440 and 9410 / 440
    (-18, extend(9, 40, 96 * HOUR, 90)),
    # 17: 210 lapse, and 800 are there
    (-17, boundary(TEAM, BY_HOST)),
    # 18: now below org too. lab lapses 50 at -17 h: 270 / 30, org 1380 / 470 and 9380 / 470
    (-17, hold([LAB], 30, 24 * HOUR)),
    # 19: org has three holds open
    (-17, ask([TEAM], request(10), denied_budget(ORG, 4, first(10)))),
    # 20: 150 above the 250 held, lent by lab now: 120 of a granted 150
    (-16, commit(11, 400, extra=150)),
    # 21: what is denied rolls over as well. December lapses 1380, January has 2000
    (-1, ask([ORG], request(100), denied_budget(ORG, 4, first(100)))),
    # 22: lab lapses 120, then the 30 that come back lapse too, and December's 30; org's limit for life 9410 / 440
    (-1, release(18, 30)),
    # 23: 500 tokens. org 1900 / 100 and 9310 / 540
    (0, ask([ORG], request(100, 500), given(120 * HOUR, first(100)))),
    # 24: at 5 h team's day ends and lapses 110. Of 550 above the 350 held, team's new day has 500: team 0 of a granted 0,
    # and 300 of 300; org 1400 of 1500, and 8810 / 190. The cells that closed owe 500 each
    (5, commit(13, 900, extra=500, unfunded=50)),
    # 25: 850 were booked; 250 of them come back, for life (9060 / 190) and by way of closed windows, which owe 250 each then:
    # team 250 of 250, and 550 of 550; org 1650 of 1750
    (6, adjust(13, 600, refunded=250)),
]

SECOND_SEGMENT = [
    (6, reparent(TEAM, None)),
    # 27: 90 back, for life 9150 / 100. team's first day owed 40: team 290 of 290 and 640 of 640, org 1740 of 1840. By its own
    # path now, team has no 300 today
    (6, reroute(9, 150, 90, denied_budget(TEAM, DAILY, DENIED_BY_EXCLUSION, limit=290))),
    # 28: at 29 h it has 500 again: 455 / 45 and 595 / 45
    (29, hold([TEAM], 45, 50 * HOUR)),
    # 29: to the brim of lab's throttle. lab 0 / 300, org 1440 / 400 and 8850 / 400
    (30, hold([LAB], 300, 120 * HOUR)),
    # 30: lab -700, org 740 / 100 and 8150 / 100
    (30, commit(29, 1_000, extra=700)),
    # 31: two whole windows pay 600 of the debt, and 100 are owed: 300 - 100, then 150 less
    (43, grant(LAB, -150)),
    (43, reparent(LAB, TEAM)),
    # 33: at 53 h team's day ends: 455 lapse, then 45; for the host's window 640 / 0
    (54, expire(28)),
    (55, commit(28, 20, unfunded=20, expired=1)),
    # 35: January has 740, the cap leaves 500
    (55, extend_denied(23, 600, ORG, 3)),
]


def _window(start: int, end: int | None, *money: int) -> bytes:
    return window_row(start * HOUR, I64_MAX if end is None else end * HOUR, *money)


def _cells(*cells: tuple) -> list:
    return [(account, limit, start * HOUR) for account, limit, start in cells]


# What later checkpoints have in common: team's day and lab's six hours that a settled hold names
TEAM_DAY = _window(-19, 5, 460, -250, 600, 110, 50)
LAB_HOURS = _window(-23, -17, 300, -150, 400, 50)


def middle_checkpoint() -> bytes:
    """The ledger after record 25."""
    december = _window(DECEMBER, JANUARY, 2_000, -250, 750, 1_410, 50)  # and 90 held
    january = _window(JANUARY, FEBRUARY, 1_750, 1_650)  # and 100 held
    days = [_window(-43, -19, 500, -40, 150, 300), TEAM_DAY, _window(5, 29, 250, 250)]  # and 90 held in the first
    by_host = [_window(-24, None, 800, -250, 750, 210, 50), _window(-17, None, 550, 550)]  # and 90 in the first
    for_life = window_row(0, 0, 10_000, 9_060, 750, 0, 50)
    accounts = [
        limits_row(org(), [(2_000, [december, january]), (10_000, [for_life])], [(0, 12_000 * HOUR)]),
        limits_row(team(ORG), [(500, days), (800, by_host)], [(-19 * HOUR, HOUR)]),
        limits_row(lab(ORG), [(300, [LAB_HOURS, _window(-5, 1, 300, 300)])], [(-17 * HOUR, 30 * HOUR)]),
    ]
    path = _cells((TEAM, DAILY, -43), (TEAM, BY_HOST, -24), (ORG, MONTHLY, DECEMBER), (ORG, FOR_LIFE, 0))
    holds = [held_row(9, 90, 96 * HOUR, [TEAM], path, spent=150), _january_hold(ORG)]
    kept = [_lab_settled(LAB), _team_settled(TEAM, ORG)]
    return encode_ledger(25, 6 * HOUR, TERMS, 0, 1, [bytes32(POLICY)], [], accounts, holds, [], kept)


def final_ledger(by_name: bool) -> bytes:
    """The ledger at the head; `by_name` as the ledger's digest takes it: lab, org, team (FORMAT 10.10)."""
    l, o, t = (0, 1, 2) if by_name else (LAB, ORG, TEAM)
    december = _window(DECEMBER, JANUARY, 2_000, -160, 750, 1_410, 50)
    january = _window(JANUARY, FEBRUARY, 1_840, 740, 1_000)
    days = [TEAM_DAY, _window(29, 53, 500, 0, 0, 500, 20), _window(53, 77, 500, 500)]
    by_host = [_window(-24, None, 800, -160, 750, 210, 50), _window(-17, None, 640, 640, 0, 0, 20)]
    for_life = window_row(0, 0, 10_000, 8_150, 1_750, 0, 50)
    hours = [LAB_HOURS, _window(25, 31, 900, -100, 1_000), _window(43, 49, 50, 50)]
    rows = {
        o: limits_row(org(), [(2_000, [december, january]), (10_000, [for_life])], [(30 * HOUR, 0)]),
        t: limits_row(team(None), [(500, days), (800, by_host)], [(29 * HOUR, HOUR)]),
        l: limits_row(lab(t), [(150, hours)], [(30 * HOUR, 300 * HOUR)]),
    }
    late = settled(28, 55 * HOUR, 0, 20, [t], _cells((t, DAILY, 29), (t, BY_HOST, -17)))
    debt = settled(29, 30 * HOUR, 1_000, 0, [l], _cells((l, 0, 25), (o, MONTHLY, JANUARY), (o, FOR_LIFE, 0)))
    kept = [_lab_settled(l), _team_settled(t, o), late, debt]
    policy = digest("assize/policy/1", POLICY) if by_name else bytes32(POLICY)
    accounts = [rows[number] for number in range(3)]
    return encode_ledger(35, 55 * HOUR, TERMS, 0, 1, [policy], [], accounts, [_january_hold(o)], [], kept)


def _january_hold(o: int) -> bytes:
    return held_row(23, 100, 120 * HOUR, [o], _cells((o, MONTHLY, JANUARY), (o, FOR_LIFE, 0)))


def _lab_settled(l: int) -> bytes:
    return settled(11, -16 * HOUR, 400, 0, [l], _cells((l, 0, -23)))


def _team_settled(t: int, o: int) -> bytes:
    path = _cells((t, DAILY, -19), (t, BY_HOST, -24), (o, MONTHLY, DECEMBER), (o, FOR_LIFE, 0))
    return settled(13, 5 * HOUR, 600, 50, [t], path)


TOTALS = {"granted": 17_990, "available": 9_260, "reserved": 200, "committed": 6_250, "lapsed": 2_280, "unfunded": 240}
DECISIONS = {"admitted": 7, "denied_budget": 4, "denied_throttle": 1}


def build(first_segment: list = FIRST_SEGMENT, second: list = SECOND_SEGMENT, checkpoint: bytes | None = None) -> LogWriter:
    log = LogWriter(s.SECRET, s.KEY_ID, s.LOG_ID, START * HOUR)
    log.begin_segment(genesis(START * HOUR, TERMS, 1, POLICY))
    _append(log, first_segment)
    log.seal()
    log.files[log.name] += bytes(64)
    log.begin_segment(middle_checkpoint() if checkpoint is None else checkpoint)
    _append(log, second)
    log.files[log.name] += bytes(64)
    return log


def _append(log: LogWriter, steps: list) -> None:
    for hours, (kind, payload) in steps:
        log.record(kind, payload, hours * HOUR)
