//! The settings: from a TOML file, then the environment, then the command line, each over the one before. One table says
//! what there is; a name that is not in it is refused, and every bad setting is named at once. The only reader of the
//! environment.

#[cfg(test)]
mod tests;
mod value;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use http::Uri;
use value::Value;
pub use value::{Address, DatabaseUrl, Filter, Origin, Role, Secret, Store};

use crate::telemetry::Format;

/// What every variable begins with.
pub const PREFIX: &str = "TICKETING_";
/// The variable that names the settings file; `--config` goes over it.
const FILE: &str = "TICKETING_CONFIG";
/// How long a signature of S3 is good for at most, seconds.
const MAX_SIGNED: u32 = 604_800;

/// One setting: `name` in the file, `TICKETING_NAME` in the environment, `--name` on the command line.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    /// What a value is, for people.
    pub kind: &'static str,
    /// What stands for a value in help.
    pub value: &'static str,
    /// Empty: none.
    pub default: &'static str,
    pub doc: &'static str,
    /// What `--name` means without a value; `None`: it needs one.
    pub bare: Option<&'static str>,
}

impl Key {
    /// The name in the environment.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_uppercase())
    }

    /// The name on the command line, without the dashes.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// A struct of settings with the table of its keys: name, type, default, what it means.
macro_rules! settings {
    ($(#[$about:meta])* $name:ident, $keys:ident: $($(#[doc = $doc:literal])+ $key:ident: $type:ty = $default:literal,)+) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $key: $type,)+
        }

        /// The table of these settings.
        pub static $keys: &[Key] = &[$(Key {
            name: stringify!($key),
            kind: <$type as Value>::KIND,
            value: <$type as Value>::NAME,
            default: $default,
            doc: concat!($($doc),+).trim_ascii(),
            bare: <$type as Value>::BARE,
        },)+];

        impl $name {
            fn of(given: &Given, faults: &mut Vec<String>) -> Self {
                Self { $($key: given.value(stringify!($key), $default, faults),)+ }
            }
        }
    };
}

