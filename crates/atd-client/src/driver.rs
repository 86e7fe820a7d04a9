//! The task that owns a connection's socket.

use std::{future::pending, io, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    net::UnixStream,
    select,
    sync::{mpsc, oneshot},
    time::{Sleep, sleep, timeout},
};

use crate::{
    error::CloseCause,
    exchanges::Exchanges,
    inbound::Inbound,
    link::{Command, DriversLink, Link},
    outbound::Outbound,
};

/// How many commands are taken at a time.
const COMMANDS: usize = 256;

/// How long to listen to a server that takes nothing any more. One that is
/// gone has said all that it will.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Sends requests and hands out answers until the connection is over.
pub(crate) struct Driver {
    /// The first field, so that a driver dropped by its runtime ends the link
    /// before the requests' callers wake up and look there.
    link: DriversLink,
    inbox: mpsc::UnboundedReceiver<Command>,
    exchanges: Exchanges,
    inbound: Inbound,
    outbound: Outbound,
    closing: Option<Closing>,
}

/// Somebody has called `close`.
struct Closing {
    grace: Pin<Box<Sleep>>,
    done: Vec<oneshot::Sender<usize>>,
}

impl Driver {
    pub(crate) fn new(
        stream: UnixStream,
        max_answer: usize,
        inbox: mpsc::UnboundedReceiver<Command>,
        link: Arc<Link>,
    ) -> Self {
        let (reader, writer) = stream.into_split();
        Self {
            link: DriversLink(link.clone()),
            inbox,
            exchanges: Exchanges::new(link),
            inbound: Inbound::new(reader, max_answer),
            outbound: Outbound::new(writer),
            closing: None,
        }
    }

    pub(crate) async fn run(mut self) {
        let cause = self.drive().await;
        self.end(cause);
    }

    /// Reads and writes at the same time: a server that does not read on
    /// before its answers are taken, and a client that does not take them
    /// before its requests are read, would wait for each other for ever.
    async fn drive(&mut self) -> CloseCause {
        let mut commands = Vec::new();
        loop {
            self.exchanges.send(&mut self.outbound);
            if self.closing.is_some() && self.exchanges.waited_for() == 0 {
                return CloseCause::ByClient;
            }
            select! {
                // Cancelled: the commands stay in the channel.
                taken = self.inbox.recv_many(&mut commands, COMMANDS) => {
                    if taken == 0 {
                        // The last handle is gone, and so is every caller.
                        return CloseCause::ByClient;
                    }
                    commands.drain(..).for_each(|command| self.obey(command));
                }
                // Cancelled: the bytes stay in the socket.
                read = self.inbound.read() => {
                    if let Err(cause) = self.take(read) {
                        return cause;
                    }
                }
                // Cancelled: nothing was written, the batch is as it was.
                wrote = self.outbound.write(), if !self.outbound.is_empty() => {
                    if let Err(error) = wrote {
                        return self.hear_out(error).await;
                    }
                }
                // Cancelled: the deadline stays where it was.
                () = grace_over(&mut self.closing) => return CloseCause::ByClient,
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Ask(exchange) if self.closing.is_none() => self.exchanges.add(exchange),
            Command::Ask(exchange) => {
                // Asked between the closing of the permits and its own sending.
                let _ = exchange.reply.send(Err(self.link.0.closed(false)));
            }
            Command::Abandon { id } => self.exchanges.abandon(id),
            Command::Close { grace, done } => {
                self.link.0.permits.close();
                let grace = Box::pin(sleep(grace));
                let closing = self.closing.get_or_insert_with(|| Closing {
                    grace: Box::pin(sleep(Duration::MAX)),
                    done: Vec::new(),
                });
                if grace.deadline() < closing.grace.deadline() {
                    closing.grace = grace;
                }
                closing.done.push(done);
            }
        }
    }

    /// Looks at what a read brought: frames, or the end.
    fn take(&mut self, read: io::Result<usize>) -> Result<(), CloseCause> {
        match read {
            Ok(0) => {
                self.inbound.finish().map_err(CloseCause::Frame)?;
                Err(CloseCause::ByServer)
            }
            Ok(_) => {
                while let Some(frame) = self.inbound.next_frame().map_err(CloseCause::Frame)? {
                    self.exchanges.answer(frame)?;
                }
                Ok(())
            }
            // On a Unix socket: it closed with requests unread.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                Err(CloseCause::ByServer)
            }
            Err(error) => Err(CloseCause::Io(Arc::new(error))),
        }
    }

    /// Reads what a server said before it stopped reading. That is where it
    /// says why.
    async fn hear_out(&mut self, error: io::Error) -> CloseCause {
        let end = timeout(LAST_WORDS, async {
            loop {
                let read = self.inbound.read().await;
                if let Err(cause) = self.take(read) {
                    return cause;
                }
            }
        });
        end.await
            .unwrap_or_else(|_| CloseCause::Io(Arc::new(error)))
    }

    /// Fails whatever is still under way, closes the socket and then tells
    /// those who wait for that.
    fn end(self, cause: CloseCause) {
        let Self {
            link,
            mut inbox,
            mut exchanges,
            inbound,
            outbound,
            closing,
        } = self;
        let mut done = closing.map(|closing| closing.done).unwrap_or_default();
        let unanswered = exchanges.waited_for();
        // Before the channel: whoever finds that closed looks here.
        link.0.end(cause, exchanges.said());
        inbox.close();
        while let Ok(command) = inbox.try_recv() {
            match command {
                Command::Ask(exchange) => exchanges.add(exchange),
                Command::Abandon { .. } => {}
                Command::Close { done: another, .. } => done.push(another),
            }
        }
        drop((inbound, outbound));
        exchanges.fail();
        for done in done {
            // Who no longer waits for it need not know.
            let _ = done.send(unanswered);
        }
    }
}

async fn grace_over(closing: &mut Option<Closing>) {
    match closing {
        Some(closing) => closing.grace.as_mut().await,
        None => pending().await,
    }
}
