//! What the server counts, and the page that Prometheus reads.

mod support;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, UNIX_EPOCH};

use atd_audit::{AuditSink, CallEvent, Health, MemoryAuditSink};
use atd_gate::Gate;
use atd_registry::{Registry, tool_fn};
use atd_server::{CallEnding, MetricsSnapshot, Server};
use prometheus_parse::{Scrape, Value as Sampled};
use serde_json::{Value, json};
use support::{anonymous, call, registry, run, server};

/// The endings of a tool's calls that there are, and how many of each.
fn endings(snapshot: &MetricsSnapshot, tool: &str) -> Vec<(CallEnding, u64)> {
    let Some(tool) = snapshot.tools.get(tool) else {
        return Vec::new();
    };
    let counted = CallEnding::ALL.map(|ending| (ending, tool.ended(ending)));
    counted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn page(snapshot: &MetricsSnapshot) -> String {
    let mut text = String::new();
    snapshot.write_prometheus(&mut text).unwrap();
    text
}

fn scrape(snapshot: &MetricsSnapshot) -> Scrape {
    let text = page(snapshot);
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap()
}

/// A registry of one tool for each name.
fn registry_of(names: impl IntoIterator<Item = String>) -> Registry {
    let registry = Registry::new();
    for name in names {
        let tool = tool_fn(&name, "", |_: Value, _| async { Ok(1) });
        registry.register(tool).unwrap();
    }
    registry
}

/// As [`run`] for arguments that do not matter.
async fn runs(server: &Server, tool: &str) {
    run(server, &anonymous(server), call(tool, json!({}))).await;
}

#[tokio::test]
async fn each_call_is_counted_once_under_its_tool_and_its_end() {
    let (server, audit) = server();
    let cases = [
        ("test:ok.echo", CallEnding::Success, 1),
        ("test:ok.typed", CallEnding::InvalidArgs, 0),
        ("test:ok.denied", CallEnding::CapabilityDenied, 0),
        ("test:bad.fails", CallEnding::ExecutionFailed, 1),
        ("test:bad.internal", CallEnding::Other, 1),
        ("test:bad.panics", CallEnding::Panicked, 1),
        ("test:bad.hangs", CallEnding::DeadlineExceeded, 1),
        ("test:bad.spins", CallEnding::DeadlineExceeded, 1),
        ("test:bad.floods", CallEnding::OutputRefused, 1),
    ];
    for (tool, ending, reached) in cases {
        runs(&server, tool).await;
        let snapshot = server.metrics_snapshot();
        assert_eq!(endings(&snapshot, tool), [(ending, 1)], "{tool}");
        let counted = &snapshot.tools[tool];
        assert_eq!((counted.calls, counted.in_flight), (1, 0), "{tool}");
        assert_eq!(counted.latency.count(), reached, "{tool}");
        assert_eq!(counted.latency.sum().is_zero(), reached == 0, "{tool}");
    }
    let snapshot = server.metrics_snapshot();
    assert_eq!(snapshot.calls, cases.len() as u64);
    assert_eq!(snapshot.tools.len(), cases.len());
    assert_eq!(audit.events().len(), cases.len());
}

#[tokio::test]
async fn a_limit_that_refuses_is_counted_by_its_scope() {
    let (server, _) = server();
    for _ in 0..3 {
        runs(&server, "test:ok.limited").await;
    }
    runs(&server, "test:ok.denied").await;
    let snapshot = server.metrics_snapshot();
    let expected = [(CallEnding::Success, 1), (CallEnding::RateLimited, 2)];
    assert_eq!(endings(&snapshot, "test:ok.limited"), expected);
    let refused: BTreeMap<_, _> = snapshot.refusals.into_iter().collect();
    assert_eq!(refused["tool_rate"], 2);
    assert_eq!(refused["capability"], 1);
    assert_eq!(refused.values().sum::<u64>(), 3);
}

#[tokio::test]
async fn ids_that_no_tool_has_share_one_name() {
    let (server, _) = server();
    for n in 0..2_000 {
        runs(&server, &format!("made:up.id{n}")).await;
    }
    let snapshot = server.metrics_snapshot();
    let tools: Vec<_> = snapshot.tools.keys().map(|id| &**id).collect();
    assert_eq!(tools, ["unknown"]);
    let expected = [(CallEnding::ToolNotFound, 2_000)];
    assert_eq!(endings(&snapshot, "unknown"), expected);
}

#[tokio::test]
async fn tools_beyond_the_limit_share_one_name_and_no_call_is_missed() {
    let names = || (0..1_040).map(|n| format!("many:tool.n{n}"));
    let server = Server::builder(registry_of(names())).build().unwrap();
    for name in names().chain(names()) {
        runs(&server, &name).await;
    }
    let snapshot = server.metrics_snapshot();
    assert_eq!(snapshot.tools.len(), 1_024 + 1);
    assert_eq!(endings(&snapshot, "other"), [(CallEnding::Success, 32)]);
    assert_eq!(snapshot.calls, 2 * 1_040);
}

#[tokio::test]
async fn no_count_falls_when_a_tool_is_replaced_or_removed() {
    let server = Server::builder(registry_of(["a:b.c".to_owned()]))
        .build()
        .unwrap();
    runs(&server, "a:b.c").await;
    let other = tool_fn("a:b.c", "", |_: Value, _| async { Ok(2) });
    server.registry().replace(other).unwrap();
    runs(&server, "a:b.c").await;
    let counted = |server: &Server| endings(&server.metrics_snapshot(), "a:b.c");
    assert_eq!(counted(&server), [(CallEnding::Success, 2)]);
    server.registry().remove("a:b.c").unwrap();
    runs(&server, "a:b.c").await;
    assert_eq!(counted(&server), [(CallEnding::Success, 2)]);
    let unknown = endings(&server.metrics_snapshot(), "unknown");
    assert_eq!(unknown, [(CallEnding::ToolNotFound, 1)]);
}

#[tokio::test]
async fn servers_of_one_registry_count_for_themselves() {
    let registry = Arc::new(registry_of(["a:b.c".to_owned()]));
    let (one, two) = (
        Server::builder(registry.clone()).build().unwrap(),
        Server::builder(registry).build().unwrap(),
    );
    for (server, times) in [(&one, 3), (&two, 5)] {
        for _ in 0..times {
            runs(server, "a:b.c").await;
        }
        let counted = endings(&server.metrics_snapshot(), "a:b.c");
        assert_eq!(counted, [(CallEnding::Success, times)]);
    }
}

#[tokio::test]
async fn a_call_is_in_flight_until_it_is_dropped() {
    let (server, _) = server();
    let session = anonymous(&server);
    {
        let mut waits = pin!(run(&server, &session, call("test:bad.waits", json!({}))));
        poll_fn(|cx| {
            assert!(waits.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let snapshot = server.metrics_snapshot();
        assert_eq!(snapshot.calls_in_flight, 1);
        assert_eq!(snapshot.tools["test:bad.waits"].in_flight, 1);
        session.phase().client_gone();
    }
    let snapshot = server.metrics_snapshot();
    assert_eq!(snapshot.calls_in_flight, 0);
    let expected = [(CallEnding::ClientGone, 1)];
    assert_eq!(endings(&snapshot, "test:bad.waits"), expected);
}

#[tokio::test]
async fn a_call_that_a_shutdown_refuses_is_one_of_its_tool() {
    let (server, _) = server();
    let session = anonymous(&server);
    session.phase().close();
    run(&server, &session, call("test:ok.echo", json!({}))).await;
    let snapshot = server.metrics_snapshot();
    let expected = [(CallEnding::ShutDown, 1)];
    assert_eq!(endings(&snapshot, "test:ok.echo"), expected);
    assert_eq!(snapshot.calls_in_flight, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_beside_one_another_are_all_counted() {
    const TASKS: u64 = 8;
    const CALLS: u64 = 500;
    let (server, _) = server();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let server = server.clone();
        tasks.spawn(async move {
            for _ in 0..CALLS {
                runs(&server, "test:ok.echo").await;
            }
        });
    }
    tasks.join_all().await;
    let snapshot = server.metrics_snapshot();
    let counted = &snapshot.tools["test:ok.echo"];
    assert_eq!(counted.ended(CallEnding::Success), TASKS * CALLS);
    assert_eq!(counted.latency.count(), TASKS * CALLS);
    assert_eq!(
        (snapshot.calls, snapshot.calls_in_flight),
        (TASKS * CALLS, 0)
    );
}

/// The page is read by a parser of somebody else's, and says what the snapshot
/// says.
#[tokio::test]
async fn the_page_is_read_by_a_parser_and_tells_the_same() {
    let (server, _) = server();
    for tool in [
        "test:ok.echo",
        "test:ok.echo",
        "test:bad.fails",
        "no:such.tool",
    ] {
        runs(&server, tool).await;
    }
    let snapshot = server.metrics_snapshot();
    let scrape = scrape(&snapshot);
    let value = |metric: &str, labels: &[(&str, &str)]| {
        let mut samples = scrape
            .samples
            .iter()
            .filter(|sample| sample.metric == metric);
        let found = samples.find(|sample| {
            let mut labels = labels.iter();
            labels.all(|(name, value)| sample.labels.get(name) == Some(value))
        });
        found.map(|sample| sample.value.clone())
    };
    for (tool, outcome, count) in [
        ("test:ok.echo", "success", 2.0),
        ("test:ok.echo", "panicked", 0.0),
        ("test:bad.fails", "execution_failed", 1.0),
        ("unknown", "tool_not_found", 1.0),
    ] {
        let found = value("atd_calls_total", &[("tool", tool), ("outcome", outcome)]);
        assert_eq!(found, Some(Sampled::Counter(count)), "{tool} {outcome}");
    }
    let Some(Sampled::Histogram(buckets)) =
        value("atd_call_duration_seconds", &[("tool", "test:ok.echo")])
    else {
        panic!("no histogram");
    };
    assert_eq!(buckets.len(), 28);
    assert!(buckets.is_sorted_by(|a, b| a.less_than < b.less_than && a.count <= b.count));
    let last = buckets.last().unwrap();
    assert_eq!((last.less_than, last.count), (f64::INFINITY, 2.0));
    assert_eq!(
        value("atd_audit_events_written_total", &[]),
        Some(Sampled::Counter(4.0))
    );
    assert_eq!(
        value("atd_refusals_total", &[("scope", "tracked_callers")]),
        Some(Sampled::Counter(0.0))
    );
}

/// Every family says what it is before its first sample, once, and no sample
/// comes twice: what the format asks for and a lenient reader overlooks.
#[tokio::test]
async fn the_page_keeps_the_format_to_the_letter() {
    let (server, _) = server();
    runs(&server, "test:ok.echo").await;
    runs(&server, "no:such.tool").await;
    let text = page(&server.metrics_snapshot());
    let (mut family, mut families, mut series) = (String::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap().to_owned();
            assert!(!families.contains(&family), "{line}");
            families.push(family.clone());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(line.starts_with(&family), "{line} below {family}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(!series.contains(&name.to_owned()), "{line}");
            series.push(name.to_owned());
        }
    }
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
}

#[tokio::test]
async fn a_server_without_audit_says_nothing_of_one() {
    let server = Server::builder(registry())
        .gate(Gate::builder().build())
        .build()
        .unwrap();
    let text = page(&server.metrics_snapshot());
    assert!(server.metrics_snapshot().audit.is_none());
    assert!(!text.contains("atd_audit_events_written"), "{text}");
    let audited = Server::builder(registry()).audit(Arc::new(MemoryAuditSink::new()));
    let text = page(&audited.build().unwrap().metrics_snapshot());
    assert!(
        text.contains("\natd_audit_failing_since_timestamp_seconds 0\n"),
        "{text}"
    );
}

/// What the sink says of itself, next to what the server itself counts.
#[tokio::test]
async fn the_account_of_a_sink_that_fails_is_shown() {
    struct Failing;
    impl AuditSink for Failing {
        fn on_call(&self, _: &CallEvent) {}

        fn health(&self) -> Health {
            let mut health = Health::default();
            (health.queued, health.written) = (3, 5);
            (health.lost, health.spilled) = (7, 11);
            health.failing_since = Some(UNIX_EPOCH + Duration::from_millis(1_500));
            health
        }
    }
    let server = Server::builder(registry()).audit(Arc::new(Failing));
    let snapshot = server.build().unwrap().metrics_snapshot();
    assert_eq!(snapshot.audit_lost, 7);
    let text = page(&snapshot);
    for line in [
        "atd_audit_events_queued 3",
        "atd_audit_events_written_total 5",
        "atd_audit_events_lost_total 7",
        "atd_audit_events_spilled_total 11",
        "atd_audit_events_waiting 0",
        "atd_audit_failing_since_timestamp_seconds 1.5",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}
