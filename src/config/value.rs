//! What values settings have, and how each is written. Text is the only form that the file, the environment and the command
//! line share.

use std::{fmt, net::SocketAddr, num::NonZeroU32, path::PathBuf, str::FromStr};

use http::Uri;
use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;

use crate::{serve::is_origin, telemetry::Format};

/// A kind of value.
pub trait Value: Sized {
    /// What it is, for people: "listen is not …".
    const KIND: &'static str;
    /// What stands for it in help: `--listen ADDR`.
    const NAME: &'static str;
    /// What several of it are.
    const LIST: &'static str = "";
    /// What the flag means without a value.
    const BARE: Option<&'static str> = None;
    /// Whether it must not be shown.
    const SECRET: bool = false;

    /// The value, or what is wrong, if there is more to say than that it is not a `KIND`.
    fn parse(text: &str) -> Result<Self, String>;
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A URL with a password in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl(Secret);

impl DatabaseUrl {
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Api,
    Worker,
}

/// An origin as browsers send it, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(pub String);

/// Where a server of ours answers: http or https.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(pub Uri);

impl Address {
    pub fn is_secure(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('/'))
    }
}

/// Where files lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    Folder(PathBuf),
    Bucket {
        name: String,
        /// Without slashes at its ends; empty: none.
        prefix: String,
    },
}

/// In the language of `EnvFilter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(pub String);

/// Anything that has a `FromStr` with nothing to say.
fn plain<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| String::new())
}

impl Value for SocketAddr {
    const KIND: &'static str = "an address such as 127.0.0.1:50051";
    const NAME: &'static str = "ADDR";

    fn parse(text: &str) -> Result<Self, String> {
        plain(text)
    }
}

impl Value for NonZeroU32 {
    const KIND: &'static str = "a whole number of at least 1";
    const NAME: &'static str = "N";

    fn parse(text: &str) -> Result<Self, String> {
        plain(text)
    }
}

impl Value for u32 {
    const KIND: &'static str = "a whole number";
    const NAME: &'static str = "N";

    fn parse(text: &str) -> Result<Self, String> {
        plain(text)
    }
}

impl Value for bool {
    const KIND: &'static str = "true or false";
    const NAME: &'static str = "BOOL";
    const BARE: Option<&'static str> = Some("true");

    fn parse(text: &str) -> Result<Self, String> {
        plain(text)
    }
}

impl Value for f64 {
    const KIND: &'static str = "a number from 0 to 1";
    const NAME: &'static str = "RATIO";

    fn parse(text: &str) -> Result<Self, String> {
        plain(text).and_then(|it| if (0.0..=1.0).contains(&it) { Ok(it) } else { Err(String::new()) })
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "a path";
    const NAME: &'static str = "DIR";
    const BARE: Option<&'static str> = Some(".data");

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
}

impl Value for String {
    const KIND: &'static str = "text";
    const NAME: &'static str = "NAME";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for Secret {
    const KIND: &'static str = "text";
    const NAME: &'static str = "TEXT";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

impl Value for DatabaseUrl {
    const KIND: &'static str = "a URL such as postgres://user:password@host:5432/database";
    const NAME: &'static str = "URL";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(String::new());
        }
        PgConnectOptions::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self(Secret(text.to_owned())))
    }
}

impl Value for Uri {
    const KIND: &'static str = "an address such as http://127.0.0.1:50051";
    const NAME: &'static str = "URL";

    fn parse(text: &str) -> Result<Self, String> {
        let address = Address::parse(text)?;
        if address.is_secure() { Err("only http:// can be called".to_owned()) } else { Ok(address.0) }
    }
}

impl Value for Address {
    const KIND: &'static str = "an address such as http://127.0.0.1:50051 or https://tickets.example.com";
    const NAME: &'static str = "URL";

    fn parse(text: &str) -> Result<Self, String> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = plain(&whole)?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http" | "https"), Some(_)) => Ok(Self(uri)),
            _ => Err("only http:// and https:// can be called".to_owned()),
        }
    }
}

impl Value for Role {
    const KIND: &'static str = "api or worker";
    const NAME: &'static str = "ROLE";
    const LIST: &'static str = "api, worker or both, with a comma between";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "api" => Ok(Self::Api),
            "worker" => Ok(Self::Worker),
            _ => Err(String::new()),
        }
    }
}

impl Value for Origin {
    const KIND: &'static str = "an origin such as https://desk.example.com";
    const NAME: &'static str = "ORIGIN";
    const LIST: &'static str = "origins such as https://desk.example.com, with commas between, or * alone";

    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" || is_origin(text) { Ok(Self(text.to_owned())) } else { Err(String::new()) }
    }
}

impl Value for Store {
    const KIND: &'static str = "a place such as s3://bucket/prefix or file:///var/lib/ticketing";
    const NAME: &'static str = "URL";

    fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file://") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Self::Folder(path))
            } else {
                Err("the path is not absolute".into())
            };
        }
        let bucket = text.strip_prefix("s3://").ok_or_else(String::new)?;
        let (name, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
        let prefix = prefix.trim_end_matches('/');
        let of_name = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-' || it == '.';
        if !(3..=63).contains(&name.len()) || !name.chars().all(of_name) {
            return Err("a bucket's name is 3 to 63 of a-z, 0-9, - and .".to_owned());
        }
        let of_part = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        if !prefix.is_empty() && !prefix.split('/').all(|part| !part.is_empty() && part.chars().all(of_part))
        {
            return Err("a prefix is made of A-Z, a-z, 0-9, - and _, with / between".to_owned());
        }
        Ok(Self::Bucket { name: name.to_owned(), prefix: prefix.to_owned() })
    }
}

impl Value for Filter {
    const KIND: &'static str = "a filter such as info,ticketing=debug";
    const NAME: &'static str = "FILTER";

    fn parse(text: &str) -> Result<Self, String> {
        EnvFilter::try_new(text).map_err(|error| error.to_string())?;
        Ok(Self(text.to_owned()))
    }
}

impl Value for Format {
    const KIND: &'static str = "text or json";
    const NAME: &'static str = "FORMAT";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(String::new()),
        }
    }
}

/// Empty: none.
impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;
    const NAME: &'static str = T::NAME;
    const BARE: Option<&'static str> = T::BARE;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }
}

impl<T: Value> Value for Vec<T> {
    const KIND: &'static str = T::LIST;
    const NAME: &'static str = T::NAME;

    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| T::parse(part).map_err(|_| format!("{part:?} is not {}", T::KIND))).collect()
    }
}
