//! Servers on loopback, resolvers that lie, and calls of the tool.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use atd_proto::JsonText;
use atd_registry::{Args, CallContext, CallSetup, RegisteredTool, Registry, ToolCallError};
use atd_tools::{Resolver, WebFetch, WebFetchBuilder};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a server writes for a path.
type Answer = dyn Fn(&str) -> Vec<u8> + Send + Sync;

/// A server of canned answers. It keeps the heads of the requests it got.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: Mutex<usize>,
    requests: Mutex<Vec<String>>,
}

impl Server {
    /// On a free port of `ip`.
    pub(crate) async fn on(
        ip: &str,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let ip: IpAddr = ip.parse().unwrap();
        Self::listen(TcpListener::bind((ip, 0)).await.unwrap(), None, answer)
    }

    /// On the port of another server, at another address.
    pub(crate) async fn beside(other: &Self, ip: &str) -> Self {
        let address = SocketAddr::new(ip.parse().unwrap(), other.address.port());
        let listener = TcpListener::bind(address).await.unwrap();
        Self::listen(listener, None, |_| ok("text/plain", "beside"))
    }

    pub(crate) async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::on("127.0.0.1", answer).await
    }

    /// One that answers everything with this.
    pub(crate) async fn saying(answer: Vec<u8>) -> Self {
        Self::start(move |_| answer.clone()).await
    }

    fn listen(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (kept, answer): (_, Arc<Answer>) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *kept.connections.lock().unwrap() += 1;
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                match tls.clone() {
                    None => drop(tokio::spawn(serve(stream, kept, answer))),
                    Some(tls) => drop(tokio::spawn(async move {
                        // A client that trusts no such server has left.
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, kept, answer).await;
                        }
                    })),
                }
            }
        });
        Self { address, seen }
    }

    /// One that speaks TLS and answers everything with this.
    pub(crate) async fn secure(config: ServerConfig, answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tls = TlsAcceptor::from(Arc::new(config));
        Self::listen(listener, Some(tls), move |_| answer.clone())
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// How many connections there were. Those that were made before are counted
    /// when this returns: they are accepted in the order that they came in.
    pub(crate) async fn connections(&self) -> usize {
        let mut own = TcpStream::connect(self.address).await.unwrap();
        own.write_all(b"GET /own HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        own.read_to_end(&mut answer).await.unwrap();
        let mut connections = self.seen.connections.lock().unwrap();
        *connections -= 1;
        *connections
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: Arc<Seen>,
    answer: Arc<Answer>,
) {
    let head = read_head(&mut stream).await;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    if path == "/own" {
        return;
    }
    seen.requests.lock().unwrap().push(head);
    let answer = answer(&path);
    // The client may have left; that is its right.
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
    let _ = stream.read(&mut [0]).await;
}

pub(crate) async fn read_head(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// An answer with these headers, each with its line end.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut answer =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    answer.extend_from_slice(body);
    answer
}

pub(crate) fn ok(content_type: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", &format!("content-type: {content_type}\r\n"), body)
}

pub(crate) fn redirect(location: &str) -> Vec<u8> {
    answer("302 Found", &format!("location: {location}\r\n"), "")
}

/// Says these addresses of these names, in turn where a name has several
/// answers, the last one for ever. Counts the questions.
#[derive(Clone, Default)]
pub(crate) struct Names {
    answers: Arc<BTreeMap<String, Vec<Vec<IpAddr>>>>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    /// Each name with its answers, each of them addresses between commas.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = (&'a str, &'a [&'a str])>) -> Self {
        let addresses = |answer: &&str| -> Vec<IpAddr> {
            let parts = answer.split(',').filter(|part| !part.is_empty());
            parts.map(|part| part.parse().unwrap()).collect()
        };
        let answers = names
            .into_iter()
            .map(|(name, answers)| (name.to_owned(), answers.iter().map(addresses).collect()));
        Self {
            answers: Arc::new(answers.collect()),
            asked: Arc::default(),
        }
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|name| *name == host).count();
        asked.push(host.to_owned());
        let answers = self.answers.get(host);
        let answers = answers.ok_or_else(|| io::Error::other("there is no such name"))?;
        Ok(answers[before.min(answers.len() - 1)].clone())
    }
}

