//! Many clients that come at once.

use anyhow::{Result, ensure};

use super::connection::{Connection, frame};
use super::server::{Cores, Process};
use super::{ALL, check, measured, subjects};
use crate::echo::{self, Echo};
use crate::measure::{Case, Measure, Round, Subject};
use crate::serve::Server;

/// Fewer than a listener lets wait, so that nobody is turned away.
const AT_ONCE: u64 = 256;

/// The case of the storm.
pub(super) fn case() -> Case {
    let shown = [Measure::Rate, Measure::Cpu];
    Case::new(format!("socket/storm/{AT_ONCE}"), shown, |place| {
        subjects(ALL, 0, Cores::All, place, Storm::new)
    })
}

struct Storm {
    process: Process,
    /// The hello and the call.
    requests: Vec<u8>,
    /// What the call is answered with.
    answer: Vec<u8>,
}

impl Storm {
    fn new(server: Server, process: Process) -> Result<Self> {
        let call = frame(&echo::call(Echo::Any))?;
        let answer = Connection::open(process.socket())?.ask(&call)?;
        check(server, &answer)?;
        Ok(Self {
            process,
            requests: [frame(&echo::hello())?, call].concat(),
            answer,
        })
    }

    fn run(&self, times: u64) -> Result<()> {
        let mut left = times;
        while left > 0 {
            let come = left.min(AT_ONCE);
            let begin = |_| Connection::begin(self.process.socket(), &self.requests);
            let connections: Result<Vec<_>> = (0..come).map(begin).collect();
            for mut connection in connections? {
                connection.receive()?;
                let answer = connection.receive()?;
                ensure!(answer == self.answer, "another answer than the first");
            }
            left -= come;
        }
        Ok(())
    }
}

impl Subject for Storm {
    fn measure(&mut self, work: u64) -> Result<Round> {
        measured(&self.process, work, || self.run(work))
    }
}
