//! collapsar FILE → collapsar compress FILE: what zstd's users type
//!
//! -d, -t, -l and -z stand for verbs wherever they are, alone or among other letters; -1 to -9 are --level 1 to 9. Without one of them and without a verb a line
//! compresses. A file that exists is a file; a word that is none, and looks like a verb, is left to be told of.

use super::Args;
use clap::CommandFactory;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::iter;

/// The words of a line, the program's name first, with the verb that they mean in front of the others.
pub fn expand(mut words: Vec<OsString>, is_file: impl Fn(&OsStr) -> bool) -> Vec<OsString> {
    let command = Args::command();
    let verbs: Vec<&str> = command.get_subcommands().map(|verb| verb.get_name()).chain(["help"]).collect();
    let is_verb = |word: &OsStr| word.to_str().is_some_and(|word| verbs.contains(&word));
    let asks = |word: &OsStr| ["-h", "--help", "-V", "--version"].iter().any(|option| word == *option);
    let valued = &Valued::of(&command);
    let Some(_) = words.get(1).filter(|word| !is_verb(word) && !asks(word)) else {
        let at = words.len().min(2);
        let rest = Line { keeps_verbs: true, ..Line::default() }.read(&words[at..], valued);
        words.truncate(at);
        words.extend(rest.words);
        return words;
    };

    let mut line = Line::default().read(&words[1..], valued);
    let verb = match (line.verb, line.file) {
        (Some(verb), _) => verb.into(),
        (None, Some(0)) if could_be_verb(&line.words[0]) && !is_file(&line.words[0]) => return words,
        // options before the verb
        (None, Some(at)) if is_verb(&line.words[at]) && !is_file(&line.words[at]) => line.words.remove(at),
        (None, _) => "compress".into(),
    };
    words.truncate(1);
    words.push(verb);
    words.extend(line.words);
    words
}

