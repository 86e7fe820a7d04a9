//! The handle that callers hold.

use std::{
    fmt,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use atd_proto::{
    Hello, HelloAck, JsonText, Request, Response, RunTool, RunToolContinue, ToolDefinition,
    ToolFilter, ToolSummary, proof::unix_channel,
};
use serde::Serialize;
use tokio::{
    net::UnixStream,
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    answer::unexpected,
    call::{CallOptions, CallOutcome},
    connect::ConnectOptions,
    driver::Driver,
    error::ClientError,
    link::{Command, Exchange, Link},
    pages::{CallAllOptions, Merging},
    reporting::{ReportingCall, Reports},
};

/// A connection to a server. Clones share it.
///
/// A request is sent when its future is first awaited and its turn has come.
/// Once the server has said in its answer to [`hello`](Self::hello) that it
/// knows request ids, calls run beside one another and are answered as they
/// end; before that, and with servers that do not know them, one runs after
/// another. Await one before the next where their order matters.
///
/// A future may be dropped at any time: what was not yet sent never is, a call
/// that was is cancelled where the server knows how, and an answer that nobody
/// waits for any more is thrown away when it comes. So a time limit around any
/// of these methods leaves the connection as good as it was.
///
/// The connection closes when the last clone is dropped, or with
/// [`close`](Self::close). Once it is over, for whatever reason, every request
/// fails at once with [`ClientError::Closed`]; there is no reconnecting behind
/// the caller's back, since the server would not know the identity that
/// [`hello`](Self::hello) gave the old connection.
///
/// Besides the errors that each method names, all of them may fail with
/// [`Refused`](ClientError::Refused), [`TimedOut`](ClientError::TimedOut),
/// [`Closed`](ClientError::Closed),
/// [`RequestTooLarge`](ClientError::RequestTooLarge),
/// [`Unexpected`](ClientError::Unexpected) and
/// [`Undecodable`](ClientError::Undecodable).
#[derive(Clone)]
pub struct Client {
    /// Unbounded in its type alone: a request in it holds one of the link's
    /// permits, and [`close`](Self::close) one place for each who awaits it.
    queue: mpsc::UnboundedSender<Command>,
    link: Arc<Link>,
    request_timeout: Option<Duration>,
}

/// What a server wants proved, in [`Client::hello_proving`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ProofAsked<'a> {
    /// The server's challenge.
    pub challenge: &'a str,
    /// What this client knows the connection by.
    pub channel: &'a str,
    /// The tokens that the hello presents.
    pub tokens: &'a [String],
}

impl Client {
    /// Connects to the server at `path` as [`ConnectOptions`] has it by
    /// default.
    ///
    /// # Errors
    /// [`ClientError::Connect`] with what stood in the way at last.
    ///
    /// # Panics
    /// On anything but a tokio runtime with its I/O and time enabled.
    pub async fn connect(path: impl AsRef<Path>) -> Result<Self, ClientError> {
        ConnectOptions::new().connect(path).await
    }

    /// Starts the task that drives the connection over `stream`.
    pub(crate) fn over(stream: UnixStream, options: &ConnectOptions) -> Self {
        let peer = stream.peer_cred().ok();
        let channel = peer.map(|server| unix_channel(server.uid()));
        let link = Arc::new(Link::new(options.max_in_flight, channel));
        let (queue, inbox) = mpsc::unbounded_channel();
        let driver = Driver::new(stream, options.max_answer.get(), inbox, link.clone());
        tokio::spawn(driver.run());
        Self {
            queue,
            link,
            request_timeout: options.request_timeout,
        }
    }

