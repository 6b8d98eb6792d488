//! What many draws gave, at hand at once, so that a batch mixes classes; the oldest make room for new draws.

use crate::random::Random;

/// Draws at hand.
pub const N_DRAWS: u64 = 96;

/// What a pool holds: cells, patches or blocks, counted in what a batch picks.
pub trait Items {
    fn n_items(&self) -> usize;

    /// Puts another's items in the place of those from `at`, or behind the last.
    fn replace(&mut self, at: usize, other: &Self);
}

pub struct Pool<'a, T> {
    /// The items of a draw; draws are seeded by their number.
    draw: Box<dyn Fn(u64) -> T + 'a>,
    /// A round ends where so many items are new.
    n_most: usize,
    pub items: T,
    next: usize,
    /// Where the round before this one ended; behind it are items of older rounds, which no batch gets.
    end: usize,
    past: Past,
}

/// Which draws a pool is made of: the round at hand writes over the one before. From this a pool can be made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The first draws of the round before this one, and of this one.
    pub rounds: [u64; 2],
    pub n_draws: u64,
}

impl<'a, T: Items> Pool<'a, T> {
    /// A pool of `n_draws` draws of about `n_each` items, or one that stands where another stood.
    pub fn new(empty: T, draw: impl Fn(u64) -> T + 'a, (n_draws, n_each): (u64, usize), past: Past) -> Pool<'a, T> {
        let begin = Past { rounds: [past.rounds[0]; 2], n_draws: past.rounds[0] };
        let n_most = n_draws as usize * n_each;
        let mut pool = Pool { draw: Box::new(draw), n_most, items: empty, next: 0, end: 0, past: begin };
        while pool.past.n_draws < past.n_draws.max(n_draws) {
            pool.refresh();
        }
        pool
    }

    pub fn past(&self) -> Past {
        self.past
    }

    /// One new draw in the place of the oldest.
    pub fn refresh(&mut self) {
        let new = (self.draw)(self.past.n_draws);
        self.items.replace(self.next, &new);
        self.next += new.n_items();
        self.past.n_draws += 1;
        if self.next >= self.n_most {
            self.end = std::mem::take(&mut self.next);
            self.past.rounds = [self.past.rounds[1], self.past.n_draws];
        }
    }

    /// The places of `n` items.
    pub fn places(&self, n: usize, random: &mut Random) -> Vec<usize> {
        let n_items = self.end.max(self.next);
        (0..n).map(|_| random.below(n_items)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Numbers(Vec<u64>);

    impl Items for Numbers {
        fn n_items(&self) -> usize {
            self.0.len()
        }

        fn replace(&mut self, at: usize, other: &Numbers) {
            let end = (at + other.0.len()).min(self.0.len());
            self.0.splice(at..end, other.0.iter().copied());
        }
    }

    /// Draws of two or three items.
    fn pool(past: Past) -> Pool<'static, Numbers> {
        Pool::new(Numbers(Vec::new()), |n| Numbers(vec![n; 2 + (n % 3 == 0) as usize]), (4, 2), past)
    }

    #[test]
    fn a_pool_made_again_gives_the_same_items() {
        let mut whole = pool(Past::default());
        for n in 0..40 {
            let again = pool(whole.past());
            let picked = |pool: &Pool<Numbers>| {
                let places = pool.places(50, &mut Random::new(n)).into_iter();
                places.map(|i| pool.items.0[i]).collect::<Vec<u64>>()
            };
            assert_eq!(picked(&again), picked(&whole), "after {n} draws more");
            whole.refresh();
        }
    }

    #[test]
    fn the_oldest_draws_make_room() {
        let mut pool = pool(Past::default());
        (0..30).for_each(|_| pool.refresh());
        let oldest = pool.items.0.iter().take(pool.end.max(pool.next)).min().unwrap();
        assert!(*oldest + 10 > pool.past().n_draws, "{oldest} of {}", pool.past().n_draws);
    }
}
