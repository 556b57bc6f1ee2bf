//! By which words something is found: other forms, umlauts, compounds, misspelt, begun; and what stands out in it.

use ticketing_proto::v1 as pb;

use super::{finds, indexed, marked, results, say};
use crate::{support::Desk, tickets::record};

const TITLES: [(&str, &str); 8] = [
    ("Drucker druckt nicht", "de"),
    ("Netzwerkdrucker ohne Papier", "de"),
    ("Passwort zurücksetzen", "de"),
    ("Zugang zur Straße gesperrt", "de"),
    ("Printers are out of toner", "en"),
    ("Imprimante en panne", "fr"),
    ("VPN bricht ab", ""),
    ("Maus klemmt", ""),
];

/// A query, and the titles that it finds, by their first words.
const FOUND: [(&str, &[&str]); 24] = [
    ("Drucker", &["Drucker", "Netzwerkdrucker"]),
    ("Druckern ", &["Drucker", "Netzwerkdrucker"]),
    ("Drucker druckt nicht", &["Drucker", "Netzwerkdrucker"]),
    ("papier netzwerkdrucker", &["Netzwerkdrucker"]),
    ("Passwort zurücksetzen", &["Passwort"]),
    ("Zurücksetzung", &["Passwort"]),
    ("zuruecksetzen", &["Passwort"]),
    ("zurucksetzen", &["Passwort"]),
    ("Passwörter", &["Passwort"]),
    ("passwrot", &["Passwort"]),
    ("Paswort ", &["Passwort"]),
    ("Strasse", &["Zugang"]),
    ("STRAßE", &["Zugang"]),
    ("printer", &["Printers"]),
    ("Printing toner", &["Printers"]),
    ("imprimante", &["Imprimante"]),
    ("netzw", &["Netzwerkdrucker"]),
    ("Maus ist nicht", &["Maus"]),
    ("vpn", &["VPN"]),
    ("vpm", &[]),
    ("vp", &["VPN"]),
    ("Maus", &["Maus"]),
    ("Bildschirm", &[]),
    ("der Maus, und die ...", &["Maus"]),
];

#[tokio::test]
async fn words_are_found_however_they_are_written_before_and_after_the_job() {
    let desk = Desk::open().await;
    for (title, language) in TITLES {
        let ticket = pb::Ticket { title: title.into(), language_code: language.into(), ..Default::default() };
        record(&desk, ticket).await;
    }
    for when in ["before", "after"] {
        for (query, expected) in FOUND {
            let titles = finds(&desk, query).await;
            let mut first: Vec<&str> =
                titles.iter().map(|title| title.split(' ').next().unwrap_or_default()).collect();
            if let Some(best) = expected.first() {
                assert_eq!(first.first(), Some(best), "{query:?} {when} the job: {titles:?}");
            }
            first.sort_unstable();
            assert_eq!(first, expected, "{query:?} {when} the job");
        }
        indexed(&desk).await;
    }
    desk.finish().await;
}

#[tokio::test]
async fn who_has_all_words_comes_first_and_the_title_says_more() {
    let desk = Desk::open().await;
    let described = |title: &str, description: &str| pb::Ticket {
        title: title.into(),
        description: description.into(),
        language_code: "de".into(),
        ..Default::default()
    };
    for ticket in [
        described("Zwei", "Der Drucker steht im Flur"),
        described("Drucker", "Er fragt nach dem Passwort"),
        described("Drucker defekt", "Papierstau"),
        described("Passwort", "Kennung gesperrt"),
    ] {
        record(&desk, ticket).await;
    }
    for _ in 0..2 {
        assert_eq!(finds(&desk, "drucker passwort ").await[0], "Drucker");
        assert_eq!(finds(&desk, "drucker ").await, ["Drucker defekt", "Drucker", "Zwei"]);
        assert_eq!(finds(&desk, "drucker passwort ").await.len(), 4);
        indexed(&desk).await;
    }
    desk.finish().await;
}

#[tokio::test]
async fn what_answers_stands_out() {
    let desk = Desk::open().await;
    let ticket = record(
        &desk,
        pb::Ticket {
            title: "Störung".into(),
            description: format!("{} Der Netzwerkdrucker: größer als gedacht.", "Vorgeschichte. ".repeat(40)),
            language_code: "de".into(),
            ..Default::default()
        },
    )
    .await;
    say(&desk, &ticket, "Druckern wurde Papier gegeben", pb::CommentVisibility::Public).await;
    let last = say(&desk, &ticket, "Der Drucker ist neu", pb::CommentVisibility::Internal).await;
    for _ in 0..2 {
        let found = results(&desk, desk.agent("anna"), "drucker groesser").await;
        let [one] = found.as_slice() else { panic!("{found:?}") };
        let shown: Vec<(&str, Vec<String>)> =
            one.snippets.iter().map(|it| (it.field.as_str(), marked(it))).collect();
        assert_eq!(
            shown,
            [
                ("description", vec!["Netzwerkdrucker".to_owned(), "größer".into()]),
                ("comment", vec!["Drucker".to_owned()]),
            ]
        );
        assert_eq!(one.snippets[1].comment, last.name, "the newest that answers");
        let piece = &one.snippets[0];
        assert!(piece.begin > 500 && piece.text.chars().count() <= 200, "{piece:?}");
        assert!(one.score > 0.0);
        assert_eq!(one.ticket.as_ref().expect("a ticket").description, "", "BASIC");
        indexed(&desk).await;
    }
    desk.finish().await;
}
