//! What every page has: its colours, light and dark and on paper, its head, its tables.

use crate::cli::talk::html::escape;
use collapsar::internals::sample::number;

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --faint: #d5d8dc; --mark: #2166ac;
  --c0: #0072b2; --c1: #d55e00; --c2: #007a5a; --c3: #a6518a; --c4: #8a6d00; --c5: #2f7fae; --c6: #555; --c7: #8c2d04; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181b; --faint: #3b3f45; --mark: #74add1;
  --c0: #56b4e9; --c1: #e69f00; --c2: #2fc79a; --c3: #e39fc6; --c4: #f0e442; --c5: #9ecae1; --c6: #bbb; --c7: #fd8d3c; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3, p, li, figcaption, caption { overflow-wrap: anywhere; }
a { color: var(--mark); }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .5rem 0; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--faint); }
th:first-child { text-align: left; }
.names th:first-child { min-width: 9rem; max-width: 20rem; overflow-wrap: anywhere; font-weight: normal; }
.names td { white-space: nowrap; }
.wide { overflow-x: auto; }
.side { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); gap: 0 1.5rem; }
.side > * { min-width: 0; }
.side td { white-space: nowrap; }
figure { margin: 1rem 0; min-width: 0; max-width: 40rem; break-inside: avoid; }
figcaption { font-size: .875rem; }
svg { width: 100%; height: auto; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--faint); }
svg .curve { fill: none; stroke: var(--mark); stroke-width: 2; }
svg .point, svg .bar { fill: var(--mark); }
svg .limit { stroke: var(--ink); stroke-width: 2; }
svg .frame { fill: none; stroke: var(--ink); }
.c0 { --of: var(--c0); } .c1 { --of: var(--c1); } .c2 { --of: var(--c2); } .c3 { --of: var(--c3); }
.c4 { --of: var(--c4); } .c5 { --of: var(--c5); } .c6 { --of: var(--c6); } .c7 { --of: var(--c7); }
svg .sign { fill: none; stroke: var(--of); stroke-width: 2; }
svg .of { fill: none; stroke: var(--of); stroke-width: 2; }
svg .d1 { stroke-dasharray: 7 4; } svg .d2 { stroke-dasharray: 2 3; }
svg .bound { fill: none; stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 6 3; }
svg image { image-rendering: pixelated; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; padding: 0; font-size: .875rem; }
.crops { display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem; font-size: .875rem; }
.legend svg { width: 1rem; height: 1rem; vertical-align: -.15rem; margin-right: .3rem; }
.legend svg.long { width: 2rem; }
img { image-rendering: pixelated; max-width: 100%; border: 1px solid var(--faint); }
img.map { width: 100%; height: auto; display: block; }
.scale { display: inline-block; width: 10rem; height: .8rem; vertical-align: middle; }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --faint: #bbb; --mark: #174a7c;
  --c0: #0072b2; --c1: #d55e00; --c2: #007a5a; --c3: #a6518a; --c4: #8a6d00; --c5: #2f7fae; --c6: #555; --c7: #8c2d04; }
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; } .wide { overflow: visible; } table { font-size: 8pt; }
  tr { break-inside: avoid; } h2, h3, caption { break-after: avoid; } figure { max-width: 12cm; } img, svg { print-color-adjust: exact; } }
";

pub const TAIL: &str = "</main>\n</body>\n</html>\n";

/// A page up to what stands on it; the title is markup already.
pub fn head(title: &str) -> String {
    let head = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n";
    format!("{head}<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n")
}

/// Rows are markup already.
pub fn table(caption: &str, titles: &[&str], rows: &str) -> String {
    named("", caption, titles, rows)
}

/// The same of rows whose first cell is a name that may be long.
pub fn table_of_names(caption: &str, titles: &[&str], rows: &str) -> String {
    named(" class=\"names\"", caption, titles, rows)
}

fn named(class: &str, caption: &str, titles: &[&str], rows: &str) -> String {
    let titles: String = titles.iter().map(|t| format!("<th scope=\"col\">{}</th>", escape(t))).collect();
    let caption = escape(caption);
    format!(
        "<div class=\"wide\"><table{class}><caption>{caption}</caption>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

/// A row whose first cell is markup already.
pub fn row(name: &str, cells: &[String]) -> String {
    let cells: String = cells.iter().map(|c| format!("<td>{}</td>", escape(c))).collect();
    format!("<tr><th scope=\"row\">{name}</th>{cells}</tr>\n")
}

/// With so many digits behind the point; a dash where there is none.
pub fn digits(x: Option<f64>, n: usize) -> String {
    x.filter(|x| x.is_finite()).map_or("–".into(), |x| format!("{x:.n$}"))
}

/// In as many digits as it takes; a dash where there is none.
pub fn figure(x: Option<f64>) -> String {
    x.filter(|x| x.is_finite()).map_or("–".into(), number)
}