/// Letters and dashes only: whole, the start of one, or with a slip in it.
fn could_be_verb(word: &OsStr) -> bool {
    word.to_str().is_some_and(|word| word != "-" && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-'))
}

/// How many values options take, by letter and by name; those that take none are not there.
struct Valued {
    letters: BTreeMap<char, usize>,
    names: BTreeMap<String, usize>,
}

impl Valued {
    fn of(command: &clap::Command) -> Valued {
        let mut valued = Valued { letters: BTreeMap::new(), names: BTreeMap::new() };
        let verbs = command.get_subcommands().flat_map(|verb| iter::once(verb).chain(verb.get_subcommands()));
        let all = verbs.flat_map(|verb| verb.get_arguments());
        for option in all.filter(|arg| !arg.is_positional() && arg.get_action().takes_values()) {
            let n = option.get_num_args().map_or(1, |n| n.min_values());
            option.get_short().map(|letter| valued.letters.insert(letter, n));
            option.get_long().map(|name| valued.names.insert(name.to_string(), n));
        }
        valued
    }
}

/// A line without a verb in front.
#[derive(Default)]
struct Line {
    /// Of the last letter that stands for one.
    verb: Option<&'static str>,
    /// Where the first file is.
    file: Option<usize>,
    /// Without those letters.
    words: Vec<OsString>,
    /// There is a verb in front: letters that stand for one mean what they mean to it.
    keeps_verbs: bool,
}

impl Line {
    fn read(self, words: &[OsString], valued: &Valued) -> Line {
        let mut line = self;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let n_values = match word.to_str() {
                Some("--") => {
                    line.words.push(word.clone());
                    usize::MAX
                }
                Some(text) if text.starts_with("--") => line.option(text, valued),
                Some(text) if text.starts_with('-') && text != "-" => line.letters(text, valued),
                _ => {
                    line.file.get_or_insert(line.words.len());
                    line.words.push(word.clone());
                    0
                }
            };
            line.words.extend(words.by_ref().take(n_values).cloned());
        }
        line
    }

    /// Takes a long option; how many of the next words are its values.
    fn option(&mut self, text: &str, valued: &Valued) -> usize {
        let verb = match text {
            "--compress" => Some("compress"),
            "--decompress" | "--uncompress" => Some("decompress"),
            "--test" => Some("test"),
            "--list" => Some("info"),
            _ => None,
        };
        if verb.is_some() && !self.keeps_verbs {
            self.verb = verb;
            return 0;
        }
        self.words.push(text.into());
        valued.names.get(&text[2..]).copied().unwrap_or(0)
    }

    /// Takes letters that stand together, of which one that takes a value is the last.
    fn letters(&mut self, text: &str, valued: &Valued) -> usize {
        let (mut kept, mut n_values) = (String::from("-"), 0);
        let mut letters = text[1..].chars();
        while let Some(letter) = letters.next() {
            match letter {
                '1'..='9' => self.words.push(format!("--level={letter}").into()),
                'z' if !self.keeps_verbs => self.verb = Some("compress"),
                'd' if !self.keeps_verbs => self.verb = Some("decompress"),
                't' if !self.keeps_verbs => self.verb = Some("test"),
                'l' if !self.keeps_verbs => self.verb = Some("info"),
                _ => kept.push(letter),
            }
            if let Some(n) = valued.letters.get(&letter) {
                n_values = if letters.as_str().is_empty() { *n } else { 0 };
                kept.push_str(letters.as_str());
                break;
            }
        }
        if kept != "-" {
            self.words.push(kept.into());
        }
        n_values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(line: &str) -> String {
        let words = line.split(' ').map(OsString::from).collect();
        let files = ["a.fits", "night", "test", "dec"];
        let expanded = expand(words, |word| files.iter().any(|file| word == *file));
        expanded.iter().map(|word| word.to_str().unwrap()).collect::<Vec<&str>>().join(" ")
    }

    #[test]
    fn the_letters_of_zstd_stand_for_verbs_wherever_they_are() {
        for (line, means) in [
            ("collapsar -d a", "collapsar decompress a"),
            ("collapsar -dcf a", "collapsar decompress -cf a"),
            ("collapsar -kd a", "collapsar decompress -k a"),
            ("collapsar a.clps -d -o a", "collapsar decompress a.clps -o a"),
            ("collapsar -o d -T4 -d a", "collapsar decompress -o d -T4 a"),
            ("collapsar -dod a", "collapsar decompress -od a"),
            ("collapsar -t a", "collapsar test a"),
            ("collapsar --json --list a", "collapsar info --json a"),
            ("collapsar --model t a.fits -z", "collapsar compress --model t a.fits"),
            ("collapsar -d -- -t", "collapsar decompress -- -t"),
            ("collapsar -3 a", "collapsar compress --level=3 a"),
            ("collapsar compress -9 -T4 a", "collapsar compress --level=9 -T4 a"),
            ("collapsar compress -k1fo 7 a", "collapsar compress --level=1 -kfo 7 a"),
            ("collapsar compress --psnr -3 -- -3", "collapsar compress --psnr -3 -- -3"),
        ] {
            assert_eq!(meant(line), means);
        }
    }

    #[test]
    fn a_line_without_a_verb_compresses() {
        for line in
            ["a.fits", "-k a.fits", "-c a.fits", "-o x a.fits", "--rm a.fits", "none.fits", "night", "-", "-k test"]
        {
            assert_eq!(meant(&format!("collapsar {line}")), format!("collapsar compress {line}"));
        }
        assert_eq!(meant("collapsar dec"), "collapsar compress dec");
        assert_eq!(meant("collapsar --nonsense"), "collapsar compress --nonsense");
    }

    #[test]
    fn a_verb_that_is_named_stays_and_options_before_it_go_behind() {
        for line in ["", "compress -c a", "test", "comp a.fits", "comprss a.fits", "--version", "-h", "help bench"] {
            let line = format!("collapsar {line}");
            assert_eq!(meant(line.trim()), line.trim());
        }
        assert_eq!(meant("collapsar --json info a.clps"), "collapsar info --json a.clps");
        assert_eq!(meant("collapsar -o x decompress a.clps"), "collapsar decompress -o x a.clps");
    }
}
