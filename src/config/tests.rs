//! Where settings come from, and that every bad one is named.

use std::io::Write as _;

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn flags(given: &[(&'static str, &str)]) -> Flags {
    given.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

#[test]
fn every_default_of_the_tables_is_a_value() {
    let settings = Settings::load(None, &Environment::default(), &Flags::new()).expect("defaults");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(settings.role, [Role::Api, Role::Worker]);
    assert_eq!((settings.database_url, settings.embedded, settings.insecure), (None, None, false));
    let client = Client::load(&Environment::default(), &Flags::new()).expect("defaults");
    assert_eq!(
        (client.address.to_string().as_str(), client.tenant.as_str()),
        ("http://127.0.0.1:50051", "default")
    );
}

#[test]
fn the_table_says_what_people_need() {
    let mut names = BTreeSet::new();
    for key in KEYS.iter().chain(CLIENT_KEYS) {
        assert!(names.insert(key.name), "{} is there twice", key.name);
        assert!(!key.kind.is_empty() && key.doc.ends_with('.'), "{key:?}");
    }
    assert_eq!((KEYS[0].variable().as_str(), KEYS[1].flag().as_str()), ("TICKETING_LISTEN", "health-listen"));
}

#[test]
fn the_command_line_goes_over_the_environment_over_the_file() {
    let file =
        file("listen = '127.0.0.1:1'\nlog = 'warn'\nrole = ['worker']\nmax_streams = 7\ntrace_ratio = 1\n");
    let variables = environment(&[
        ("TICKETING_LISTEN", "127.0.0.1:2"),
        ("TICKETING_LOG", "debug"),
        ("TICKETING_LOG_FORMAT", "json"),
        ("TICKETING_MAX_STREAMS", ""),
        ("TICKETING_TENANT", "is the client's"),
    ]);
    let flags = flags(&[("listen", "127.0.0.1:3")]);
    let settings = Settings::load(Some(file.path()), &variables, &flags).expect("settings");
    assert_eq!(settings.listen.port(), 3);
    assert_eq!((settings.log, settings.log_format), (Filter("debug".into()), Format::Json));
    assert_eq!(
        (settings.role, settings.max_streams.get(), settings.trace_ratio),
        (vec![Role::Worker], 7, 1.0)
    );
    let named = environment(&[("TICKETING_CONFIG", file.path().to_str().expect("UTF-8"))]);
    let settings = Settings::load(None, &named, &Flags::new()).expect("settings");
    assert_eq!(settings.listen.port(), 1);
}

#[test]
fn every_bad_setting_is_named_at_once() {
    let file = file("lissten = 'x'\nmax_connections = -1\nrole = ['api', 'cook']\n[tls]\ncert = 'x'\n");
    let path = file.path().display().to_string();
    let variables = environment(&[
        ("TICKETING_LISTEN", "here"),
        ("TICKETING_DATABASE_URL", "mysql://root:secret@host/db"),
        ("TICKETING_LOG", "info,ticketing=loud"),
        ("TICKETING_INSECUR", "true"),
        ("TICKETING_CORS_ORIGINS", "https://a.example, https://b.example/path"),
        ("TICKETING_OTLP_ENDPOINT", "https://collector:4317"),
    ]);
    let flags =
        flags(&[("trace_ratio", "2"), ("embedded", "db"), ("drain_seconds", "0"), ("insecure", "yes")]);
    let faults = Settings::load(Some(file.path()), &variables, &flags).expect_err("faults");
    let expected = [
        format!("lissten in {path}: there is no such setting; did you mean listen?"),
        format!("tls in {path}: there is no such setting"),
        "TICKETING_INSECUR: there is no such setting; did you mean TICKETING_INSECURE?".into(),
        "TICKETING_LISTEN \"here\" is not an address such as 127.0.0.1:50051".into(),
        "TICKETING_DATABASE_URL is not a URL such as postgres://user:password@host:5432/database".into(),
        "--insecure \"yes\" is not true or false".into(),
        format!(
            "role in {path} \"api,cook\" is not api, worker or both, with a comma between: \"cook\" is not api or worker"
        ),
        "TICKETING_CORS_ORIGINS \"https://a.example, https://b.example/path\" is not origins such as \
         https://desk.example.com, with commas between, or * alone: \"https://b.example/path\" is not an origin such as \
         https://desk.example.com"
            .into(),
        "TICKETING_LOG \"info,ticketing=loud\" is not a filter such as info,ticketing=debug: error parsing level \
         filter: expected one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5"
            .into(),
        "TICKETING_OTLP_ENDPOINT \"https://collector:4317\" is not an address such as http://127.0.0.1:50051: only \
         http:// can be called"
            .into(),
        "--trace-ratio \"2\" is not a number from 0 to 1".into(),
        format!("max_connections in {path} \"-1\" is not a whole number of at least 1"),
        "--drain-seconds \"0\" is not a whole number of at least 1".into(),
        "database_url and embedded exclude each other; set one of them".into(),
    ];
    assert_eq!(faults.0, expected);
    assert!(!faults.to_string().contains("secret"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = Settings::load(Some(Path::new("no/such.toml")), &Environment::default(), &Flags::new());
    assert!(missing.expect_err("no file").0[0].starts_with("no/such.toml cannot be read:"));
    let broken = file("listen = \n");
    let faults =
        Settings::load(Some(broken.path()), &Environment::default(), &Flags::new()).expect_err("no TOML");
    assert!(faults.0[0].contains("is no TOML"), "{faults}");
}

#[test]
fn nobody_serves_without_authentication_by_accident() {
    let load = |given: &[(&'static str, &str)]| {
        Settings::load(None, &Environment::default(), &flags(given)).expect("settings").check_serving()
    };
    let faults = load(&[]).expect_err("nothing said").0;
    assert!(faults[0].contains("--database-url") && faults[1].contains("--insecure"), "{faults:?}");
    for address in ["0.0.0.0:50051", "192.0.2.1:1", "[::]:50051"] {
        let faults =
            load(&[("embedded", "db"), ("insecure", "true"), ("listen", address)]).expect_err(address).0;
        assert!(faults.len() == 1 && faults[0].contains("loopback"), "{faults:?}");
    }
    for address in ["127.0.0.1:50051", "127.1.2.3:1", "[::1]:50051"] {
        assert_eq!(load(&[("embedded", "db"), ("insecure", "true"), ("listen", address)]), Ok(()));
    }
    let idle = load(&[("embedded", "db"), ("insecure", "true"), ("role", ",")]).expect_err("no role").0;
    assert_eq!(idle, ["role must be api, worker or both, with a comma between"]);
}

#[test]
fn who_may_call_is_said_once_and_tls_is_whole() {
    let faults = |given: &[(&'static str, &str)]| {
        let mut all = vec![("embedded", "db")];
        all.extend(given);
        let checked =
            Settings::load(None, &Environment::default(), &flags(&all)).expect("settings").check_serving();
        checked.err().map_or_else(Vec::new, |faults| faults.0)
    };
    let starts = |given: &[(&'static str, &str)], start: &str| {
        let faults = faults(given);
        assert!(faults.len() == 1 && faults[0].starts_with(start), "{given:?}: {faults:?}");
    };
    let identity = ("identity_file", "who.yaml");
    assert!(faults(&[identity, ("listen", "0.0.0.0:50051")]).is_empty());
    assert!(faults(&[("role", "worker")]).is_empty(), "nobody calls it");
    starts(&[], "nobody says who may call");
    starts(&[identity, ("insecure", "true")], "identity_file and insecure exclude each other");
    starts(&[identity, ("tls_key_file", "key.pem")], "tls_certificate_file and tls_key_file go together");
    starts(&[identity, ("nats_key_file", "key.pem")], "nats_certificate_file and nats_key_file go together");
    starts(
        &[identity, ("tls_client_ca_file", "ca.pem")],
        "tls_client_ca_file goes with tls_certificate_file",
    );
    let keys = [("attachments_key_id_file", "id"), ("attachments_key_file", "key")];
    let (bucket, folder) = (("attachments_url", "s3://desk/files"), ("attachments_url", "file:///files"));
    starts(&[identity, bucket, keys[0]], "attachments_url names a bucket");
    assert!(faults(&[identity, bucket, keys[0], keys[1]]).is_empty());
    let long = ("attachments_url_seconds", "604801");
    starts(&[identity, bucket, keys[0], keys[1], long], "attachments_url_seconds must be at most 604800");
    starts(&[identity, folder], "attachments_url names a folder");
    assert!(faults(&[identity, folder, ("attachments_listen", "127.0.0.1:0")]).is_empty());
    assert!(faults(&[("role", "worker"), folder]).is_empty(), "nobody puts files there");
    let tls =
        [("tls_certificate_file", "cert.pem"), ("tls_key_file", "key.pem"), ("tls_client_ca_file", "ca.pem")];
    assert!(faults(&[&[identity][..], &tls].concat()).is_empty());
}

#[test]
fn a_client_knows_its_own_settings() {
    let variables =
        environment(&[("TICKETING_ADDRESS", "desk.example:443"), ("TICKETING_LISTEN", "is the server's")]);
    let client =
        Client::load(&variables, &flags(&[("tenant", "acme"), ("token", "dev.x")])).expect("settings");
    assert_eq!(client.address.to_string(), "http://desk.example:443");
    assert_eq!(format!("{:?}", client.token), "Some(***)");
    let faults =
        Client::load(&variables, &flags(&[("tenant", "Acme!"), ("address", "ftp://x")])).expect_err("faults");
    assert_eq!(
        faults.0,
        [
            "--address \"ftp://x\" is not an address such as http://127.0.0.1:50051 or https://tickets.example.com: \
             only http:// and https:// can be called",
            "--tenant \"Acme!\": must be 1 to 63 of a-z, 0-9 and inner -",
        ]
    );
    let secure = Client::load(&variables, &flags(&[("address", "https://desk.example")])).expect("settings");
    assert!(secure.address.is_secure() && !client.address.is_secure());
    let both = flags(&[("token", "dev.x"), ("token_file", "/run/token")]);
    let faults = Client::load(&variables, &both).expect_err("faults");
    assert_eq!(faults.0, ["token and token_file exclude each other; set one of them"]);
}

#[test]
fn a_place_for_files_is_a_bucket_or_a_folder() {
    let bucket = |name: &str, prefix: &str| Ok(Store::Bucket { name: name.into(), prefix: prefix.into() });
    assert_eq!(Store::parse("s3://desk"), bucket("desk", ""));
    assert_eq!(Store::parse("s3://desk.files/a/B_1-/"), bucket("desk.files", "a/B_1-"));
    assert_eq!(Store::parse("file:///var/lib/desk"), Ok(Store::Folder("/var/lib/desk".into())));
    for bad in [
        "",
        "desk",
        "http://desk",
        "s3://",
        "s3://De",
        "s3://Desk",
        "s3://desk/a//b",
        "s3://desk/ä",
        "s3://desk/..",
        "file://desk",
    ] {
        assert!(Store::parse(bad).is_err(), "{bad:?}");
    }
}
