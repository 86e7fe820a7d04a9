//! A whole dispatch in this process: all that a call goes through but the
//! socket. One task makes one call after another, beside a runtime of one
//! worker for each core.
//!
//! - `dispatch/any` and `dispatch/checked`: no audit; an echo that takes any
//!   object, and one whose schema says what each argument is.
//! - `dispatch/dropping`: each call reported to a sink on a file that drops what
//!   finds its queue full. It also says how many of a hundred got there.
//! - `dispatch/lossless`: the same with a sink that waits for room. The time
//!   ends when the last line is in the file, and the lines are counted.
//! - `dispatch/frames`: no audit; from the bytes of a request's JSON to the
//!   bytes of its answer's, as a transport has it done.
//!
//! The caller has said hello and holds the capability that the tool asks for.
//! A call owns its arguments, so each has a copy, which is counted: ours takes
//! JSON as text, the published crate takes it as a tree. Nothing here makes
//! that tree or text; `dispatch/frames` has that too.

mod ours;
mod theirs;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::clock::now;
use crate::echo::Echo;
use crate::measure::{Case, Measure, Named, Round, Subject};
use crate::names::{OURS, THEIR_RUNTIME};
use crate::place::Place;
use crate::sinks::ensure_lines;

/// More than this would be a file of more than 100 MB.
const MOST: u64 = 400_000;

/// What becomes of the record of each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audit {
    None,
    Dropping,
    Lossless,
}

/// What one round does.
#[derive(Clone, Copy, Debug)]
struct Plan {
    echo: Echo,
    audit: Audit,
    /// Whether from bytes to bytes.
    frames: bool,
}

/// A dispatcher with a new file for its records.
trait Dispatch: Sized {
    fn start(plan: Plan, file: &Path) -> Result<Self>;

    /// Makes so many calls, and looks at the last answer.
    async fn calls(&mut self, times: u64) -> Result<()>;

    /// Ends the sink: returns when the file has what it will have.
    fn finish(self) -> Result<()>;
}

/// The cases of dispatch.
pub(crate) fn cases() -> Vec<Case> {
    let plan = |echo, audit, frames| Plan {
        echo,
        audit,
        frames,
    };
    let time = vec![Measure::Time];
    let recorded = vec![Measure::Time, Measure::Recorded];
    [
        ("any", time.clone(), plan(Echo::Any, Audit::None, false)),
        (
            "checked",
            time.clone(),
            plan(Echo::Checked, Audit::None, false),
        ),
        (
            "dropping",
            recorded,
            plan(Echo::Checked, Audit::Dropping, false),
        ),
        (
            "lossless",
            time.clone(),
            plan(Echo::Checked, Audit::Lossless, false),
        ),
        ("frames", time, plan(Echo::Checked, Audit::None, true)),
    ]
    .into_iter()
    .map(|(name, shown, plan)| {
        let make = move |place: &Place| subjects(plan, place);
        Case::new(format!("dispatch/{name}"), shown, make).at_most(MOST)
    })
    .collect()
}

fn subjects(plan: Plan, place: &Place) -> Result<Vec<Named>> {
    let file = place.disk().join("dispatch.jsonl");
    Ok(vec![
        Named::new(OURS, InProcess::new(plan, &file, ours::Ours::start)?),
        Named::new(
            THEIR_RUNTIME,
            InProcess::new(plan, &file, theirs::Theirs::start)?,
        ),
    ])
}

/// A dispatcher that is made anew for each round, for the file to be complete
/// at the end of it.
struct InProcess<D> {
    runtime: Runtime,
    plan: Plan,
    file: PathBuf,
    start: fn(Plan, &Path) -> Result<D>,
}

impl<D> InProcess<D> {
    fn new(plan: Plan, file: &Path, start: fn(Plan, &Path) -> Result<D>) -> Result<Self> {
        Ok(Self {
            runtime: Runtime::new()?,
            plan,
            file: file.to_owned(),
            start,
        })
    }
}

impl<D: Dispatch> Subject for InProcess<D> {
    fn measure(&mut self, work: u64) -> Result<Round> {
        let _inside = self.runtime.enter();
        let mut dispatch = (self.start)(self.plan, &self.file)?;
        let start = now();
        self.runtime.block_on(dispatch.calls(work))?;
        let of_calls = start.elapsed();
        dispatch.finish()?;
        let with_the_end = start.elapsed();
        match self.plan.audit {
            Audit::None => Ok(Round::of(work, of_calls)),
            Audit::Dropping => {
                let recorded = take_lines(&self.file)? as f64 * 100.0 / work as f64;
                Ok(Round::of(work, of_calls).with(Measure::Recorded, recorded))
            }
            Audit::Lossless => {
                ensure_lines(&self.file, work)?;
                fs::remove_file(&self.file)?;
                Ok(Round::of(work, with_the_end))
            }
        }
    }
}

/// How many lines the file has, which is removed.
fn take_lines(file: &Path) -> Result<usize> {
    let text = fs::read(file)?;
    fs::remove_file(file)?;
    Ok(text.iter().filter(|&&byte| byte == b'\n').count())
}
