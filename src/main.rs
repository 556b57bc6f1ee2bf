//! The command line's entry: reads it, does it, and says how it went. 0: done, 1: it failed, 2: the command or a setting is
//! wrong.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ticketing::cli::main()
}
