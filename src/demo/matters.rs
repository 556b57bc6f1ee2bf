//! What people call a help desk for, in German and English, and how each matter ends on an ordinary day.

use ticketing_proto::v1::{self as pb, Channel, EscalationReason, Impact, Urgency};

use super::{cast::organization, person::parent};

/// How a matter goes.
#[derive(Clone, Copy, Debug)]
pub enum Course {
    /// Solved while the customer is there.
    FirstContact,
    /// The first level solves it after a while.
    Desk,
    /// The customer is asked back, answers, and it is solved.
    AskBack,
    /// The customer is asked back and has not answered by the evening.
    Unanswered,
    /// A team of the second level takes it over and solves it.
    Second(&'static str, EscalationReason),
    /// The second level hands it over to the third, which hands a solution back.
    Third(&'static str, EscalationReason),
}

/// A matter.
#[derive(Clone, Copy, Debug)]
pub struct Matter {
    pub title: &'static str,
    pub language: &'static str,
    pub category: &'static str,
    pub channel: Channel,
    pub impact: Impact,
    pub course: Course,
}

impl Matter {
    /// The ticket to record for a customer.
    pub fn ticket(&self, requester: &str) -> pb::Ticket {
        let software = self.category.starts_with("software");
        pb::Ticket {
            kind: pb::TicketKind::Incident.into(),
            channel: self.channel.into(),
            title: self.title.to_owned(),
            description: self.title.to_owned(),
            requester: format!("{}/contacts/{requester}", parent()),
            organization: format!("{}/organizations/{}", parent(), organization(requester)),
            category: self.category.to_owned(),
            product: if software { "Tourenplan".to_owned() } else { String::new() },
            language_code: self.language.to_owned(),
            impact: self.impact.into(),
            urgency: Urgency::Medium.into(),
            ..Default::default()
        }
    }
}

const fn german(title: &'static str, category: &'static str, channel: Channel, course: Course) -> Matter {
    Matter { title, language: "de", category, channel, impact: Impact::Low, course }
}

const fn english(title: &'static str, category: &'static str, channel: Channel, course: Course) -> Matter {
    Matter { title, language: "en", category, channel, impact: Impact::Low, course }
}

use Channel::{Chat, Email, Phone, Portal};
use Course::{AskBack, Desk, FirstContact, Second, Third, Unanswered};

/// The matters of an ordinary day.
pub const DAY: &[Matter] = &[
    german("Kennwort vergessen nach dem Urlaub", "software.howto", Phone, FirstContact),
    german("Wie lege ich eine neue Tour an?", "software.howto", Phone, FirstContact),
    german("Outlook fragt ständig nach dem Kennwort", "software.error", Phone, FirstContact),
    german("Konto nach drei Fehlversuchen gesperrt", "software.howto", Phone, FirstContact),
    german("Zweiter Bildschirm bleibt schwarz", "hardware", Phone, FirstContact),
    german("Rechnung doppelt erhalten", "contract", Email, Desk),
    german("Bitte Lieferanschrift ändern", "contract", Portal, Desk),
    german("Lizenz für neue Kollegin ab Montag", "contract", Portal, Desk),
    german("Tastatur mit Kaffee übergossen", "hardware", Portal, Desk),
    german("Export nach Excel bricht nach 1000 Zeilen ab", "software.error", Email, AskBack),
    german("App auf dem Scanner startet nicht", "software.error", Portal, AskBack),
    german("Telefonanlage leitet nicht auf Mobil um", "network", Phone, AskBack),
    german("Internet ist langsam", "network", Email, Unanswered),
    german("Geht nicht", "software.error", Portal, Unanswered),
    german(
        "VPN trennt alle zehn Minuten",
        "network",
        Phone,
        Second("infrastructure", EscalationReason::Complexity),
    ),
    german(
        "Kein Zugriff auf Laufwerk R:",
        "network",
        Portal,
        Second("infrastructure", EscalationReason::MissingAccess),
    ),
    german(
        "Schnittstelle zum Lager liefert leere Bestände",
        "software.error",
        Email,
        Second("applications", EscalationReason::MissingSkill),
    ),
    german(
        "Rechte für Disposition fehlen nach Umzug",
        "software",
        Email,
        Second("applications", EscalationReason::MissingAccess),
    ),
    german(
        "Umlaute im Etikett falsch gedruckt",
        "software.error",
        Portal,
        Third("engineering", EscalationReason::CodeChange),
    ),
    german(
        "Kunde doppelt angelegt, Umsätze zusammenführen",
        "software",
        Email,
        Third("data", EscalationReason::DataChange),
    ),
    english("Locked out after changing my password", "software.howto", Phone, FirstContact),
    english("How do I share a route with a driver?", "software.howto", Chat, FirstContact),
    english("Second monitor not detected", "hardware", Phone, FirstContact),
    english("Cannot find the delivery report any more", "software.howto", Chat, FirstContact),
    english("Invoice shows the old VAT number", "contract", Email, Desk),
    english("Please add two seats to our plan", "contract", Portal, Desk),
    english("Headset broken, need a replacement", "hardware", Portal, Desk),
    english("App crashes when I open the map", "software.error", Portal, AskBack),
    english("Driver's tablet does not synchronise", "software.error", Phone, AskBack),
    english("It is slow", "software.error", Email, Unanswered),
    english(
        "Remote desktop disconnects at lunch time",
        "network",
        Email,
        Second("infrastructure", EscalationReason::Complexity),
    ),
    english(
        "Single sign-on loops back to the login page",
        "software.error",
        Portal,
        Second("applications", EscalationReason::MissingSkill),
    ),
    english(
        "Need access to the archive of 2019",
        "software",
        Email,
        Second("applications", EscalationReason::MissingAccess),
    ),
    english(
        "Totals differ by one cent on long invoices",
        "software.error",
        Email,
        Third("engineering", EscalationReason::CodeChange),
    ),
];

/// The matters of the scenes.
pub const PASSWORD: Matter =
    german("Passwort zurücksetzen vor der Frühschicht", "software.howto", Phone, FirstContact);
pub const IMPORT: Matter = german("Auftragsimport hängt seit heute früh", "software.error", Portal, Desk);
pub const ROUNDING: Matter = english("Invoice totals are off by a cent", "software.error", Email, Desk);
pub const PRINTER: Matter =
    german("Etikettendrucker zieht zwei Etiketten ein", "hardware.printer", Portal, Desk);
pub const ARCHIVE: Matter = german("Archivsuche findet Verträge vor 2020 nicht", "software", Email, Desk);
pub const OUTAGE: Matter =
    Matter { impact: Impact::Major, ..german("Standort Rheinau komplett ohne Netz", "network", Phone, Desk) };
