//! Sets of capability names against the standard library's.

use std::collections::BTreeSet;

use atd_proto::CapabilitySet;
use proptest::prelude::*;

/// Names that begin alike, end alike, and hold bytes of any kind.
fn names() -> impl Strategy<Value = BTreeSet<String>> {
    let name = prop_oneof![
        "[ab\u{0}é]{0,10}",
        "capability[.:][a-c]{0,3}",
        "[a\u{0}]{15,17}",
        "a-long-capability[.:][a-c]{0,3}",
        (0_u32..100).prop_map(|number| format!("scope{number}.use")),
    ];
    prop::collection::btree_set(name, 0..100)
}

proptest! {
    #[test]
    fn a_set_of_capabilities_is_a_set(held in names(), asked in names(), some in names()) {
        let set = |names: &BTreeSet<String>| names.iter().rev().collect::<CapabilitySet>();
        let few: BTreeSet<String> = held.iter().step_by(3).cloned().collect();
        let listed = |set: &CapabilitySet| set.iter().map(str::to_owned).collect::<Vec<_>>();
        prop_assert!(set(&held).contains_all(&set(&few)));
        for (a, b) in [(&held, &asked), (&few, &held), (&few, &some), (&some, &few)] {
            let (one, other) = (set(a), set(b));
            prop_assert_eq!(one.contains_all(&other), a.is_superset(b));
            prop_assert!(b.iter().all(|name| one.contains(name) == a.contains(name)));
            let both: Vec<_> = a.intersection(b).cloned().collect();
            let rest: Vec<_> = a.difference(b).cloned().collect();
            prop_assert_eq!(listed(&one.intersection(&other)), both);
            prop_assert_eq!(listed(&one.difference(&other)), rest);
            prop_assert_eq!(one == other, a == b);
        }
        prop_assert_eq!(set(&BTreeSet::new()), CapabilitySet::EMPTY);
    }
}
