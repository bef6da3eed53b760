//! Levers and settings as people read them, and as machines do.

use assize::{
    id::CandidateId,
    kernel::{Lever, Setting, Value},
    policy::MemberId,
};

use crate::{
    changing::set_of,
    kernel_sample::{candidate, draft, freeze, micros},
};

#[test]
fn levers_and_settings_have_names() {
    let policy = freeze(draft(vec![candidate(1, 10)]));
    let column = |name: &str| Lever::Column(policy.schema().column(name).unwrap());
    let calls = policy.schema().quantity("calls").unwrap().index();
    let members = set_of(&[0, 511]);
    // lever, setting | both as they are shown
    let table = [
        (Lever::Enabled, Setting::Enabled { policy: true, host: true }, "enabled", "enabled"),
        (Lever::Enabled, Setting::Enabled { policy: true, host: false }, "enabled", "disabled by the host"),
        (Lever::Enabled, Setting::Enabled { policy: false, host: true }, "enabled", "disabled by the policy"),
        (
            Lever::Enabled,
            Setting::Enabled { policy: false, host: false },
            "enabled",
            "disabled by the policy and the host",
        ),
        (Lever::Excluded, Setting::Excluded(true), "excluded", "excluded"),
        (Lever::Excluded, Setting::Excluded(false), "excluded", "not excluded"),
        (column("quality"), Setting::Value(Some(Value::Number(8_400))), "quality", "8400"),
        (column("quality"), Setting::Value(None), "quality", "unknown"),
        (column("skills"), Setting::Value(Some(Value::Set(members))), "skills", "a, e"),
        (column("home"), Setting::Value(Some(Value::Member(MemberId(63)))), "home", "b"),
        (Lever::Rate { card: 0, quantity: calls }, Setting::Rate(Some(7)), "rate of calls", "7"),
        (Lever::Rate { card: 2, quantity: calls }, Setting::Rate(None), "rate of calls, card 2", "no rate"),
        (Lever::FlatFee, Setting::Micros(micros(u64::MAX)), "flat fee", "18446744073709551615 µ"),
        (Lever::CostLimit, Setting::Micros(micros(5)), "cost limit", "5 µ"),
        (Lever::CostLimit, Setting::Micros(micros(u64::MAX)), "cost limit", "no limit"),
        (Lever::Demand(0), Setting::Demand(Some(Value::Number(1))), "demand quality at_least", "1"),
        (Lever::Demand(4), Setting::Demand(Some(Value::Set(members))), "demand skills has_all", "a, e"),
        (Lever::Demand(6), Setting::Demand(Some(Value::Set(set_of(&[])))), "demand home one_of", "none"),
        (Lever::Demand(1), Setting::Demand(None), "demand speed at_most", "no demand"),
        (Lever::Requested, Setting::Requested(None), "requested", "nobody"),
        (Lever::Requested, Setting::Requested(Some(CandidateId(1))), "requested", "candidate 1"),
        (Lever::Requested, Setting::Requested(Some(CandidateId(8))), "requested", "8"),
    ];
    for (lever, setting, name, text) in table {
        assert_eq!(lever.shown(&policy).to_string(), name);
        assert_eq!(setting.shown(&policy, lever).to_string(), text, "{lever:?} {setting:?}");
        assert_eq!(format!("{:>40}|", setting.shown(&policy, lever)), format!("{text:>40}|"));
    }
}

#[cfg(feature = "serde")]
#[test]
fn answers_are_serialised_with_units_and_words() {
    use crate::kernel_sample::{call, number};
    use assize::kernel::{Disabled, Side, affordable, compare, slack, what_would_win};
    use serde_json::json;

    let policy = freeze(draft(vec![number(candidate(1, 10), "quality", 7), candidate(2, 20)]));
    let (request, none) = (call(&policy), Disabled::none());
    let quality = policy.schema().column("quality").unwrap().0;
    let calls = policy.schema().quantity("calls").unwrap();

    let told = what_would_win(&policy, &none, &request, CandidateId(2)).unwrap();
    let told = serde_json::to_value(&told).unwrap();
    assert_eq!((&told["candidate"], &told["decision"]["action"]), (&json!(2), &json!("execute")));
    let lines = told["lines"].as_array().unwrap();
    for line in [
        json!({"lever": "enabled", "present": {"enabled": {"policy": true, "host": true}}, "verdict": "cannot"}),
        json!({"lever": {"column": quality}, "present": {"value": null}, "verdict": "cannot"}),
        json!({
            "lever": {"rate": {"card": 0, "quantity": calls.index().0}},
            "present": {"rate": 20},
            "verdict": {"change_to": {"rate": 9}},
        }),
        json!({"lever": {"demand": 0}, "present": {"demand": null}, "verdict": "cannot"}),
        json!({"lever": "cost_limit", "present": {"micros": u64::MAX}, "verdict": "cannot"}),
        json!({"lever": "requested", "present": {"requested": null}, "verdict": "cannot"}),
    ] {
        assert!(lines.contains(&line), "{line} in {told}");
    }

    let told = serde_json::to_value(slack(&policy, &none, &request).unwrap()).unwrap();
    assert_eq!((&told["lead_micros"], &told["cost_up_micros"]), (&json!(10), &json!(10)));
    let fee = json!({
        "lever": "flat_fee",
        "direction": "up",
        "present": {"micros": 0},
        "last": {"micros": 10},
        "lost_at": {"micros": 11},
    });
    assert!(told["lines"].as_array().unwrap().contains(&fee), "{told}");
    let alone = freeze(draft(vec![candidate(1, 10)]));
    let told = serde_json::to_value(slack(&alone, &none, &call(&alone)).unwrap()).unwrap();
    assert_eq!(told["lead_micros"], json!(null));

    let told = serde_json::to_value(affordable(&policy, &none, &request, calls).unwrap()).unwrap();
    assert_eq!((&told["quantity"], &told["amount"]), (&json!(calls.index().0), &json!(u64::MAX / 10)));

    let side = Side { policy: &policy, disabled: &none };
    let off = Disabled::new(&policy, [CandidateId(1)]);
    let told = compare(side, Side { policy: &policy, disabled: &off }, [&request]).unwrap();
    let told = serde_json::to_value(told).unwrap();
    assert_eq!((&told["difference_micros"], &told["changed"]["selected_another"]), (&json!(10), &json!(1)));
    let flow = json!({"from": 1, "to": 2, "requests": 1, "cost_micros_before": 10, "cost_micros_after": 20});
    assert_eq!(told["flows"], json!([flow]));
}
