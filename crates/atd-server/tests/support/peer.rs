//! A client that says exactly the bytes it is told to.

use std::path::Path;

use atd_proto::io::read_frame;
use atd_proto::{Request, Response, TaggedRequest, TaggedResponse, encode_frame};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

pub(crate) struct Peer {
    pub(crate) stream: UnixStream,
    arrived: BytesMut,
}

impl Peer {
    pub(crate) async fn connect(path: &Path) -> Self {
        Self {
            stream: UnixStream::connect(path).await.unwrap(),
            arrived: BytesMut::new(),
        }
    }

    pub(crate) async fn send(&mut self, request: &Request) {
        self.bytes(&frame(request)).await;
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next answer, or `None` when the server has closed.
    pub(crate) async fn answer(&mut self) -> Option<Response> {
        let frame = read_frame(&mut self.stream, &mut self.arrived)
            .await
            .unwrap();
        frame.map(|frame| Response::decode(frame).unwrap())
    }

    /// Asks under an id.
    pub(crate) async fn ask(&mut self, request_id: u64, request: Request) {
        self.bytes(&tagged(request_id, request)).await;
    }

    /// The next answer or report, and the id that it carries.
    pub(crate) async fn tagged(&mut self) -> (Option<u64>, Response) {
        let frame = read_frame(&mut self.stream, &mut self.arrived).await;
        let frame = frame.unwrap().expect("the server has not closed");
        let TaggedResponse {
            request_id,
            response,
        } = TaggedResponse::decode(frame).unwrap();
        (request_id, response)
    }

    /// The next answer, which is for this id.
    pub(crate) async fn answer_to(&mut self, request_id: u64) -> Response {
        let (id, response) = self.tagged().await;
        assert_eq!(id, Some(request_id), "{response:?}");
        response
    }

    pub(crate) async fn ping(&mut self) {
        self.send(&Request::Ping).await;
        assert_eq!(self.answer().await, Some(Response::Pong));
    }

    /// Waits until the server has closed the connection.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset says so as well.
        let _ = self.stream.read_to_end(&mut rest).await;
    }
}

pub(crate) fn frame(request: &Request) -> Vec<u8> {
    let mut out = Vec::new();
    encode_frame(&mut out, |body| request.encode(body)).unwrap();
    out
}

pub(crate) fn tagged(request_id: u64, request: Request) -> Vec<u8> {
    let request = TaggedRequest {
        request_id: Some(request_id),
        progress: false,
        request,
    };
    let mut out = Vec::new();
    encode_frame(&mut out, |body| request.encode(body)).unwrap();
    out
}

pub(crate) fn cancel(request_id: u64) -> Vec<u8> {
    frame(&Request::Cancel { request_id })
}

pub(crate) fn framed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_frame(&mut out, |out| out.extend_from_slice(body)).unwrap();
    out
}
