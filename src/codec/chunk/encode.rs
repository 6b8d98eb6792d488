//! array → chunk: the choice of the search, one batch of bands after the other, and whatever is smaller of that and the samples

use crate::array::ArrayType;
use crate::codec::array::band::band_range;
use crate::codec::array::batch;
use crate::codec::array::head::{Head, Spec};
use crate::codec::array::memory::Direction;
use crate::codec::chunk::{body, frame};
use crate::codec::file::cut::cut;
use crate::codec::file::options::Options;
use crate::codec::search::check::check;
use crate::codec::search::choice::Choice;
use crate::codec::search::choose::{Chosen, choose};
use crate::codec::search::denoised::Denoised;
use crate::codec::search::related::{References, Related};
use crate::codec::search::task::Task;
use crate::codec::search::view::SourceView;
use crate::error::{Error, Result};
use crate::sample::{Loss, RatioSearch};
use crate::source::Source;
use crate::tile::array_coder::ArrayCoder;
use crate::tile::code::{Code, Coded, Known};
use crate::tile::coder::{CellCoder, Coder};
use crate::tile::runtime::{Runtime, Runtimes};
use crate::wire::put_varint;
use std::borrow::Cow;
use std::sync::Arc;

/// In an array of at most so many bytes predictors may take more than they save: it is coded with those of the model, too. Of a frame
/// of 64 KiB that saves 0.1 % and takes a seventh of the time that `auto` takes; where one model was named it would take half as much
/// again, and is not done.
const MAX_TRIED_TWICE: usize = 1 << 17;

/// The samples `bytes` of an array as a chunk. `decode_chunk` gives them back, bit for bit, or within the bound that was asked for.
///
/// Of the options those about files have no meaning here; weights are never put into a chunk.
pub fn encode_chunk(bytes: &[u8], ty: &ArrayType, options: &Options) -> Result<Vec<u8>> {
    if ty.n_bytes()? != bytes.len() as u64 {
        return Err(Error::argument(format!("{} bytes where {:?} takes {}", bytes.len(), ty.shape, ty.n_bytes()?)));
    }
    if options.embed {
        return Err(Error::argument("a chunk has no room for weights: give them again to decode it"));
    }
    options.loss.check()?;
    let chunk = |loss: Loss| Ok::<_, Error>(frame::write(ty, &whole(bytes, ty, &Options { loss, ..options.clone() })?));
    if let Loss::Denoise(_) = options.loss {
        let mut denoised = Denoised::new(&bytes);
        denoised.add(0, ty, options.loss)?;
        return encode_chunk(&denoised.bytes(0, bytes.len())?, ty, &Options { loss: Loss::None, ..options.clone() });
    }
    let loss = RatioSearch::resolve(options.loss, |loss| Ok((bytes.len() as u64, chunk(loss)?.len() as u64)))?;
    chunk(loss)
}

/// The body of an array, in parts where its rows are too long to hold.
fn whole(bytes: &[u8], ty: &ArrayType, options: &Options) -> Result<Vec<u8>> {
    let pieces = cut(0, ty)?;
    if pieces.len() < 2 || is_constant(bytes, ty) {
        return part(bytes, ty, options);
    }
    let mut out = vec![body::PARTS];
    for (offset, ty) in pieces {
        let piece = part(&bytes[offset as usize..][..ty.n_bytes()? as usize], &ty, options)?;
        put_varint(&mut out, piece.len() as u64);
        out.extend(piece);
    }
    Ok(out)
}

fn is_constant(bytes: &[u8], ty: &ArrayType) -> bool {
    let n_bytes = ty.dtype.n_bytes();
    bytes.len() >= n_bytes && bytes.chunks_exact(n_bytes).all(|sample| sample == &bytes[..n_bytes])
}

/// The smallest body of an array whose rows can be held.
fn part(bytes: &[u8], ty: &ArrayType, options: &Options) -> Result<Vec<u8>> {
    if is_constant(bytes, ty) {
        return Ok([&[body::CONSTANT], &bytes[..ty.dtype.n_bytes()]].concat());
    }
    let stored = || [&[body::STORED], bytes].concat();
    if bytes.is_empty() {
        return Ok(stored());
    }
    let coded = coded(bytes, ty, options)?;
    Ok(if coded.len() <= bytes.len() { coded } else { stored() })
}

