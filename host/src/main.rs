//! The `petrel` program; see [`petrel::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    petrel::cli::main()
}
