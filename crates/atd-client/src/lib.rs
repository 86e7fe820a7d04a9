//! The other end of the ATD wire: a client for a server on a Unix socket.
//!
//! A [`Client`] is one connection. It is cheap to clone and every method takes
//! `&self`, so any number of tasks share it: requests are sent without waiting
//! for the answers to those before.
//!
//! ```
//! use atd_client::Client;
//! use atd_proto::Hello;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let socket = dir.path().join("atd.sock");
//! # let listener = tokio::net::UnixListener::bind(&socket)?;
//! # tokio::spawn(async move {
//! #     let (mut peer, _) = listener.accept().await.unwrap();
//! #     let mut buffer = bytes::BytesMut::new();
//! #     for answer in [
//! #         r#"{"type":"hello_ack","server_version":"demo 1.0"}"#,
//! #         r#"{"type":"tool_result","tool_id":"demo:math.add","result":5,"success":true}"#,
//! #     ] {
//! #         atd_proto::io::read_frame(&mut peer, &mut buffer).await.unwrap();
//! #         atd_proto::io::write_frame(&mut peer, answer.as_bytes()).await.unwrap();
//! #     }
//! # });
//! let client = Client::connect(&socket).await?;
//!
//! let me = Hello { client_id: Some("docs".to_owned()), ..Hello::default() };
//! assert_eq!(client.hello(me).await?.server_version, "demo 1.0");
//!
//! let outcome = client.call("demo:math.add", &serde_json::json!({"a": 2, "b": 3})).await?;
//! let sum: i64 = outcome.parse()?;
//! assert_eq!(sum, 5);
//! # Ok(()) }
//! ```
//!
//! What goes wrong is a [`ClientError`], which tells apart a tool that failed,
//! a server that refused, and a connection that is over. What may be set, from
//! patience in connecting to the number of requests in flight, is in
//! [`ConnectOptions`] and [`CallOptions`].

mod answer;
mod call;
mod client;
mod connect;
mod driver;
mod error;
mod exchanges;
mod inbound;
mod link;
mod obstacle;
mod one_line;
mod outbound;
mod pages;
mod reporting;

pub use call::{CallOptions, CallOutcome};
pub use client::{Client, ProofAsked};
pub use connect::ConnectOptions;
pub use error::{ClientError, CloseCause};
pub use obstacle::Obstacle;
pub use pages::{CallAllOptions, MergePolicy};
pub use reporting::ReportingCall;
