//! A panic: told in one line like an error, with exit code 70, and nothing is left behind.

use super::interrupt;
use super::machine::drivers;
use super::talk::{json, print};

const INTERNAL: u8 = 70;

pub fn tell_in_one_line(is_json: bool) {
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map_or(String::new(), |l| format!(" ({}:{})", l.file(), l.line()));
        let text = format!("a mistake of ours, please report it: {}{place}", print::clean(text));
        drivers::let_speak();
        print::line(&format!("collapsar: {text}"));
        if is_json {
            json::failure(None, "internal", &text, INTERNAL);
        }
        interrupt::remove_partial();
        std::process::exit(INTERNAL.into());
    }));
}
