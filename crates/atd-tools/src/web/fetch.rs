//! From a URL to a document, over whatever redirects.

use url::Url;

use super::content::{ContentType, Kind};
use super::error::WebError;
use super::net::{Connector, Exchange};
use super::policy::{Policy, Target};

/// What fetches.
#[derive(Debug)]
pub(super) struct Fetcher {
    pub(super) policy: Policy,
    pub(super) connector: Connector,
    pub(super) max_redirects: usize,
    pub(super) max_bytes: usize,
    pub(super) user_agent: String,
}

/// What was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) status: u16,
    pub(super) content_type: ContentType,
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

impl Fetcher {
    /// Fetches `at`, which afterwards is where the content came from or where
    /// it went wrong. Each place on the way is checked like the first.
    pub(super) async fn fetch(&self, at: &mut Url) -> Result<Fetched, WebError> {
        let mut redirects = 0;
        loop {
            let target = self.policy.target(at.clone())?;
            let exchange =
                Exchange::begin(&self.connector, &self.policy, &target, &self.user_agent).await?;
            let Some(location) = exchange.redirect() else {
                *at = target.url;
                return self.read(exchange).await;
            };
            if redirects == self.max_redirects {
                return Err(WebError::TooManyRedirects(redirects));
            }
            redirects += 1;
            *at = next(&target, location?)?;
        }
    }

    async fn read(&self, exchange: Exchange) -> Result<Fetched, WebError> {
        let status = exchange.status();
        match status {
            200..=299 => {}
            400.. => return Err(WebError::Status(status)),
            _ => {
                return Err(WebError::Http(format!(
                    "status {status} answers no such request"
                )));
            }
        }
        let content_type = ContentType::parse(exchange.content_type());
        // What cannot be shown is not read.
        let announced = content_type.kind()?;
        let bytes = exchange.content(self.max_bytes).await?;
        let kind = announced.map_or_else(|| Kind::guess(&bytes), Ok)?;
        Ok(Fetched {
            status,
            content_type,
            kind,
            bytes,
        })
    }
}

/// Where `location` leads from `target`.
fn next(target: &Target, location: &str) -> Result<Url, WebError> {
    let bad = |why: String| WebError::BadRedirect(why);
    let url = target
        .url
        .join(location)
        .map_err(|error| bad(format!("to what is no URL: {error}")))?;
    if target.is_tls && url.scheme() == "http" {
        return Err(bad("from https to http".to_owned()));
    }
    Ok(url)
}
