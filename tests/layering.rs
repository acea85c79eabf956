//! The layers hold: no module imports from a layer below its own, and no face from another.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the one that knows nothing of the others on. Those of one number do not know
/// each other.
const LAYERS: [(&str, u8); 9] = [
    ("error", 1),
    ("segments", 2),
    ("convert", 3),
    ("codec", 4),
    ("schema", 5),
    ("files", 6),
    ("cli", 7),
    ("python", 7),
    ("sql", 7),
];

/// External crates that a layer must not name: (layers up to this number, crate).
const FORBIDDEN: [(u8, &str); 11] = [
    (2, "arrow_array"),
    (3, "zstd"),
    (3, "rayon"),
    (5, "parquet"),
    (5, "arrow_ipc"),
    (6, "clap"),
    (6, "pyo3"),
    (6, "datafusion"),
    (6, "ballista_core"),
    (6, "ballista_executor"),
    (6, "ballista_scheduler"),
];

/// In `codec`, the files that see arrays: the others see bytes and segments.
const CODEC_ARRAYS: [&str; 2] = ["src/codec/mod.rs", "src/codec/column.rs"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, number)| *number)
}

/// The code of a file: no comment, no test module at its end.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The identifiers that follow each `prefix` in some code; of a braced list, all of them.
fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let first_word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => names.push(first_word(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut item = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => names.push(first_word(&std::mem::take(&mut item))),
                        _ => item.push(c),
                    }
                }
                names.push(first_word(&item));
            }
        }
    }
    names
}

fn files() -> Vec<(String, u8, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for path in sources(&root.join("src")) {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        let module = name.trim_start_matches("src/").split(['/', '.']).next().unwrap();
        if matches!(module, "lib" | "main") {
            continue;
        }
        let number = layer(module).unwrap_or_else(|| panic!("{name} belongs to no layer"));
        files.push((name, number, code(&path)));
    }
    assert!(files.len() > 20, "the sources were not found");
    files
}

#[test]
fn no_import_runs_back_up() {
    for (name, number, code) in files() {
        for module in names_after(&code, "crate::") {
            let Some(imported) = layer(&module) else { panic!("{name} imports crate::{module}") };
            let own = name.starts_with(&format!("src/{module}"));
            assert!(own || imported < number, "{name} imports crate::{module}");
        }
    }
}

#[test]
fn each_layer_knows_only_its_crates() {
    for (name, number, code) in files() {
        for (up_to, forbidden) in FORBIDDEN {
            let named = code.contains(&format!("{forbidden}::"))
                && !code.contains(&format!("files::{forbidden}"));
            assert!(number > up_to || !named, "{name} names {forbidden}");
        }
        if name.starts_with("src/codec/") && !CODEC_ARRAYS.contains(&name.as_str()) {
            assert!(!code.contains("arrow_array::"), "{name} sees arrays");
        }
    }
}

/// What the two tests above rest on finds what it looks for.
#[test]
fn names_are_found() {
    let code = "use crate::a::b; use crate::{c, d::{e, f}, g::h}; fn x() { crate::i::j(); }";
    assert_eq!(names_after(code, "crate::"), ["a", "c", "d", "g", "i"]);
    assert_eq!(names_after("othercrate::a; x::crate::b", "crate::"), Vec::<String>::new());
}
