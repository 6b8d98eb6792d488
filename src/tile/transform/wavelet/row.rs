//! What is known of the numbers of a row before they are coded.
//!
//! All but what is left of a number is there before the row begins, and is put together for the whole row at once.

use super::bands::Band;
use super::lift::Size;

/// How large all that is around a number may be.
pub const N_AROUND: usize = 16;
pub const N_SLOTS: usize = 64;

/// What is known where a number is coded, as contexts.
pub struct Seen {
    /// How large all of it is.
    pub around: usize,
    pub slots: [usize; 4],
}

/// ⌊2.5 · log2(1 + n)⌋ or about, below `N_AROUND`, of every sum that there is.
const STEPS: [u8; 512] = {
    const FROM: [usize; N_AROUND - 1] = [1, 2, 3, 4, 5, 7, 9, 11, 14, 18, 24, 32, 44, 64, 96];
    let (mut steps, mut n) = ([0; 512], 0);
    while n < steps.len() {
        let mut i = 0;
        while i < FROM.len() && n >= FROM[i] {
            i += 1;
        }
        (steps[n], n) = (i as u8, n + 1);
    }
    steps
};

#[derive(Default)]
pub struct Row {
    /// Rows of sizes with a 0 in front and behind: above, two above; of the plane before the same row, and those above and below.
    beside: [Vec<u8>; 5],
    /// Of the bands that say the same more coarsely, within planes and along them.
    parents: [Vec<u8>; 2],
    /// Where the places of the band are in these, by axis.
    places: [Option<[Vec<usize>; 3]>; 2],
    /// 2·u + c + f + 2·b + r + 2·P + 2·Q of FORMAT.md, section 7.4, f of above only.
    around: Vec<u16>,
    /// c + f, of above only.
    corners: Vec<u8>,
    /// r
    around_before: Vec<u8>,
}

impl Row {
    /// The rows of a band follow.
    pub fn begin(&mut self, bands: &[Band], nth: usize) {
        let band = &bands[nth];
        let of_parent = |parent: usize| {
            let (parent, ours) = (&bands[parent], band.size());
            let theirs = parent.size();
            let places = |axis: usize| {
                let first = parent.range[axis].start;
                (0..ours[axis]).map(|at| first + at * theirs[axis] / ours[axis]).collect()
            };
            std::array::from_fn(places)
        };
        self.places = band.parents.map(|parent| parent.map(of_parent));
    }

    /// What the sizes of numbers before a row say of it.
    pub fn take(&mut self, sizes: &[u8], size: Size, band: &Band, (z, y): (usize, usize)) {
        let [planes, lines, columns] = &band.range;
        let (n, before) = (columns.len(), z.checked_sub(1));
        let rows = [
            (Some(z), y.checked_sub(1)),
            (Some(z), y.checked_sub(2)),
            (before, Some(y)),
            (before, y.checked_sub(1)),
            (before, Some(y + 1)),
        ];
        for (row, (z, y)) in self.beside.iter_mut().zip(rows) {
            row.clear();
            row.resize(n + 2, 0);
            if let Some((z, y)) = z.filter(|z| planes.contains(z)).zip(y.filter(|y| lines.contains(y))) {
                row[1..=n].copy_from_slice(&sizes[(z * size[1] + y) * size[2]..][columns.clone()]);
            }
        }
        for (row, places) in self.parents.iter_mut().zip(&self.places) {
            row.clear();
            match places {
                None => row.resize(n, 0),
                Some([zs, ys, xs]) => {
                    let line = &sizes[(zs[z - planes.start] * size[1] + ys[y - lines.start]) * size[2]..][..size[2]];
                    row.extend(xs.iter().map(|&x| line[x]));
                }
            }
        }
        self.put_together(n);
    }

    fn put_together(&mut self, n: usize) {
        let Row { beside, parents, around, corners, around_before, .. } = self;
        around.resize(n, 0);
        corners.resize(n, 0);
        around_before.resize(n, 0);
        let [above, second, before, before_above, before_below] = beside.each_ref().map(|row| &row[..n + 2]);
        let [within, along] = parents.each_ref().map(|row| &row[..n]);
        for x in 0..n {
            corners[x] = above[x] + above[x + 2] + second[x + 1];
            around_before[x] = before_above[x + 1] + before_below[x + 1] + before[x] + before[x + 2];
            let twice = above[x + 1] + before[x + 1] + within[x] + along[x];
            around[x] = 2 * u16::from(twice) + u16::from(corners[x]) + u16::from(around_before[x]);
        }
    }

    /// How large all is around the numbers of the row, but what is left of them.
    pub fn around(&self) -> &[u16] {
        &self.around
    }

    /// What is known of number x, of the sizes of the two before it as well.
    #[inline(always)]
    pub fn seen(&self, x: usize, left: u8, second: u8) -> Seen {
        let [within, along] = self.parents.each_ref().map(|row| row[x].min(3));
        let (above, before) = (self.beside[0][x + 1].min(3), self.beside[2][x + 1].min(3));
        let few = |n: u8| STEPS[usize::from(n)].min(7);
        let around = with(self.around[x], left, second);
        let slots = [
            around,
            usize::from(16 * left.min(3) + 4 * above + before),
            usize::from(16 * within + 4 * along + before),
            usize::from(8 * few(self.corners[x] + second) + few(self.around_before[x])),
        ];
        Seen { around, slots }
    }
}

/// How large all is around a number.
#[inline(always)]
pub fn with(around: u16, left: u8, second: u8) -> usize {
    usize::from(STEPS[usize::from(around) + 2 * usize::from(left) + usize::from(second)])
}
