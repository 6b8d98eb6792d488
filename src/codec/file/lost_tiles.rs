//! Which tiles of an array are lost, and which tiles another needs.

use crate::codec::array::head::Head;
use crate::codec::file::lost::Regions;
use crate::grid::Place;
use std::collections::{BTreeMap, BTreeSet};

/// The tiles of an array that are lost so far, and their samples by why that is so.
#[derive(Default)]
pub struct LostTiles {
    pub numbers: BTreeSet<u64>,
    pub regions: BTreeMap<(String, Option<(usize, usize)>), Regions>,
}

impl LostTiles {
    pub fn add(&mut self, head: &Head, place: &Place, why: String) {
        self.numbers.insert(place.number);
        let phase = (head.grid().n_phases == 4).then_some((place.phase / 2, place.phase % 2));
        self.regions.entry((why, phase)).or_default().add(&head.ty, head.grid(), place);
    }
}

/// The tiles that the one at `place` sees ints of. A decoder that is shown others may well come to its end without noticing.
pub fn predicted_from<'a>(head: &'a Head, place: &'a Place) -> impl Iterator<Item = u64> + 'a {
    let &Place { plane, band, limb, phase, column, .. } = place;
    let phases = (0..phase).map(move |phase| (plane, phase));
    let planes = (1..=head.n_previous_of(plane)).map(move |back| (plane - back, phase));
    phases.chain(planes).take(head.n_refs(plane, phase)).filter_map(move |(plane, phase)| {
        // where the earlier phase has a column of ints less, its last int is seen
        let at = |column| head.grid().place(plane, band, limb, phase, column);
        at(column).or_else(|| at(column.checked_sub(1)?)).map(|place| place.number)
    })
}