/// Knows no name at all, so that no test asks anybody.
pub(crate) fn nobody() -> Names {
    Names::default()
}

/// Who speaks for the test's own hosts. No test trusts what the machine does.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// What a server shows and uses that is these names or addresses.
    pub(crate) fn server_config(&self, names: &[&str]) -> ServerConfig {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        self.config_for(&CertificateParams::new(names).unwrap())
    }

    pub(crate) fn config_for(&self, params: &CertificateParams) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap()
    }
}

pub(crate) fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(Authority::new)
}

/// A tool that no address is opened to, with ports as named.
pub(crate) fn closed(ports: &[u16]) -> WebFetchBuilder {
    let builder = WebFetch::builder()
        .resolver(nobody())
        .trust_system(false)
        .trust_certificates(authority().pem.as_str());
    ports
        .iter()
        .fold(builder, |builder, port| builder.allow_port(*port))
}

/// A tool that may reach these servers.
pub(crate) fn open_to(servers: &[&Server]) -> WebFetchBuilder {
    servers.iter().fold(closed(&[]), |builder, server| {
        builder
            .allow_network(format!("{}", server.address.ip()))
            .allow_port(server.port())
    })
}

/// The tool as a server has it.
pub(crate) fn tool(builder: WebFetchBuilder) -> Arc<RegisteredTool> {
    let registry = Registry::new();
    registry.register(builder.build().unwrap()).unwrap();
    registry.get("ref:web.fetch").unwrap()
}

/// Calls the tool, and checks what holds of every answer.
pub(crate) async fn fetch_in(
    tool: &RegisteredTool,
    args: Value,
    setup: CallSetup,
) -> Result<Value, ToolCallError> {
    let args = Args::new(JsonText::from_value(&args).unwrap());
    tool.input_schema().check(&args).unwrap();
    let ctx = CallContext::new(setup);
    let result = tool.binding().invoke(args, &ctx).await;
    match &result {
        Ok(reply) => {
            assert!(reply.body().as_bytes().len() <= ctx.output_budget());
            let shape = tool.output_schema();
            shape.check(&Args::new(reply.body().clone())).unwrap();
        }
        Err(ToolCallError::ExecutionFailed {
            code,
            message,
            retryable,
        }) => {
            let mut declared = tool.definition().errors.iter();
            assert!(
                declared.any(|error| error.code == *code && error.retryable == *retryable),
                "{code} is not declared"
            );
            assert!(!message.contains(char::is_control), "{message:?}");
        }
        Err(_) => {}
    }
    result.map(|reply| reply.body().to_value().unwrap())
}

pub(crate) async fn fetch(tool: &RegisteredTool, args: Value) -> Result<Value, ToolCallError> {
    fetch_in(tool, args, CallSetup::for_test()).await
}

/// What fetching `url` ends in: the content, or the code of the failure.
pub(crate) async fn outcome(tool: &RegisteredTool, url: &str) -> Result<String, String> {
    match fetch(tool, json!({"url": url})).await {
        Ok(page) => Ok(page["content"].as_str().unwrap().to_owned()),
        Err(ToolCallError::ExecutionFailed { code, .. }) => Err(code),
        Err(ToolCallError::InvalidArgs(_)) => Err("invalid arguments".to_owned()),
        Err(other) => panic!("{url}: {other:?}"),
    }
}

/// Fetches one page of this content, and returns the result.
pub(crate) async fn page_of(content_type: &str, body: impl AsRef<[u8]>, args: Value) -> Value {
    let server = Server::saying(ok(content_type, body)).await;
    let mut args = args;
    args["url"] = json!(server.url("/"));
    fetch(&tool(open_to(&[&server])), args).await.unwrap()
}
