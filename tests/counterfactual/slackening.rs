//! `slack` against the model, and by hand: up to the place named the candidate stays selected, and one step further it does not.

use assize::{
    id::CandidateId,
    kernel::{Direction, Lever, Setting, Slack, SlackLine, Value, prescribe, slack},
    num::MicroUnits,
    policy::{Policy, PolicyFault, Relation, Substitution, UtilityDraft, WeightDraft},
};

use crate::{
    asking::{Asked, Reach, ask},
    changing::{Axis, model_column, selects},
    kernel_sample::{call, candidate, demand, draft, freeze, micros, number, worth},
    oracle::{Value as Known, better_by},
    tables::{NONE, column, priced, rate},
};

#[test]
fn the_selected_stays_up_to_the_place_named_and_no_further() {
    let reach = Reach::default();
    ask(4, |asked, _| {
        let told = slack(asked.policy, &asked.disabled, &asked.request).unwrap();
        let verdict = asked.verdict();
        assert_eq!(told.is_some(), verdict.selected.is_some());
        let (Some(told), Some(selected)) = (told, verdict.selected) else { return reach.hit("denied") };
        let decision = prescribe(asked.policy, &asked.disabled, &asked.request).unwrap();
        assert_eq!((Some(told.selected), told.runner_up), (decision.selected, decision.runner_up));
        let lead = verdict.runner_up.map(|runner_up| better_by(&selected, &runner_up));
        assert_eq!(told.lead_micros, lead);
        reach.hit_if(lead.is_none(), "without a runner-up");
        reach.hit_if(lead.is_some_and(|lead| lead < 0), "behind the runner-up");
        cost_up(&reach, asked, selected.id, &told);
        for line in &told.lines {
            check(&reach, asked, selected.id, line);
        }
        lines(&reach, asked, selected.id, &told);
    });
    let mut wanted = vec![];
    for lever in ["column", "limit", "demand"] {
        for way in ["Down", "Up"] {
            wanted.extend(["ends", "lost"].map(|to| format!("{lever} {way} {to}")));
        }
    }
    wanted.retain(|wanted| wanted != "limit Down ends");
    let more = [
        "denied",
        "without a runner-up",
        "behind the runner-up",
        "rate Up lost",
        "rate Up ends",
        "fee Up lost",
        "cost may rise",
        "cost may not rise",
        "unknown, without a line",
    ];
    wanted.extend(more.map(Into::into));
    reach.require(&wanted);
}

fn check(reach: &Reach, asked: &Asked<'_>, id: u32, line: &SlackLine) {
    let SlackLine { lever, direction, present, last, lost_at } = *line;
    let axis = Axis::of(asked, lever).unwrap();
    let wins = |setting| selects(asked, id, lever, setting);
    let step = if direction == Direction::Up { 1 } else { -1 };
    let (from, to) = (axis.place(present).unwrap(), axis.place(last).unwrap());
    assert!((to - from) * step >= 0, "{line:?}");
    let span = to - from;
    let between = [0, step, span / 2, span / 3, span - step, span].map(|moved| from + moved);
    let known = axis.places(asked).into_iter().filter(|at| (at - from) * step >= 0 && (to - at) * step >= 0);
    let within = between.into_iter().filter(|at| (at - from) * step >= 0 && (to - at) * step >= 0);
    for place in known.chain(within) {
        assert_eq!(wins(axis.setting(place).unwrap()), Some(true), "{id}: {line:?} at {place}");
    }
    assert_eq!(lost_at.map(|lost| axis.place(lost).unwrap()), lost_at.map(|_| to + step), "{line:?}");
    match lost_at {
        Some(lost) => assert_eq!(wins(lost), Some(false), "{id}: {line:?}"),
        // The end of the axis, or of what a valid policy can have there.
        None => match axis.setting(to + step) {
            None => {}
            Some(beyond) => {
                assert_eq!(wins(beyond), None, "{id}: {line:?}");
                reach.hit("bound by the weights");
            }
        },
    }
    let kind = match lever {
        Lever::Column(_) => "column",
        Lever::Rate { .. } => "rate",
        Lever::FlatFee => "fee",
        Lever::CostLimit => "limit",
        Lever::Demand(_) => "demand",
        other => panic!("no number: {other:?}"),
    };
    reach.hit(format!("{kind} {direction:?} {}", if lost_at.is_some() { "lost" } else { "ends" }));
}

