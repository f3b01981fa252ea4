//! Stores the compiler and the flags of this build, because every record names them.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default().replace('\x1f', " ");
    println!("cargo::rustc-env=FIB_RUSTFLAGS={flags}");
    built::write_built_file()
}
