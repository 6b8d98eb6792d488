//! A bar on a terminal, a line every 30 s in a log, JSON lines on request. What is written does not depend on it.

use super::json;
use super::print::{self, Talk};
use crate::cli::args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(30);
const EVERY_JSON: Duration = Duration::from_secs(1);

enum Form {
    Silent,
    Bar(ProgressBar),
    Lines,
    Json,
}

/// What is counted: bytes of a content, or thousandths of a work that is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Bytes,
    Share,
}

/// Of a work whose end is known and nothing else of it.
const WHOLE: u64 = 1000;

pub struct Progress {
    form: Form,
    unit: Unit,
    path: PathBuf,
    n_bytes: u64,
    start: Instant,
    last: Mutex<Instant>,
}

impl Progress {
    pub fn start(talk: Talk, wish: &args::Progress, path: &Path, n_bytes: u64) -> Progress {
        Progress::of(Unit::Bytes, talk, wish, path, n_bytes)
    }

    /// Of a work that is no content: `share` says how much of it is done.
    pub fn of_work(talk: Talk, wish: &args::Progress, path: &Path) -> Progress {
        Progress::of(Unit::Share, talk, wish, path, WHOLE)
    }

    /// So much of 1 is done.
    pub fn share(&self, done: f64) {
        self.at((done.clamp(0.0, 1.0) * WHOLE as f64) as u64);
    }

    fn of(unit: Unit, talk: Talk, wish: &args::Progress, path: &Path, n_bytes: u64) -> Progress {
        let form = match (talk.json, io::stderr().is_terminal()) {
            _ if wish.no_progress || (talk.quiet && !wish.progress) => Form::Silent,
            (true, _) if wish.progress => Form::Json,
            (true, _) => Form::Silent,
            (false, true) => Form::Bar(bar(&print::name(path), n_bytes, unit)),
            (false, false) => Form::Lines,
        };
        let now = Instant::now();
        Progress { form, unit, path: path.to_owned(), n_bytes, start: now, last: Mutex::new(now) }
    }

    /// `done` bytes of the content have been read or written.
    pub fn at(&self, done: u64) {
        match &self.form {
            Form::Silent => {}
            Form::Bar(bar) => {
                if done > bar.length().unwrap_or(0) {
                    bar.set_length(done); // a .gz holds more than its own length
                }
                bar.set_position(done);
            }
            Form::Lines if self.is_time(EVERY) => print::line(&self.in_words(done)),
            Form::Json if self.is_time(EVERY_JSON) => {
                let seconds = self.start.elapsed().as_secs_f64();
                let mut value = json!({"done": done, "total": self.n_bytes, "seconds": seconds});
                json::put_name(&mut value, "file", &self.path);
                print::line(&json!({"progress": value}).to_string());
            }
            Form::Lines | Form::Json => {}
        }
    }

    fn is_time(&self, every: Duration) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.elapsed() >= every;
        if due {
            *last = Instant::now();
        }
        due
    }

    fn in_words(&self, done: u64) -> String {
        let seconds = self.start.elapsed().as_secs_f64();
        let total = self.n_bytes.max(done);
        let percent = if total == 0 { 100.0 } else { done as f64 / total as f64 * 100.0 };
        let left = if done == 0 {
            String::new()
        } else {
            format!(", {:.0} s left", seconds * (total - done) as f64 / done as f64)
        };
        if self.unit == Unit::Share {
            return format!("{}  {percent:.0} %{left}", print::name(&self.path));
        }
        let speed = print::speed_text(print::speed(done, seconds));
        format!(
            "{}  {percent:.0} %  {} of {}, {speed}{left}",
            print::name(&self.path),
            print::bytes(done),
            print::bytes(total)
        )
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

fn bar(name: &str, n_bytes: u64, unit: Unit) -> ProgressBar {
    let template = match unit {
        Unit::Bytes => "{prefix}  {percent:>3} % [{bar:24}] {decimal_bytes_per_sec}, {eta} left",
        Unit::Share => "{prefix}  {percent:>3} % [{bar:24}] {eta} left",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(n_bytes).with_style(style).with_prefix(name.to_string())
}
