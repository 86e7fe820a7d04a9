//! What the connections do. One thread does it for all of them, so it takes
//! one core, whatever their number.

use std::mem::MaybeUninit;

use anyhow::Result;
use rustix::event::epoll;
use rustix::fd::OwnedFd;

use super::connection::{Connection, Exchange};

/// What is read at once.
const BUFFER: usize = 256 * 1024;

/// Connections, each of which keeps so many requests in flight.
pub(super) struct Load {
    exchange: Exchange,
    /// As many requests as one connection may have in flight.
    requests: Vec<u8>,
    in_flight: u64,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    /// What waits for all of them, where they are many.
    epoll: Option<OwnedFd>,
}

impl Load {
    pub(super) fn new(
        connections: Vec<Connection>,
        exchange: Exchange,
        in_flight: usize,
    ) -> Result<Self> {
        let epoll = match &connections[..] {
            [_] => None,
            many => Some(waits_for(many)?),
        };
        Ok(Self {
            requests: exchange.request.repeat(in_flight),
            exchange,
            in_flight: in_flight as u64,
            connections,
            buffer: vec![0; BUFFER],
            epoll,
        })
    }

    /// Makes so many requests and reads their answers.
    pub(super) fn run(&mut self, requests: u64) -> Result<()> {
        let (mut to_send, mut to_come) = (requests, requests);
        for which in 0..self.connections.len() {
            self.send(which, self.in_flight, &mut to_send)?;
        }
        let mut ready = Vec::with_capacity(self.connections.len());
        while to_come > 0 {
            self.wait(&mut ready)?;
            for which in ready.drain(..) {
                let connection = &mut self.connections[which];
                let answers = connection.answers(&self.exchange, &mut self.buffer)?;
                to_come -= answers;
                self.send(which, answers, &mut to_send)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, which: usize, requests: u64, left: &mut u64) -> Result<()> {
        let requests = requests.min(*left);
        if requests == 0 {
            return Ok(());
        }
        *left -= requests;
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
