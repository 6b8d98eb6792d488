//! bytes of the source / bytes of the file
//!
//! A search for the smallest bound, as a share of the range, that reaches a ratio: halving in octaves.

use super::loss::{Loss, number};
use super::octave::exp2;
use crate::error::{Error, Result};

#[derive(Clone, Debug)]
pub struct RatioSearch {
    wanted: f64,
    /// log₂ of shares: one that was too small, one that was enough.
    below: f64,
    enough: f64,
    n_left: u32,
    is_reached: bool,
    /// The largest ratio that came out, and of what.
    most: (f64, Loss),
}

impl RatioSearch {
    /// The loss to compress with: what was asked for, or where that is a ratio the bound that reaches it. `trial` compresses with a
    /// loss and gives bytes before and after.
    pub fn resolve(loss: Loss, mut trial: impl FnMut(Loss) -> Result<(u64, u64)>) -> Result<Loss> {
        let Some(mut search) = RatioSearch::new(loss) else { return Ok(loss) };
        while let Some(loss) = search.trial() {
            let (n_bytes_in, n_bytes_out) = trial(loss)?;
            search.tell(n_bytes_in, n_bytes_out);
        }
        search.found()
    }

    pub fn new(loss: Loss) -> Option<RatioSearch> {
        let Loss::Ratio(wanted) = loss else { return None };
        Some(RatioSearch { wanted, below: -34.0, enough: -1.0, n_left: 9, is_reached: false, most: (0.0, Loss::None) })
    }

    /// What to compress with next: nothing lost first.
    pub fn trial(&self) -> Option<Loss> {
        match self.n_left {
            9 => Some(Loss::None),
            0 => None,
            _ => Some(Loss::Rel(exp2(self.middle()))),
        }
    }

    fn middle(&self) -> f64 {
        0.5 * (self.below + self.enough)
    }

    pub fn tell(&mut self, n_bytes_in: u64, n_bytes_out: u64) {
        let enough = n_bytes_in as f64 >= self.wanted * n_bytes_out as f64;
        let ratio = n_bytes_in as f64 / n_bytes_out.max(1) as f64;
        if let Some(loss) = self.trial().filter(|_| ratio > self.most.0) {
            self.most = (ratio, loss);
        }
        match (self.n_left, enough) {
            (9, true) => {
                self.n_left = 1;
                self.enough = f64::NEG_INFINITY;
            }
            (9, false) => {}
            (_, true) => self.enough = self.middle(),
            (_, false) => self.below = self.middle(),
        }
        self.is_reached |= enough;
        self.n_left -= 1;
    }

    /// What reached the ratio; where nothing did, an error that says what can be reached.
    pub fn found(&self) -> Result<Loss> {
        if !self.is_reached {
            let (ratio, loss) = self.most;
            let (wanted, most) = (number(self.wanted), (ratio * 100.0).floor() / 100.0);
            let how = if loss.is_none() { "with nothing lost".into() } else { format!("at {}", loss.describe()) };
            return Err(Error::argument(format!("a ratio of {wanted} is out of reach: the most is {most:.2}, {how}")));
        }
        Ok(if self.enough == f64::NEG_INFINITY { Loss::None } else { Loss::Rel(exp2(self.enough)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// What is found where a file of a million bytes takes so many at a share of its range.
    fn found(wanted: f64, n_bytes: impl Fn(f64) -> u64) -> Result<Loss> {
        let mut search = RatioSearch::new(Loss::Ratio(wanted)).unwrap();
        while let Some(trial) = search.trial() {
            let share = if let Loss::Rel(share) = trial { share } else { 0.0 };
            search.tell(1_000_000, n_bytes(share));
        }
        search.found()
    }

    #[test]
    fn the_smallest_bound_that_reaches_a_ratio_is_found() {
        assert_eq!(found(2.0, |_| 500_000), Ok(Loss::None));
        let Ok(Loss::Rel(share)) = found(10.0, |share| if share >= 1e-3 { 90_000 } else { 110_000 }) else {
            panic!("a ratio that can be reached")
        };
        // 8 halvings of 33 octaves
        assert!((1e-3..1e-3 * 1.1).contains(&share), "{share}");
    }

    #[test]
    fn a_ratio_out_of_reach_is_refused_with_the_one_that_can_be_reached() {
        let n_bytes = |share: f64| 1_000_000 - (share * 1_800_000.0) as u64;
        let error = found(100.0, n_bytes).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Argument);
        assert_eq!(error.message, "a ratio of 100 is out of reach: the most is 5.65, at rel 0.45726");
        assert!(found(5.65, n_bytes).is_ok());
        let error = found(1.5, |_| 1_010_000).unwrap_err();
        assert_eq!(error.message, "a ratio of 1.5 is out of reach: the most is 0.99, with nothing lost");
    }
}
