//! Compiles the proto files with protox: no protoc needed. Two outputs: Rust code, and the descriptor bytes as protox
//! encodes them, which keep the method options that `prost-types` would drop.

#![allow(clippy::disallowed_methods)] // a build script is told its folders by the environment

use std::{env, error::Error, fs, path::PathBuf};

use protox::prost_reflect::DescriptorPool;

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

    check(&compiler.descriptor_pool())?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptor.binpb"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .build_client(env::var("CARGO_FEATURE_CLIENT").is_ok())
        .build_server(env::var("CARGO_FEATURE_SERVER").is_ok())
        .btree_map(".")
        // Tickets travel through many futures; what few of them have is kept aside.
        .boxed(".ticketing.v1.Ticket.entitlement")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// A method that does not say who may call it is not built. That what it says makes sense, the server looks when it starts.
fn check(contract: &DescriptorPool) -> Result<(), String> {
    let policy =
        contract.get_extension_by_name("ticketing.v1.policy").ok_or("there is no option `policy`")?;
    let methods = contract.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let bare: Vec<String> = methods
        .filter(|method| !method.options().has_extension(&policy))
        .map(|method| method.full_name().to_owned())
        .collect();
    if bare.is_empty() { Ok(()) } else { Err(format!("without (ticketing.v1.policy): {}", bare.join(", "))) }
}
