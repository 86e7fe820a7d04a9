//! What a connection costs that is open, has said hello and does nothing.
//!
//! - `memory/N`: the resident memory that a fresh server's process gains by N
//!   connections, over their number. It has answered a call before, so that
//!   what it makes once is not counted.

use std::rc::Rc;

use anyhow::{Result, ensure};

use super::connection::{Connection, frame};
use super::server::{Cores, Process};
use super::{ALL, name};
use crate::clock::now;
use crate::echo::{self, Echo};
use crate::measure::{Case, Measure, Named, Round, Subject};
use crate::place::Place;
use crate::process::file_limit;
use crate::serve::Server;

/// The cases of memory.
pub(super) fn cases() -> [Case; 2] {
    [idle(1_000), idle(10_000).only_in_full()]
}

fn idle(connections: usize) -> Case {
    let shown = [Measure::Memory];
    let make = move |place: &Place| {
        let limit = file_limit();
        ensure!(
            limit > connections as u64 + 100,
            "a process may have {limit} files open: `ulimit -n` says otherwise"
        );
        // Each round starts processes of its own, so it keeps the place.
        let place = Rc::new(place.another()?);
        let subject = |&server: &Server| {
            let place = Rc::clone(&place);
            let idle = Idle {
                server,
                connections,
                place,
            };
            Named::new(name(server), idle)
        };
        Ok(ALL.iter().map(subject).collect())
    };
    Case::new(format!("memory/{connections}"), shown, make).at_most(1)
}

/// A server that is asked nothing by so many.
struct Idle {
    server: Server,
    connections: usize,
    place: Rc<Place>,
}

impl Subject for Idle {
    fn measure(&mut self, _: u64) -> Result<Round> {
        let start = now();
        let process = Process::start(self.server, 0, Cores::All, &self.place)?;
        let call = frame(&echo::call(Echo::Any))?;
        let mut first = Connection::open(process.socket())?;
        first.ask(&call)?;
        let before = process.resident()?;
        let open = || Connection::open(process.socket());
        let mut open: Vec<_> = (0..self.connections)
            .map(|_| open())
            .collect::<Result<_>>()?;
        let after = process.resident()?;
        // The last one is served: none of them was turned away meanwhile.
        if let Some(last) = open.last_mut() {
            last.ask(&call)?;
        }
        let gained = after.saturating_sub(before) as f64;
        let each = gained / self.connections as f64;
        Ok(Round::bare(start.elapsed()).with(Measure::Memory, each))
    }
}
