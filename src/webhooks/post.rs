//! One POST to an address that a subscriber chose: over a connection of its own, to the very address that was checked,
//! following nothing, reading little, within its time.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderMap, Method, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::target::{Reach, Target, may_reach};
use crate::{
    error::Result,
    outbound::{self, Trust},
};

/// What is read of an answer at most, bytes, and what is kept of it.
const MAX_ANSWER: usize = 64 << 10;
const KEPT: usize = 256;

/// How far, how long, and whom to believe.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub reach: Reach,
    pub connect: Duration,
    /// From the beginning to the end of the answer.
    pub whole: Duration,
    /// Authorities that may vouch for a receiver, besides those that browsers trust.
    pub authorities: Vec<CertificateDer<'static>>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            reach: Reach::default(),
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(15),
            authorities: Vec::new(),
        }
    }
}

/// What sends.
#[derive(Clone, Debug)]
pub struct Poster {
    pub bounds: Bounds,
    trust: Trust,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Retry-After, where it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// How it began.
    pub text: String,
}

impl Poster {
    pub fn new(bounds: Bounds) -> Result<Self> {
        Ok(Self { trust: Trust::with(&bounds.authorities)?, bounds })
    }

    /// Sends; the error says in a few words why there is no answer.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: &str) -> Result<Answer, String> {
        let target = Target::parse(url, self.bounds.reach).map_err(|fault| format!("the URL {fault}"))?;
        let exchange = async {
            let stream = timeout(self.bounds.connect, self.connect(&target))
                .await
                .map_err(|_| "no connection in time".to_owned())??;
            let request = request(&target, headers, body)?;
            if !target.tls {
                return outbound::exchange(stream, request, MAX_ANSWER).await;
            }
            let stream = timeout(self.bounds.connect, self.trust.secure(&target.host, stream))
                .await
                .map_err(|_| "no TLS in time".to_owned())??;
            outbound::exchange(stream, request, MAX_ANSWER).await
        };
        let answer =
            timeout(self.bounds.whole, exchange).await.map_err(|_| "no answer in time".to_owned())?;
        answer.map(Answer::from)
    }

    /// Every address of the name is looked at before one of them is connected to; a name with a single one inside is
    /// refused.
    async fn connect(&self, target: &Target) -> Result<TcpStream, String> {
        let found = lookup_host((target.host.as_str(), target.port)).await;
        let found = reachable(found.map_err(|_| "the host is not known".to_owned())?, self.bounds.reach)?;
        let mut failure = "the host has no address".to_owned();
        for address in found {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = format!("no connection: {error}"),
            }
        }
        Err(failure)
    }
}

/// All that a name stands for, if all of it may be reached.
fn reachable(found: impl Iterator<Item = SocketAddr>, reach: Reach) -> Result<Vec<SocketAddr>, String> {
    let found: Vec<SocketAddr> = found.collect();
    if found.iter().all(|it| may_reach(it.ip(), reach)) {
        Ok(found)
    } else {
        Err("the host leads into a private network".to_owned())
    }
}

fn request(target: &Target, headers: HeaderMap, body: &str) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::CONNECTION, "close")
        .header(header::USER_AGENT, outbound::USER_AGENT)
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .map_err(|error| error.to_string())?;
    request.headers_mut().extend(headers);
    Ok(request)
}

impl From<outbound::Answer> for Answer {
    fn from(answer: outbound::Answer) -> Self {
        let seconds = |value: &http::HeaderValue| value.to_str().ok()?.trim().parse().ok();
        let retry_after = answer.headers.get(header::RETRY_AFTER).and_then(seconds);
        let start = &answer.body[..answer.body.len().min(KEPT)];
        Self {
            status: answer.status,
            retry_after: retry_after.map(Duration::from_secs),
            text: String::from_utf8_lossy(start).replace('\0', " "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_one_foot_inside_is_not_connected_to() {
        let found = |addresses: &[&str], private| {
            let addresses = addresses.iter().map(|it| it.parse().expect("an address"));
            reachable(addresses, Reach { private })
        };
        assert!(found(&["8.8.8.8:443", "[2606:4700::1111]:443"], false).is_ok());
        for inside in ["127.0.0.1:443", "10.1.2.3:443", "169.254.169.254:80", "[::1]:443", "[fe80::1]:443"] {
            assert!(found(&[inside], false).is_err(), "{inside}");
            assert!(found(&["8.8.8.8:443", inside], false).is_err(), "8.8.8.8 and {inside}");
            assert!(found(&["8.8.8.8:443", inside], true).is_ok(), "{inside}, where that is allowed");
        }
    }
}
