//! Months as tables and as a document.

use assize::{
    id::AccountId,
    num::Timestamp,
    wal::Pruned,
    window::{Span, Window},
};
use serde::Serialize;

use super::{
    Month, Months,
    sums::{LimitSums, Sums},
};
use crate::{
    caps,
    date::Date,
    output::{Page, Print, grouped},
};

/// All months, and whether they come to what the cells have.
#[derive(Debug, Serialize)]
pub(super) struct Printed {
    utc_offset: String,
    months: Vec<MonthTold>,
    /// Over all months.
    accounts: Vec<Sum>,
    adds_up: bool,
    /// What was deleted before it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<Pruned>,
}

#[derive(Debug, Serialize)]
struct MonthTold {
    month: String,
    #[serde(flatten)]
    span: Span,
    /// Each request and each hold once; left out where one account is asked for.
    total: Option<Sums>,
    accounts: Vec<AccountTold>,
    /// By the candidate that served, each hold once; left out where it is not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<CandidateTold>>,
}

#[derive(Debug, Serialize)]
struct AccountTold {
    id: AccountId,
    name: String,
    #[serde(flatten)]
    sums: Sums,
    limits: Vec<LimitTold>,
}

#[derive(Debug, Serialize)]
struct LimitTold {
    limit: u8,
    window: String,
    #[serde(flatten)]
    sums: LimitSums,
}

#[derive(Debug, Serialize)]
struct CandidateTold {
    id: u32,
    name: String,
    commits: u64,
    committed_micros: u128,
    refunded_micros: u128,
    unfunded_micros: u128,
}

/// One account over all months, beside what its cells say.
#[derive(Debug, Serialize)]
struct Sum {
    id: AccountId,
    name: String,
    /// Committed in all months, less what was refunded in them.
    booked_micros: i128,
    /// What all windows of each limit have committed by the ledger, since the log begins.
    cells_committed_micros: Vec<i128>,
    adds_up: bool,
}

impl Printed {
    pub(super) fn of(months: &Months, pruned: Option<Pruned>) -> Self {
        let utc_offset_s = match months.window {
            Window::Month { utc_offset_s } => utc_offset_s,
            _ => 0,
        };
        let accounts = months.accounts.iter().map(|(id, (name, limits))| {
            let sums = months.months.values().filter_map(|month| month.accounts.get(id));
            let booked_micros = sums.map(Sums::booked_micros).fold(0, i128::saturating_add);
            let limits = (0_u8..).zip(limits).map(|(limit, _)| months.booked.committed_micros(*id, limit));
            let cells_committed_micros: Vec<i128> = limits.collect();
            let adds_up = cells_committed_micros.iter().all(|committed| *committed == booked_micros);
            Sum { id: *id, name: name.to_string(), booked_micros, cells_committed_micros, adds_up }
        });
        let accounts: Vec<Sum> = accounts.collect();
        Self {
            utc_offset: caps::offset(utc_offset_s),
            months: months
                .months
                .iter()
                .map(|(span, month)| told(months, *span, month, utc_offset_s))
                .collect(),
            adds_up: accounts.iter().all(|account| account.adds_up),
            accounts,
            pruned,
        }
    }

    /// Whether what was committed less what was refunded, over all months, is what the cells have committed.
    pub(super) fn adds_up(&self) -> bool {
        self.adds_up
    }
}

fn told(months: &Months, span: Span, month: &Month, utc_offset_s: i32) -> MonthTold {
    let accounts = months.accounts.iter().filter_map(|(id, (name, windows))| {
        let limits = (0_u8..).zip(windows).filter_map(|(limit, window)| {
            let sums = *month.limits.get(&(*id, limit))?;
            Some(LimitTold { limit, window: window.clone(), sums })
        });
        let limits: Vec<LimitTold> = limits.collect();
        let sums = month.accounts.get(id).copied();
        let shown = sums.is_some() || !limits.is_empty();
        let account = AccountTold { id: *id, name: name.to_string(), sums: sums.unwrap_or_default(), limits };
        shown.then_some(account)
    });
    let candidates = months.served.as_ref().map(|served| {
        let rows = month.candidates.iter().map(|(id, sums)| CandidateTold {
            id: *id,
            name: served.name(*id),
            commits: sums.commits,
            committed_micros: sums.committed_micros,
            refunded_micros: sums.refunded_micros,
            unfunded_micros: sums.unfunded_micros,
        });
        rows.collect()
    });
    MonthTold {
        month: label(span.start, utc_offset_s),
        span,
        total: months.only.is_none().then_some(month.total),
        accounts: accounts.collect(),
        candidates,
    }
}