fn coded(bytes: &[u8], ty: &ArrayType, options: &Options) -> Result<Vec<u8>> {
    let Options { loss, memory, adapt, .. } = *options;
    let (choice, references, runtimes) = (&options.model, &References::None, &Runtimes::of_process());
    let view = SourceView { source: &bytes, offset: 0, ty, loss, memory };
    let related = Related { number: 0, source: &bytes, loss, fields: &[], references };
    let recipe = options.recipe.as_deref();
    let Chosen { head, coder, known, .. } =
        choose(&Task { view, label: "", choice, adapt, recipe, related, runtimes })?;
    let mut shortened = Cow::Borrowed(bytes);
    if let Loss::Mantissa(..) = loss {
        view.shorten(shortened.to_mut());
    }
    let with = |head: &Head, coder: Coder<Arc<Runtime>>, known: Known| {
        let mut out = Vec::new();
        body::write_head(head, &mut out);
        body::write_tiles(&tiles(head, (coder, known), &shortened, options)?, &mut out);
        Ok::<_, Error>(out)
    };
    let fitted = with(&head, coder.clone(), known)?;
    let is_tried_twice = matches!(options.model, Choice::Auto | Choice::Level(_))
        && options.recipe.is_none()
        && bytes.len() <= MAX_TRIED_TWICE;
    if let (Coder::Cells(cells), true) = (coder, is_tried_twice) {
        let fits = body::of_model(cells.model.model(), &cells.fits);
        let coder = Coder::Cells(CellCoder { fits, ..cells });
        let head = Head::new(Spec { coder: coder.named(), ..(*head).clone() })?;
        let plain = with(&head, coder, Known::default())?;
        if plain.len() < fitted.len() {
            return Ok(plain);
        }
    }
    Ok(fitted)
}

/// The codes of all tiles, in the order of the grid; what is lost is held against the bound.
fn tiles(
    head: &Head,
    (coder, known): (Coder<Arc<Runtime>>, Known),
    bytes: &[u8],
    options: &Options,
) -> Result<Vec<Code>> {
    let coder = &ArrayCoder { trusts_estimates: options.model.is_short(), known, ..head.tiles(coder) };
    let device = options.device.for_coder(coder)?;
    let most = options.memory.batch(head, Direction::Encode)?;
    let bands = batch::bands(head.grid());
    let mut rest = bands.as_slice();
    let (mut raw, mut spare, mut codes) = (bytes, Vec::new(), Vec::new());
    let mut previous = batch::Planes::new();
    while let now @ [_, ..] = batch::next(head, most, &mut rest) {
        let n_bytes = now.iter().map(|&(plane, band)| band_range(&head.ty, head.grid(), plane, band).1).sum();
        let (these, later) = raw.split_at(n_bytes);
        raw = later;
        let mut bands = batch::ints(head, coder, now, these, &mut spare);
        let transformed = batch::transform(head, coder, &device, &mut bands)?;
        if head.map.bound().is_some() {
            let mut given = vec![0; these.len()];
            batch::bytes(head, &bands, &mut given)?;
            check(head, these, &given)?;
        }
        let coded = match transformed {
            Some(transformed) => transformed,
            None => {
                let places = batch::places(head, now);
                device.encode(coder, &places, &|place| batch::tile(head, &bands, place, &previous))?
            }
        };
        codes.extend(coded.into_iter().map(|Coded { code, .. }| code));
        spare.extend(batch::remember(head, bands, &mut previous));
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{Dtype, bytes_of};
    use crate::error::ErrorKind;
    use crate::sample::Map;

    /// The waves of a map whose steps are wider than its bound allows: what decoding gives is beyond the bound.
    #[test]
    fn what_is_beyond_its_bound_is_no_chunk() {
        let sample = |i: usize| ((i / 32 * (i / 32) + 9 * (i % 32)) as f32).sqrt() + (i * 7 % 13) as f32 * 0.004;
        let source = bytes_of(&(0..32 * 32).map(sample).collect::<Vec<f32>>()).to_vec();
        let ty = ArrayType { dtype: Dtype::F32, big_endian: false, shape: vec![32, 32] };
        let options = Options { model: Choice::Wavelet, loss: Loss::Abs(0.05), ..Options::default() };
        let Options { loss, memory, adapt, .. } = options;
        let (references, runtimes) = (&References::None, &Runtimes::of_process());
        let view = SourceView { source: &source, offset: 0, ty: &ty, loss, memory };
        let related = Related { number: 0, source: &source, loss, fields: &[], references };
        let task = Task { view, label: "", choice: &options.model, adapt, recipe: None, related, runtimes };
        let Chosen { head, coder, .. } = choose(&task).unwrap();
        assert!(tiles(&head, (coder.clone(), Known::default()), &source, &options).is_ok());

        // form, bound, step, …: FORMAT.md, section 4
        let mut map = Vec::new();
        head.map.write(&mut map);
        map[1..5].copy_from_slice(&((0.005f64.to_bits() >> 32) as u32).to_le_bytes());
        let map = Map::read(&mut map.as_slice(), ty.dtype).unwrap();
        let tighter = Head::new(Spec { map, ..(*head).clone() }).unwrap();
        assert_eq!(tiles(&tighter, (coder, Known::default()), &source, &options).unwrap_err().kind, ErrorKind::Verify);
    }
}