/// The cost may rise so much, and no further: told by the flat fee.
fn cost_up(reach: &Reach, asked: &Asked<'_>, id: u32, told: &Slack) {
    let fee = asked.candidate(id).flat_fee;
    let with = |rise: u64| {
        let raised = fee.checked_add(rise)?;
        selects(asked, id, Lever::FlatFee, Setting::Micros(MicroUnits(raised)))
    };
    let MicroUnits(rise) = told.cost_up;
    assert_eq!(with(rise), Some(true));
    assert_ne!(rise.checked_add(1).and_then(with), Some(true));
    reach.hit(if rise > 0 { "cost may rise" } else { "cost may not rise" });
}

/// Every known number has its lines, down and up.
fn lines(reach: &Reach, asked: &Asked<'_>, id: u32, told: &Slack) {
    let ways = |lever| -> Vec<Direction> {
        told.lines.iter().filter(|line| line.lever == lever).map(|line| line.direction).collect()
    };
    let both = vec![Direction::Down, Direction::Up];
    assert_eq!((ways(Lever::FlatFee), ways(Lever::CostLimit)), (vec![Direction::Up], both.clone()));
    for line in &told.lines {
        let expected = match line.lever {
            Lever::Rate { .. } | Lever::FlatFee => &both[1..],
            _ => &both[..],
        };
        assert_eq!(ways(line.lever), expected);
    }
    if let Some(merit) = asked.world.model.merit {
        let column = asked.policy.schema().merit().unwrap();
        let known = matches!(asked.candidate(id).values[merit], Some(Known::Number(_)));
        reach.hit_if(!known, "unknown, without a line");
        assert_eq!(ways(Lever::Column(column)), if known { both } else { vec![] });
        assert_eq!(model_column(asked, Lever::Column(column)), merit);
    }
}

/// A weighted column may rise until the policy would not be valid: SEMANTICS 7.3.
#[test]
fn a_weighted_column_ends_where_the_policy_would_not_be_valid() {
    let weight = |column: &str, micros_per_unit| WeightDraft {
        column: column.into(),
        micros_per_unit,
        unknown: Some(0),
    };
    let of = |speed: u64| {
        let row = number(
            number(number(number(candidate(1, 1), "quality", 10_000), "ceiling", 0), "speed", speed),
            "window",
            7,
        );
        let mut draft = draft(vec![row]);
        // 2³³ a unit of `speed`; `window` takes 7 · (2⁶³ − 1) of the 2⁹⁶ that there are.
        let weights = vec![weight("speed", -(1 << 33)), weight("window", -i64::MAX)];
        draft.utility = Some(UtilityDraft { weights, ..UtilityDraft::default() });
        draft
    };
    let policy = freeze(of(0));
    let mut request = call(&policy);
    worth(&mut request, 10);
    let told = slack(&policy, &NONE, &request).unwrap().unwrap();
    let speed = policy.schema().column("speed").unwrap();
    let up =
        told.lines.iter().find(|line| line.lever == Lever::Column(speed) && line.direction == Direction::Up);
    let Setting::Value(Some(Value::Number(most))) = up.unwrap().last else { panic!("{up:?}") };
    // ⌊(2⁹⁶ − 1 − 7 · (2⁶³ − 1)) / 2³³⌋
    assert_eq!(most, ((1_u128 << 96) - 1 - 7 * ((1 << 63) - 1)) >> 33);
    assert_eq!(up.unwrap().lost_at, None);
    let most = u64::try_from(most).unwrap();
    assert!(Policy::freeze(of(most)).is_ok());
    let fault = Policy::freeze(of(most + 1)).unwrap_err().fault;
    assert!(matches!(fault, PolicyFault::PenaltyTooLarge { .. }), "{fault:?}");
}

