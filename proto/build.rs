//! Compiles the proto files with protox: no protoc needed. Two outputs: Rust code, and the descriptor bytes as protox
//! encodes them, which keep the method options that `prost-types` would drop.

#![allow(clippy::disallowed_methods)] // a build script is told its folders by the environment

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<PathBuf> = {
        let mut files = fs::read_dir("ticketing/v1")?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<Vec<_>, _>>()?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "proto"));
        files.sort();
        files
    };
    println!("cargo:rerun-if-changed=ticketing/v1");

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptor.binpb"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .build_client(env::var("CARGO_FEATURE_CLIENT").is_ok())
        .build_server(env::var("CARGO_FEATURE_SERVER").is_ok())
        .btree_map(".")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