settings! {
    /// What a server is told.
    Settings, KEYS:
    /// Where gRPC and gRPC-Web are served.
    listen: SocketAddr = "127.0.0.1:50051",
    /// Where health is served in plain text: /livez, /readyz and grpc.health.v1, and what is measured: /metrics. Without it, health is on `listen` alone.
    health_listen: Option<SocketAddr> = "",
    /// The PostgreSQL database, version 14 or later.
    database_url: Option<DatabaseUrl> = "",
    /// A folder with what of it is secret, for instance a mounted Secret: files uri, host, port, user, password and dbname, each if it is there. They go over `database_url` and are read again when they change.
    database_secrets: Option<PathBuf> = "",
    /// Connections to the database at a time.
    database_connections: NonZeroU32 = "32",
    /// The folder of a private PostgreSQL that is started and stopped with the server.
    embedded: Option<PathBuf> = "",
    /// A document that says who may call: issuers of tokens, client certificates; docs/identity.md has its form.
    identity_file: Option<PathBuf> = "",
    /// The server's certificate (PEM), with those that lead to its authority behind it. Without it, calls come in plain text.
    tls_certificate_file: Option<PathBuf> = "",
    /// The key of that certificate (PEM).
    tls_key_file: Option<PathBuf> = "",
    /// Authorities (PEM) that vouch for client certificates; without it, clients show none.
    tls_client_ca_file: Option<PathBuf> = "",
    /// Serve without authentication: whoever reaches the port may do everything. On loopback addresses alone.
    insecure: bool = "false",
    /// What this process does: `api` serves calls, `worker` runs the jobs.
    role: Vec<Role> = "api,worker",
    /// The NATS server that is told every event, for instance nats://nats:4222; several with commas between. Without it, none.
    nats_url: Option<Secret> = "",
    /// A file with that address, for instance a mounted secret. User and password are read at each connection, hosts once.
    nats_url_file: Option<PathBuf> = "",
    /// A file of credentials for it, as `nsc` writes it; read at each connection.
    nats_credentials: Option<PathBuf> = "",
    /// Authorities (PEM) that vouch for it; without it, those of the system. With it, no connection goes unsecured.
    nats_ca_file: Option<PathBuf> = "",
    /// The certificate (PEM) that is shown to it; read at each connection, as its key.
    nats_certificate_file: Option<PathBuf> = "",
    /// The key of that certificate (PEM).
    nats_key_file: Option<PathBuf> = "",
    /// The JetStream stream; it is made where there is none.
    nats_stream: String = "TICKETING",
    /// Servers that keep a copy of the stream that is made.
    nats_replicas: NonZeroU32 = "1",
    /// How long a process that tells NATS may be silent until another one takes over, in seconds.
    nats_lease_seconds: NonZeroU32 = "6",
    /// Origins whose pages may call from a browser, or `*`.
    cors_origins: Vec<Origin> = "",
    /// What goes to the log, for instance `info,ticketing=debug`.
    log: Filter = "info",
    /// How a line of the log looks: `text` or `json`.
    log_format: Format = "text",
    /// Where traces go, OTLP over gRPC, for instance http://collector:4317.
    otlp_endpoint: Option<Uri> = "",
    /// Whether the log goes there, too.
    otlp_logs: bool = "false",
    /// The share of calls that are traced although their callers do not ask for it, 0 to 1.
    trace_ratio: f64 = "0.01",
    /// Connections of callers at a time; one more is closed at once.
    max_connections: NonZeroU32 = "2000",
    /// Calls at work at a time; one more is told to come again.
    max_in_flight: NonZeroU32 = "512",
    /// Streams open at a time; one more is told to come again.
    max_streams: NonZeroU32 = "4096",
    /// Work that one caller may ask for in a second: a plain read is 1, docs/limits.md says more. 0: no limit, here and below.
    caller_rate: u32 = "500",
    /// Work that a caller may ask for at once after a rest; 0: as much as a second's.
    caller_burst: u32 = "1000",
    /// Calls of one caller at work at a time.
    caller_calls: u32 = "32",
    /// Streams of one caller open at a time.
    caller_streams: u32 = "16",
    /// Work that all callers of a tenant may ask for in a second.
    tenant_rate: u32 = "2000",
    /// Work that they may ask for at once after a rest; 0: as much as a second's.
    tenant_burst: u32 = "4000",
    /// Calls of a tenant at work at a time.
    tenant_calls: u32 = "128",
    /// Streams of a tenant open at a time.
    tenant_streams: u32 = "512",
    /// How long calls may go on when the server goes down, in seconds.
    drain_seconds: NonZeroU32 = "20",
    /// Let webhooks go to private addresses and over plain http: for trials and closed networks.
    webhook_private_targets: bool = "false",
    /// A file of certificates (PEM) of authorities that may vouch for receivers of webhooks, besides those that browsers trust.
    webhook_ca_file: Option<PathBuf> = "",
    /// Where the files of tickets lie: `s3://bucket/prefix`, or `file:///folder` for trials on one machine. Without it, tickets have none.
    attachments_url: Option<Store> = "",
    /// The S3-compatible store with that bucket, for instance https://minio:9000; without it, AWS's of the region.
    attachments_endpoint: Option<Address> = "",
    /// The region of the bucket.
    attachments_region: String = "us-east-1",
    /// A file with the id of the key to the bucket.
    attachments_key_id_file: Option<PathBuf> = "",
    /// A file with that key.
    attachments_key_file: Option<PathBuf> = "",
    /// A file of certificates (PEM) of authorities that may vouch for the store, besides those that browsers trust.
    attachments_ca_file: Option<PathBuf> = "",
    /// Where a folder's files are put and got by HTTP; with TLS where `listen` has it.
    attachments_listen: Option<SocketAddr> = "",
    /// Where callers reach the store, or `attachments_listen`, if not at that very address.
    attachments_public_url: Option<Address> = "",
    /// The largest file, bytes.
    attachments_max_bytes: NonZeroU32 = "104857600",
    /// How long a URL to put or get a file is good for, in seconds.
    attachments_url_seconds: NonZeroU32 = "900",
}

settings! {
    /// What a command is told that calls a server.
    Client, CLIENT_KEYS:
    /// The server.
    address: Address = "http://127.0.0.1:50051",
    /// Authorities (PEM) that vouch for a server that is called by https, besides those that browsers trust.
    ca_file: Option<PathBuf> = "",
    /// The tenant.
    tenant: String = "default",
    /// The token that says who calls; `ticketing token` makes one for a server without authentication.
    token: Option<Secret> = "",
    /// A file with that token, for instance a mounted secret.
    token_file: Option<PathBuf> = "",
}

/// Everything that is wrong with the settings.
#[derive(Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are wrong:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