#[test]
fn slack_is_told_lever_by_lever() {
    let row = |id, cost, quality| number(number(candidate(id, cost), "quality", quality), "ceiling", 10_000);
    let mut first = row(1, 25, 10_000);
    first.flat_fee_micros = 5;
    let mut of = draft(vec![first, row(2, 20, 5_000)]);
    of.utility = Some(UtilityDraft::default());
    let policy = freeze(of);
    let mut request = call(&policy);
    worth(&mut request, 100);
    request.cost_limit(micros(50));
    demand(&policy, &mut request, "quality", Relation::AtLeast, 4_000);
    // 100 − 30 = 70 against 50 − 20 = 30. At 30 each the lower cost comes first, so 39 more and no 40.
    let told = slack(&policy, &NONE, &request).unwrap().unwrap();
    assert_eq!((told.selected.candidate.0, told.lead_micros), (1, Some(40)));
    // The limit is nearer.
    assert_eq!(told.cost_up, micros(20));
    let line = |lever, direction| {
        let line = told.lines.iter().find(|line| line.lever == lever && line.direction == direction);
        line.map(|line| (line.last, line.lost_at))
    };
    let amount = |amount| Setting::Micros(micros(amount));
    let demand = |demand| Setting::Demand(Some(Value::Number(demand)));
    let value = |value| Setting::Value(Some(Value::Number(value)));
    let (up, down) = (Direction::Up, Direction::Down);
    assert_eq!(line(Lever::FlatFee, up), Some((amount(25), Some(amount(26)))));
    assert_eq!(line(Lever::FlatFee, down), None);
    let calls = rate(&policy, 0, "calls");
    let rates = |rate| Setting::Rate(Some(rate));
    assert_eq!(line(calls, up), Some((rates(45), Some(rates(46)))));
    // ⌊100 · quality / 10,000⌋ − 30 is 31 from 6,100 on, and 30 loses by its cost.
    let quality = column(&policy, "quality");
    assert_eq!(line(quality, down), Some((value(6_100), Some(value(6_099)))));
    assert_eq!(line(quality, up), Some((value(10_000), None)));
    assert_eq!(line(Lever::CostLimit, down), Some((amount(30), Some(amount(29)))));
    assert_eq!(line(Lever::CostLimit, up), Some((amount(u64::MAX), None)));
    assert_eq!(line(Lever::Demand(0), up), Some((demand(10_000), None)));
    assert_eq!(line(Lever::Demand(0), down), Some((Setting::Demand(None), None)));
    // It knows no speed: any demand turns it away.
    let most = demand(u64::MAX.into());
    assert_eq!(line(Lever::Demand(1), down), Some((Setting::Demand(None), Some(most))));
    assert_eq!(line(Lever::Demand(2), up), Some((Setting::Demand(None), Some(demand(0)))));
    assert_eq!(line(column(&policy, "ceiling"), down), Some((value(0), None)));
}

#[test]
fn slack_without_a_utility_and_behind_the_runner_up() {
    let mut of = draft(priced(&[(1, 0, 10), (2, 0, 17)]));
    of.substitution = Substitution::Margin(micros(9));
    let policy = freeze(of);
    let told = slack(&policy, &NONE, &call(&policy)).unwrap().unwrap();
    // At 17 the lower id still comes first.
    assert_eq!((told.selected.candidate.0, told.lead_micros, told.cost_up), (1, Some(7), micros(7)));
    let mut request = call(&policy);
    request.requested(CandidateId(2));
    let told = slack(&policy, &NONE, &request).unwrap().unwrap();
    // 7 dearer, and 9 are allowed.
    assert_eq!((told.selected.candidate.0, told.lead_micros, told.cost_up), (2, Some(-7), micros(2)));
    let alone = freeze(draft(priced(&[(1, 3, 10)])));
    let told = slack(&alone, &NONE, &call(&alone)).unwrap().unwrap();
    assert_eq!((told.lead_micros, told.cost_up), (None, micros(u64::MAX - 13)));
}
