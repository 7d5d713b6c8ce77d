//! Rebuilds when a migration file is added: the macro that embeds them sees only files that it already knows.
fn main() {
    println!("cargo:rerun-if-changed=src/migrations");
}
