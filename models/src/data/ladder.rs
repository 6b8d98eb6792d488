//! What the engine shows the net of a `vdm`: the ints of an image, given the next one with noise.

use crate::data::sample::{Cells, Shared};
use collapsar::internals::error::Result;
use collapsar::internals::fit::Sample;
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::tile::diffusion::Diffusion;
use collapsar::internals::tile::stream::PlaneContext;
use collapsar::internals::tile::walk::{CellRun, RunCoder, Walk};

/// Appends those cells of a tile that `keep` wants.
pub fn gather(shared: Shared, sample: &Sample, class: u8, keep: &mut dyn FnMut() -> bool, out: &mut Cells) {
    let Shared { model, linears, stats, max } = shared;
    let kernels = model.kernels(Level::detect());
    let context = PlaneContext { model, kernels: &kernels, linears, stats, max };
    let mut walk = Diffusion::new(context, sample.plan);
    walk.analyse(sample.ints);
    walk.walk(&mut Taker { class, keep, out }).expect("an encoder knows what comes");
}

struct Taker<'t> {
    class: u8,
    keep: &'t mut dyn FnMut() -> bool,
    out: &'t mut Cells,
}

impl RunCoder for Taker<'_> {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        let mut f = vec![0; self.out.n_in];
        for i in 0..cells.run.n as usize {
            if (self.keep)() {
                self.out.s.push(cells.features(i, &mut f));
                self.out.features.extend(f.iter().map(|&f| f as u8));
                self.out.b.push(cells.base()[i]);
                self.out.int.push(symbols[cells.run.index(i)]);
                self.out.max.push(cells.tile.context.max);
                self.out.class.push(self.class);
            }
        }
        Ok(())
    }
}
