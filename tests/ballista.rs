//! A cluster of processes loses an executor in the middle of a query, and gives the right answer.
//!
//! The cluster is that of the example, whose processes this program is too.

use std::process::Command;

#[path = "../examples/ballista_cluster.rs"]
mod cluster;

fn main() {
    let first = std::env::args().nth(1);
    if matches!(first.as_deref(), Some("scheduler" | "executor" | "--kill")) {
        if let Err(error) = cluster::main() {
            eprintln!("{error}");
            std::process::exit(1);
        }
        return;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args(["--kill", "--rows", "60000"])
        .output()
        .expect("this program can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    assert!(said.contains("killing an executor"), "{said}");
    assert!(said.ends_with("the same result each time\n"), "{said}");
    println!("killed_executor ... ok");
}
