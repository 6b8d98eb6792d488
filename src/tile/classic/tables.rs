//! Log weights ↔ symbols: a table is described in the same coder that uses it, by differences from its last present weight.
//!
//! After a present token: 0 = the next is absent, 1 + zigzag(q − the last q) otherwise; after an absent one the same with
//! its own frequencies. Two fixed tables, so nothing has to be described first.

use super::token::N_TOKENS;
use crate::entropy::stack::{Popper, Pusher};
use crate::entropy::table::{MAX_LOG_WEIGHT, Slots, Table};
use crate::error::{Error, Result};
use std::sync::LazyLock;

/// The q that the first present token is compared with.
const FIRST: u8 = 25;
const N_STEPS: usize = 2 * MAX_LOG_WEIGHT as usize;

static FIXED: LazyLock<([Table; 3], [Slots; 3])> = LazyLock::new(|| {
    let tables = fixed();
    let slots = tables.each_ref().map(Slots::new);
    (tables, slots)
});

/// Frequencies of a step after a present token, after an absent token, and of a token's number.
fn fixed() -> [Table; 3] {
    let falling = |absent: u8, near: usize, slope: usize| {
        let mut q = [absent; N_STEPS + 1];
        for (i, q) in q[1..].iter_mut().enumerate() {
            *q = near.saturating_sub(i * slope).max(1) as u8;
        }
        Table::from_log_weights(&q)
    };
    [falling(36, 45, 2), falling(49, 38, 1), Table::from_log_weights(&[1; N_TOKENS])]
}

fn zigzag(difference: i32) -> u8 {
    ((difference << 1) ^ (difference >> 31)) as u8
}

/// Pushes what `pop` will give: the number of the last present token, then a step for each token up to it.
pub fn push(pusher: &mut Pusher, log_weights: &[u8; N_TOKENS]) {
    let tables = &FIXED.0;
    let end = log_weights.iter().rposition(|&q| q > 0).expect("a table has a present token");
    let mut steps = Vec::with_capacity(end + 1);
    let (mut before, mut after_absent) = (FIRST, false);
    for &q in &log_weights[..=end] {
        let step = if q == 0 { 0 } else { 1 + zigzag(i32::from(q) - i32::from(before)) };
        steps.push((after_absent, step));
        after_absent = q == 0;
        before = if q == 0 { before } else { q };
    }
    pusher.reserve(steps.len() + 1);
    for &(after_absent, step) in steps.iter().rev() {
        pusher.push(&tables[usize::from(after_absent)], step);
    }
    pusher.push(&tables[2], end as u8);
}

/// Pops the descriptions of `n` tables.
pub fn pop(popper: &mut Popper, n: usize) -> Result<Vec<[u8; N_TOKENS]>> {
    let [present, absent, number] = &FIXED.1;
    let mut all = Vec::with_capacity(n);
    for _ in 0..n {
        let mut log_weights = [0u8; N_TOKENS];
        let end = popper.pop(number) as usize;
        let (mut before, mut after_absent) = (i32::from(FIRST), false);
        for q in &mut log_weights[..=end] {
            let step = i32::from(popper.pop(if after_absent { absent } else { present }));
            after_absent = step == 0;
            if step > 0 {
                before += ((step - 1) >> 1) ^ -((step - 1) & 1);
                if !(1..=i32::from(MAX_LOG_WEIGHT)).contains(&before) {
                    return Err(Error::corrupt("a table's weight is out of range"));
                }
                *q = before as u8;
            }
        }
        if log_weights[end] == 0 {
            return Err(Error::corrupt("a table's last token is absent"));
        }
        all.push(log_weights);
    }
    Ok(all)
}
