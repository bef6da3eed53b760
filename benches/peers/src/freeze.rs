//! `freeze N`: a policy from what a host has prepared, beside the peer's constructor; and what it needs of memory.

use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use assize::policy::Policy;

use crate::{
    catalog::{Catalog, Kind},
    measure::{beside_timed, cpu_time_of},
    ours, peer,
    prescribe::CATALOG_SEED,
    table::{Row, Table},
};

pub fn rows(table: &mut Table) {
    for count in COUNTS {
        let name = format!("freeze {count}");
        if table.wants(&name) {
            table.row(&row(&name, &Catalog::draw(Kind::Uniform, count, CATALOG_SEED)));
        }
    }
}

fn row(name: &str, catalog: &Catalog) -> Row {
    let draft = ours::draft(catalog);
    let freeze = |draft| Policy::freeze(draft).expect("the draft is valid");
    assert_eq!(freeze(draft.clone()).candidates().len(), peer::policy(catalog).models().len());
    // Neither the copy that is given away is timed, nor the end of what was made.
    let beside = beside_timed(
        1,
        |rounds| {
            (0..rounds).map(|_| catalog.models.clone()).fold(Default::default(), |total, models| {
                let (time, policy) = cpu_time_of(|| peer::policy_of(&catalog.terms, models));
                black_box(policy);
                total + time
            })
        },
        |rounds| {
            (0..rounds).map(|_| draft.clone()).fold(Default::default(), |total, draft| {
                let (time, policy) = cpu_time_of(|| freeze(draft));
                black_box(policy);
                total + time
            })
        },
    );
    let drafted = memory(|| draft.clone());
    let frozen = memory(|| freeze(draft.clone()));
    Row::new(name, beside)
        .with("draft_bytes", drafted.bytes_max)
        .with("draft_and_freeze_peak_bytes", frozen.bytes_max)
        .with("policy_bytes", frozen.bytes_current)
}

/// What was asked of the allocator, at most and at the end, while it was made.
fn memory<T>(make: impl FnOnce() -> T) -> AllocationInfo {
    let mut made = None;
    measure(|| made = Some(make()))
}

const COUNTS: [usize; 2] = [22, 65_535];