    /// Asks whether the server is there.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn ping(&self) -> Result<(), ClientError> {
        match self.ask(Request::Ping, self.request_timeout).await? {
            Response::Pong => Ok(()),
            other => Err(unexpected("pong", &other)),
        }
    }

    /// Says who this is and what it would like to be allowed. It replaces what
    /// was said before, for every clone of this client.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn hello(&self, hello: Hello) -> Result<HelloAck, ClientError> {
        let request = Request::Hello(hello);
        match self.ask(request, self.request_timeout).await? {
            Response::HelloAck(ack) => Ok(ack),
            other => Err(unexpected("hello_ack", &other)),
        }
    }

    /// Says hello, and where the server takes the hello's tokens only from who
    /// proves to hold the key that they are for, says it again with the proof
    /// that `prove` makes. Where that is `None`, the server's refusal stands.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn hello_proving(
        &self,
        mut hello: Hello,
        prove: impl FnOnce(ProofAsked<'_>) -> Option<String>,
    ) -> Result<HelloAck, ClientError> {
        let refused = match self.hello(hello.clone()).await {
            Err(ClientError::Refused(refused)) => refused,
            ended => return ended,
        };
        let asked = || {
            Some(ProofAsked {
                challenge: refused.challenge()?,
                channel: self.link.channel.as_deref()?,
                tokens: &hello.ucan_tokens,
            })
        };
        hello.proof = asked().and_then(prove);
        match hello.proof {
            Some(_) => self.hello(hello).await,
            None => Err(ClientError::Refused(refused)),
        }
    }

    /// The server's catalog of tools.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn list(&self) -> Result<Vec<ToolSummary>, ClientError> {
        match self
            .ask(
                Request::ToolList(ToolFilter::default()),
                self.request_timeout,
            )
            .await?
        {
            Response::ToolList { tools } => Ok(tools),
            other => Err(unexpected("tool_list", &other)),
        }
    }

    /// The part of the catalog that fits `filter`. A server that did not say
    /// in its `hello_ack` that it knows filters sends all of it, and the rest
    /// is left out here.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn list_matching(&self, filter: ToolFilter) -> Result<Vec<ToolSummary>, ClientError> {
        let known = self.link.knows_filters.load(Ordering::Acquire);
        let asked = if known {
            filter.clone()
        } else {
            ToolFilter::default()
        };
        let request = Request::ToolList(asked);
        let mut tools = match self.ask(request, self.request_timeout).await? {
            Response::ToolList { tools } => tools,
            other => return Err(unexpected("tool_list", &other)),
        };
        if !known {
            let matcher = filter.matcher();
            tools.retain(|tool| matcher.matches(tool));
            let limit = filter.limit.and_then(|limit| usize::try_from(limit).ok());
            tools.truncate(limit.unwrap_or(usize::MAX));
            if filter.omit_schemas {
                tools.iter_mut().for_each(|tool| tool.input_schema = None);
            }
        }
        Ok(tools)
    }

    /// The whole definition of one tool.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn schema(&self, tool_id: &str) -> Result<ToolDefinition, ClientError> {
        let tool_id = tool_id.to_owned();
        let request = Request::ToolSchema { tool_id };
        match self.ask(request, self.request_timeout).await? {
            Response::ToolSchema { schema } => Ok(*schema),
            other => Err(unexpected("tool_schema", &other)),
        }
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// [`ClientError::ToolFailed`] when the tool ran and failed,
    /// [`ClientError::Arguments`] when `args` has no JSON form; see also
    /// [`Client`].
    pub async fn call<T: Serialize + ?Sized>(
        &self,
        tool_id: &str,
        args: &T,
    ) -> Result<CallOutcome, ClientError> {
        self.call_with(tool_id, args, CallOptions::new()).await
    }

    /// Calls a tool as `options` has it: as a dry run, or with another limit
    /// on time.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_with<T: Serialize + ?Sized>(
        &self,
        tool_id: &str,
        args: &T,
        options: CallOptions,
    ) -> Result<CallOutcome, ClientError> {
        let request = run_tool(tool_id, args, &options)?;
        let limit = options.timeout_or(self.request_timeout);
        self.outcome(request, limit, None).await
    }

    /// Calls a tool and hears how far it has come, where the server said in
    /// its `hello_ack` that it tells.
    ///
    /// # Errors
    /// [`ClientError::Arguments`] when `args` has no JSON form; the other
    /// errors are the [outcome](ReportingCall::outcome)'s.
    pub fn call_with_progress<T: Serialize + ?Sized>(
        &self,
        tool_id: &str,
        args: &T,
        options: CallOptions,
    ) -> Result<ReportingCall, ClientError> {
        let request = run_tool(tool_id, args, &options)?;
        let reports = Arc::new(Reports::default());
        let (client, heard) = (self.clone(), Some(reports.clone()));
        let call = async move {
            let limit = options.timeout_or(client.request_timeout);
            client.outcome(request, limit, heard).await
        };
        Ok(ReportingCall::new(reports, call))
    }

    /// Fetches the next page of a call, whose outcome had this
    /// [`next_cursor`](CallOutcome::next_cursor).
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn continue_call(
        &self,
        tool_id: &str,
        cursor: &str,
    ) -> Result<CallOutcome, ClientError> {
        self.page(tool_id, cursor, self.request_timeout).await
    }

    async fn page(
        &self,
        tool_id: &str,
        cursor: &str,
        limit: Option<Duration>,
    ) -> Result<CallOutcome, ClientError> {
        let request = Request::RunToolContinue(RunToolContinue {
            tool_id: tool_id.to_owned(),
            cursor: cursor.to_owned(),
            traceparent: None,
        });
        self.outcome(request, limit, None).await
    }

    /// Calls a tool and fetches every page of its result, which becomes one as
    /// the options' [`MergePolicy`](crate::MergePolicy) has it. Each page has
    /// the call's limit on time.
    ///
    /// # Errors
    /// As [`call`](Self::call); [`ClientError::PageShape`] for a page that does
    /// not fit the policy, and [`ClientError::TooManyPages`] when the options'
    /// limits are reached before the last page.
    pub async fn call_all<T: Serialize + ?Sized>(
        &self,
        tool_id: &str,
        args: &T,
        options: CallAllOptions,
    ) -> Result<JsonText, ClientError> {
        let mut merging = Merging::new(tool_id, &options);
        let limit = options.call.timeout_or(self.request_timeout);
        let mut page = self.call_with(tool_id, args, options.call.clone()).await?;
        while let Some(cursor) = merging.add(&page)? {
            page = self.page(tool_id, &cursor, limit).await?;
        }
        merging.whole()
    }

    /// Closes the connection for every clone: takes no more requests, waits
    /// until those that somebody waits for are answered, for `grace` at most,
    /// and closes the socket. Says how many were left without an answer; they
    /// failed with [`ClientError::Closed`], as all later ones do.
    ///
    /// Dropping this future does not keep the connection from closing.
    pub async fn close(&self, grace: Duration) -> usize {
        let (done, closed) = oneshot::channel();
        // Whoever is too late finds nothing left to wait for.
        if self.queue.send(Command::Close { grace, done }).is_err() {
            return 0;
        }
        closed.await.unwrap_or(0)
    }

    async fn outcome(
        &self,
        request: Request,
        limit: Option<Duration>,
        progress: Option<Arc<Reports>>,
    ) -> Result<CallOutcome, ClientError> {
        match self.ask_hearing(request, limit, progress).await? {
            Response::ToolResult(result) => CallOutcome::of(result),
            other => Err(unexpected("tool_result", &other)),
        }
    }

    async fn ask(
        &self,
        request: Request,
        limit: Option<Duration>,
    ) -> Result<Response, ClientError> {
        self.ask_hearing(request, limit, None).await
    }

    async fn ask_hearing(
        &self,
        request: Request,
        limit: Option<Duration>,
        progress: Option<Arc<Reports>>,
    ) -> Result<Response, ClientError> {
        let exchange = self.exchange(request, progress);
        let answer = match limit {
            None => exchange.await,
            Some(after) => timeout(after, exchange)
                .await
                .unwrap_or(Err(ClientError::TimedOut { after })),
        };
        match answer? {
            Response::Error(body) => Err(ClientError::Refused(body)),
            answer => Ok(answer),
        }
    }

    /// Waits for the request's turn and then for its answer. May be dropped
    /// anywhere: the permit is either still here or already the driver's.
    async fn exchange(
        &self,
        request: Request,
        progress: Option<Arc<Reports>>,
    ) -> Result<Response, ClientError> {
        let permit = self.link.permits.acquire().await;
        let permit = permit.map_err(|_| self.link.closed(false))?;
        let (reply, answer) = oneshot::channel();
        let id = self.link.next_id();
        let exchange = Exchange {
            request,
            reply,
            id,
            progress,
        };
        self.queue
            .send(Command::Ask(exchange))
            .map_err(|_| self.link.closed(false))?;
        permit.forget();
        let waiting = Waiting { client: self, id };
        let answer = answer.await;
        std::mem::forget(waiting);
        answer.unwrap_or_else(|_| Err(self.link.closed(true)))
    }
}

/// Somebody waits for the answer. Dropped, nobody does any more.
struct Waiting<'a> {
    client: &'a Client,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // A driver that is gone has nothing under way.
        let _ = self.client.queue.send(Command::Abandon { id: self.id });
    }
}

fn run_tool<T: Serialize + ?Sized>(
    tool_id: &str,
    args: &T,
    options: &CallOptions,
) -> Result<Request, ClientError> {
    let call = RunTool::new(tool_id, args).map_err(|source| ClientError::Arguments {
        tool_id: tool_id.to_owned(),
        source,
    })?;
    Ok(Request::RunTool(RunTool {
        dry_run: options.dry_run,
        traceparent: options.traceparent,
        ..call
    }))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("open", &!self.link.permits.is_closed())
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}
