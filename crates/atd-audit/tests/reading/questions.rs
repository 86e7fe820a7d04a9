//! Questions to a log.

use atd_audit::{CallEvent, Outcome, OutcomeKind, Query, Statistics, parse_rfc3339};

use super::support::{Place, event};

fn events() -> Vec<CallEvent> {
    let denied = Outcome::CapabilityDenied { missing: vec![] };
    let on = |n, ts: &str, tool: &str, caller: Option<&str>, outcome| CallEvent {
        ts: ts.to_owned(),
        tool_id: tool.to_owned(),
        caller_id: caller.map(str::to_owned),
        outcome,
        ..event(n)
    };
    vec![
        on(
            0,
            "2026-11-22T10:00:00Z",
            "ref:fs.read",
            Some("ann"),
            Outcome::Success,
        ),
        on(
            1,
            "2026-11-22T12:00:00.5+01:00",
            "ref:fs.list",
            Some("bob"),
            Outcome::Success,
        ),
        on(
            2,
            "2026-11-22T12:00:00.000000Z",
            "demo:db.drop",
            None,
            denied,
        ),
        on(
            3,
            "yesterday",
            "demo:db.drop",
            Some("ann"),
            Outcome::ToolNotFound,
        ),
    ]
}

fn place() -> Place {
    let lines = events()
        .into_iter()
        .map(|event| serde_json::to_string(&event).unwrap() + "\n");
    Place::with(lines.collect::<String>() + "garbage\n")
}

#[test]
fn a_query_gives_the_events_that_fit_all_of_it() {
    let place = place();
    let check = |query: Query, expected: &[u64]| {
        let mut found = place.log().query(query);
        let names: Vec<u64> = found
            .by_ref()
            .map(|it| it.unwrap().event.duration_ms)
            .collect();
        assert_eq!(names, expected);
        assert_eq!(found.bad_lines(), 1);
    };
    let at = |text| parse_rfc3339(text).unwrap();
    check(Query::new(), &[0, 1, 2, 3]);
    check(Query::new().tool("ref:fs.read"), &[0]);
    check(Query::new().tool("ref:*"), &[0, 1]);
    check(Query::new().caller("ann"), &[0, 3]);
    check(Query::new().caller("ann").tool("demo:*"), &[3]);
    check(Query::new().outcome(OutcomeKind::Success), &[0, 1]);
    let refused = Query::new()
        .outcome(OutcomeKind::CapabilityDenied)
        .outcome(OutcomeKind::ToolNotFound);
    check(refused, &[2, 3]);
    check(Query::new().call_id(&event(2).call_id), &[2]);
    // From the first time on, up to but not including the second.
    check(Query::new().since(at("2026-11-22T11:00:00.5Z")), &[1, 2]);
    check(Query::new().until(at("2026-11-22T11:00:00.5Z")), &[0]);
}

#[test]
fn statistics_count_each_tool() {
    let mut statistics = Statistics::new();
    for n in 1..=1000 {
        let outcome = match n % 10 {
            0 => Outcome::ToolNotFound,
            _ => Outcome::Success,
        };
        statistics.add(&CallEvent {
            outcome,
            ..event(n)
        });
    }
    statistics.add(&CallEvent {
        tool_id: "other".to_owned(),
        duration_ms: u64::MAX,
        ..event(0)
    });
    let tools: Vec<_> = statistics.tools().collect();
    assert_eq!(tools.len(), 2);
    let (id, calls) = tools[1];
    assert_eq!(
        (id, calls.count(), calls.max_ms()),
        ("ref:fs.read", 1000, 1000)
    );
    assert_eq!(calls.outcome(OutcomeKind::ToolNotFound), 100);
    for (percent, expected) in [(50.0, 500.0), (95.0, 950.0), (99.0, 990.0), (100.0, 1000.0)] {
        let found = calls.percentile_ms(percent) as f64;
        assert!(
            (found - expected).abs() <= expected * 0.01,
            "{percent} {found}"
        );
    }
    assert_eq!(statistics.total().count(), 1001);
    assert_eq!(statistics.total().max_ms(), u64::MAX);
    assert!(statistics.others().is_none());
}

#[test]
fn tools_without_number_are_counted_together() {
    let mut statistics = Statistics::new();
    for n in 0..1500 {
        statistics.add(&CallEvent {
            tool_id: format!("made-up:{n}"),
            ..event(1)
        });
    }
    assert_eq!(statistics.tools().count(), 1000);
    assert_eq!(statistics.others().unwrap().count(), 500);
    assert_eq!(statistics.total().count(), 1500);
}

#[test]
fn what_is_no_time_is_refused() {
    for bad in [
        "",
        "yesterday",
        "2026-11-22",
        "2026-13-01T00:00:00Z",
        "99999-01-01T00:00:00Z",
    ] {
        assert!(parse_rfc3339(bad).is_err(), "{bad}");
    }
}
