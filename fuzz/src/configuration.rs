//! The configuration document: what reads as YAML is the same after a way through YAML and through the wire; what is
//! valid can be put in force and planned against the sample.

use prost::Message;
use ticketing::{
    configuration::{Configuration, Document, plan, validate, wire},
    error::Violations,
};
use ticketing_proto::v1 as pb;

use super::house::SAMPLE;

pub fn read(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(document) = serde_saphyr::from_str::<Document>(text) else { return };
    let printed = serde_saphyr::to_string(&document).expect("a document prints");
    let again: Document =
        serde_saphyr::from_str(&printed).unwrap_or_else(|fault| panic!("{fault}\n{printed}"));
    assert_eq!(again, document, "{printed}");

    let document = sent(&document);
    assert_eq!(sent(&document), document);
    let mut faults = Violations::default();
    validate(&document, &mut faults);
    let changes = plan::differences(&SAMPLE, &document);
    assert_eq!(changes.is_empty(), document == *SAMPLE);
    if faults.is_empty() {
        plan::touched(&SAMPLE, &document);
        plan::warnings(&SAMPLE, &document, &[], &[]);
        Configuration::new(2, document);
    }
}

/// The document as a server receives it: what may be left out is there.
fn sent(document: &Document) -> Document {
    let bytes = wire::message(document).encode_to_vec();
    let message = pb::Configuration::decode(bytes.as_slice()).expect("our own message");
    let mut faults = Violations::default();
    let received = wire::document(&message, &mut faults);
    assert!(faults.is_empty(), "{:?}", faults.into_result());
    received
}
