//! What would have made the decision another: for the candidates that are asked about, for the one selected, and for the
//! amounts that were asked for.

use assize::{
    id::CandidateId,
    kernel::{
        self, Choice, Direction, Disabled, Lever, Request, RequestError, Setting, Slack, SlackLine, Value,
        Verdict, WhatWouldWin, WinLine,
    },
    num::MicroUnits,
    policy::{Policy, Quantity},
};
use serde::Serialize;

use crate::{
    failure::Failure,
    names,
    output::{Page, grouped},
};

/// A request as it was decided: under the limit that was applied, and with what the host had disabled.
pub(super) struct Decided {
    pub(super) request: Request,
    pub(super) disabled: Disabled,
}

/// What would be otherwise.
#[derive(Default, Serialize)]
pub(super) struct Otherwise {
    /// One for each candidate that is asked about.
    what_would_win: Vec<Winnable>,
    /// How far the selected candidate may move; none for a denial.
    slack: Option<Leeway>,
    /// One for each quantity that is asked about.
    affordable: Vec<Largest>,
}

#[derive(Serialize)]
struct Winnable {
    candidate: CandidateId,
    levers: Vec<Named<WinLine>>,
}

#[derive(Serialize)]
struct Leeway {
    selected: Choice,
    runner_up: Option<Choice>,
    /// Within 65 bits.
    lead_micros: Option<i128>,
    cost_up_micros: u64,
    levers: Vec<Named<SlackLine>>,
}

/// A line with the lever's name, and its settings as people read them.
#[derive(Serialize)]
struct Named<L> {
    name: String,
    #[serde(flatten)]
    line: L,
}

#[derive(Serialize)]
struct Largest {
    quantity: String,
    /// None when no amount passes.
    amount: Option<u64>,
    /// Who would serve with that amount.
    selected: Option<Choice>,
}

impl Otherwise {
    pub(super) fn of(
        policy: &Policy,
        decided: &Decided,
        candidates: &[CandidateId],
        quantities: &[(String, Quantity)],
    ) -> Result<Self, Failure> {
        let Decided { request, disabled } = decided;
        // The replay has decided this very request: it is not malformed.
        let malformed = |error: RequestError| Failure::input(error);
        let winnable = candidates.iter().map(|&candidate| {
            let told =
                kernel::what_would_win(policy, disabled, request, candidate).map_err(Failure::input)?;
            let WhatWouldWin { lines, .. } = told;
            let named = |line: WinLine| Named { name: line.lever.shown(policy).to_string(), line };
            Ok(Winnable { candidate, levers: lines.into_iter().map(named).collect() })
        });
        let slack = kernel::slack(policy, disabled, request).map_err(malformed)?.map(|slack| {
            let Slack { selected, runner_up, lead_micros, cost_up, lines, .. } = slack;
            let named = |line: SlackLine| Named { name: line.lever.shown(policy).to_string(), line };
            let levers = lines.into_iter().map(named).collect();
            Leeway { selected, runner_up, lead_micros, cost_up_micros: cost_up.0, levers }
        });
        let largest = quantities.iter().map(|(name, quantity)| {
            let affordable = kernel::affordable(policy, disabled, request, *quantity).map_err(malformed)?;
            let (amount, selected) = affordable.map(|told| (told.amount, told.selected)).unzip();
            Ok(Largest { quantity: name.clone(), amount, selected })
        });
        Ok(Self {
            what_would_win: winnable.collect::<Result<_, Failure>>()?,
            slack,
            affordable: largest.collect::<Result<_, Failure>>()?,
        })
    }

    pub(super) fn page(&self, policy: &Policy, page: &mut Page) {
        for Winnable { candidate, levers } in &self.what_would_win {
            page.gap();
            let name = names::candidate(policy, *candidate);
            if levers.iter().any(|lever| lever.line.verdict == Verdict::AlreadyWins) {
                page.line(&format!("{name} is selected as it is"));
                continue;
            }
            let changes = levers.iter().filter_map(|Named { name, line }| match line.verdict {
                Verdict::AlreadyWins | Verdict::Cannot => None,
                Verdict::ChangeTo(to) => {
                    let settings = [line.present, to].map(|of| setting(policy, line.lever, of));
                    Some([name.clone()].into_iter().chain(settings).collect())
                }
            });
            let changes: Vec<Vec<String>> = changes.collect();
            if changes.is_empty() {
                page.line(&format!("no single change would have {name} selected"));
            } else {
                page.line(&format!("for {name} to be selected, any one of:"));
                page.table(&["lever", "stands at", "wins at"], &changes);
            }
        }
        if let Some(leeway) = &self.slack {
            page.gap();
            leeway.page(policy, page);
        }
        let facts = self.affordable.iter().map(|Largest { quantity, amount, selected }| {
            let what = match amount.zip(*selected) {
                None => "no amount passes".to_owned(),
                Some((amount, selected)) => {
                    let by = names::candidate(policy, selected.candidate);
                    format!("up to {}, by {by} for {} µ", grouped(amount), grouped(selected.cost.0))
                }
            };
            (quantity.as_str(), what)
        });
        let facts: Vec<(&str, String)> = facts.collect();
        if !facts.is_empty() {
            page.gap();
            page.facts(&facts);
        }
    }
}

impl Leeway {
    fn page(&self, policy: &Policy, page: &mut Page) {
        let name = names::candidate(policy, self.selected.candidate);
        let lead = match self.lead_micros {
            None => "no other is eligible".to_owned(),
            Some(lead @ ..0) => format!("{} µ behind the first in order", grouped(lead.unsigned_abs())),
            Some(lead) => format!("{} µ before the next", grouped(lead)),
        };
        let rise = grouped(self.cost_up_micros);
        page.line(&format!("{name} stays selected: {lead}; its cost may rise by {rise} µ"));
        let mut rows: Vec<Vec<String>> = Vec::new();
        for Named { name, line } in &self.levers {
            let last = setting(policy, line.lever, line.last);
            let last = if line.lost_at.is_some() { last } else { "any".to_owned() };
            match line.direction {
                Direction::Down => rows.push(vec![
                    name.clone(),
                    setting(policy, line.lever, line.present),
                    last,
                    String::new(),
                ]),
                // Down comes first, where there is a down: a price may always fall.
                Direction::Up => match rows.last_mut().filter(|row| row.first() == Some(name)) {
                    Some(row) => {
                        row.pop();
                        row.push(last);
                    }
                    None => rows.push(vec![
                        name.clone(),
                        setting(policy, line.lever, line.present),
                        "any".to_owned(),
                        last,
                    ]),
                },
            }
        }
        page.table(&["lever", "stands at", "down to", "up to"], &rows);
    }
}

/// The setting for people, thousands apart.
fn setting(policy: &Policy, lever: Lever, setting: Setting) -> String {
    match setting {
        Setting::Value(Some(Value::Number(number))) | Setting::Demand(Some(Value::Number(number))) => {
            grouped(number)
        }
        Setting::Rate(Some(rate)) => grouped(rate),
        Setting::Micros(MicroUnits(micros)) if lever != Lever::CostLimit || micros != u64::MAX => {
            format!("{} µ", grouped(micros))
        }
        other => other.shown(policy, lever).to_string(),
    }
}
