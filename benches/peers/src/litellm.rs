//! The rows of a real price list: the policy that the importer writes, in which the least cost wins; and its prices
//! under `standard-1`, where the peer can follow.

use std::{collections::BTreeMap, fs, path::Path};

use assize::{
    kernel::Request,
    limits::MEMBERS_MAX,
    num::MicroUnits,
    policy::{MemberId, Policy, document, llm::Llm},
};
use calybris_core::kernel::KernelModel;

use crate::{
    catalog::{Catalog, Kind},
    ours::Ours,
    peer,
    prescribe::{self, CATALOG_SEED, REQUEST_SEED, REQUESTS, Scene},
    random::Random,
    requests::Class,
    scan, scanned,
    table::Table,
};

/// The policy in that document.
pub fn load(path: &Path) -> Result<Policy, String> {
    let in_file = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let text = fs::read_to_string(path).map_err(|error| in_file(&error))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let read = if is_json { document::from_json } else { document::from_toml };
    let policy =
        Policy::freeze(read(&text).map_err(|error| in_file(&error))?).map_err(|error| in_file(&error))?;
    Llm::of(policy.schema()).map_err(|error| in_file(&error))?;
    Ok(policy)
}

pub fn rows(table: &mut Table, prices: &Policy) {
    for class in [Class::Broad, Class::Selective, Class::Tight, Class::Denied] {
        let name = format!("prescribe litellm {class}");
        if table.wants(&name) {
            let mut random = Random::part(REQUEST_SEED, class as u64);
            let requests: Vec<Request> =
                (0..REQUESTS).map(|number| request(prices, class, number, &mut random)).collect();
            table.row(&scanned::row(&name, prices, &requests));
        }
    }
    for class in [Class::Broad, Class::Selective] {
        let name = format!("prescribe litellm utility {class}");
        if table.wants(&name) {
            let catalog = with_qualities(prices);
            let inputs = class.draw(&catalog, Kind::Uniform, REQUESTS, REQUEST_SEED);
            let scene = Scene::new(&name, peer::policy(&catalog), Ours::new(&catalog), inputs);
            table.row(&prescribe::timed_row(&name, &scene).with("candidates", catalog.models.len()));
        }
    }
}

/// A request of the class for the imported policy, in which nothing is known of quality, latency, risk and regions.
fn request(prices: &Policy, class: Class, number: usize, random: &mut Random) -> Request {
    let llm = Llm::of(prices.schema()).expect("it is checked when it is loaded");
    let mut request = Request::new(prices.schema());
    let cached = if number.is_multiple_of(3) { random.within(0, 2_000) } else { 0 };
    for (quantity, amount) in [
        (llm.input, random.within(1, 4_000)),
        (llm.cached_input, cached),
        (llm.output, random.within(1, 1_000)),
    ] {
        request.quantity(quantity, amount).expect("it is of this schema");
    }
    match class {
        Class::Broad => some_providers(prices, llm, &mut request, 0.60..0.85, random),
        Class::Selective => some_providers(prices, llm, &mut request, 0.05..0.10, random),
        Class::Tight => {
            some_providers(prices, llm, &mut request, 0.60..0.85, random);
            let costs = prices.candidates().iter();
            let costs =
                costs.filter_map(|candidate| scan::cost(prices.schema(), request.quantities(), candidate));
            let mut costs: Vec<u64> = costs.collect();
            let tenth = costs.len() / 10;
            request.cost_limit(MicroUnits(*costs.select_nth_unstable(tenth).1));
        }
        Class::Denied => deny(prices, llm, number, &mut request),
    }
    request
}

/// Demands providers, drawn in any order, until about the middle of that share of the catalog passes.
fn some_providers(
    prices: &Policy,
    llm: Llm,
    request: &mut Request,
    share: std::ops::Range<f64>,
    random: &mut Random,
) {
    let mut by_provider = BTreeMap::<MemberId, usize>::new();
    for (candidate, _) in scan::eligible(prices, request) {
        if let Some(provider) = candidate.member(llm.provider.column()) {
            *by_provider.entry(provider).or_default() += 1;
        }
    }
    let of = |share: f64| (share * prices.candidates().len() as f64) as usize;
    let (least, most, enough) = (of(share.start), of(share.end), of((share.start + share.end) / 2.0));
    let mut providers: Vec<(MemberId, usize)> = by_provider.into_iter().collect();
    let (mut names, mut passing) = (Vec::new(), 0);
    while !providers.is_empty() && passing < enough {
        let (provider, models) = providers.swap_remove(random.within(0, providers.len() as u64 - 1) as usize);
        if passing + models <= most {
            passing += models;
            names.extend(prices.member_name(llm.provider.column(), provider));
        }
    }
    assert!((least..=most).contains(&passing), "{passing} pass, not {least} to {most}");
    let members = prices.members("provider", &names).expect("they are listed");
    request.demand_set(llm.provider, &members).expect("it is of this schema");
}

fn deny(prices: &Policy, llm: Llm, number: usize, request: &mut Request) {
    let members = |column, names: &[&str]| prices.members(column, names).expect("they are listed");
    let demanded = match number % 5 {
        0 => Ok(request.cost_limit(MicroUnits(0))),
        1 => request.demand_set(llm.provider, &members("provider", &[])),
        2 => request.demand(llm.quality, 1),
        // Above every window.
        3 => request.quantity(llm.input, 1 << 40),
        _ => {
            let column = llm.capabilities.column();
            let ids = (0..MEMBERS_MAX as u16).map(MemberId);
            let all: Vec<&str> = ids.filter_map(|id| prices.member_name(column, id)).collect();
            request.demand_set(llm.capabilities, &members("capabilities", &all))
        }
    };
    demanded.expect("it is of this schema");
}

/// The models that have prices for input and output, with those prices and their providers; what the list does not
/// say is drawn as in a uniform catalog. The peer has 64 providers at most: those with the largest numbers share.
fn with_qualities(prices: &Policy) -> Catalog {
    let llm = Llm::of(prices.schema()).expect("it is checked when it is loaded");
    let mut catalog = Catalog::draw(Kind::Uniform, prices.candidates().len(), CATALOG_SEED);
    catalog.widths.providers = u64::BITS;
    let priced = catalog.models.iter().zip(prices.candidates()).filter_map(|(drawn, candidate)| {
        let base = candidate.cards().first()?;
        let provider = candidate.member(llm.provider.column())?;
        Some(KernelModel {
            // The peer has no candidate 0.
            model_id: candidate.id().0.checked_add(1)?,
            provider_id: provider.0.min(63),
            enabled: u8::from(candidate.is_enabled()),
            input_cost_microunits_per_million_tokens: base.rate(llm.input.index())?,
            output_cost_microunits_per_million_tokens: base.rate(llm.output.index())?,
            ..*drawn
        })
    });
    catalog.models = priced.collect();
    catalog
}
