//! A server that does what a test tells it to.

use std::{future::Future, num::NonZeroU32, path::PathBuf, time::Duration};

use atd_client::{Client, ConnectOptions};
use atd_proto::{
    JsonText, Request, Response, RunTool, TaggedRequest, ToolResult,
    io::{read_frame, write_frame},
};
use bytes::BytesMut;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    time::timeout,
};

/// Longer than anything takes, and over at once on a paused clock.
pub(crate) const AGES: Duration = Duration::from_secs(3600);

pub(crate) struct Server {
    listener: UnixListener,
    dir: TempDir,
}

/// The server's end of one connection.
pub(crate) struct Peer {
    stream: UnixStream,
    buffer: BytesMut,
}

pub(crate) fn socket_in(dir: &TempDir) -> PathBuf {
    dir.path().join("atd.sock")
}

pub(crate) fn limit(requests: u32) -> NonZeroU32 {
    NonZeroU32::new(requests).unwrap()
}

/// A client and the server's end of its connection.
pub(crate) async fn pair() -> (Client, Peer) {
    pair_with(&ConnectOptions::new()).await
}

pub(crate) async fn pair_with(options: &ConnectOptions) -> (Client, Peer) {
    let server = Server::start();
    let client = options.connect(server.path()).await.unwrap();
    (client, server.accept().await)
}

/// What `answer` comes to when it is asked for and the server says `says` to
/// the request.
pub(crate) async fn answered<T>(peer: &mut Peer, says: &str, answer: impl Future<Output = T>) -> T {
    let (answer, _) = tokio::join!(answer, async {
        peer.hears().await;
        peer.says(says).await;
    });
    answer
}

/// Polls `future` so that it does what it does before it first waits.
pub(crate) async fn begin<F: Future + Unpin>(future: &mut F) {
    tokio::select! {
        biased;
        _ = future => panic!("it should have to wait"),
        () = std::future::ready(()) => {}
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(socket_in(&dir)).unwrap();
        Self { listener, dir }
    }

    pub(crate) fn path(&self) -> PathBuf {
        socket_in(&self.dir)
    }

    pub(crate) async fn accept(&self) -> Peer {
        Peer::new(self.listener.accept().await.unwrap().0)
    }
}

impl Peer {
    pub(crate) fn new(stream: UnixStream) -> Self {
        let buffer = BytesMut::new();
        Self { stream, buffer }
    }

    /// The next request, or `None` when the client has gone.
    pub(crate) async fn listen(&mut self) -> Option<Request> {
        let frame = read_frame(&mut self.stream, &mut self.buffer).await;
        frame.unwrap().map(|frame| Request::decode(frame).unwrap())
    }

    pub(crate) async fn hears(&mut self) -> Request {
        self.listen().await.expect("the client should not be gone")
    }

    pub(crate) async fn hears_call(&mut self) -> RunTool {
        match self.hears().await {
            Request::RunTool(call) => call,
            other => panic!("{other:?} is no call"),
        }
    }

    /// The next request, with its id.
    pub(crate) async fn hears_tagged(&mut self) -> TaggedRequest {
        let frame = read_frame(&mut self.stream, &mut self.buffer).await;
        let frame = frame.unwrap().expect("the client should not be gone");
        TaggedRequest::decode(frame).unwrap()
    }

    /// Whether nothing more comes. On a paused clock alone.
    pub(crate) async fn hears_nothing(&mut self) -> bool {
        timeout(AGES, self.listen()).await.is_err()
    }

    /// Waits until the client has begun to write, and leaves the rest unread.
    pub(crate) async fn hears_a_byte(&mut self) {
        self.stream.read_u8().await.unwrap();
    }

    /// How many bytes come until the client closes the connection.
    pub(crate) async fn hears_the_rest(&mut self) -> usize {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap()
    }

    pub(crate) async fn says(&mut self, body: &str) {
        write_frame(&mut self.stream, body.as_bytes())
            .await
            .unwrap();
    }

    pub(crate) async fn says_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Answers a call with its own arguments.
    pub(crate) async fn echoes(&mut self, call: RunTool) {
        self.says(&echo(&call.tool_id, &call.args)).await;
    }

    /// Answers calls with their own arguments, one after another, until the
    /// client goes.
    pub(crate) async fn echoes_on(mut self) {
        while let Some(Request::RunTool(call)) = self.listen().await {
            self.echoes(call).await;
        }
    }
}

/// A result as the server writes it.
pub(crate) fn echo(tool_id: &str, result: &JsonText) -> String {
    let mut body = Vec::new();
    let answer = Response::ToolResult(ToolResult {
        tool_id: tool_id.to_owned(),
        result: result.clone(),
        success: true,
        dry_run: false,
        next_cursor: None,
    });
    answer.encode(&mut body);
    String::from_utf8(body).unwrap()
}
