//! Files of one camera → a network trained on them

use crate::array::{ArrayType, Dtype};
use crate::codec::file::cut::{cut, fields};
use crate::codec::file::options::Options;
use crate::codec::search::adapt::Adapt;
use crate::codec::search::choice::Choice;
use crate::codec::search::lessons::{
    Adapted, Frame, N_CELLS, Pace, Use, adapt as adapt_to, can_be_adapted, frame, uses,
};
use crate::codec::search::related::{References, Related};
use crate::codec::search::task::Task;
use crate::codec::search::view::SourceView;
use crate::error::{Error, Result};
use crate::format::{self, Hint, Piece};
use crate::model::{Family, Model};
use crate::sample::Loss;
use crate::source::Source;
use crate::tile::runtime::Runtimes;
use std::sync::Arc;

/// A training, beside what is asked of an encoder.
#[derive(Clone, Debug)]
pub struct Training {
    /// The name users call the network by.
    pub name: String,
    pub seed: u64,
}

/// An array that may be learnt from, and what it is for.
struct Place<'a> {
    source: &'a dyn Source,
    offset: u64,
    ty: ArrayType,
    label: String,
    usage: Use,
}

/// The network that the options mean, adapted to the arrays of these files: most of the files to learn from, a fifth to judge by.
pub fn adapt(sources: &[&dyn Source], options: &Options, training: &Training, pace: Pace) -> Result<Adapted> {
    let mut places = Vec::new();
    for (&source, usage) in sources.iter().zip(uses(sources.len())) {
        for piece in format::read(source, &Hint { raw: options.raw.clone() })?.pieces {
            let Piece::Array { offset, ty, label } = piece else { continue };
            for (offset, ty) in fields(offset, &ty, options.fields)? {
                let parts = cut(offset, &ty)?.into_iter();
                places.extend(parts.map(|(offset, ty)| Place { source, offset, ty, label: label.clone(), usage }));
            }
        }
    }
    places.retain(|place| place.ty.n_samples().is_ok_and(|n| n >= MIN_SAMPLES));
    let Some(first) = places.first() else {
        return Err(Error::argument("the files hold no arrays that a network could be adapted to"));
    };
    let model = start(options, &first.ty)?;
    let n_samples = places.iter().filter_map(|place| place.ty.n_samples().ok()).sum::<u64>();
    options.memory.check_training(&model, n_samples.min(N_CELLS as u64) as usize)?;
    let mut frames: Vec<Frame> = Vec::new();
    for place in &places {
        let n_alike = places.iter().filter(|other| other.usage == place.usage).count();
        frames.extend(of_place(place, options, &model, n_alike).map_err(|e| e.at(&place.label))?);
    }
    adapt_to(&model, &training.name, frames, training.seed, pace)
}

/// Smaller arrays are tables and thumbnails.
const MIN_SAMPLES: u64 = 1 << 10;

fn of_place(place: &Place, options: &Options, model: &Arc<Model>, n_alike: usize) -> Result<Option<Frame>> {
    let Options { memory, .. } = *options;
    let loss = options.loss.of_maps();
    let &Place { source, offset, ref ty, usage, .. } = place;
    let (choice, references, runtimes) = (&Choice::These(vec![model.clone()]), &References::None, &Runtimes::default());
    let view = SourceView { source, offset, ty, loss, memory };
    let related = Related { number: 0, source, loss, fields: &[], references };
    let task = Task { view, label: "", choice, adapt: Adapt::Off, recipe: None, related, runtimes };
    frame(&task, model, usage, n_alike)
}

/// The one that a training begins with: what was named, or the network that its level has for such arrays.
fn start(options: &Options, ty: &ArrayType) -> Result<Arc<Model>> {
    let is_field = matches!(ty.dtype, Dtype::F32 | Dtype::F64) || options.loss.of_maps() != Loss::None;
    let model = match &options.model {
        Choice::Level(level) => {
            let models = level.models(is_field).into_iter().filter(|model| can_be_adapted(model));
            // what codes in raster order takes fewer bytes; levels for GPUs have none of it
            let models: Vec<_> = models.collect();
            let raster = models.iter().rev().find(|model| model.family == Family::Pixelcnn);
            raster.or(models.last()).cloned().ok_or_else(|| {
                Error::argument(format!("level {} uses no network: there is nothing to adapt", level.number()))
            })?
        }
        Choice::These(models) => match models.as_slice() {
            [model] => model.clone(),
            _ => return Err(Error::argument("a training begins with one network: name one model")),
        },
        Choice::Auto | Choice::Classic | Choice::Wavelet => {
            return Err(Error::argument("a training begins with a network: give its name, its weights or a level"));
        }
    };
    if !can_be_adapted(&model) {
        return Err(Error::argument(format!(
            "{} cannot be adapted: that is for plain networks of families pixelcnn and lattice",
            model.name
        )));
    }
    Ok(model)
}
