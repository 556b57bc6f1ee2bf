//! The inputs that fuzzers made, as `fuzz/corpus` keeps them: each is read as `fuzz/src` says that it must.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[path = "../../fuzz/src/lib.rs"]
mod targets;

#[test]
fn what_is_kept_is_read_as_it_must() {
    for (name, _) in targets::TARGETS {
        for (path, input) in kept(name) {
            let read = std::panic::catch_unwind(|| targets::run(name, &input));
            assert!(read.is_ok(), "{} breaks the target {name}", path.display());
        }
    }
}

#[test]
fn every_target_keeps_something_and_nothing_else_is_kept() {
    let folders = fs::read_dir(corpus()).expect("a corpus").map(|entry| entry.expect("an entry").file_name());
    let kept: BTreeSet<String> = folders.map(|name| name.into_string().expect("a name")).collect();
    assert_eq!(kept, targets::TARGETS.map(|(name, _)| name.to_owned()).into());
    assert!(targets::TARGETS.iter().all(|(name, _)| !self::kept(name).is_empty()));
}

#[test]
fn every_method_has_an_input() {
    let chosen: BTreeSet<[u8; 2]> =
        kept("request").iter().filter_map(|(_, input)| input.first_chunk()).copied().collect();
    let bare: Vec<String> = targets::methods()
        .into_iter()
        .filter(|(choice, _)| !chosen.contains(choice))
        .map(|([first, second], path)| {
            format!("{path}: printf '\\x{first:02x}\\x{second:02x}\\0' > fuzz/corpus/request/<method>")
        })
        .collect();
    assert!(bare.is_empty(), "fuzzers do not know of\n{}", bare.join("\n"));
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn kept(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(corpus().join(target)).expect("a corpus");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| (path.clone(), fs::read(path).expect("an input"))).collect()
}
