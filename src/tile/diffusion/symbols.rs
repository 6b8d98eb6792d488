//! Ints of a run ⇄ the stack, by their tables: NUMERICS.md, sections 9.4 and 10

use crate::entropy::bits_back::Stack;
use crate::error::{Error, Result};
use crate::kernel::fast::room;
use crate::kernel::rans::Symbol;
use crate::kernel::table::{Choice, FAR, N_SYMBOLS, STEPS, interval, is_end, tables};
use crate::kernel::table_symbol::{Length, Rest};
use crate::tile::walk::{CellRun, RunCoder};

/// Pushes symbols, and pops noise.
pub struct Push {
    pub stack: Stack,
    ints: Vec<i32>,
    intervals: Vec<i32>,
    rests: Vec<i32>,
}

impl Push {
    /// For runs no longer than this.
    pub fn new(stack: Stack, longest: usize) -> Push {
        let of_run = || vec![0; room(longest)];
        Push { stack, ints: of_run(), intervals: of_run(), rests: of_run() }
    }
}

impl RunCoder for Push {
    fn knows(&self) -> bool {
        true
    }

    fn stack(&mut self) -> Option<&mut Stack> {
        Some(&mut self.stack)
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        cells.choose();
        let (run, choices) = (cells.run, &cells.tile.space.choices);
        self.ints.iter_mut().zip(run.indices()).for_each(|(int, index)| *int = symbols[index]);
        let Push { stack, ints, intervals, rests } = self;
        cells.tile.context.kernels.tell(run.n as usize, choices, ints, intervals, rests);
        for i in (0..run.n as usize).rev() {
            let symbol = Symbol::new(intervals[i], rests[i]);
            if symbol.is_beyond() {
                push_int(stack, Choice(choices.choice[i]), choices.middle[i], ints[i]);
                continue;
            }
            stack.push_plain(symbol.plain(), symbol.n_plain());
            stack.push(symbol.start(), symbol.width());
        }
        Ok(())
    }
}

/// Any int, wherever it lies.
#[cold]
pub fn push_int(stack: &mut Stack, choice: Choice, middle: i32, int: i32) {
    let j = choice.symbol(middle, int);
    let rest = Rest::of(choice, middle, j, int);
    stack.push_plain(rest.plain, rest.n_plain);
    if let Some(far) = rest.beyond {
        let Length(length) = Length::of(far);
        stack.push_plain(far + 1 - (1 << length), length);
        if length >= Length::LONG {
            stack.push_plain(length - Length::LONG, Length::LONG_BITS);
        }
        stack.push_plain(length.min(Length::LONG), Length::SHORT_BITS);
    }
    let (start, width) = interval(choice, j);
    stack.push(start, width);
}

/// Pops symbols, and pushes noise.
pub struct Pop {
    pub stack: Stack,
}

impl RunCoder for Pop {
    fn knows(&self) -> bool {
        false
    }

    fn stack(&mut self) -> Option<&mut Stack> {
        Some(&mut self.stack)
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        cells.choose();
        let (run, choices, max) = (cells.run, &cells.tile.space.choices, cells.tile.context.max);
        for (i, index) in run.indices().enumerate() {
            symbols[index] = self.int(Choice(choices.choice[i]), choices.middle[i], max)?;
        }
        match self.stack.is_exhausted() {
            true => Err(Error::corrupt("a stack of bits ends too early")),
            false => Ok(()),
        }
    }
}

impl Pop {
    #[inline(always)]
    pub fn int(&mut self, choice: Choice, middle: i32, max: i32) -> Result<i32> {
        let (table, (first, last)) = (&tables()[choice.number() * N_SYMBOLS..][..N_SYMBOLS], choice.ends());
        let quantile = self.stack.quantile();
        let j = (table.partition_point(|&c| u32::from(c) <= quantile) - 1).clamp(first, last);
        let (start, width) = interval(choice, j);
        self.stack.pop(start, width);
        let (mut d, mut n_plain) = (STEPS[j].0, STEPS[j].1 + choice.shift());
        if is_end(j) {
            let beyond = self.beyond();
            d = if j == 0 { -FAR - 1 - beyond } else { FAR + beyond };
            n_plain = choice.shift();
        }
        let step = i64::from(middle) + i64::from(d);
        let int = (step << choice.shift()) + i64::from(self.stack.pop_plain(n_plain));
        match (0..=i64::from(max)).contains(&int) {
            true => Ok(int as i32),
            false => Err(Error::corrupt(format!("int {int} in an image of 0..={max}"))),
        }
    }

    #[cold]
    fn beyond(&mut self) -> i32 {
        let mut length = self.stack.pop_plain(Length::SHORT_BITS);
        if length == Length::LONG {
            length = (length + self.stack.pop_plain(Length::LONG_BITS)).min(24);
        }
        ((1 << length | self.stack.pop_plain(length)) - 1) as i32
    }
}