/// `YYYY-MM`, of a month's first instant by its own reckoning.
fn label(start: Timestamp, utc_offset_s: i32) -> String {
    let local_s = start.0.div_euclid(SECOND_NS).saturating_add(utc_offset_s.into());
    let day = Date::of_days(local_s.div_euclid(DAY_S)).map(|day| day.to_string());
    // OK because an instant's year has four digits.
    day.and_then(|day| Some(day.get(..7)?.to_owned())).unwrap_or_default()
}

const SECOND_NS: i64 = 1_000_000_000;
const DAY_S: i64 = 86_400;

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        self.requests(page);
        page.gap();
        self.money(page);
        self.limits(page);
        self.candidates(page);
        page.gap();
        let head = ["over all months", "committed less refunded", "committed in the cells"];
        let rows = self.accounts.iter().map(|sum| {
            let cells: Vec<String> = sum.cells_committed_micros.iter().map(grouped).collect();
            vec![sum.name.clone(), grouped(sum.booked_micros), cells.join(" and ")]
        });
        page.table(&head, &rows.collect::<Vec<_>>());
        page.line(
            "what was committed less what was refunded, over all months, is what the cells have committed",
        );
    }
}

impl Printed {
    fn rows(&self) -> impl Iterator<Item = (String, &str, &Sums)> {
        self.months.iter().flat_map(|month| {
            let total = month.total.iter().map(|sums| ("in all, each hold once", sums));
            let accounts = month.accounts.iter().map(|account| (account.name.as_str(), &account.sums));
            total
                .chain(accounts)
                .map(|(name, sums)| (format!("{} ({})", month.month, self.utc_offset), name, sums))
        })
    }

    fn requests(&self, page: &mut Page) {
        let rows = self.rows().map(|(month, name, sums)| {
            let counts = [
                sums.admissions,
                sums.denials_policy,
                sums.denials_budget,
                sums.denials_throttle,
                sums.denials_halted,
                sums.reroutes,
                sums.commits,
                sums.late_commits,
                sums.part_commits,
                sums.adjustments,
            ];
            [vec![month, name.to_owned()], counts.map(grouped).to_vec()].concat()
        });
        let head = [
            "month",
            "account",
            "admissions",
            "denied: policy",
            "budget",
            "throttle",
            "halted",
            "reroutes",
            "commits",
            "late",
            "parts",
            "adjustments",
        ];
        page.table(&head, &rows.collect::<Vec<_>>());
    }

    fn money(&self, page: &mut Page) {
        let rows = self.rows().map(|(month, name, sums)| {
            let micros = [
                sums.held_micros,
                sums.committed_micros,
                sums.adjusted_micros,
                sums.refunded_micros,
                sums.unfunded_micros,
                sums.late_micros,
            ];
            [vec![month, name.to_owned()], micros.map(grouped).to_vec()].concat()
        });
        let head = [
            "month, µ",
            "account",
            "held",
            "committed",
            "of it by adjustments",
            "refunded",
            "unfunded",
            "of it late",
        ];
        page.table(&head, &rows.collect::<Vec<_>>());
    }

    fn limits(&self, page: &mut Page) {
        let rows = self.months.iter().flat_map(|month| {
            month.accounts.iter().flat_map(move |account| {
                account.limits.iter().map(move |limit| {
                    vec![
                        format!("{} ({})", month.month, self.utc_offset),
                        account.name.clone(),
                        limit.window.clone(),
                        grouped(limit.sums.granted_micros),
                        grouped(limit.sums.lapsed_micros),
                    ]
                })
            })
        });
        let rows: Vec<Vec<String>> = rows.collect();
        if !rows.is_empty() {
            page.gap();
            page.table(&["month, µ", "account", "limit", "granted", "lapsed"], &rows);
        }
    }

    fn candidates(&self, page: &mut Page) {
        let rows = self.months.iter().flat_map(|month| {
            month.candidates.iter().flatten().map(move |row| {
                let micros = [row.committed_micros, row.refunded_micros, row.unfunded_micros].map(grouped);
                let fixed = vec![
                    format!("{} ({})", month.month, self.utc_offset),
                    row.name.clone(),
                    grouped(row.commits),
                ];
                [fixed, micros.to_vec()].concat()
            })
        });
        let rows: Vec<Vec<String>> = rows.collect();
        if !rows.is_empty() {
            page.gap();
            page.table(&["month, µ", "served by", "commits", "committed", "refunded", "unfunded"], &rows);
        }
    }
}
