//! Policies that cannot follow the one in force, or be its shadow.

use assize::{
    controller::{NotShadowed, ShadowOptions},
    limits::{SHADOW_DISAGREEMENTS_MAX, SHADOW_QUEUE_MAX},
    policy::{Draft, Policy},
};

use crate::{
    scene::{Scene, call, sample, tiny, tiny_at},
    told::{Caused, Row, for_good},
};

pub(crate) const ROWS: &[Row] = &[
    ("an epoch that was", "SwapError::EpochNotRaised", 180, "–", None, the_same_epoch),
    ("another schema", "SwapError::SchemaChanged", 181, "–", None, another_schema),
    ("a number of another name", "SwapError::NumberReused", 182, "–", None, a_number_reused),
    ("a shadow of another schema", "NotShadowed::Schema", 190, "–", None, a_shadow_of_another_schema),
    ("a queue without end", "NotShadowed::Queue", 191, "–", None, too_long_a_queue),
    ("a list without end", "NotShadowed::Disagreements", 192, "–", None, too_long_a_list),
];

fn swapped(policy: impl Fn() -> Policy) -> Caused {
    let scene = Scene::new();
    for_good(|| scene.controller.swap(policy(), call(1)))
}

fn the_same_epoch() -> Caused {
    swapped(|| tiny_at(1, 11))
}

fn another_schema() -> Caused {
    swapped(|| {
        let mut draft = Draft { epoch: 2, ..tiny() };
        draft.schema.name = "another".into();
        Policy::freeze(draft).unwrap()
    })
}

fn a_number_reused() -> Caused {
    swapped(|| {
        let mut draft = Draft { epoch: 2, ..tiny() };
        draft.candidates[0].name = "somebody else".into();
        Policy::freeze(draft).unwrap()
    })
}

fn shadowed(policy: impl Fn() -> Policy, options: ShadowOptions) -> Caused {
    let scene = Scene::new();
    for_good(|| -> Result<(), NotShadowed> { scene.controller.set_shadow(policy(), options) })
}

fn a_shadow_of_another_schema() -> Caused {
    shadowed(sample, ShadowOptions::default())
}

fn too_long_a_queue() -> Caused {
    shadowed(|| tiny_at(2, 10), ShadowOptions { queue_max: SHADOW_QUEUE_MAX + 1, ..ShadowOptions::default() })
}

fn too_long_a_list() -> Caused {
    let options =
        ShadowOptions { disagreements_max: SHADOW_DISAGREEMENTS_MAX + 1, ..ShadowOptions::default() };
    shadowed(|| tiny_at(2, 10), options)
}
