//! What must be kept, as it is asked for: `ks<0.01,otsu>0.999`.

use collapsar::internals::{Error, Result};
use std::str::FromStr;

/// Conditions on figures, of every array.
#[derive(Clone, Debug, PartialEq)]
pub struct Keep(pub Vec<Condition>);

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub figure: String,
    /// Or above.
    is_below: bool,
    limit: f64,
}

impl FromStr for Keep {
    type Err = Error;

    fn from_str(text: &str) -> Result<Keep> {
        text.split(',').map(|part| part.trim().parse()).collect::<Result<Vec<Condition>>>().map(Keep)
    }
}

impl FromStr for Condition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Condition> {
        let wrong = || Error::argument(format!("'{text}': a figure, < or >, and a number, such as ks<0.01"));
        let at = text.find(['<', '>']).ok_or_else(wrong)?;
        let figure = match text[..at].trim() {
            "otsu" => "overlap",
            "flux" => "flux_p95",
            "shift" => "shift_p95",
            name => name,
        };
        let limit: f64 = text[at + 1..].trim().parse().map_err(|_| wrong())?;
        if figure.is_empty() || !limit.is_finite() {
            return Err(wrong());
        }
        Ok(Condition { figure: figure.to_string(), is_below: text[at..].starts_with('<'), limit })
    }
}

impl Condition {
    pub fn text(&self) -> String {
        format!("{}{}{}", self.figure, if self.is_below { '<' } else { '>' }, self.limit)
    }

    pub fn holds(&self, value: f64) -> bool {
        if self.is_below { value < self.limit } else { value > self.limit }
    }
}

impl Keep {
    pub fn text(&self) -> String {
        self.0.iter().map(Condition::text).collect::<Vec<String>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_with_the_names_of_users() {
        let keep: Keep = "ks<0.01, otsu>0.999,flux < 1e-3".parse().unwrap();
        assert_eq!(keep.text(), "ks<0.01, overlap>0.999, flux_p95<0.001");
        for wrong in ["", "ks", "ks<", "<1", "ks<nan", "ks<inf", "ks<1,", "ks=1"] {
            assert!(wrong.parse::<Keep>().is_err(), "{wrong}");
        }
    }
}
