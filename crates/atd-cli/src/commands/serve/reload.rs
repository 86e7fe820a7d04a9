//! Taking up what changed in the configuration while serving.

use std::sync::Arc;
use std::time::Duration;

use atd_runtime::Server;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, block_in_place, spawn_blocking};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::configuration::{Read, read};
use super::summary;
use super::tools::ServedTools;
use crate::cli::ServeOptions;
use crate::config::{Settings, States, states_now};
use crate::failure::listed;
use crate::output::{YELLOW, note, one_line};

/// How often the files are looked at. What changed is taken up when two looks
/// in a row find the same, so that no half of a file is read that somebody is
/// writing.
///
/// They are looked at, rather than watched by the system: that works for every
/// file system, a mounted one and one of a container too, and however an editor
/// or a deployment puts a new file in place of the old one. It costs one
/// `stat` a file, twice a second, and waits for no lock.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is taken up while serving.
pub(super) struct Reload {
    options: Arc<ServeOptions>,
    /// What is in effect.
    settings: Settings,
    tools: ServedTools,
    server: Server,
    /// What was read last, in the state it had.
    read: States,
    /// What the last look found, where it differed from that.
    differed: Option<States>,
    looks: Interval,
}

/// The task that takes it up, beside the server: reading files may take as long
/// as a disk does, and nothing else is to wait for it.
pub(super) struct Reloading {
    told: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Reloading {
    /// Has the configuration read again, whether or not a file has changed.
    pub(super) fn now(&self) {
        self.told.notify_one();
    }

    /// Ends it. What it was about to take up is taken up whole or not at all.
    pub(super) async fn end(self) {
        self.task.abort();
        // It was cancelled, or had panicked, which was said.
        let _ = self.task.await;
    }
}

impl Reload {
    pub(super) fn new(
        options: ServeOptions,
        (settings, read): (Settings, States),
        tools: ServedTools,
        server: Server,
    ) -> Self {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            options: Arc::new(options),
            settings,
            tools,
            server,
            read,
            differed: None,
            looks,
        }
    }

    /// Begins to take up what changes; where the configuration comes from no
    /// file, nothing does.
    pub(super) fn start(mut self) -> Reloading {
        let told = Arc::new(Notify::new());
        let waiting = told.clone();
        let task = tokio::spawn(async move {
            while self.options.config.is_some() {
                tokio::select! {
                    // Cancelled: who was told already is told again.
                    () = waiting.notified() => {}
                    // Cancelled: it looks again.
                    () = self.due() => {}
                }
                self.now().await;
            }
        });
        Reloading { told, task }
    }

    /// Returns when a file has changed and stays as it is.
    async fn due(&mut self) {
        loop {
            self.looks.tick().await;
            let read = self.read.clone();
            let Ok(now) = spawn_blocking(move || states_now(&read)).await else {
                continue;
            };
            if now == self.read {
                self.differed = None;
            } else if self.differed.as_ref() == Some(&now) {
                return;
            } else {
                self.differed = Some(now);
            }
        }
    }

    /// Reads the configuration again and takes up what can be; of one with
    /// mistakes nothing.
    async fn now(&mut self) {
        let options = self.options.clone();
        let read = spawn_blocking(move || read(&options)).await;
        let Read { settings, states } = match read {
            Ok(read) => read,
            Err(error) => return warn(&format!("The configuration was not read again: {error}")),
        };
        self.read = states;
        self.differed = None;
        match settings {
            // Schemas are compiled, which may take a while where they are many.
            Ok(settings) => block_in_place(|| self.take_up(&settings)),
            Err(problems) => warn(&format!(
                "Nothing of the changed configuration is taken up: {}",
                listed(&problems)
            )),
        }
    }

    fn take_up(&mut self, settings: &Settings) {
        if let Err(failure) = self.tools.could_become(&settings.tools) {
            return warn(&format!(
                "Nothing of the changed configuration is taken up: {failure}"
            ));
        }
        match self
            .tools
            .become_those(self.server.registry(), &settings.tools)
        {
            Ok(changes) => {
                if let Some(changes) = changes.in_words() {
                    say(&format!("Tools taken up: {changes}."));
                }
                let registry = self.server.registry();
                for doubt in summary::doubts(&self.settings, registry, changes.taken_up()) {
                    warn(&format!("  {}", one_line(&doubt)));
                }
            }
            Err(failure) => warn(&format!("Not every tool could be taken up: {failure}")),
        }
        let limits = settings.gate.limits;
        if limits != self.settings.gate.limits {
            self.server.gate().set_limits(limits);
            self.settings.gate.limits = limits;
            say("Limits of calls taken up.");
        }
        let differ = self.settings.fixed_that_differ(settings);
        if !differ.is_empty() {
            let differ = differ.join(", ");
            warn(&format!(
                "Changed, but taken up at the next start only: {differ}."
            ));
        }
    }
}

/// Whoever closed standard error does not want to hear it.
fn say(text: &str) {
    let _ = note(text);
}

fn warn(text: &str) {
    say(&format!("{YELLOW}{text}{YELLOW:#}"));
}
