//! What a training says: lines of JSON for programs, and on a terminal one line that moves, for people.
//!
//! `part 1/2 diagonal [=====>              ]  27 %   5.812 bits   245 k cells/s   3:12 left`

use collapsar::internals::error::{Error, Result};
use serde_json::Value;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

const BAR: usize = 20;
const REDRAW: Duration = Duration::from_millis(250);

/// What `train` reports; an error from whoever listens ends the training.
pub enum Event {
    Line(Value),
    Moved(Progress),
}

/// Who listens to a training.
pub type Report<'a> = dyn FnMut(Event) -> Result<()> + 'a;

#[derive(Clone, Debug)]
pub struct Progress {
    pub part: usize,
    pub n_parts: usize,
    pub pass: &'static str,
    /// Of this part, 0 to 1.
    pub way: f64,
    pub bits: f32,
    pub cells_per_second: f64,
    pub seconds_left: f64,
}

/// Where reports go: to a file, or to standard output where that is no terminal; the bar to standard error where that
/// is one.
pub struct Log {
    file: Option<File>,
    lines: bool,
    bar: Option<Instant>,
}

impl Log {
    /// Lines are appended: a training that is taken up goes on in its log.
    pub fn new(path: Option<&Path>) -> Result<Log> {
        let open = |path: &Path| {
            let file = File::options().append(true).create(true).open(path);
            file.map_err(|e| Error::from(e).at(path.display()))
        };
        let file = path.map(open).transpose()?;
        let lines = file.is_none() && !std::io::stdout().is_terminal();
        Ok(Log { file, lines, bar: std::io::stderr().is_terminal().then(Instant::now) })
    }

    pub fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Line(line) => self.line(line)?,
            Event::Moved(progress) => {
                if self.bar.is_some_and(|last| last.elapsed() >= REDRAW) {
                    self.bar = Some(Instant::now());
                    eprint!("\r{}\x1b[K", text(&progress));
                }
            }
        }
        Ok(())
    }

    pub fn line(&mut self, line: Value) -> Result<()> {
        if let Some(file) = &mut self.file {
            // one write per line, so that a reader of the file never sees half of one
            file.write_all(format!("{line}\n").as_bytes())?;
        } else if self.lines {
            println!("{line}");
        }
        Ok(())
    }

    /// A sentence for people, the bar out of its way.
    pub fn say(&self, sentence: &str) {
        let clear = if self.bar.is_some() { "\r\x1b[K" } else { "" };
        eprintln!("{clear}{sentence}");
    }
}

fn text(p: &Progress) -> String {
    let n = ((p.way * BAR as f64) as usize).min(BAR);
    let bar: String = (0..BAR)
        .map(|i| {
            if i < n {
                '='
            } else if i == n {
                '>'
            } else {
                ' '
            }
        })
        .collect();
    let left = p.seconds_left.min(359_999.0) as u64;
    let left = match left / 3600 {
        0 => format!("{}:{:02}", left / 60, left % 60),
        hours => format!("{hours}:{:02}:{:02}", left / 60 % 60, left % 60),
    };
    format!(
        "part {}/{} {} [{bar}] {:3.0} %   {:.3} bits   {:.0} k cells/s   {left} left",
        p.part + 1,
        p.n_parts,
        p.pass,
        100.0 * p.way,
        p.bits,
        p.cells_per_second / 1e3,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use serde_json::json;

    #[test]
    fn the_bar_says_where_it_is_and_for_how_long() {
        let progress = Progress {
            part: 0,
            n_parts: 2,
            pass: "diagonal",
            way: 0.27,
            bits: 5.8123,
            cells_per_second: 245_100.0,
            seconds_left: 192.9,
        };
        let expected = "part 1/2 diagonal [=====>              ]  27 %   5.812 bits   245 k cells/s   3:12 left";
        assert_eq!(text(&progress), expected);
        let late = Progress { way: 1.0, seconds_left: 3723.0, ..progress };
        let expected = "part 1/2 diagonal [====================] 100 %   5.812 bits   245 k cells/s   1:02:03 left";
        assert_eq!(text(&late), expected);
    }

    #[test]
    fn lines_are_appended_to_what_the_file_holds() {
        let scratch = Scratch::new("log");
        let path = scratch.path("log");
        for step in [1, 2] {
            Log::new(Some(&path)).unwrap().take(Event::Line(json!({"step": step}))).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"step\":1}\n{\"step\":2}\n");
    }
}
