//! Where a metrics page is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a metrics page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A host and a port.
    Tcp(String),
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            return Ok(Self::Unix(text.into()));
        }
        let parts = text.rsplit_once(':');
        match parts.and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?))) {
            Some((host, port)) if !host.is_empty() => Ok(Self::Tcp(format!("{host}:{port}"))),
            _ => Err(
                "it should be a host and a port, such as 127.0.0.1:9464, or the path of a socket, \
                 such as ./metrics.sock"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => write!(f, "http://{host}/metrics"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_is_a_host_and_a_port_or_a_path() {
        let tcp = |text: &str| Ok(Address::Tcp(text.to_owned()));
        assert_eq!("127.0.0.1:9464".parse(), tcp("127.0.0.1:9464"));
        assert_eq!("[::1]:0".parse(), tcp("[::1]:0"));
        assert_eq!("localhost:80".parse(), tcp("localhost:80"));
        for path in ["./m", "/run/atd/metrics.sock", "a/b:1"] {
            assert_eq!(path.parse(), Ok(Address::Unix(path.into())));
        }
        for bad in [
            "",
            "9464",
            ":9464",
            "host",
            "host:",
            "host:http",
            "host:65536",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
