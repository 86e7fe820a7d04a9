//! Servers on a Unix socket, each in a process of its own, under the load of
//! this one, which is the same for all: frames that were made before, sent and
//! compared by one thread.
//!
//! - `socket/one`: one connection, one request at a time.
//! - `socket/pipelined`: one connection, 64 requests in flight: each answer
//!   makes room for the next request.
//! - `socket/burst`: one connection, 64 requests in one write, and the next 64
//!   when all of them are answered.
//! - `socket/connections/N`: N connections, each with one request at a time.
//! - `socket/connect`: connect, hello, one call, close.
//! - `socket/storm/N`: N connect at once, hello and a call in one write; each
//!   closes when it has both answers, and when all have, the next N come.
//! - `socket/tool_list/N`: the list of N tools, over one connection.
//! - `socket/tools/N`: as `socket/one`, with N tools registered beside the echo.
//!
//! Where only one of client and server ever has work (`one`, `connect`,
//! `tools`), both are held to one core; elsewhere they have all.
//!
//! Where a connection has one request at a time, one of eight has its time
//! taken, from before it is sent until its answer is read.
//!
//! The floor sends back the request, so its answer is not the same as that of
//! the others, but about as long. What a call takes of the processor is that
//! of the server's process only.

mod connection;
mod load;
mod memory;
mod server;
mod storm;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::clock::now;
use crate::echo::{self, Echo};
use crate::measure::{Case, Measure, Named, Round, Subject};
use crate::names;
use crate::place::Place;
use crate::serve::Server;

use connection::{Connection, body, frame};
use load::{Flight, Load};
use server::{Cores, Process};

const PIPELINED: usize = 64;

/// All servers, the one that is compared with the others first.
const ALL: &[Server] = &[Server::Ours, Server::Theirs, Server::Floor];

/// Those that have tools.
const WITH_TOOLS: &[Server] = &[Server::Ours, Server::Theirs];

fn name(server: Server) -> &'static str {
    match server {
        Server::Ours => names::OURS,
        Server::Theirs => names::THEIR_SERVER,
        Server::Floor => names::FLOOR,
    }
}

/// The cases of sockets.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![
        one("socket/one", ALL, 0),
        calls("socket/pipelined", 1, Flight::Sliding(PIPELINED)),
        calls("socket/burst", 1, Flight::Burst(PIPELINED)),
    ];
    for connections in [1, 8, 10, 100, 1_000] {
        let name = format!("socket/connections/{connections}");
        cases.push(calls(&name, connections, Flight::Sliding(1)));
    }
    cases.push(connect());
    cases.push(storm::case());
    cases.extend([10, 100, 1_000, 10_000].map(tool_list));
    for tools in [10, 1_000] {
        cases.push(one(&format!("socket/tools/{tools}"), WITH_TOOLS, tools));
    }
    let many = one("socket/tools/100000", WITH_TOOLS, 100_000);
    cases.push(many.only_in_full());
    cases.extend(memory::cases());
    cases
}

/// Calls of the echo that takes any object, of servers that have no other.
fn calls(name: &str, connections: usize, flight: Flight) -> Case {
    let shown = [Measure::Rate, Measure::Cpu];
    Case::new(name, shown, move |place| {
        subjects(ALL, 0, Cores::All, place, |server, process| {
            Calls::new(server, process, connections, flight)
        })
    })
}

/// Such calls over one connection, one at a time, with so many other tools.
fn one(name: &str, servers: &'static [Server], tools: usize) -> Case {
    let shown = [Measure::Rate, Measure::P50, Measure::P99, Measure::Cpu];
    Case::new(name, shown, move |place| {
        subjects(servers, tools, Cores::One, place, |server, process| {
            Calls::new(server, process, 1, Flight::Sliding(1))
        })
    })
}

fn connect() -> Case {
    let shown = [Measure::Rate, Measure::Cpu];
    Case::new("socket/connect", shown, |place| {
        subjects(ALL, 0, Cores::One, place, Connects::new)
    })
}

