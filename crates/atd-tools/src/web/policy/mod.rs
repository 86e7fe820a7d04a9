//! Where the tool may go.

mod special;

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use self::special::is_public;
use super::error::WebError;

/// The longest URL that is fetched, in bytes.
pub(super) const LONGEST_URL: usize = 8192;

/// Where the tool may go. The default is public addresses, on the ports of
/// `http` and `https`.
#[derive(Debug)]
pub(super) struct Policy {
    /// Networks that are open beside the public ones.
    pub(super) networks: Vec<IpNet>,
    /// Names that are open whatever they resolve to.
    pub(super) hosts: Vec<String>,
    /// Nothing but these, where there are any.
    pub(super) only: Vec<HostPattern>,
    pub(super) ports: Vec<u16>,
}

/// A name, or all names below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HostPattern {
    Exactly(String),
    /// The name with a dot before it.
    Below(String),
}

/// A URL that may be fetched, as far as the URL tells.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) is_tls: bool,
    /// Whether its addresses are as the operator wants them, whatever they are.
    is_open: bool,
}

impl Policy {
    /// Looks at everything that can be seen without asking anybody.
    pub(super) fn target(&self, mut url: Url) -> Result<Target, WebError> {
        let refused = |why: String| Err(WebError::UrlNotAllowed(why));
        if url.as_str().len() > LONGEST_URL {
            return refused(format!("a URL may have {LONGEST_URL} bytes"));
        }
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            scheme => return refused(format!("only http and https are fetched, not {scheme:?}")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refused("a URL with a user name or password is not fetched".to_owned());
        }
        url.set_fragment(None);
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return refused("it names no host".to_owned());
        };
        let host = host.to_owned();
        if !self.ports.contains(&port) {
            return refused(format!("port {port} is not open to this tool"));
        }
        let name = plain_name(&host);
        if !self.only.is_empty() && !self.only.iter().any(|only| only.covers(&name)) {
            return refused("the host is none of those that this server fetches from".to_owned());
        }
        let target = Target {
            is_open: self.hosts.contains(&name),
            url,
            host,
            port,
            is_tls,
        };
        // A literal is known already, so nothing is done for one that is closed.
        match target.literal() {
            Some(address) if !self.admits(&target, address) => Err(WebError::AddressNotAllowed),
            _ => Ok(target),
        }
    }

    /// Whether a connection to `address` may be made for `target`.
    pub(super) fn admits(&self, target: &Target, address: IpAddr) -> bool {
        is_public(address.to_canonical()) || self.opens(target, address)
    }

    /// Whether the operator has opened `address`, or the host of `target`.
    pub(super) fn opens(&self, target: &Target, address: IpAddr) -> bool {
        let address = address.to_canonical();
        target.is_open || self.networks.iter().any(|net| net.contains(&address))
    }
}

impl Target {
    /// The address, where the URL says one instead of a name.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }
}

impl HostPattern {
    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Exactly(own) => own == name,
            Self::Below(dotted) => name.len() > dotted.len() && name.ends_with(dotted.as_str()),
        }
    }

    /// Reads `example.org` or `*.example.org`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("*.") {
            Some(name) => Some(Self::Below(format!(".{}", parse_name(name)?))),
            None => parse_name(text).map(Self::Exactly),
        }
    }
}

/// A host as [`plain_name`] has it, if `text` is one.
pub(super) fn parse_name(text: &str) -> Option<String> {
    Host::parse(text).ok().map(|host| plain_name(&host))
}

/// A host as it is compared: in ASCII, in lower case, no dot at its end.
fn plain_name(host: &Host) -> String {
    let name = host.to_string();
    name.strip_suffix('.').unwrap_or(&name).to_owned()
}
