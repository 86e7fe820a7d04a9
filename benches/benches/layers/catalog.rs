//! The registry's catalog, the `tool_list` response, at 10, 1,000 and 10,000
//! tools of some 600 bytes each.
//!
//! - `catalog/after_a_change`: encoding it, when a tool was put in the place
//!   of another. The change itself, which compiles that tool's schema, is not
//!   counted.
//! - `catalog/unchanged`: asking again, which every other `tool_list` does.
//!
//! Left out: the copy into a frame (see `dispatch`), hidden tools, and changes
//! that come while somebody asks.

use std::cell::LazyCell;

use atd_runtime::Registry;
use atd_runtime::proto::Response;
use benches::{registry_of, replace_one};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group};

const SIZES: [usize; 3] = [10, 1_000, 10_000];

fn catalog(c: &mut Criterion) {
    // So many tools take a while: made once, and only if they are asked for.
    let registries = SIZES.map(|tools| (tools, LazyCell::new(move || checked(tools))));

    let mut group = c.benchmark_group("catalog/after_a_change");
    for (tools, registry) in &registries {
        group.throughput(Throughput::Elements(*tools as u64));
        group.bench_function(BenchmarkId::from_parameter(tools), |b| {
            let registry: &Registry = registry;
            let change = || replace_one(registry);
            b.iter_batched(change, |()| registry.catalog(), BatchSize::PerIteration);
        });
    }
    group.finish();

    let mut group = c.benchmark_group("catalog/unchanged");
    for (tools, registry) in &registries {
        group.bench_function(BenchmarkId::from_parameter(tools), |b| {
            let registry: &Registry = registry;
            b.iter(|| registry.catalog());
        });
    }
}

/// A registry of so many tools, whose catalog holds them all and is made anew
/// after a change and only then.
fn checked(tools: usize) -> Registry {
    let registry = registry_of(tools);
    let before = registry.catalog();
    match Response::decode(before.clone()) {
        Ok(Response::ToolList { tools: listed }) => assert_eq!(listed.len(), tools),
        other => panic!("no catalog: {other:?}"),
    }
    assert_eq!(before.as_ptr(), registry.catalog().as_ptr());
    replace_one(&registry);
    assert_ne!(before.as_ptr(), registry.catalog().as_ptr());
    registry
}

criterion_group!(benches, catalog);
