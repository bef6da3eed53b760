//! A policy and requests drawn from bytes: the kernel decides, counts, ranks and explains as the naive model of
//! `tests/oracle` does.

use assize::id::CandidateId;
use assize::kernel::{
    Action, Choice, Disabled, Failure, Request, Standing, cost_of, explain, prescribe, ranked, trace,
};
use assize::num::MicroUnits;
use assize::policy::Policy;

use super::{
    Reached,
    oracle::{self, Class, Ranked, Verdict, generate, tape::Tape},
};

/// Bytes: a choice each.
pub fn check(bytes: &[u8]) -> Reached {
    let words = words(bytes);
    let mut tape = Tape::new(&words);
    let world = generate::world(&mut tape);
    let policy = Policy::freeze(world.draft.clone()).unwrap_or_else(|error| panic!("{error}: {world:#?}"));
    let mut reached = Reached::new();
    for asking in 0..REQUESTS {
        let sample = world.sample.clone().filter(|_| asking == 0);
        let ids = match &sample {
            Some(_) => Default::default(),
            None => generate::host_disabled(&mut tape, &world),
        };
        let model = sample.unwrap_or_else(|| generate::request(&mut tape, &world));
        let asked = Asked {
            policy: &policy,
            disabled: oracle::build::disabled(&policy, &ids),
            request: oracle::build::request(&world, &policy, &model, asking % 2 == 1),
            verdict: world.model.decide(&model, &ids),
        };
        asked.is_decided();
        asked.is_counted();
        asked.is_ranked();
        asked.is_explained();
        asked.is_written();
        for candidate in &world.model.candidates {
            let cost = cost_of(&policy, CandidateId(candidate.id), asked.request.quantities());
            assert_eq!(cost.map(|cost| cost.0), world.model.cost(candidate, &model));
        }
        reached.push(match asked.verdict.action {
            oracle::Action::Execute => "execute",
            oracle::Action::Substitute => "substitute",
            oracle::Action::Deny => "deny",
        });
    }
    reached
}

/// Words of a tape, one for each byte.
pub fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.iter().copied().map(u32::from).collect()
}

/// One request put to both sides.
struct Asked<'a> {
    policy: &'a Policy,
    disabled: Disabled,
    request: Request,
    verdict: Verdict,
}

impl Asked<'_> {
    fn is_decided(&self) {
        let decision = prescribe(self.policy, &self.disabled, &self.request).unwrap();
        let Verdict { action, reason, selected, runner_up, .. } = &self.verdict;
        assert_eq!(decision.reason.code(), reason.code());
        assert_eq!(decision.action.code(), *action as u8);
        assert_eq!(decision.selected, selected.map(choice));
        assert_eq!(decision.runner_up, runner_up.map(choice));
        assert_eq!((decision.epoch, decision.policy), (self.policy.epoch(), self.policy.digest()));
    }

    fn is_counted(&self) {
        let traced = trace(self.policy, &self.disabled, &self.request).unwrap();
        assert_eq!(traced.decision, prescribe(self.policy, &self.disabled, &self.request).unwrap());
        let oracle::Counts { disabled, excluded, gates, cost, utility, eligible } = &self.verdict.counts;
        let counted = traced.counts;
        assert_eq!(&counted.gates[..gates.len()], gates.as_slice());
        assert_eq!(
            [counted.disabled, counted.excluded, counted.cost, counted.utility, counted.eligible],
            [*disabled, *excluded, *cost, *utility, *eligible]
        );
    }

    fn is_ranked(&self) {
        let ranking = ranked::<5>(self.policy, &self.disabled, &self.request).unwrap();
        assert_eq!(ranking.decision, prescribe(self.policy, &self.disabled, &self.request).unwrap());
        let selected = self.verdict.selected;
        let others = self.verdict.order.iter().copied().filter(|one| Some(*one) != selected);
        // Nobody is listed where the request is denied.
        let listed = selected.into_iter().chain(others.filter(|_| selected.is_some()));
        let expected: Vec<_> = listed.take(5).map(choice).collect();
        assert_eq!(ranking.choices(), expected);
    }

    fn is_explained(&self) {
        let explained = explain(self.policy, &self.disabled, &self.request).unwrap();
        let traced = trace(self.policy, &self.disabled, &self.request).unwrap();
        assert_eq!((explained.decision, explained.counts), (traced.decision, traced.counts));
        assert_eq!(explained.rows.len(), self.policy.candidates().len());
        let is_eligible = |standing| matches!(standing, Standing::Eligible { .. });
        let order = explained.in_order().filter(|row| is_eligible(row.standing));
        let order: Vec<u32> = order.map(|row| row.candidate.0).collect();
        // On the request alone nobody is looked at.
        if self.verdict.failures.is_empty() {
            assert_eq!(explained.decision.action, Action::Deny);
            return;
        }
        assert_eq!(order, self.verdict.order.iter().map(|one| one.id).collect::<Vec<_>>());
        for (id, class) in &self.verdict.failures {
            let row = explained.row(CandidateId(*id)).unwrap();
            assert_eq!(row.failures.first().copied(), class.map(failure), "candidate {id}");
        }
    }

    /// There and back in canonical bytes.
    fn is_written(&self) {
        let mut bytes = vec![];
        self.request.encode(&mut bytes);
        let decoded = Request::decode(&bytes, self.policy.schema()).unwrap();
        assert_eq!((&decoded, decoded.digest()), (&self.request, self.request.digest()));
    }
}

fn choice(ranked: Ranked) -> Choice {
    Choice { candidate: CandidateId(ranked.id), cost: MicroUnits(ranked.cost), utility: ranked.utility }
}

fn failure(class: Class) -> Failure {
    match class {
        Class::Disabled => Failure::Disabled,
        Class::Excluded => Failure::Excluded,
        Class::Gate(gate) => Failure::Gate(gate as u8),
        Class::Cost => Failure::Cost,
        Class::Utility => Failure::Utility,
    }
}

const REQUESTS: usize = 4;
