//! The man page of the command or of a verb, as roff, from the same definitions as --help.

use crate::cli::args::{self, Args};
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use collapsar::internals::{Error, Result};

pub fn run(args: &args::Man) -> Result<Tally> {
    print::out(&page(args.verb.as_deref())?).map(|()| Tally::default())
}

fn page(verb: Option<&str>) -> Result<String> {
    let mut command = Args::command();
    // so that a verb is called `collapsar compress`
    command.build();
    let command = match verb {
        None => command,
        Some(verb) => of_verb(&command, verb)?,
    };
    let mut roff = Vec::new();
    Man::new(command).render(&mut roff)?;
    String::from_utf8(roff).map_err(|e| Error::argument(e.to_string()))
}

fn of_verb(command: &Command, verb: &str) -> Result<Command> {
    let found = command.find_subcommand(verb).cloned();
    found.ok_or_else(|| Error::argument(format!("'{}' is not a verb: see collapsar --help", print::clean(verb))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_command_names_every_verb_and_each_verb_has_one_with_its_options() {
        let all = page(None).unwrap();
        for verb in Args::command().get_subcommands() {
            let name = verb.get_name();
            assert!(all.contains(&format!("collapsar\\-{name}(1)")), "{name}: {all}");
            let own = page(Some(name)).unwrap();
            assert!(own.starts_with(".ie") && own.contains(&format!("collapsar\\-{name}")), "{own}");
            for long in verb.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(|arg| arg.get_long()) {
                assert!(own.contains(&long.replace('-', "\\-")), "{name} --{long}");
            }
        }
        assert!(page(Some("nonsense")).is_err());
    }
}
