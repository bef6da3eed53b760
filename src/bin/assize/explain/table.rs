//! Candidates and money as tables.

use assize::{
    id::CandidateId,
    kernel::{CostLine, Explanation, GateLine, Row, Standing, UtilityLine, Value},
    policy::{ColumnIndex, Policy, QuantityIndex},
};

use super::Show;
use crate::{
    moves::{Moves, changed},
    names,
    output::{Page, grouped},
};

/// A row for each candidate: where it stands, each gate that a demand was made on, what it costs, what it is worth.
pub(super) fn candidates(explanation: &Explanation, policy: &Policy, show: &Show, page: &mut Page) {
    let gates = explanation.demands.iter().map(|demand| demand.shown(policy).to_string());
    let mut head = vec!["candidate".to_owned(), "standing".to_owned()];
    head.extend(gates);
    head.push("cost µ".to_owned());
    let has_utility = policy.utility().is_some();
    head.extend(has_utility.then(|| "utility µ".to_owned()));

    let all: Vec<&Row> = explanation.in_order().collect();
    let named = show.named.iter().chain(&show.requested).filter_map(|id| explanation.row(*id));
    let mut shown: Vec<&Row> = all.iter().copied().take(show.rows_max).collect();
    for row in named {
        if !shown.iter().any(|other| other.candidate == row.candidate) {
            shown.push(row);
        }
    }
    let rows: Vec<Vec<String>> =
        shown.iter().map(|row| cells(row, explanation, policy, has_utility)).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    page.table(&head, &rows);
    let hidden = all.len().saturating_sub(shown.len());
    if hidden > 0 {
        page.line(&format!("and {} more: --all shows them, --candidate NAME one", grouped(hidden)));
    }
}

/// What one candidate costs and is worth, term by term.
pub(super) fn breakdown(explanation: &Explanation, policy: &Policy, id: CandidateId, page: &mut Page) {
    let Some(row) = explanation.row(id) else { return };
    page.gap();
    page.line(&format!("{}:", names::candidate(policy, id)));
    let mut facts = cost_facts(&row.cost, policy);
    match &row.utility {
        Some(UtilityLine::Known { merit_bps, gain_micros, loss_micros, penalties, exact_micros, .. }) => {
            facts.push(("gain".to_owned(), format!("{} µ at merit {merit_bps} bps", grouped(gain_micros))));
            facts.push(("loss by risk".to_owned(), format!("{} µ", grouped(loss_micros))));
            for term in penalties {
                let assumed = if term.assumed { " (unknown, counted so)" } else { "" };
                let what = format!(
                    "{} × {}{assumed} = {} µ",
                    grouped(term.weight),
                    grouped(term.value),
                    grouped(term.micros)
                );
                facts.push((column(policy, term.column), what));
            }
            facts.push(("utility".to_owned(), format!("{} µ", grouped(exact_micros))));
        }
        Some(UtilityLine::Unknown) => facts.push(("utility".to_owned(), "unknown".to_owned())),
        None => {}
    }
    let facts: Vec<(&str, String)> =
        facts.iter().map(|(label, value)| (label.as_str(), value.clone())).collect();
    page.facts(&facts);
}

/// What a record did at each cell that it touched, and what came of windows, caps and throttles.
pub(super) fn moves(moves: &Moves, page: &mut Page) {
    if moves.cells.is_empty() {
        page.line("no money moves");
        return;
    }
    let rows = moves.cells.iter().map(|moved| {
        let counters = moved.counters().map(|(_, change)| change);
        [vec![moved.label()], counters.to_vec()].concat()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    page.table(&["account", "granted", "available", "reserved", "committed", "lapsed", "unfunded"], &rows);
    for line in moves.told() {
        page.line(&line);
    }
    if !moves.caps.is_empty() {
        let most = |max: Option<u64>| max.map(grouped).unwrap_or_default();
        let rows = moves.caps.iter().map(|capped| {
            vec![
                capped.name.clone(),
                changed(capped.held_micros_before, capped.held_micros),
                most(capped.held_micros_max),
                changed(capped.holds_before, capped.holds),
                most(capped.holds_max.map(u64::from)),
            ]
        });
        page.gap();
        page.table(&["caps", "held", "at most", "open holds", "at most"], &rows.collect::<Vec<_>>());
    }
    if !moves.throttles.is_empty() {
        let rows = moves.throttles.iter().map(|throttle| {
            let what = format!("{}: {}", throttle.name, throttle.lets);
            vec![what, changed(throttle.left_before, throttle.left), grouped(throttle.burst)]
        });
        page.gap();
        page.table(&["throttle", "left", "of"], &rows.collect::<Vec<_>>());
    }
}

fn cells(row: &Row, explanation: &Explanation, policy: &Policy, has_utility: bool) -> Vec<String> {
    let standing = match row.standing {
        Standing::Eligible { place } => place.to_string(),
        Standing::TurnedAway { by } => by.shown(policy).to_string(),
    };
    let mut cells = vec![names::candidate(policy, row.candidate), standing];
    let gates = row.gates.iter().zip(&explanation.demands);
    cells.extend(gates.map(|(gate, demand)| gate_cell(gate, policy, demand.column)));
    cells.push(match row.cost.total {
        Ok(cost) => grouped(cost.0),
        Err(why) => why.shown(policy).to_string(),
    });
    if has_utility {
        cells.push(match &row.utility {
            Some(UtilityLine::Known { total_micros, .. }) => grouped(total_micros),
            Some(UtilityLine::Unknown) => "unknown".to_owned(),
            None => "-".to_owned(),
        });
    }
    cells
}

/// What a candidate has at a gate, and `no` beside it where that fails. A set is told by whether it passes alone.
fn gate_cell(gate: &GateLine, policy: &Policy, column: ColumnIndex) -> String {
    let has = match gate.value {
        None => return "unknown".to_owned(),
        Some(Value::Set(_)) => return if gate.passes { "yes" } else { "no" }.to_owned(),
        Some(Value::Number(number)) => grouped(number),
        Some(member @ Value::Member(_)) => member.shown(policy, column).to_string(),
    };
    if gate.passes { has } else { format!("{has} no") }
}

fn cost_facts(cost: &CostLine, policy: &Policy) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    if let Some(above) = cost.card_above.filter(|above| *above > 0) {
        facts.push(("rate card".to_owned(), format!("above {}", grouped(above))));
    }
    if cost.flat_fee.0 > 0 {
        facts.push(("flat fee".to_owned(), format!("{} µ", grouped(cost.flat_fee.0))));
    }
    for term in &cost.terms {
        let rate_of = if term.rate_of == term.quantity {
            String::new()
        } else {
            format!(" (the rate of {})", quantity(policy, term.rate_of))
        };
        let what = format!(
            "{} × {} / {}{rate_of} = {} µ",
            grouped(term.amount),
            grouped(term.rate),
            grouped(term.per),
            grouped(term.micros)
        );
        facts.push((quantity(policy, term.quantity), what));
    }
    let total = match cost.total {
        Ok(cost) => format!("{} µ", grouped(cost.0)),
        Err(why) => why.shown(policy).to_string(),
    };
    facts.push(("cost".to_owned(), total));
    facts
}

fn quantity(policy: &Policy, index: QuantityIndex) -> String {
    policy.schema().quantity_at(index).map_or_else(|| "?".to_owned(), |spec| spec.name().to_owned())
}

fn column(policy: &Policy, index: ColumnIndex) -> String {
    policy.schema().column_at(index).map_or_else(|| "?".to_owned(), |column| column.name().to_owned())
}
