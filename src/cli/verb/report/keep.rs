//! The widest bound that keeps what must be kept.

use crate::cli::args::Keep;
use crate::cli::measure::trial::Trial;
use crate::cli::verb::eval::{cell, figures};
use collapsar::internals::{Error, Loss, Result};
use serde_json::{Value, json};
use std::cmp::Ordering;

/// Between a bound that keeps it and one ten times as wide that does not, so many halvings of the logarithm: within 15 %.
pub const N_HALVINGS: usize = 4;

/// The first condition that an array breaks.
#[derive(Debug, PartialEq)]
pub struct Broken {
    condition: String,
    array: String,
    value: f64,
}

/// Which of the trials is recommended, and what the next wider one breaks.
pub struct Recommended {
    keep: String,
    chosen: Option<String>,
    broken: Option<(String, Broken)>,
}

/// What a trial breaks; a figure that an array has not is no matter there, but one must have it.
fn broken(keep: &Keep, trial: &Trial) -> Result<Option<Broken>> {
    for condition in &keep.0 {
        let mut is_known = false;
        for array in &trial.arrays {
            let figures = figures(&array.quality, array.bits());
            let Some((_, value)) = figures.iter().find(|(name, _)| *name == condition.figure) else {
                let names = figures.map(|(name, _)| name).join(", ");
                return Err(Error::argument(format!("no figure is called {}: {names}", condition.figure)));
            };
            let Some(value) = *value else { continue };
            is_known = true;
            if !condition.holds(value) {
                let (condition, array) = (condition.text(), array.label.clone());
                return Ok(Some(Broken { condition, array, value }));
            }
        }
        if !is_known {
            return Err(Error::argument(format!("no array has the figure {}", condition.figure)));
        }
    }
    Ok(None)
}

/// Tries bounds from the widest on until one keeps it; where none was named, also bounds between that and the one before. The
/// trials from the tightest bound to the widest, and what is recommended.
pub fn scan(
    keep: &Keep,
    mut losses: Vec<Loss>,
    may_add: bool,
    mut trial: impl FnMut(Loss) -> Result<Trial>,
) -> Result<(Vec<Trial>, Recommended)> {
    losses.sort_by(wider);
    let mut tried: Vec<(Trial, Option<Broken>)> = Vec::new();
    let mut keeps = |loss: Loss| {
        let trial = trial(loss)?;
        let breaks = broken(keep, &trial)?;
        let keeps = breaks.is_none();
        tried.push((trial, breaks));
        Ok::<_, Error>(keeps)
    };
    let mut kept = None;
    for (i, loss) in losses.into_iter().enumerate() {
        if keeps(loss)? {
            kept = Some((i, loss));
            break;
        }
    }
    if let (Some((1.., Loss::Rel(mut tight))), true) = (kept, may_add) {
        let mut wide = 10.0 * tight;
        for _ in 0..N_HALVINGS {
            let middle = (tight * wide).sqrt();
            *(if keeps(Loss::Rel(middle))? { &mut tight } else { &mut wide }) = middle;
        }
    }
    tried.sort_by(|(a, _), (b, _)| a.loss.zip(b.loss).map_or(Ordering::Equal, |(a, b)| wider(&b, &a)));
    let n_kept = tried.iter().take_while(|(_, broken)| broken.is_none()).count();
    let chosen = n_kept.checked_sub(1).map(|i| tried[i].0.asked());
    let (trials, mut broken): (Vec<Trial>, Vec<Option<Broken>>) = tried.into_iter().unzip();
    let broken = broken.get_mut(n_kept).and_then(Option::take).map(|broken| (trials[n_kept].asked(), broken));
    Ok((trials, Recommended { keep: keep.text(), chosen, broken }))
}

/// The wider bound first; they are of one kind.
fn wider(a: &Loss, b: &Loss) -> Ordering {
    match (a, b) {
        (Loss::Near(a), Loss::Near(b)) => b.cmp(a),
        (Loss::NoiseStep(a), Loss::NoiseStep(b)) => a.total_cmp(b),
        (Loss::Rel(a) | Loss::Abs(a) | Loss::PwRel(a), Loss::Rel(b) | Loss::Abs(b) | Loss::PwRel(b)) => b.total_cmp(a),
        _ => Ordering::Equal,
    }
}

impl Recommended {
    pub fn is_none(&self) -> bool {
        self.chosen.is_none()
    }

    /// A sentence.
    pub fn text(&self) -> String {
        let why = self.broken.as_ref().map_or("the widest that was tried".to_string(), |(bound, broken)| {
            let Broken { condition, array, value } = broken;
            let array = if array.is_empty() { String::new() } else { format!(" in {array}") };
            format!("{bound} breaks {condition}{array}: {}", cell(Some(*value)))
        });
        match &self.chosen {
            Some(bound) => format!("{bound} keeps {}; {why}", self.keep),
            None => format!("no bound that was tried keeps {}; {why}", self.keep),
        }
    }

    pub fn json(&self) -> Value {
        let broken = self.broken.as_ref().map(|(bound, broken)| {
            json!({"bound": bound, "condition": broken.condition, "array": broken.array, "value": broken.value})
        });
        json!({"conditions": self.keep, "bound": self.chosen, "broken": broken})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_stands_in_the_help_by_a_name_that_can_be_kept() {
        let help = <crate::cli::args::Args as clap::CommandFactory>::command()
            .find_subcommand_mut("report")
            .unwrap()
            .render_long_help()
            .to_string();
        let (_, names) = help.split_once("Names that --keep knows").unwrap();
        let names: Vec<&str> = names.split([' ', ',', '\n']).collect();
        let total = collapsar::internals::quality::Total::default();
        for (name, _) in crate::cli::verb::eval::figures_of_all(&total, None) {
            assert!(names.contains(&name), "{name}");
            let keep: Keep = format!("{name}<1").parse().unwrap();
            assert_eq!(keep.0[0].figure, name);
        }
    }

    #[test]
    fn the_wider_bound_comes_first() {
        let mut losses = [Loss::NoiseStep(4.0), Loss::NoiseStep(1.0)];
        losses.sort_by(wider);
        assert_eq!(losses, [Loss::NoiseStep(1.0), Loss::NoiseStep(4.0)]);
        let mut losses = [Loss::Rel(1e-4), Loss::Rel(1e-2), Loss::Rel(1e-3)];
        losses.sort_by(wider);
        assert_eq!(losses, [Loss::Rel(1e-2), Loss::Rel(1e-3), Loss::Rel(1e-4)]);
        let mut losses = [Loss::Near(1), Loss::Near(9)];
        losses.sort_by(wider);
        assert_eq!(losses[0], Loss::Near(9));
    }
}
