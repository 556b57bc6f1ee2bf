//! A bucket of an S3-compatible store. URLs that others use are signed for what was announced: the length, the kind and the
//! SHA-256 are headers of the signature, so the store takes nothing else where it keeps to it. What the service itself asks goes
//! over URLs of the same make.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use data_encoding::BASE64;
use http::{HeaderMap, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use rusty_s3::{Method, signing};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use url::Url;

use super::{Attachment, Key, Seen, disposition};
use crate::{
    ctx::Clock,
    outbound::{self, Answer, Trust},
};

/// How long the store may take for what the service asks of it.
const TIME: Duration = Duration::from_secs(15);
/// How long a URL is good for that the service uses itself.
const OWN: Duration = Duration::from_mins(5);
/// What is read of an answer, bytes.
const MAX_ANSWER: usize = 16 << 10;
/// What is put there to see whether that works; no tenant has this name.
const PROBE: &str = "-probe";

const CHECKSUM: &str = "x-amz-checksum-sha256";

/// Who we are to the store.
#[derive(Clone)]
pub struct Keys {
    id: String,
    secret: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Reads them from two files.
    pub fn read(id: &Path, secret: &Path) -> anyhow::Result<Self> {
        let read = |file: &Path| {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            let text = text.trim().to_owned();
            ensure!(!text.is_empty(), "{} is empty", file.display());
            anyhow::Ok(text)
        };
        Ok(Self { id: read(id)?, secret: read(secret)? })
    }
}

/// The bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Where the service finds the objects, and where others do; with a slash at the end.
    own: Url,
    public: Url,
    region: String,
    keys: Keys,
    trust: Trust,
}

impl Bucket {
    /// The bucket behind the endpoint, or AWS's of the region. `public` is where others reach that endpoint, if elsewhere.
    pub fn new(
        (name, prefix): (&str, &str),
        endpoint: Option<&str>,
        public: Option<&str>,
        region: &str,
        keys: Keys,
        trust: Trust,
    ) -> anyhow::Result<Self> {
        let folder = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let url = |text: String| Url::parse(&text).with_context(|| format!("{text} is no URL"));
        let below = |endpoint: &str| url(format!("{}/{name}/{folder}", endpoint.trim_end_matches('/')));
        let aws = || url(format!("https://{name}.s3.{region}.amazonaws.com/{folder}"));
        let own = endpoint.map_or_else(aws, below)?;
        let public = public.map_or_else(|| Ok(own.clone()), below)?;
        Ok(Self { own, public, region: region.to_owned(), keys, trust })
    }

