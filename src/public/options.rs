//! What a caller asks for, setting by setting.

use crate::array::Sample;
use crate::codec::chunk;
use crate::codec::file::options;
use crate::codec::search::choice::Choice;
use crate::codec::search::level::{Decoder, Level};
use crate::codec::search::related::References;
use crate::device::{Device, Wish};
use crate::error::Error;
use crate::model::Model;
use crate::sample::Loss;
use std::fmt;
use std::sync::Arc;

/// How to compress. `Options::default()` is lossless, on the CPU, at level 5.
///
/// ```
/// use collapsar::{Loss, Options};
/// let options = Options::default().loss(Loss::Rel(1e-3)).model("pixelcnn-fast")?;
/// # Ok::<(), collapsar::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Options {
    pub(super) inner: options::Options,
    given: Vec<Arc<Model>>,
}

impl Options {
    /// What may be lost; nothing unless this is called.
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Options {
        self.inner.loss = loss;
        self
    }

    /// From 1, the fastest, to 9, the smallest; 5 unless this is called. A model that is named wins.
    pub fn level(mut self, level: u8) -> Result<Options, Error> {
        let level = Level::new(level).ok_or_else(|| Error::argument(format!("level {level} is not one of 1 to 9")))?;
        if let Choice::Level(before) = self.inner.model {
            self.inner.model = Choice::Level(level.decoded_on(before.decoder()));
        }
        Ok(self)
    }

    /// Levels take networks that a GPU decodes in few steps. What is written is read everywhere; on CPUs it costs size and
    /// time. A model that is named wins.
    #[must_use]
    pub fn decode_on_gpu(mut self) -> Options {
        if let Choice::Level(level) = self.inner.model {
            self.inner.model = Choice::Level(level.decoded_on(Decoder::Gpu));
        }
        self
    }

    /// What these options decide for an array, to be given to [`Options::recipe`] for others of the same dtype and size: of one
    /// camera, of one simulation. Then nothing is searched or fitted, which is most of the work of small arrays.
    ///
    /// ```
    /// use collapsar::{Decoding, Options, decode_array, encode_array};
    /// let frame = |n: u32| (0..64 * 64u32).map(|i| (1000 + i % 64 + (i * 7 + n) % 13) as u16).collect::<Vec<u16>>();
    /// let recipe = Options::default().learn(&frame(0), &[64, 64])?;
    /// let chunk = encode_array(&frame(1), &[64, 64], &Options::default().recipe(&recipe)?)?;
    /// assert_eq!(decode_array::<u16>(&chunk, &Decoding::default())?.1, frame(1));
    /// # Ok::<(), collapsar::Error>(())
    /// ```
    pub fn learn<T: Sample>(&self, samples: &[T], shape: &[usize]) -> Result<Vec<u8>, Error> {
        Ok(chunk::write_recipe(&chunk::learn_array(samples, shape, &self.inner)?))
    }

    /// Arrays are coded as a recipe says; one of another dtype or size is an error. Bytes that [`Options::learn`] gave, or the
    /// commands `collapsar compress --learn-recipe` and `collapsar adapt`.
    pub fn recipe(mut self, recipe: &[u8]) -> Result<Options, Error> {
        self.inner.recipe = Some(Arc::new(chunk::read_recipe(recipe, &self.given)?));
        Ok(self)
    }

    /// Which model codes the arrays: `auto` measures a few and takes the smallest; `classic` and `wavelet` are not
    /// networks; any other word is the name of a model as `collapsar models` lists it, or of weights that were given before.
    pub fn model(mut self, name: &str) -> Result<Options, Error> {
        self.inner.model = Choice::named(Some(name), &self.given, Level::default())?;
        Ok(self)
    }

    /// Weights of your own, the bytes of a safetensors file or of a recipe that carries them. They code the arrays, and whoever decodes needs them
    /// ([`Decoding::weights`]), unless they are embedded. May be called again: of several, the one that measures smallest is taken.
    pub fn weights(mut self, safetensors: &[u8]) -> Result<Options, Error> {
        self.given.extend(chunk::read_weights(safetensors)?);
        self.inner.model = Choice::These(self.given.clone());
        Ok(self)
    }

    /// Files carry the weights that they were coded with.
    #[must_use]
    pub fn embed_weights(mut self, embed: bool) -> Options {
        self.inner.embed = embed;
        self
    }

    /// Whether an array of a file may be predicted from those before it. It may unless this is called with `false`.
    #[must_use]
    pub fn references(mut self, may_refer: bool) -> Options {
        self.inner.references = if may_refer { References::Auto } else { References::None };
        self
    }

    /// Networks run on a GPU. An error where there is none, or where it does not give the answer of the CPU. No byte depends on it.
    pub fn gpu(mut self) -> Result<Options, Error> {
        self.inner.device = gpu()?;
        Ok(self)
    }

    /// The most bytes of memory that the work may take; an error where that is not enough. No byte depends on it.
    #[must_use]
    pub fn max_memory(mut self, n_bytes: u64) -> Options {
        self.inner.memory.most = Some(n_bytes);
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options::Options { model, loss, embed, references, memory, device, .. } = &self.inner;
        let model = match model {
            Choice::Auto => "auto".to_string(),
            Choice::Level(level) => format!("level {}", level.number()),
            Choice::Classic => "classic".to_string(),
            Choice::Wavelet => "wavelet".to_string(),
            Choice::These(models) => names(models),
        };
        f.debug_struct("Options")
            .field("model", &model)
            .field("loss", loss)
            .field("embed_weights", embed)
            .field("references", &(*references != References::None))
            .field("max_memory", &memory.most)
            .field("device", &device.name())
            .finish()
    }
}

/// How to decompress. `Decoding::default()` knows the models that are built in, and runs on the CPU.
#[derive(Clone, Default)]
pub struct Decoding {
    pub(super) inner: options::Decoding,
}

impl Decoding {
    /// Weights of your own, the bytes of a safetensors file or of a recipe that carries them, beside those that are built in.
    pub fn weights(mut self, safetensors: &[u8]) -> Result<Decoding, Error> {
        self.inner.models.extend(chunk::read_weights(safetensors)?);
        Ok(self)
    }

    /// Networks run on a GPU. An error where there is none, or where it does not give the answer of the CPU.
    pub fn gpu(mut self) -> Result<Decoding, Error> {
        self.inner.device = gpu()?;
        Ok(self)
    }

    /// The most bytes of memory that the work may take; an error where that is not enough.
    #[must_use]
    pub fn max_memory(mut self, n_bytes: u64) -> Decoding {
        self.inner.memory.most = Some(n_bytes);
        self
    }
}

impl fmt::Debug for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoding")
            .field("weights", &names(&self.inner.models))
            .field("max_memory", &self.inner.memory.most)
            .field("device", &self.inner.device.name())
            .finish()
    }
}

fn gpu() -> Result<Device, Error> {
    Device::open(Wish::Gpu(None), Box::new(|_| {}))
}

fn names(models: &[Arc<Model>]) -> String {
    models.iter().map(|model| model.name.as_str()).collect::<Vec<&str>>().join(", ")
}