fn tool_list(tools: usize) -> Case {
    let shown = [Measure::Time, Measure::Cpu];
    Case::new(format!("socket/tool_list/{tools}"), shown, move |place| {
        subjects(WITH_TOOLS, tools, Cores::All, place, |_, process| {
            Calls::of_list(process, tools)
        })
    })
}

/// Starts a process of each server, and makes a subject of each.
fn subjects<S: Subject + 'static>(
    servers: &[Server],
    tools: usize,
    cores: Cores,
    place: &Place,
    make: impl Fn(Server, Process) -> Result<S>,
) -> Result<Vec<Named>> {
    let subject = |&server: &Server| -> Result<Named> {
        let process = Process::start(server, tools, cores, place)?;
        Ok(Named::new(name(server), make(server, process)?))
    };
    servers
        .iter()
        .map(|server| subject(server).with_context(|| name(*server)))
        .collect()
}

/// Requests over connections that stay.
struct Calls {
    load: Load,
    process: Process,
}

impl Calls {
    fn new(server: Server, process: Process, connections: usize, flight: Flight) -> Result<Self> {
        let open = || Connection::open(process.socket());
        let mut connections: Vec<_> = (0..connections).map(|_| open()).collect::<Result<_>>()?;
        let exchange = connections[0].learn(&echo::call(Echo::Any))?;
        check(server, &exchange.answer)?;
        Ok(Self {
            load: Load::new(connections, exchange, flight)?,
            process,
        })
    }

    fn of_list(process: Process, tools: usize) -> Result<Self> {
        let mut connection = Connection::open(process.socket())?;
        let exchange = connection.learn(&json!({"type": "tool_list"}))?;
        let answer = body(&exchange.answer)?;
        let listed = answer["tools"].as_array().map(Vec::len);
        // The echoes are in the list too.
        ensure!(listed == Some(tools + 2), "{listed:?} tools are listed");
        Ok(Self {
            load: Load::new(vec![connection], exchange, Flight::Sliding(1))?,
            process,
        })
    }
}

impl Subject for Calls {
    fn measure(&mut self, work: u64) -> Result<Round> {
        let round = measured(&self.process, work, || self.load.run(work))?;
        Ok(self.load.latencies().beside(round))
    }
}

/// Connections that are opened for one call.
struct Connects {
    process: Process,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connects {
    fn new(server: Server, process: Process) -> Result<Self> {
        let request = frame(&echo::call(Echo::Any))?;
        let answer = Connection::open(process.socket())?.ask(&request)?;
        check(server, &answer)?;
        Ok(Self {
            process,
            request,
            answer,
        })
    }

    fn run(&self, times: u64) -> Result<()> {
        for _ in 0..times {
            let answer = Connection::open(self.process.socket())?.ask(&self.request)?;
            ensure!(answer == self.answer, "another answer than the first");
        }
        Ok(())
    }
}

impl Subject for Connects {
    fn measure(&mut self, work: u64) -> Result<Round> {
        measured(&self.process, work, || self.run(work))
    }
}

/// How long the work takes, and what it takes of the server's process.
fn measured(process: &Process, work: u64, run: impl FnOnce() -> Result<()>) -> Result<Round> {
    let (before, start) = (process.processor_time()?, now());
    process.load(run)?;
    let elapsed = start.elapsed();
    let processor = process.processor_time()?.saturating_sub(before);
    let each = processor.as_secs_f64() * 1e9 / work as f64;
    Ok(Round::of(work, elapsed).with(Measure::Cpu, each))
}

/// The answer is the one that the call should get; the floor returns the call.
fn check(server: Server, answer: &[u8]) -> Result<()> {
    let answer = body(answer)?;
    if server == Server::Floor {
        ensure!(answer == echo::call(Echo::Any), "the floor echoed {answer}");
        return Ok(());
    }
    echo::check(&answer)
}