    /// A signed URL. Queries and headers come in the order of their names.
    fn sign(
        &self,
        base: &Url,
        method: Method,
        object: &str,
        good: Duration,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Url {
        let mut url = base.clone();
        url.set_path(&format!("{}{object}", base.path()));
        // The store judges by its own clock, whatever time it is here.
        let now = Clock::system().now();
        let seconds = good.as_secs().max(1);
        let Keys { id, secret } = &self.keys;
        let (query, headers) = (query.iter().copied(), headers.iter().copied());
        signing::sign(&now, method, url, id, secret, None, &self.region, seconds, query, headers)
    }

    pub fn upload(&self, attachment: &Attachment, good: Duration) -> (String, Vec<(&'static str, String)>) {
        let length = attachment.byte_count.to_string();
        let sent = vec![
            ("content-type", attachment.media_type.clone()),
            (CHECKSUM, BASE64.encode(&attachment.sha256)),
        ];
        let signed = [
            ("content-length", length.as_str()),
            ("content-type", attachment.media_type.as_str()),
            (CHECKSUM, sent[1].1.as_str()),
        ];
        let object = Key::of(attachment).to_string();
        let url = self.sign(&self.public, Method::Put, &object, good, &[], &signed);
        (url.into(), sent)
    }

    pub fn download(&self, attachment: &Attachment, good: Duration) -> String {
        let disposition = disposition(&attachment.file_name);
        let query = [
            ("response-content-disposition", disposition.as_str()),
            ("response-content-type", attachment.media_type.as_str()),
        ];
        let object = Key::of(attachment).to_string();
        self.sign(&self.public, Method::Get, &object, good, &query, &[]).into()
    }

    pub async fn look(&self, object: &str) -> Result<Option<Seen>, String> {
        let answer = self.ask(Method::Head, object, &[("x-amz-checksum-mode", "ENABLED")], b"").await?;
        match answer.status {
            200 => seen(&answer.headers).map(Some),
            404 => Ok(None),
            _ => Err(refused(&answer)),
        }
    }

    pub async fn remove(&self, object: &str) -> Result<(), String> {
        let answer = self.ask(Method::Delete, object, &[], b"").await?;
        match answer.status {
            200 | 204 | 404 => Ok(()),
            _ => Err(refused(&answer)),
        }
    }

    pub async fn examine(&self) -> Result<String, String> {
        let text = b"ticketing";
        let digest = BASE64.encode(&Sha256::digest(text));
        let answer = self.ask(Method::Put, PROBE, &[(CHECKSUM, &digest)], text).await?;
        if answer.status != 200 {
            return Err(refused(&answer));
        }
        let found = self.look(PROBE).await?;
        self.remove(PROBE).await?;
        let place = &self.own;
        match found {
            Some(Seen { byte_count: 9, sha256: Some(_) }) => {
                Ok(format!("{place} keeps files and their SHA-256"))
            }
            Some(Seen { byte_count: 9, sha256: None }) => Ok(format!(
                "{place} keeps files; it does not tell their SHA-256, so only the length is checked"
            )),
            other => Err(format!("{place} took 9 bytes and shows {other:?}")),
        }
    }

    /// One request of the service itself.
    async fn ask(
        &self,
        method: Method,
        object: &str,
        headers: &[(&str, &str)],
        body: &'static [u8],
    ) -> Result<Answer, String> {
        let url = self.sign(&self.own, method, object, OWN, &[], headers);
        let mut request = Request::builder().method(method.to_str()).uri(url.as_str());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from_static(body))).map_err(|error| error.to_string())?;
        timeout(TIME, outbound::send(&self.trust, request, MAX_ANSWER))
            .await
            .map_err(|_| "no answer in time".to_owned())?
    }
}

fn seen(headers: &HeaderMap) -> Result<Seen, String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let byte_count = text("content-length").and_then(|length| length.parse().ok());
    Ok(Seen {
        byte_count: byte_count.ok_or("the store does not say how long the object is")?,
        sha256: text(CHECKSUM).and_then(|digest| BASE64.decode(digest.as_bytes()).ok()),
    })
}

/// What S3 says in its XML, or the status alone.
fn refused(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let code =
        text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    format!("the store answers {}{}", answer.status, code.map(|code| format!(", {code}")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(endpoint: Option<&str>, public: Option<&str>) -> Bucket {
        let keys = Keys { id: "AKIA".to_owned(), secret: "secret".to_owned() };
        let trust = Trust::with(&[]).expect("roots");
        Bucket::new(("desk", "files"), endpoint, public, "eu-central-1", keys, trust).expect("a bucket")
    }

    #[test]
    fn without_an_endpoint_it_is_aws_and_browsers_may_have_another_way() {
        let places = |bucket: Bucket| [bucket.own.to_string(), bucket.public.to_string()];
        let aws = "https://desk.s3.eu-central-1.amazonaws.com/files/";
        assert_eq!(places(bucket(None, None)), [aws, aws]);
        let own = "http://minio:9000/desk/files/";
        assert_eq!(places(bucket(Some("http://minio:9000"), None)), [own, own]);
        let public = Some("https://files.example.com/");
        let places = places(bucket(Some("http://minio:9000/"), public));
        assert_eq!(places, [own, "https://files.example.com/desk/files/"]);
    }

    #[test]
    fn an_answer_says_what_lies_there_and_a_refusal_why() {
        let mut headers = HeaderMap::new();
        assert!(seen(&headers).is_err());
        headers.insert("content-length", "7".parse().expect("a value"));
        assert_eq!(seen(&headers), Ok(Seen { byte_count: 7, sha256: None }));
        headers.insert(CHECKSUM, "AAEC".parse().expect("a value"));
        assert_eq!(seen(&headers), Ok(Seen { byte_count: 7, sha256: Some(vec![0, 1, 2]) }));
        let answer =
            |body: &str| Answer { status: 403, headers: HeaderMap::new(), body: body.into(), whole: true };
        let refusal = refused(&answer("<Error><Code>AccessDenied</Code></Error>"));
        assert_eq!(refusal, "the store answers 403, AccessDenied");
        assert_eq!(refused(&answer("")), "the store answers 403");
    }
}
