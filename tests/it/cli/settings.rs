//! Help, and what is wrong with a command or its settings: named at once, exit code 2.

use super::{run, ticketing, told};

#[tokio::test]
async fn every_command_explains_itself() {
    for (arguments, words) in [
        (&["--help"][..], &["serve", "migrate", "config", "token", "doctor", "Examples:"][..]),
        (&["serve", "--help"], &["--listen <ADDR>", "--embedded [<DIR>]", "TICKETING_LISTEN", "Examples:"]),
        (&["migrate", "--help"], &["--database-url <URL>", "--config <FILE>"]),
        (&["config", "--help"], &["plan", "apply", "get", "sample", "TICKETING_TENANT"]),
        (
            &["config", "apply", "--help"],
            &["--file <FILE>", "--address <URL>", "--tenant <NAME>", "--token <TEXT>"],
        ),
        (&["token", "--help"], &["--role <ROLE>", "SLA_MANAGER"]),
        (&["doctor", "--help"], &["--embedded [<DIR>]"]),
    ] {
        let (code, out, err) = run(arguments).await;
        assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}");
        for word in words {
            assert!(out.contains(word), "{arguments:?} does not say {word}:\n{out}");
        }
    }
    let (code, _, err) = run(&[]).await;
    assert!(code == Some(2) && err.contains("Usage:"), "{err}");
}

#[tokio::test]
async fn every_bad_setting_is_named_at_once() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "max_conections = 10\nlog_format = 'xml'\n").expect("written");
    let path = file.path().to_str().expect("UTF-8");
    let mut command =
        ticketing(&["serve", "--config", path, "--trace-ratio", "7", "--embedded", "--insecure"]);
    command.env("TICKETING_LISTEN", "everywhere").env("TICKETING_PASSWORD", "hunter2");
    let (code, out, err) = told(command.output().await.expect("the binary runs"));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    for line in [
        format!("max_conections in {path}: there is no such setting; did you mean max_connections?"),
        format!("log_format in {path} \"xml\" is not text or json"),
        "TICKETING_PASSWORD: there is no such setting".to_owned(),
        "TICKETING_LISTEN \"everywhere\" is not an address such as 127.0.0.1:50051".to_owned(),
        "--trace-ratio \"7\" is not a number from 0 to 1".to_owned(),
    ] {
        assert!(err.contains(&format!("\n  {line}")), "{line} is missing:\n{err}");
    }
    assert!(!err.contains("hunter2"), "{err}");
}

#[tokio::test]
async fn nobody_serves_without_authentication_by_accident() {
    let (code, _, err) = run(&["serve"]).await;
    assert_eq!(code, Some(2));
    assert!(err.contains("--database-url") && err.contains("--insecure"), "{err}");
    let (code, _, err) = run(&["serve", "--embedded", "--insecure", "--listen", "0.0.0.0:50051"]).await;
    assert!(code == Some(2) && err.contains("loopback"), "{err}");
}

#[tokio::test]
async fn a_client_names_its_bad_settings_too() {
    let (code, _, err) = run(&["config", "get", "--tenant", "Acme!", "--address", "ftp://x"]).await;
    assert_eq!(code, Some(2));
    assert!(err.contains("--tenant \"Acme!\"") && err.contains("--address \"ftp://x\""), "{err}");
    let (code, _, err) = run(&["config", "get", "--address", "127.0.0.1:1"]).await;
    assert!(code == Some(1) && err.contains("no server answers at http://127.0.0.1:1"), "{err}");
    let (code, _, err) = run(&["token", "anna", "--role", "cook"]).await;
    assert!(code == Some(2) && err.contains("SPECIALIST"), "{err}");
}
