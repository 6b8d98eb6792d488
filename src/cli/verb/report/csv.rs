//! A line per codec, bound and array, and one per codec and bound for all arrays; a figure that is none is empty, one that is
//! infinite `inf`.

use super::study::Study;
use crate::cli::measure::trial::Trial;
use crate::cli::talk::print;
use crate::cli::verb::eval::{Figures, figures, figures_of_all};
use collapsar::internals::quality::Total;

pub fn head() -> String {
    let names = figures_of_all(&Total::default(), None).map(|(name, _)| name).join(",");
    format!("file,codec,bound,array,dtype,shape,samples,excluded,lost,changed,bytes_in,bytes_out,{names}\n")
}

pub fn lines(study: &Study) -> String {
    let file = study.path.to_string_lossy();
    let of = |(codec, trials): (&str, &[Trial])| trials.iter().map(|trial| of_trial([&file, codec], trial)).collect();
    study.curves().map(of).collect::<Vec<String>>().concat()
}

fn of_trial(before: [&str; 2], trial: &Trial) -> String {
    let mut out = String::new();
    let mut line = |cells: [String; 10], figures: Figures| {
        let figures = figures.map(|(_, x)| x.map_or(String::new(), |x| format!("{x}")));
        let cells: Vec<String> = before.into_iter().chain(cells.iter().map(String::as_str)).map(quoted).collect();
        out += &format!("{},{}\n", cells.join(","), figures.join(","));
    };
    let counts = |counts: [u64; 4]| counts.map(|n| n.to_string());
    let bytes_out = |n: Option<u64>| n.map_or(String::new(), |n| n.to_string());
    for a in &trial.arrays {
        let shape = a.ty.shape.iter().map(u64::to_string).collect::<Vec<String>>().join("x");
        let q = &a.quality;
        let [samples, excluded, lost, changed] = counts([q.n_samples, q.n_masked, q.n_lost, q.n_changed]);
        let (n_in, n_out) = (a.ty.n_bytes().unwrap_or(0).to_string(), bytes_out(a.coded.map(|c| c.n_bytes)));
        let dtype = a.ty.dtype.name().to_string();
        let cells = [trial.asked(), a.label.clone(), dtype, shape, samples, excluded, lost, changed, n_in, n_out];
        line(cells, figures(q, a.bits()));
    }
    let t = &trial.total;
    let [samples, excluded, lost, changed] = counts([t.n_samples, t.n_masked, t.n_lost, t.n_changed]);
    let (n_in, n_out) = (trial.n_bytes_in.to_string(), bytes_out(trial.n_bytes_out));
    let (all, none) = ("total".to_string(), String::new());
    let cells = [trial.asked(), all, none.clone(), none, samples, excluded, lost, changed, n_in, n_out];
    line(cells, figures_of_all(t, trial.bits()));
    out
}

/// As RFC 4180 has it; a name cannot begin a formula.
fn quoted(cell: &str) -> String {
    let cell = print::clean(cell);
    let cell = if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell };
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_csv_hold_commas_and_quotes_and_no_formulas() {
        let pairs =
            [("a", "a"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("=1+1", "'=1+1"), ("a\nb", "a\\nb")];
        for (cell, text) in pairs {
            assert_eq!(quoted(cell), text);
        }
    }
}
