//! Exit codes: the first failure decides; what failed is counted. Whoever asked for JSON is told of every one in JSON, too.

use super::json;
use super::print::{self, Talk};
use crate::cli::interrupt;
use clap::error::{ContextKind, ContextValue, ErrorKind as UsageKind};
use collapsar::internals::{Error, ErrorKind};
use std::io::{self, IsTerminal};
use std::path::Path;

pub fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Argument => 1,
        ErrorKind::Missing | ErrorKind::Changed => 2,
        ErrorKind::Truncated | ErrorKind::Corrupt | ErrorKind::Unsupported => 3,
        ErrorKind::Verify => 4,
        ErrorKind::Limit => 6,
        ErrorKind::Model => 7,
        _ => 5, // Io, Device
    }
}

/// How a run over several files went.
#[derive(Default)]
pub struct Tally {
    n_files: usize,
    n_failed: usize,
    first: Option<u8>,
}

impl Tally {
    /// Counts a file; its error is told.
    pub fn add<T>(&mut self, talk: &Talk, path: &Path, result: collapsar::internals::Result<T>) -> Option<T> {
        self.n_files += 1;
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.n_failed += 1;
                let code = tell(&error.at(print::name(path)), Some(path), talk.json);
                self.first.get_or_insert(code);
                None
            }
        }
    }

    /// The exit code.
    pub fn finish(self) -> u8 {
        if self.n_files > 1 && self.n_failed > 0 {
            print::line(&format!("collapsar: {} of {} files failed", self.n_failed, self.n_files));
        }
        self.first.unwrap_or(0)
    }
}

/// Tells an error, of a file or of the whole run; the exit code.
pub fn tell(error: &Error, path: Option<&Path>, json: bool) -> u8 {
    interrupt::wait_while_ending();
    let code = code(error.kind);
    print::error(error);
    if json {
        json::failure(path, &format!("{:?}", error.kind).to_lowercase(), &error.to_string(), code);
    }
    code
}

/// What clap has to say of a line: help, or what is wrong with it. The exit code.
pub fn usage(error: &clap::Error, json: bool) -> u8 {
    let Some(text) = wrong(error) else {
        return answer(error);
    };
    if error.kind() == UsageKind::InvalidSubcommand {
        print::line(&format!("collapsar: {}", print::clean(&text)));
    } else {
        let _ = error.print();
    }
    if json {
        json::failure(None, "argument", &text, code(ErrorKind::Argument));
    }
    code(ErrorKind::Argument)
}

/// What --help and --version say is data, too.
fn answer(help: &clap::Error) -> u8 {
    if help.use_stderr() {
        let _ = help.print(); // nothing more can be said
        return code(ErrorKind::Argument);
    }
    let text = help.render();
    let text = if io::stdout().is_terminal() { text.ansi().to_string() } else { text.to_string() };
    print::out(&text).map_or_else(|error| tell(&error, None, false), |()| 0)
}

/// What is wrong with a line, without what clap adds of how to ask for help; None where help was asked for.
fn wrong(error: &clap::Error) -> Option<String> {
    let text = match error.kind() {
        kind if !error.use_stderr() || kind == UsageKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
        UsageKind::InvalidSubcommand => no_verb(error),
        _ => error.render().to_string(),
    };
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text.split("\n\nFor more information").next().unwrap_or_default();
    Some(text.trim_start_matches("error: ").split_whitespace().collect::<Vec<&str>>().join(" "))
}

fn no_verb(error: &clap::Error) -> String {
    let word = error.get(ContextKind::InvalidSubcommand).map_or(String::new(), ContextValue::to_string);
    let meant = match error.get(ContextKind::SuggestedSubcommand) {
        // the nearest is the last
        Some(ContextValue::Strings(verbs)) if !verbs.is_empty() => format!("did you mean {}?", verbs[verbs.len() - 1]),
        _ => "see collapsar --help".into(),
    };
    format!("'{word}' is neither a verb nor a file that exists: {meant}")
}
