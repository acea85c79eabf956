//! The tree of dependencies: reviewed licences, one source, one copy of what there may be one of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Crates of which a second version would be a second type of the same name, or a second libzstd.
const ONCE: [&str; 6] =
    ["arrow-array", "arrow-schema", "datafusion", "parquet", "pyo3", "zstd-sys"];
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// All packages of the lock file, whatever the features.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--locked", "--all-features", "--format-version", "1"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    match metadata["packages"].take() {
        Value::Array(packages) => packages,
        other => panic!("{other}"),
    }
}

/// The licences that `deny.toml` allows.
fn allowed() -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).unwrap();
    let (_, list) = text.split_once("\nallow = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    list.split(',')
        .map(|entry| entry.trim().trim_matches('"').to_owned())
        .filter(|entry| !entry.is_empty())
        .collect()
}

/// Whether a licence expression can be met: all parts of an AND, one of an OR. (The older "/" is an
/// OR; brackets stand around ORs alone.)
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let plain = expression.replace(['(', ')'], " ");
    let any = |part: &str| {
        part.split(" OR ").flat_map(|one| one.split('/')).any(|one| allowed.contains(one.trim()))
    };
    plain.split(" AND ").all(any)
}

#[test]
fn expressions() {
    let allowed = ["MIT", "Zlib"].map(str::to_owned).into();
    for good in ["MIT", "MIT OR X", "X/MIT", "X OR Zlib", "(MIT OR X) AND Zlib"] {
        assert!(is_met(good, &allowed), "{good}");
    }
    for bad in ["X", "", "MIT AND X", "(MIT OR X) AND Y", "MIT WITH exception"] {
        assert!(!is_met(bad, &allowed), "{bad}");
    }
}

#[test]
fn licences_and_sources_are_reviewed() {
    let (allowed, packages) = (allowed(), packages());
    assert!(packages.len() > 100 && allowed.len() > 5);
    for package in &packages {
        let name = &package["name"];
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_met(licence, &allowed), "{name}: {licence}");
        let ours = package["source"].is_null() && name == "zstd-arrow";
        assert!(ours || package["source"] == CRATES_IO, "{name}: {}", package["source"]);
    }
}

#[test]
fn one_version_of_each() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        versions.entry(text("name")).or_default().insert(text("version"));
    }
    for name in ONCE {
        assert_eq!(versions[name].len(), 1, "{name}: {:?}", versions[name]);
    }
}
