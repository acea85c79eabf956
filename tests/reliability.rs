//! The table of faults in the documentation: each row names a test, which is there.

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../docs/reliability.md");

fn sources(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path, ending));
        } else if path.extension().is_some_and(|other| other == ending) {
            found.push(path);
        }
    }
    found
}

/// The text of a file that the page names from the root of the repository; of a folder, that of all
/// its sources.
fn text(place: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
    match path.is_dir() {
        true => sources(&path, "rs").iter().map(|file| fs::read_to_string(file).unwrap()).collect(),
        false => fs::read_to_string(&path).unwrap_or_else(|error| panic!("{place}: {error}")),
    }
}

/// Each "`file`: `test`" in the last column of the tables that have tests there, also several in one.
fn named() -> Vec<(String, String)> {
    let mut named = Vec::new();
    let mut within = false;
    for row in PAGE.lines() {
        within = row.starts_with('|') && (within || row.ends_with("| test |"));
        if !within || row.ends_with("| test |") {
            continue;
        }
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let mut file = None;
        for word in cell.split('`').skip(1).step_by(2) {
            match word.contains('/') {
                true => file = Some(word.to_owned()),
                false => named.push((file.clone().expect("a file first"), word.to_owned())),
            }
        }
    }
    named
}

#[test]
fn named_tests_exist() {
    let named = named();
    assert!(named.len() > 30, "{} tests are named", named.len());
    for (place, test) in named {
        let text = text(&place);
        let there = [format!("fn {test}("), format!("def {test}(")];
        assert!(there.iter().any(|definition| text.contains(definition)), "{place}: {test}");
    }
}

/// Each row of a fault says what happens, and names a test.
#[test]
fn each_fault_has_a_test() {
    let (_, faults) = PAGE.split_once("| fault | what happens | test |").expect("the table");
    let rows: Vec<&str> = faults.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() >= 14, "{} faults", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{row}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{row}");
        assert!(cells[2].contains('`'), "{row}");
    }
}