/// The variables of the process that are ours.
#[derive(Clone, Debug, Default)]
pub struct Environment(pub Vec<(String, String)>);

impl Environment {
    #[allow(clippy::disallowed_methods)] // the one place that reads the environment
    pub fn of_process() -> Self {
        let ours = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let ours = ours.filter(|(name, _)| name.starts_with(PREFIX));
        // What is not UTF-8 is no value of any setting; its marks show in the fault.
        Self(ours.map(|(name, value)| (name, value.to_string_lossy().into_owned())).collect())
    }

    /// A variable that is set; an empty one counts as not set.
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// What the command line says, by name of the setting.
pub type Flags = BTreeMap<&'static str, String>;

impl Settings {
    /// Reads the settings of a server. `file` is what `--config` names.
    pub fn load(file: Option<&Path>, environment: &Environment, flags: &Flags) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let file = file.or_else(|| environment.get(FILE).map(Path::new));
        let mut given = Given::default();
        if let Some(file) = file {
            given.read_file(file, &mut faults);
        }
        given.read_environment(KEYS, environment, &mut faults);
        given.read_flags(flags);
        let settings = Self::of(&given, &mut faults);
        for other in ["database_url", "database_secrets"] {
            if given.0.contains_key(other) && given.0.contains_key("embedded") {
                faults.push(format!("{other} and embedded exclude each other; set one of them"));
            }
        }
        if given.0.contains_key("nats_url") && given.0.contains_key("nats_url_file") {
            faults.push("nats_url and nats_url_file exclude each other; set one of them".to_owned());
        }
        if faults.is_empty() { Ok(settings) } else { Err(Faults(faults)) }
    }

    /// What more must be so for serving. A server that keeps nobody out must be out of strangers' reach.
    pub fn check_serving(&self) -> Result<(), Faults> {
        let mut faults = self.check_database().err().map_or_else(Vec::new, |faults| faults.0);
        if self.role.is_empty() {
            faults.push(format!("role must be {}", Vec::<Role>::KIND));
        }
        faults.extend(self.identity_fault());
        if self.tls_certificate_file.is_some() != self.tls_key_file.is_some() {
            faults.push("tls_certificate_file and tls_key_file go together; set both or none".to_owned());
        }
        if self.nats_certificate_file.is_some() != self.nats_key_file.is_some() {
            faults.push("nats_certificate_file and nats_key_file go together; set both or none".to_owned());
        }
        if self.tls_client_ca_file.is_some() && self.tls_certificate_file.is_none() {
            faults.push(
                "tls_client_ca_file goes with tls_certificate_file: without TLS, clients show no certificates"
                    .to_owned(),
            );
        }
        faults.extend(self.attachments_fault());
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    /// A bucket needs keys, a folder somebody who opens it.
    fn attachments_fault(&self) -> Option<String> {
        let keys = self.attachments_key_id_file.is_some() && self.attachments_key_file.is_some();
        let fault = match self.attachments_url.as_ref()? {
            Store::Bucket { .. } if !keys => {
                "attachments_url names a bucket: attachments_key_id_file and attachments_key_file say who may write there"
            }
            Store::Bucket { .. } if self.attachments_url_seconds.get() > MAX_SIGNED => {
                "attachments_url_seconds must be at most 604800, a week: S3 takes no URL that is good for longer"
            }
            Store::Folder(_) if self.role.contains(&Role::Api) && self.attachments_listen.is_none() => {
                "attachments_url names a folder: attachments_listen says where its files are put and got"
            }
            _ => return None,
        };
        Some(fault.to_owned())
    }

    /// Somebody has to say who may call, or nobody but this machine may.
    fn identity_fault(&self) -> Option<String> {
        // Nobody calls a process that only works.
        if !self.role.contains(&Role::Api) {
            return None;
        }
        let Self { listen, .. } = self;
        match (&self.identity_file, self.insecure) {
            (Some(_), false) => None,
            (Some(_), true) => Some("identity_file and insecure exclude each other; set one of them".to_owned()),
            (None, false) => Some(
                "nobody says who may call: identity_file names a document with issuers of tokens or client certificates \
                 (docs/identity.md); --insecure serves without authentication on a loopback address, where whoever \
                 reaches the port may do everything"
                    .to_owned(),
            ),
            (None, true) if listen.ip().is_loopback() => None,
            (None, true) => Some(format!(
                "--insecure goes with a loopback address such as 127.0.0.1:{} alone; listen is {listen}",
                listen.port()
            )),
        }
    }

    /// What must be so for everything that needs the database.
    pub fn check_database(&self) -> Result<(), Faults> {
        if self.database_url.is_some() || self.database_secrets.is_some() || self.embedded.is_some() {
            return Ok(());
        }
        Err(Faults(vec![
            "no database is named: --database-url URL names yours, --embedded starts a private one"
                .to_owned(),
        ]))
    }
}

impl Client {
    /// Reads the settings of a command that calls a server.
    pub fn load(environment: &Environment, flags: &Flags) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let mut given = Given::default();
        given.read_environment(CLIENT_KEYS, environment, &mut faults);
        given.read_flags(flags);
        let client = Self::of(&given, &mut faults);
        if crate::ids::TenantId::parse(&client.tenant).is_none() {
            faults.push(format!(
                "{}: must be 1 to 63 of a-z, 0-9 and inner -",
                given.shown("tenant", &client.tenant)
            ));
        }
        if client.token.is_some() && client.token_file.is_some() {
            faults.push("token and token_file exclude each other; set one of them".to_owned());
        }
        if faults.is_empty() { Ok(client) } else { Err(Faults(faults)) }
    }
}

