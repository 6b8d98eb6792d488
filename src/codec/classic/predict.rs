//! u = int − lo,   p = (bias + Σ cᵢ·uᵢ) >> 12   or   p = the median of W, N, W + N − NW,   residual = u − p (mod 2³²)
//!
//! Twelve known neighbours: W, WW, then five of the row above and five of the row above that, columns −2 … 2.
//!
//! ```text
//!   7  8  9 10 11
//!   2  3  4  5  6
//!   1  0  ·
//! ```
//!
//! Beyond the edges: left of a row stands the first value of the row above, right of it its own last value. Above row 1
//! row 0 is repeated. In row 0 everything that is not WW is W (the median too), and left of it stands `first`.

pub const N_TAPS: usize = 12;
/// Coefficients are in units of 2^−SHIFT.
pub const SHIFT: u32 = 12;
/// With Σ|c| below this and 16-bit values a sum fits an i32.
const MAX_NARROW_SUM: i32 = 1 << 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predictor {
    Median,
    Linear { coefs: [i16; N_TAPS], bias: i64 },
}

/// Rows `y`, `y − 1`, `y − 2` with two values of padding on both sides, and the part of the prediction that needs no W.
pub struct Rows {
    predictor: Predictor,
    y: usize,
    row: Vec<i64>,
    north: Vec<i64>,
    north2: Vec<i64>,
    /// The same rows around zero, so that the sum runs eight wide.
    narrow: Option<[Vec<i16>; 2]>,
    above: Vec<i64>,
    above_narrow: Vec<i32>,
}

const PAD: usize = 2;
const NARROW_ZERO: i64 = 1 << 15;

impl Rows {
    pub fn new(predictor: Predictor, w: usize, spread: u32, first: u32) -> Rows {
        let is_narrow = match predictor {
            Predictor::Median => false,
            Predictor::Linear { coefs, .. } => {
                spread < 1 << 16 && coefs.iter().map(|&c| i32::from(c).abs()).sum::<i32>() < MAX_NARROW_SUM
            }
        };
        let row = || vec![i64::from(first); w + 2 * PAD];
        Rows {
            predictor,
            y: 0,
            row: row(),
            north: row(),
            north2: row(),
            narrow: is_narrow.then(|| [vec![0; w + 2 * PAD], vec![0; w + 2 * PAD]]),
            above: vec![0; w],
            above_narrow: vec![0; if is_narrow { w } else { 0 }],
        }
    }

    /// The residuals of the next row of values.
    pub fn residuals(&mut self, values: &[u32], out: &mut [u32]) {
        for (to, &from) in self.row[PAD..].iter_mut().zip(values) {
            *to = i64::from(from);
        }
        let step = self.begin();
        for (x, (r, known)) in out.iter_mut().zip(self.row.windows(3)).enumerate() {
            let p = step.predict(&self.above, &self.north, x, known[1], known[0]);
            *r = (known[2] as u32).wrapping_sub(p);
        }
        self.end();
    }

    /// The values of the next row from its residuals.
    pub fn values(&mut self, residuals: &[u32], out: &mut [u32]) {
        let step = self.begin();
        let (mut ww, mut w) = (self.row[0], self.row[1]);
        for (x, (v, &r)) in out.iter_mut().zip(residuals).enumerate() {
            let p = step.predict(&self.above, &self.north, x, w, ww);
            *v = p.wrapping_add(r);
            (ww, w) = (w, i64::from(*v));
        }
        for (to, &from) in self.row[PAD..].iter_mut().zip(&*out) {
            *to = i64::from(from);
        }
        self.end();
    }

    fn begin(&mut self) -> Step {
        match self.predictor {
            Predictor::Median if self.y == 0 => Step::Linear { w: 1 << SHIFT, ww: 0 },
            Predictor::Median => Step::Median,
            Predictor::Linear { coefs, bias } if self.y == 0 => {
                self.above.fill(bias);
                let sum: i64 = coefs.iter().map(|&c| i64::from(c)).sum();
                Step::Linear { w: sum - i64::from(coefs[1]), ww: i64::from(coefs[1]) }
            }
            Predictor::Linear { coefs, bias } => {
                self.sum_above(&coefs, bias);
                Step::Linear { w: i64::from(coefs[0]), ww: i64::from(coefs[1]) }
            }
        }
    }

    fn sum_above(&mut self, coefs: &[i16; N_TAPS], bias: i64) {
        let [n0, n1, n2, n3, n4, m0, m1, m2, m3, m4] = coefs[2..] else { unreachable!("twelve taps") };
        if let Some([north, north2]) = &self.narrow {
            let c = |a: i16, b: i16| i32::from(a) * i32::from(b);
            let sums = self.above_narrow.iter_mut();
            for ((s, a), b) in sums.zip(north.windows(5)).zip(north2.windows(5)) {
                *s = c(n0, a[0])
                    + c(n1, a[1])
                    + c(n2, a[2])
                    + c(n3, a[3])
                    + c(n4, a[4])
                    + c(m0, b[0])
                    + c(m1, b[1])
                    + c(m2, b[2])
                    + c(m3, b[3])
                    + c(m4, b[4]);
            }
            let sum: i64 = coefs[2..].iter().map(|&c| i64::from(c)).sum();
            let bias = bias + NARROW_ZERO * sum;
            for (s, &narrow) in self.above.iter_mut().zip(&self.above_narrow) {
                *s = bias + i64::from(narrow);
            }
        } else {
            let c = |a: i16, b: i64| i64::from(a) * b;
            for ((s, a), b) in self.above.iter_mut().zip(self.north.windows(5)).zip(self.north2.windows(5)) {
                *s = bias
                    + c(n0, a[0])
                    + c(n1, a[1])
                    + c(n2, a[2])
                    + c(n3, a[3])
                    + c(n4, a[4])
                    + c(m0, b[0])
                    + c(m1, b[1])
                    + c(m2, b[2])
                    + c(m3, b[3])
                    + c(m4, b[4]);
            }
        }
    }

    /// The row is complete: pad it and move down.
    fn end(&mut self) {
        let w = self.row.len() - 2 * PAD;
        let last = self.row[w + PAD - 1];
        self.row[w + PAD..].fill(last);
        let first = self.row[PAD];
        std::mem::swap(&mut self.north, &mut self.north2);
        std::mem::swap(&mut self.row, &mut self.north);
        if self.y == 0 {
            self.north2.copy_from_slice(&self.north);
        }
        self.row[..PAD].fill(first);
        if let Some([north, north2]) = &mut self.narrow {
            std::mem::swap(north, north2);
            for (to, &from) in north.iter_mut().zip(&self.north) {
                *to = (from - NARROW_ZERO) as i16;
            }
            if self.y == 0 {
                north2.copy_from_slice(north);
            }
        }
        self.y += 1;
    }
}

/// What is left of the prediction when the rows above are summed.
#[derive(Clone, Copy)]
enum Step {
    Median,
    Linear { w: i64, ww: i64 },
}

impl Step {
    #[inline(always)]
    fn predict(self, above: &[i64], north: &[i64], x: usize, w: i64, ww: i64) -> u32 {
        match self {
            Step::Median => {
                let (n, nw) = (north[x + PAD], north[x + PAD - 1]);
                (w + n - nw).clamp(w.min(n), w.max(n)) as u32
            }
            Step::Linear { w: c, ww: cc } => ((above[x] + c * w + cc * ww) >> SHIFT) as u32,
        }
    }
}
