//! When an event is on record.

use std::{
    io::{self, ErrorKind, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use atd_audit::{
    AuditError, AuditSink, Backpressure, Chaining, Durability, DurableWrite, FileFaults,
    FileOperation,
};

use crate::support::{PATIENCE, Place, account, builder, event};

const FOR_EVER: Backpressure = Backpressure::Block { at_most: None };

/// Counts what is written and what is on disk.
#[derive(Clone, Default)]
struct Platter {
    written: Arc<Mutex<Vec<u8>>>,
    synced: Arc<Mutex<Vec<u8>>>,
    syncs: Arc<AtomicUsize>,
}

impl Platter {
    fn lines_on_disk(&self) -> usize {
        let synced = self.synced.lock().unwrap();
        synced.iter().filter(|byte| **byte == b'\n').count()
    }
}

impl Write for Platter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DurableWrite for Platter {
    fn sync(&mut self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        *self.synced.lock().unwrap() = self.written.lock().unwrap().clone();
        Ok(())
    }
}

/// Says when it is asked to sync, and does so when it is let.
struct Gated(Platter, mpsc::Sender<()>, mpsc::Receiver<()>);

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DurableWrite for Gated {
    fn sync(&mut self) -> io::Result<()> {
        let _ = self.1.send(());
        let _ = self.2.recv_timeout(PATIENCE);
        self.0.sync()
    }
}

#[test]
fn an_event_is_on_disk_when_the_call_returns() {
    let platter = Platter::default();
    let sink = builder()
        .durability(Durability::Sync)
        .durable_writer(Box::new(platter.clone()))
        .unwrap();
    assert!(!sink.try_on_call(&event(0)), "that would wait");
    assert_eq!(account(&sink), (0, 0, 0));
    for n in 1..=20 {
        sink.on_call(&event(n));
        assert_eq!(platter.lines_on_disk(), n as usize);
    }
}

#[test]
fn events_that_come_while_the_disk_works_are_synced_together() {
    let (enter, entered) = mpsc::channel();
    let (leave, left) = mpsc::channel();
    let platter = Platter::default();
    let sink = builder()
        .durability(Durability::Sync)
        .durable_writer(Box::new(Gated(platter.clone(), enter, left)))
        .unwrap();
    thread::scope(|scope| {
        scope.spawn(|| sink.on_call(&event(0)));
        entered.recv_timeout(PATIENCE).unwrap();
        for n in 1..=64 {
            let sink = &sink;
            scope.spawn(move || sink.on_call(&event(n)));
        }
        while sink.health().queued < 65 {
            thread::yield_now();
        }
        drop(leave);
    });
    assert_eq!(account(&sink), (0, 65, 0));
    assert_eq!(
        platter.syncs.load(Ordering::SeqCst),
        2,
        "one, and one for the 64"
    );
}

/// A thread that waits for the disk may be called for something else.
#[test]
fn a_call_that_comes_while_a_thread_waits_for_the_disk_is_not_lost() {
    let (enter, entered) = mpsc::channel();
    let (leave, left) = mpsc::channel();
    let sink = builder()
        .durability(Durability::Sync)
        .durable_writer(Box::new(Gated(Platter::default(), enter, left)))
        .unwrap();
    let (returned, has_returned) = mpsc::channel();
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            sink.on_call(&event(0));
            thread::park();
            returned.send(()).unwrap();
        });
        entered.recv_timeout(PATIENCE).unwrap();
        waits.thread().unpark();
        drop(leave);
        let in_time = has_returned.recv_timeout(PATIENCE);
        waits.thread().unpark();
        in_time.expect("the call was lost");
    });
}

/// Those whose events are on disk are woken by one of them. Some have given up
/// by then, and some are woken just as they do.
#[test]
fn nobody_waits_for_who_has_given_up() {
    for micros in [0, 1, 20, 100] {
        let platter = Platter::default();
        let at_most = Some(Duration::from_micros(micros));
        let sink = builder()
            .backpressure(Backpressure::Block { at_most })
            .durability(Durability::Sync)
            .durable_writer(Box::new(platter.clone()))
            .unwrap();
        thread::scope(|scope| {
            for thread in 0..16 {
                let sink = &sink;
                scope.spawn(move || (0..200).for_each(|n| sink.on_call(&event(thread * 200 + n))));
            }
        });
        sink.shutdown(PATIENCE).unwrap();
        let (_, written, lost) = account(&sink);
        assert_eq!(written + lost, 3_200, "at most {micros} µs");
        assert_eq!(platter.lines_on_disk(), written as usize);
    }
}

