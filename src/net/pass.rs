//! Which cells a net answers for, and where it may look.

use super::Tap;

/// The nets of a model meet the cells of a tile in passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Cells in raster order: the half-plane above and to the left is known.
    Raster,
    /// Midpoints of four known cells.
    Diagonal,
    /// Midpoints of two known cells, above and below or left and right.
    Rest,
    /// What a flow takes from midpoints before they are coded, by what is around them.
    PredictDiagonal,
    PredictRest,
    /// What a flow then adds to the cells around, by what is left of the midpoints.
    UpdateDiagonal,
    UpdateRest,
    /// What an encoder says of 2 × 2 ints: it sees all of them, a decoder never runs it.
    Encoder,
    /// What was said of 2 × 2 ints, from their mean and the means around it.
    Feature,
    /// Ints of a scale, all at once, from the means and the features of the scale above.
    Finer,
}

impl Pass {
    pub const ALL: [Pass; 10] = [
        Pass::Raster,
        Pass::Diagonal,
        Pass::Rest,
        Pass::PredictDiagonal,
        Pass::PredictRest,
        Pass::UpdateDiagonal,
        Pass::UpdateRest,
        Pass::Encoder,
        Pass::Feature,
        Pass::Finer,
    ];

    /// As weights files say it.
    pub fn name(self) -> &'static str {
        match self {
            Pass::Raster => "raster",
            Pass::Diagonal => "diagonal",
            Pass::Rest => "rest",
            Pass::PredictDiagonal => "predict-diagonal",
            Pass::PredictRest => "predict-rest",
            Pass::UpdateDiagonal => "update-diagonal",
            Pass::UpdateRest => "update-rest",
            Pass::Encoder => "encoder",
            Pass::Feature => "feature",
            Pass::Finer => "finer",
        }
    }

    pub fn from_name(name: &str) -> Option<Pass> {
        Pass::ALL.into_iter().find(|pass| pass.name() == name)
    }

    /// Whether the neighbour at (dy, dx) is known when a cell of this pass is met.
    pub fn knows(self, (dy, dx): Tap) -> bool {
        match self {
            Pass::Raster => dy < 0 || (dy == 0 && dx < 0),
            Pass::Diagonal | Pass::PredictDiagonal | Pass::UpdateDiagonal => dy & 1 == 1 && dx & 1 == 1,
            Pass::Rest | Pass::PredictRest | Pass::UpdateRest => (dy + dx) & 1 == 1,
            // they read another scale, of which all is known
            Pass::Encoder | Pass::Feature | Pass::Finer => true,
        }
    }
}
