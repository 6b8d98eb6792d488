//! Text on a page, without what a browser would take for markup.

use super::print;

/// Text as it may stand in a page.
pub fn escape(text: &str) -> String {
    let one = |c: char| match c {
        '&' => "&amp;".to_string(),
        '<' => "&lt;".to_string(),
        '>' => "&gt;".to_string(),
        '"' => "&quot;".to_string(),
        _ => c.to_string(),
    };
    print::clean(text).chars().map(one).collect()
}
