//! A disk that fails, at each operation in turn.

use std::{
    io::{self, ErrorKind},
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use atd_audit::{
    AuditError, AuditSink, Backpressure, Chaining, Durability, FileFaults, FileOperation,
    JsonLinesBuilder, Rotation, Strict, VerifyOptions,
};

use crate::support::{PATIENCE, Place, account, builder, event};

const FOR_EVER: Backpressure = Backpressure::Block { at_most: None };
const NEVER: usize = usize::MAX;

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A write takes three bytes.
    ShortWrite,
    Interrupted,
    NoSpace,
    Io,
}

const KINDS: [Kind; 4] = [Kind::ShortWrite, Kind::Interrupted, Kind::NoSpace, Kind::Io];

/// Fails `count` operations from the one numbered `from` on.
struct Disk {
    kind: Kind,
    from: AtomicUsize,
    count: usize,
    operation: AtomicUsize,
}

impl Disk {
    fn new(kind: Kind, count: usize) -> Arc<Self> {
        Arc::new(Self {
            kind,
            from: AtomicUsize::new(NEVER),
            count,
            operation: AtomicUsize::new(0),
        })
    }

    /// From the `n`th operation from now on.
    fn fail_from(&self, n: usize) {
        let from = self.operation.load(Ordering::SeqCst) + n;
        self.from.store(from, Ordering::SeqCst);
    }
}

impl FileFaults for Disk {
    fn before(&self, operation: FileOperation) -> io::Result<usize> {
        let number = self.operation.fetch_add(1, Ordering::SeqCst);
        let from = self.from.load(Ordering::SeqCst);
        if number < from || number - from >= self.count {
            return Ok(usize::MAX);
        }
        match self.kind {
            Kind::ShortWrite if operation == FileOperation::Write => Ok(3),
            Kind::ShortWrite => Ok(usize::MAX),
            Kind::Interrupted => Err(ErrorKind::Interrupted.into()),
            Kind::NoSpace => Err(ErrorKind::StorageFull.into()),
            Kind::Io => Err(io::Error::from_raw_os_error(5)),
        }
    }
}

/// A log of which each line is a segment, so that there is much to fail.
fn durable(durability: Durability) -> JsonLinesBuilder {
    builder()
        .durability(durability)
        .chain(Chaining::new())
        .rotation(Rotation::new().max_bytes(NonZero::new(1).unwrap()))
}

const EVENTS: u64 = 40;

/// Each of the first 200 operations if `ATD_LONG` is set, else every third. A
/// case mostly waits for the next try, so the kinds of faults go side by side.
fn each_case(check: impl Fn(Kind, usize) + Sync) {
    let step = if std::env::var_os("ATD_LONG").is_some() {
        1
    } else {
        3
    };
    std::thread::scope(|scope| {
        for (first, kind) in KINDS.into_iter().enumerate() {
            let check = &check;
            scope.spawn(move || {
                (first % step..200)
                    .step_by(step)
                    .for_each(|at| check(kind, at));
            });
        }
    });
}

/// A2, where calls wait: whatever operation fails,
/// every event is on record once, and the chain is whole.
#[test]
fn a_disk_that_fails_at_any_operation_loses_nothing_where_calls_wait() {
    for durability in [Durability::Buffered, Durability::Sync] {
        each_case(|kind, at| {
            let case = format!("{durability:?} {kind:?} at {at}");
            let place = Place::in_memory();
            let disk = Disk::new(kind, 1);
            let sink = durable(durability)
                .backpressure(FOR_EVER)
                .faults(disk.clone())
                .file(&place.log())
                .unwrap();
            disk.fail_from(at);
            for n in 0..EVENTS {
                sink.on_call(&event(n));
                sink.flush(PATIENCE)
                    .unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(account(&sink), (0, n + 1, 0), "{case}");
            }
            drop(sink);
            assert_eq!(place.numbers(), (0..EVENTS).collect::<Vec<_>>(), "{case}");
            place.verify_whole();
        });
    }
}

/// A2, where calls do not wait: written and counted as lost are what was
/// submitted, and the log tells of the gap.
#[test]
fn a_disk_that_fails_at_any_operation_leaves_every_event_counted() {
    for durability in [Durability::Buffered, Durability::Sync] {
        each_case(|kind, at| {
            let case = format!("{durability:?} {kind:?} at {at}");
            let place = Place::in_memory();
            let disk = Disk::new(kind, 3);
            let sink = durable(durability)
                .faults(disk.clone())
                .file(&place.log())
                .unwrap();
            disk.fail_from(at);
            for n in 0..EVENTS {
                sink.on_call(&event(n));
                // Whoever waits is told of losses; here they are counted.
                let _ = sink.flush(PATIENCE);
                let (queued, written, lost) = account(&sink);
                assert_eq!((queued, written + lost), (0, n + 1), "{case}");
            }
            let (_, written, lost) = account(&sink);
            assert!(lost <= 3, "{case}: {lost}");
            drop(sink);
            let report = place.verify(&VerifyOptions::new().complete(true));
            assert!(report.broken.is_none(), "{case}: {:?}", report.broken);
            // What was in doubt is counted as lost and may be there.
            assert!(
                (written..=written + lost).contains(&report.events),
                "{case}"
            );
            if place.numbers().last() == Some(&(EVENTS - 1)) {
                assert!(report.lost <= lost, "{case}");
                assert!(
                    report.lost > 0 || lost == 0 || report.events > written,
                    "{case}"
                );
            }
        });
    }
}

/// A2, strict: while the disk fails no call begins, when it works again calls
/// begin within a second, and every call that began has one event.
#[test]
fn a_disk_that_fails_at_any_operation_begins_no_call_without_a_record() {
    each_case(|kind, at| {
        let case = format!("{kind:?} at {at}");
        let place = Place::in_memory();
        let disk = Disk::new(kind, 5);
        let sink = durable(Durability::Buffered)
            .strict(Strict::new().patience(Duration::from_secs(1)))
            .faults(disk.clone())
            .file(&place.log())
            .unwrap();
        disk.fail_from(at);
        for n in 0..EVENTS / 2 {
            while let Err(refused) = sink.on_start(&event(n)) {
                assert!(
                    matches!(
                        refused,
                        AuditError::Failing { .. } | AuditError::Journal { .. }
                    ),
                    "{case}: {refused}"
                );
                std::thread::yield_now();
            }
            sink.on_call(&event(n));
        }
        // Nothing is given up while the sink lives.
        sink.flush(PATIENCE)
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(account(&sink), (0, EVENTS / 2, 0), "{case}");
        sink.shutdown(PATIENCE).unwrap();
        assert_eq!(
            place.numbers(),
            (0..EVENTS / 2).collect::<Vec<_>>(),
            "{case}"
        );
        place.verify_whole();
    });
}
