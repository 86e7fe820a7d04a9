//! What the connections do. One thread does it for all of them, so it takes
//! one core, whatever their number.

use std::mem::MaybeUninit;
use std::time::Instant;

use anyhow::Result;
use rustix::event::epoll;
use rustix::fd::OwnedFd;

use super::connection::{Connection, Exchange};
use crate::clock::now;
use crate::latencies::Latencies;

/// What is read at once.
const BUFFER: usize = 256 * 1024;

/// One request of so many has its time taken, where there is one at a time.
const SAMPLED: u64 = 8;

/// How many requests one connection has in flight.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flight {
    /// So many at any time: each answer makes room for a request.
    Sliding(usize),
    /// So many at once: the last answer makes room for as many.
    Burst(usize),
}

/// Connections, each of which keeps requests in flight.
pub(super) struct Load {
    exchange: Exchange,
    /// As many requests as one connection may have in flight.
    requests: Vec<u8>,
    flight: Flight,
    connections: Vec<Connection>,
    /// How many answers each has had that made no room yet.
    answered: Vec<u64>,
    buffer: Vec<u8>,
    /// When each sent the request whose time is taken.
    sent: Vec<Option<Instant>>,
    latencies: Latencies,
    /// What waits for all of them, where they are many.
    epoll: Option<OwnedFd>,
}

impl Load {
    pub(super) fn new(
        connections: Vec<Connection>,
        exchange: Exchange,
        flight: Flight,
    ) -> Result<Self> {
        let (Flight::Sliding(in_flight) | Flight::Burst(in_flight)) = flight;
        let epoll = match &connections[..] {
            [_] => None,
            many => Some(waits_for(many)?),
        };
        Ok(Self {
            requests: exchange.request.repeat(in_flight),
            exchange,
            flight,
            answered: vec![0; connections.len()],
            sent: vec![None; connections.len()],
            latencies: Latencies::new()?,
            connections,
            buffer: vec![0; BUFFER],
            epoll,
        })
    }

    /// What single requests took in the last run.
    pub(super) fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Makes so many requests and reads their answers.
    pub(super) fn run(&mut self, requests: u64) -> Result<()> {
        let (mut to_send, mut to_come) = (requests, requests);
        self.answered.fill(0);
        self.latencies.clear();
        let (Flight::Sliding(in_flight) | Flight::Burst(in_flight)) = self.flight;
        for which in 0..self.connections.len() {
            self.send(which, in_flight as u64, &mut to_send)?;
        }
        let mut ready = Vec::with_capacity(self.connections.len());
        while to_come > 0 {
            self.wait(&mut ready)?;
            for which in ready.drain(..) {
                let connection = &mut self.connections[which];
                let answers = connection.answers(&self.exchange, &mut self.buffer)?;
                to_come -= answers;
                if answers > 0
                    && let Some(sent) = self.sent[which].take()
                {
                    self.latencies.ended(sent);
                }
                let room = self.room(which, answers);
                self.send(which, room, &mut to_send)?;
            }
        }
        Ok(())
    }

    /// How many requests may follow these answers.
    fn room(&mut self, which: usize, answers: u64) -> u64 {
        let Flight::Burst(size) = self.flight else {
            return answers;
        };
        let answered = &mut self.answered[which];
        *answered += answers;
        if *answered < size as u64 {
            return 0;
        }
        std::mem::take(answered)
    }

    fn send(&mut self, which: usize, requests: u64, left: &mut u64) -> Result<()> {
        let requests = requests.min(*left);
        if requests == 0 {
            return Ok(());
        }
        *left -= requests;
        if matches!(self.flight, Flight::Sliding(1)) && left.is_multiple_of(SAMPLED) {
            self.sent[which] = Some(now());
        }
        let bytes = requests as usize * self.exchange.request.len();
        self.connections[which].send(&self.requests[..bytes])
    }

    /// Which connections have something to read. One alone is simply read
    /// from, which waits by itself.
    fn wait(&self, ready: &mut Vec<usize>) -> Result<()> {
        let Some(epoll) = &self.epoll else {
            ready.push(0);
            return Ok(());
        };
        let mut events = [const { MaybeUninit::uninit() }; 256];
        let (events, _) = epoll::wait(epoll, &mut events, None)?;
        ready.extend(events.iter().map(|event| event.data.u64() as usize));
        Ok(())
    }
}

fn waits_for(connections: &[Connection]) -> Result<OwnedFd> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (which, connection) in connections.iter().enumerate() {
        connection.do_not_wait()?;
        let data = epoll::EventData::new_u64(which as u64);
        epoll::add(&epoll, connection, data, epoll::EventFlags::IN)?;
    }
    Ok(epoll)
}