/// The same, where all of them wait as long as it takes.
#[test]
fn everybody_returns_whose_event_is_on_disk() {
    let platter = Platter::default();
    let sink = builder()
        .backpressure(FOR_EVER)
        .durability(Durability::Sync)
        .durable_writer(Box::new(platter.clone()))
        .unwrap();
    thread::scope(|scope| {
        for thread in 0..48 {
            let (sink, platter) = (&sink, &platter);
            scope.spawn(move || {
                for n in 0..20 {
                    let before = platter.lines_on_disk();
                    sink.on_call(&event(thread * 20 + n));
                    assert!(platter.lines_on_disk() > before);
                }
            });
        }
    });
    assert_eq!(account(&sink), (0, 960, 0));
}

#[test]
fn an_interval_puts_what_was_written_on_disk_without_another_event() {
    let (synced, syncs) = mpsc::channel();
    struct Tells(mpsc::Sender<()>);
    impl Write for Tells {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl DurableWrite for Tells {
        fn sync(&mut self) -> io::Result<()> {
            let _ = self.0.send(());
            Ok(())
        }
    }
    let sink = builder()
        .durability(Durability::Interval(Duration::from_millis(20)))
        .durable_writer(Box::new(Tells(synced)))
        .unwrap();
    sink.on_call(&event(0));
    syncs.recv_timeout(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 1, 0));
    // And what was written last is synced when the sink ends.
    sink.on_call(&event(1));
    sink.shutdown(PATIENCE).unwrap();
    syncs.recv_timeout(PATIENCE).unwrap();
}

/// Fails the first `count` syncs.
struct Syncs(AtomicUsize);

impl FileFaults for Syncs {
    fn before(&self, operation: FileOperation) -> io::Result<usize> {
        let is_left = || {
            self.0
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        };
        if operation == FileOperation::Sync && is_left().is_ok() {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(usize::MAX)
    }
}

fn failing_syncs(count: usize) -> Arc<Syncs> {
    Arc::new(Syncs(AtomicUsize::new(count)))
}

/// A2: after a failed fsync the segment is closed, and what it may have lost is
/// written to the next, once.
#[test]
fn a_failed_sync_ends_the_segment_and_loses_nothing_where_calls_wait() {
    let place = Place::new();
    let faults = failing_syncs(0);
    let sink = builder()
        .backpressure(FOR_EVER)
        .durability(Durability::Sync)
        .chain(Chaining::new())
        .faults(faults.clone())
        .file(&place.log())
        .unwrap();
    sink.on_call(&event(0));
    faults.0.store(1, Ordering::SeqCst);
    sink.on_call(&event(1));
    sink.on_call(&event(2));
    assert_eq!(account(&sink), (0, 3, 0));
    assert!(sink.health().last_error.is_some());
    assert_eq!(sink.health().failing_since, None, "it works again");
    drop(sink);
    assert_eq!(place.names().len(), 2, "the segment was closed");
    assert_eq!(place.numbers(), [0, 1, 2]);
    assert_eq!(place.verify_whole().events, 3);
}

#[test]
fn a_failed_sync_is_a_counted_loss_where_calls_do_not_wait() {
    let place = Place::new();
    let faults = failing_syncs(0);
    let sink = builder()
        .durability(Durability::Sync)
        .chain(Chaining::new())
        .faults(faults.clone())
        .file(&place.log())
        .unwrap();
    sink.on_call(&event(0));
    faults.0.store(1, Ordering::SeqCst);
    sink.on_call(&event(1));
    assert_eq!(account(&sink), (0, 1, 1));
    assert!(sink.health().failing_since.is_some());
    sink.on_call(&event(2));
    assert_eq!(account(&sink), (0, 2, 1));
    drop(sink);
    let report = place.verify_whole();
    assert_eq!((report.events, report.lost, report.gaps), (2, 1, 1));
    assert_eq!(place.numbers(), [0, 2]);
}

#[test]
fn a_failed_sync_at_an_interval_takes_back_what_counted_as_written() {
    let place = Place::new();
    let faults = failing_syncs(0);
    let sink = builder()
        .durability(Durability::Interval(Duration::from_millis(5)))
        .chain(Chaining::new())
        .faults(faults.clone())
        .file(&place.log())
        .unwrap();
    faults.0.store(1, Ordering::SeqCst);
    sink.on_call(&event(0));
    while sink.drops() == 0 {
        thread::yield_now();
    }
    assert_eq!(account(&sink), (0, 0, 1));
    let told = sink.flush(PATIENCE).unwrap_err();
    assert!(
        matches!(told, AuditError::WriteFailed { lost: 1, .. }),
        "{told}"
    );
    sink.on_call(&event(1));
    sink.shutdown(PATIENCE).unwrap();
    assert_eq!(account(&sink), (0, 1, 1));
    // It may be there all the same, and is here: the disk was not to blame.
    let report = place.verify_whole();
    assert_eq!((report.events, report.lost), (2, 1));
    assert_eq!(report.segments, 2);
}

#[test]
fn a_plain_writer_cannot_be_durable() {
    let refused = builder()
        .durability(Durability::Sync)
        .writer(Box::new(io::sink()))
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}
