//! Capability sets, tool ids, and the names that models see.

use atd_proto::{CapabilitySet, NameTable, check_tool_id, model_name};
use proptest::prelude::*;

#[test]
fn a_set_is_sorted_and_holds_each_name_once() {
    let set: CapabilitySet = serde_json::from_str(r#"["b","a","b"]"#).unwrap();
    assert_eq!(serde_json::to_string(&set).unwrap(), r#"["a","b"]"#);
    assert_eq!(set.to_string(), "a, b");
    assert_eq!(CapabilitySet::EMPTY.to_string(), "none");
}

#[test]
fn tool_ids_read_namespace_domain_action() {
    for good in ["ref:fs.read", "mcp:git-hub.issues.list_all", "a:b.c"] {
        assert_eq!(check_tool_id(good), Ok(()), "{good}");
    }
    let too_long = format!("a:b.{}", "c".repeat(300));
    let bad = [
        "",
        ":",
        "fs.read",
        ":fs.read",
        "ref:read",
        "ref:fs.",
        "ref:.read",
        "ref:fs..read",
        "ref:fs.re ad",
        "ref:fs.read\n",
        "réf:fs.read",
        "a:b:c.d",
        &too_long,
    ];
    for bad in bad {
        let error = check_tool_id(bad).expect_err(bad);
        assert!(error.to_string().contains("namespace:domain.action"));
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn every_other_character_becomes_one_underscore() {
    assert_eq!(model_name("ref:fs.read"), "ref_fs_read");
    assert_eq!(model_name("a-b_é:x"), "a-b___x");
}

#[test]
fn two_ids_that_meet_in_one_name_are_reported() {
    let mut names = NameTable::default();
    names.insert("ref:fs.read".into()).unwrap();
    names.insert("ref:fs.read".into()).unwrap();
    let conflict = names.insert("ref:fs_read.x".into());
    assert!(conflict.is_ok());
    let conflict = names.insert("ref_fs:read".into()).unwrap_err();
    assert_eq!(
        (&*conflict.known, &*conflict.name),
        ("ref:fs.read", "ref_fs_read")
    );
    assert_eq!(
        names.id_of("ref_fs_read").map(|id| &**id),
        Some("ref:fs.read")
    );
    assert!(!names.remove("ref_fs:read"));
    assert!(names.remove("ref:fs.read"));
    assert!(names.insert("ref_fs:read".into()).is_ok());
}

proptest! {
    #[test]
    fn set_operations_agree_with_a_tree_set(
        a in proptest::collection::btree_set("[a-d]{1,2}", 0..8),
        b in proptest::collection::btree_set("[a-d]{1,2}", 0..8),
    ) {
        let (left, right): (CapabilitySet, CapabilitySet) =
            (a.iter().cloned().collect(), b.iter().cloned().collect());
        prop_assert_eq!(left.contains_all(&right), b.is_subset(&a));
        prop_assert_eq!(left.intersection(&right), a.intersection(&b).cloned().collect());
        prop_assert_eq!(left.difference(&right), a.difference(&b).cloned().collect());
    }
}