/// What was said, by name of the setting: the text, and where it was said.
#[derive(Debug, Default)]
struct Given(BTreeMap<&'static str, (String, String)>);

impl Given {
    fn read_file(&mut self, path: &Path, faults: &mut Vec<String>) {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return faults.push(format!("{} cannot be read: {error}", path.display())),
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => return faults.push(format!("{} is no TOML: {}", path.display(), error.message())),
        };
        for (name, value) in table {
            let place = format!("{name} in {}", path.display());
            let Some(key) = KEYS.iter().find(|key| key.name == name) else {
                let known = KEYS.iter().map(|key| key.name.to_owned());
                faults.push(format!("{place}: there is no such setting{}", hint(&name, known)));
                continue;
            };
            match plain(value) {
                Some(text) => _ = self.0.insert(key.name, (text, place)),
                None => faults.push(format!("{place}: must be {}", key.kind)),
            }
        }
    }

    /// Takes what is of `keys`; a variable of ours that is no setting at all is a fault.
    fn read_environment(
        &mut self,
        keys: &'static [Key],
        environment: &Environment,
        faults: &mut Vec<String>,
    ) {
        let all: BTreeSet<String> =
            KEYS.iter().chain(CLIENT_KEYS).map(Key::variable).chain([FILE.to_owned()]).collect();
        for (name, _) in &environment.0 {
            if !all.contains(name) {
                faults.push(format!("{name}: there is no such setting{}", hint(name, all.iter().cloned())));
            }
        }
        for key in keys {
            let variable = key.variable();
            if let Some(value) = environment.get(&variable) {
                self.0.insert(key.name, (value.to_owned(), variable));
            }
        }
    }

    fn read_flags(&mut self, flags: &Flags) {
        for (name, value) in flags {
            self.0.insert(name, (value.clone(), format!("--{}", name.replace('_', "-"))));
        }
    }

    fn value<T: Value>(&self, name: &'static str, default: &str, faults: &mut Vec<String>) -> T {
        let usual = || T::parse(default).expect("the table's defaults are values; a test holds them to it");
        let Some((text, place)) = self.0.get(name) else { return usual() };
        T::parse(text).unwrap_or_else(|fault| {
            let shown = if T::SECRET { place.clone() } else { format!("{place} {text:?}") };
            let fault = if fault.is_empty() { String::new() } else { format!(": {fault}") };
            faults.push(format!("{shown} is not {}{fault}", T::KIND));
            usual()
        })
    }

    /// The setting as it was said.
    fn shown(&self, name: &str, text: &str) -> String {
        self.0.get(name).map_or_else(|| name.to_owned(), |(_, place)| format!("{place} {text:?}"))
    }
}

/// A value of the file as the text that the environment would have; tables and dates are none.
fn plain(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(items) => {
            items.into_iter().map(plain).collect::<Option<Vec<_>>>().map(|it| it.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn hint(name: &str, known: impl Iterator<Item = String>) -> String {
    let near = known.filter(|known| strsim::jaro_winkler(known, name) > 0.9);
    let nearest = near.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    nearest.map_or_else(String::new, |known| format!("; did you mean {known}?"))
}
