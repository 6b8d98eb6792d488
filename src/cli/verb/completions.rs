//! What a shell needs to complete a line, from the same definitions as --help.

use crate::cli::args::{self, Args};
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print;
use clap::CommandFactory;
use clap_complete::Shell;
use collapsar::internals::{Error, Result};

pub fn run(args: &args::Completions) -> Result<Tally> {
    print::out(&script(args.shell)?).map(|()| Tally::default())
}

fn script(shell: Shell) -> Result<String> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "collapsar", &mut script);
    String::from_utf8(script).map_err(|e| Error::argument(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_is_told_of_every_verb() {
        for &shell in Shell::value_variants() {
            let script = script(shell).unwrap();
            for verb in Args::command().get_subcommands() {
                assert!(script.contains(verb.get_name()), "{shell}: {}", verb.get_name());
            }
        }
    }
}
