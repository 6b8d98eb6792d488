//! How strong the noise of each square is, as it differs from its neighbours: FORMAT.md, section 7.6

use crate::entropy::adaptive::{Chance, Code, magnitude};
use crate::error::{Error, Result};
use crate::model::vdm::{Levels, MAX_LEVEL};

/// The levels, each as it differs from what those to its left and above foresee.
pub fn walk_levels<C: Code>(code: &mut C, levels: &mut Levels) -> Result<()> {
    let mut same = [Chance::new(1, 1); 2];
    let mut below = Chance::new(1, 1);
    let mut sizes = [Chance::new(1, 1); 20];
    for i in 0..levels.levels.len() {
        let at = |i: usize| i32::from(levels.levels[i]);
        let columns = levels.columns;
        let (foreseen, alike) = match (i % columns, i / columns) {
            (0, 0) => (MAX_LEVEL / 4, false),
            (_, 0) => (at(i - 1), true),
            (0, _) => (at(i - columns), true),
            _ => ((at(i - 1) + at(i - columns)) / 2, at(i - 1) == at(i - columns)),
        };
        let d = at(i) - foreseen;
        let mut level = foreseen;
        if !same[usize::from(alike)].bit(code, d == 0)? {
            let is_below = below.bit(code, d < 0)?;
            let size = magnitude(code, &mut sizes, d.abs().max(1))?;
            level += if is_below { -size } else { size };
        }
        if !(0..=MAX_LEVEL).contains(&level) {
            return Err(Error::corrupt(format!("noise of level {level}")));
        }
        levels.levels[i] = level as u8;
    }
    Ok(())
}
