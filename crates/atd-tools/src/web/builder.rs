//! What the operator decides.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::WebFetch;
use super::fetch::Fetcher;
use super::net::{Connector, Resolver, SystemResolver};
use super::policy::{HostPattern, Policy, parse_name};

/// Sets up [`WebFetch`]. What is not opened here stays closed.
#[must_use]
pub struct WebFetchBuilder {
    networks: Vec<String>,
    hosts: Vec<String>,
    only: Vec<String>,
    ports: Vec<u16>,
    certificates: Vec<Vec<u8>>,
    system_certificates: bool,
    resolver: Arc<dyn Resolver>,
    connect_timeout: Duration,
    timeout: Duration,
    max_bytes: usize,
    max_redirects: usize,
    max_concurrent: u32,
    user_agent: String,
}

/// Why [`WebFetch`] was not built: every mistake at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("; "))]
#[non_exhaustive]
pub struct WebFetchBuildError {
    /// What is wrong, each with what would be right.
    pub problems: Vec<String>,
}

/// The most that a document may be allowed to have, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The most redirects that may be allowed.
const MOST_REDIRECTS: usize = 20;

/// The longest that a fetch may be allowed to take.
const LONGEST: Duration = Duration::from_secs(3600);

impl WebFetchBuilder {
    pub(super) fn new() -> Self {
        Self {
            networks: Vec::new(),
            hosts: Vec::new(),
            only: Vec::new(),
            ports: vec![80, 443],
            certificates: Vec::new(),
            system_certificates: true,
            resolver: Arc::new(SystemResolver),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            max_bytes: 5 * 1024 * 1024,
            max_redirects: 5,
            max_concurrent: 16,
            user_agent: concat!("atd-tools/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Opens a network that is not public, such as `10.1.0.0/16` or
    /// `fd00:1::/64`, to whoever may call the tool; one address is a network
    /// too. An IPv4 address that IPv6 only clothes
    /// (`::ffff:10.1.0.1`) is taken for the IPv4 address.
    pub fn allow_network(mut self, network: impl Into<String>) -> Self {
        self.networks.push(network.into());
        self
    }

    /// Opens a host, such as `wiki.corp.example`, whatever address it resolves
    /// to. Whoever decides what it resolves to decides where the tool goes.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Closes every host but this and the others so named: `docs.rs`, or
    /// `*.example.org` for the names below `example.org`. What callers may
    /// know, they may write into a URL: this keeps it among these hosts. It
    /// opens no address that is not public.
    pub fn only_host(mut self, host: impl Into<String>) -> Self {
        self.only.push(host.into());
        self
    }

    /// Opens a port beside 80 and 443.
    pub fn allow_port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Trusts these certificates too, in PEM, to speak for hosts.
    pub fn trust_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// Whether to trust the certificates that the system does, or those that
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name; by default yes. They are read
    /// once, when the tool is built.
    pub fn trust_system(mut self, trust: bool) -> Self {
        self.system_certificates = trust;
        self
    }

    /// What looks names up; by default [`SystemResolver`].
    pub fn resolver(mut self, resolver: impl Resolver) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// How long one address of a host is tried; by default 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a fetch may take, redirects included; by default 30 s, and
    /// never longer than nine tenths of the call's time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a document may be, in bytes, both as it arrives and when it is
    /// inflated; by default 5 MiB. A call holds a few times as much.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How many redirects are followed; by default 5.
    pub fn max_redirects(mut self, redirects: usize) -> Self {
        self.max_redirects = redirects;
        self
    }

    /// How many calls may run at once, 0 for no limit; by default 16.
    pub fn max_concurrent(mut self, calls: u32) -> Self {
        self.max_concurrent = calls;
        self
    }

    /// What the tool calls itself to servers.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// The tool.
    ///
    /// # Errors
    /// [`WebFetchBuildError`] with every mistake.
    pub fn build(self) -> Result<WebFetch, WebFetchBuildError> {
        let mut problems = self.limit_problems();
        let policy = self.policy(&mut problems);
        let tls = self.tls(&mut problems);
        let (true, Some(tls)) = (problems.is_empty(), tls) else {
            return Err(WebFetchBuildError { problems });
        };
        let fetcher = Fetcher {
            policy,
            connector: Connector {
                resolver: self.resolver,
                tls,
                timeout: self.connect_timeout,
            },
            max_redirects: self.max_redirects,
            max_bytes: self.max_bytes,
            user_agent: self.user_agent,
        };
        Ok(WebFetch::new(fetcher, self.timeout, self.max_concurrent))
    }

    fn limit_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (what, time) in [
            ("timeout", self.timeout),
            ("connect timeout", self.connect_timeout),
        ] {
            if time.is_zero() || time > LONGEST {
                problems.push(format!(
                    "the {what} is {time:?}: it should be more than nothing and an hour at most"
                ));
            }
        }
        if !(1..=MOST_BYTES).contains(&self.max_bytes) {
            problems.push(format!(
                "a document may have {} bytes: it should be from 1 to {MOST_BYTES}",
                self.max_bytes
            ));
        }
        if self.max_redirects > MOST_REDIRECTS {
            problems.push(format!(
                "{} redirects may be followed: it should be {MOST_REDIRECTS} at most",
                self.max_redirects
            ));
        }
        if self.ports.contains(&0) {
            problems.push("port 0 is opened: ports are from 1 to 65535".to_owned());
        }
        let is_name = |char: char| char == ' ' || char.is_ascii_graphic();
        if self.user_agent.is_empty() || !self.user_agent.chars().all(is_name) {
            problems.push(format!(
                "the user agent is {:?}: it should be printable ASCII",
                self.user_agent
            ));
        }
        problems
    }

    fn policy(&self, problems: &mut Vec<String>) -> Policy {
        let mut policy = Policy {
            networks: Vec::new(),
            hosts: Vec::new(),
            only: Vec::new(),
            ports: self.ports.clone(),
        };
        for network in &self.networks {
            let address = network.parse::<IpAddr>().map(IpNet::from);
            match network.parse().or(address) {
                Ok(network) => policy.networks.push(network),
                Err(_) => problems.push(format!(
                    "{network:?} is no network: write it like `10.1.0.0/16` or `fd00:1::/64`"
                )),
            }
        }
        for host in &self.hosts {
            match parse_name(host) {
                Some(host) => policy.hosts.push(host),
                None => problems.push(format!(
                    "{host:?} is no host: write a name like `wiki.corp.example`"
                )),
            }
        }
        for host in &self.only {
            match HostPattern::parse(host) {
                Some(pattern) => policy.only.push(pattern),
                None => problems.push(format!(
                    "{host:?} is no host: write a name like `docs.rs` or `*.example.org`"
                )),
            }
        }
        policy
    }

    /// TLS with the certificates to trust, checked against the clock of the
    /// system.
    fn tls(&self, problems: &mut Vec<String>) -> Option<TlsConnector> {
        let mut roots = RootCertStore::empty();
        if self.system_certificates {
            // Stores hold certificates that nobody can read any more.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        for pem in &self.certificates {
            add_certificates(&mut roots, pem).unwrap_or_else(|problem| problems.push(problem));
        }
        if roots.is_empty() && problems.is_empty() {
            problems.push(
                "no certificate is trusted: install the system's (on Debian, the package \
                 `ca-certificates`), or give some to trust"
                    .to_owned(),
            );
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config
            .map_err(|error| problems.push(format!("TLS cannot be set up: {error}")))
            .ok()?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Some(TlsConnector::from(Arc::new(config)))
    }
}

/// Adds all certificates of a PEM file; says what is wrong with it.
fn add_certificates(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    let mut added = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate =
            certificate.map_err(|error| format!("the PEM to trust is broken: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("a certificate to trust is not valid: {error}"))?;
        added += 1;
    }
    if added == 0 {
        return Err("the PEM to trust holds no certificate".to_owned());
    }
    Ok(())
}

impl std::fmt::Debug for WebFetchBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebFetchBuilder")
            .field("networks", &self.networks)
            .field("hosts", &self.hosts)
            .field("only", &self.only)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
