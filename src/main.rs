//! The command `collapsar`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
