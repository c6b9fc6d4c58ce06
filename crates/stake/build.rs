//! Finds the gas of the game's moves: the contracts' snapshots where they are, otherwise the estimates in `data/`.

use std::{env, path::Path};

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let here = Path::new(&here);
    let snapshots = here.join("../../contracts/snapshots");
    for file in ["Dispute", "Riscv"] {
        let measured = snapshots.join(format!("{file}.json"));
        let found = measured.is_file();
        let path = if found { measured } else { here.join(format!("data/{file}.json")) };
        let name = file.to_uppercase();
        println!("cargo::rustc-env=STAKE_{name}={}", path.display());
        println!("cargo::rustc-env=STAKE_{name}_MEASURED={found}");
        println!("cargo::rerun-if-changed={}", path.display());
    }
    // The folder's time changes when a snapshot appears in it.
    println!("cargo::rerun-if-changed={}", snapshots.display());
}
