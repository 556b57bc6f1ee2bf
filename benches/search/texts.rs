//! What a help desk reads: German and English, few words often and many seldom, compounds that somebody made up.

/// The same numbers in every run.
pub struct Dice(fastrand::Rng);

const NOUNS: [&str; 40] = [
    "Drucker",
    "Passwort",
    "Netzwerk",
    "Server",
    "Konto",
    "Rechnung",
    "Bildschirm",
    "Tastatur",
    "Anmeldung",
    "Verbindung",
    "Datei",
    "Ordner",
    "Kalender",
    "Postfach",
    "Telefon",
    "Lizenz",
    "Update",
    "Treiber",
    "Router",
    "Laptop",
    "Vertrag",
    "Lieferung",
    "Bestellung",
    "Zugang",
    "Freigabe",
    "Sicherung",
    "Etikett",
    "Scanner",
    "Toner",
    "Papier",
    "Schnittstelle",
    "Datenbank",
    "Zertifikat",
    "Rolle",
    "Gruppe",
    "Standort",
    "Gerät",
    "Störung",
    "Größe",
    "Schlüssel",
];
const VERBS: [&str; 20] = [
    "druckt",
    "hängt",
    "fehlt",
    "klemmt",
    "blinkt",
    "startet",
    "verbindet",
    "speichert",
    "öffnet",
    "schließt",
    "zurücksetzen",
    "freischalten",
    "einrichten",
    "übertragen",
    "löschen",
    "verlängern",
    "prüfen",
    "ändern",
    "bestellen",
    "austauschen",
];
const GERMAN: [&str; 24] = [
    "der", "die", "das", "nicht", "und", "seit", "gestern", "wieder", "im", "am", "mit", "ein", "ist",
    "wird", "heute", "bitte", "immer", "noch", "auf", "beim", "nach", "kann", "wir", "dringend",
];
const ENGLISH: [&str; 40] = [
    "printer",
    "password",
    "network",
    "server",
    "account",
    "invoice",
    "screen",
    "keyboard",
    "login",
    "mailbox",
    "folder",
    "calendar",
    "license",
    "driver",
    "router",
    "contract",
    "delivery",
    "order",
    "access",
    "backup",
    "broken",
    "slow",
    "missing",
    "expired",
    "locked",
    "fails",
    "reset",
    "install",
    "since",
    "yesterday",
    "the",
    "is",
    "not",
    "and",
    "my",
    "please",
    "again",
    "cannot",
    "with",
    "after",
];

impl Dice {
    pub fn new() -> Self {
        Self(fastrand::Rng::with_seed(7))
    }

    pub fn below(&mut self, most: usize) -> usize {
        self.0.usize(0..most)
    }

    /// The first much more often than the last.
    fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let share = self.0.f64();
        words[((share * share) * words.len() as f64) as usize]
    }

    fn german(&mut self) -> String {
        match self.below(10) {
            0..4 => self.one(&GERMAN).to_owned(),
            4..7 => self.one(&NOUNS).to_owned(),
            7 => self.one(&VERBS).to_owned(),
            8 => format!("{}{}", self.one(&NOUNS), self.one(&NOUNS).to_lowercase()),
            _ => format!("{}{}", self.one(&NOUNS), self.below(2000)),
        }
    }

    fn english(&mut self) -> String {
        if self.below(12) == 0 { format!("host{}", self.below(3000)) } else { self.one(&ENGLISH).to_owned() }
    }

    /// A text of about so many words, of every fourth ticket in English.
    pub fn text(&mut self, english: bool, words: usize) -> String {
        let word = |dice: &mut Self| if english { dice.english() } else { dice.german() };
        (0..words).map(|_| word(self)).collect::<Vec<_>>().join(" ")
    }

    /// What people look for, and what kind of query that is.
    pub fn query(&mut self) -> (&'static str, String) {
        match self.below(7) {
            0 => ("common", self.one(&NOUNS[..10]).to_owned()),
            1 => ("rare", format!("{}{} ", self.one(&NOUNS), self.below(2000))),
            2 => ("several words", format!("{} {} ", self.one(&NOUNS), self.one(&VERBS))),
            3 => ("many words", format!("{} {} nicht dringend ", self.text(false, 4), self.one(&VERBS))),
            4 => ("compound", format!("{}{} ", self.one(&NOUNS), self.one(&NOUNS).to_lowercase())),
            5 => {
                let mut letters: Vec<char> = self.one(&NOUNS[..16]).chars().collect();
                let at = 1 + self.below(letters.len() - 2);
                letters.swap(at, at + 1);
                ("misspelt", letters.into_iter().chain([' ']).collect())
            }
            _ => {
                let word = self.one(&NOUNS);
                ("begun", word.chars().take(5).collect())
            }
        }
    }
}
