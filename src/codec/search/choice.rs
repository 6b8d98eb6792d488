//! What codes the arrays: which arrays each choice can code, and so which models belong into a list.

use crate::array::Dtype;
use crate::codec::search::level::Level;
use crate::error::Result;
use crate::model::Model;
use crate::sample::Loss;
use crate::weights::zoo;
use std::sync::Arc;

/// Which network codes the arrays.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Whichever of the embedded defaults measures smallest.
    Auto,
    /// What a level says.
    Level(Level),
    /// None: classic modes only.
    Classic,
    /// None: a wavelet, of fields within a bound.
    Wavelet,
    These(Vec<Arc<Model>>),
}

impl Default for Choice {
    fn default() -> Choice {
        Choice::Level(Level::default())
    }
}

impl Choice {
    /// What a word means; none means the weights that were given, else the level.
    pub fn named(name: Option<&str>, given: &[Arc<Model>], level: Level) -> Result<Choice> {
        Ok(match name {
            None if !given.is_empty() => Choice::These(given.to_vec()),
            None => Choice::Level(level),
            Some("auto") => Choice::Auto,
            Some("classic") => Choice::Classic,
            Some("wavelet") => Choice::Wavelet,
            Some(name) => Choice::These(zoo::by_name(name, given)?),
        })
    }

    /// Those of the models that are known before there is an array.
    pub fn models(&self) -> Vec<Arc<Model>> {
        match self {
            Choice::These(models) => models.clone(),
            Choice::Level(level) => {
                let (mut all, of_fields) = (level.models(false), level.models(true));
                all.extend(
                    of_fields.into_iter().filter(|field| level.models(false).iter().all(|m| m.hash != field.hash)),
                );
                all
            }
            Choice::Auto | Choice::Classic | Choice::Wavelet => Vec::new(),
        }
    }

    /// 1 to 9; 0 where no level decides.
    pub fn level_number(&self) -> u8 {
        if let Choice::Level(level) = self { level.number() } else { 0 }
    }

    /// Whether a search looks at little, and believes estimates.
    pub fn is_short(&self) -> bool {
        matches!(self, Choice::Level(level) if level.is_short())
    }

    /// Whether milliseconds are spent on a few kB that are no samples: not where no network is.
    pub fn may_take_long(&self) -> bool {
        match self {
            Choice::Level(level) => level.number() >= 3,
            Choice::Classic => false,
            Choice::Auto | Choice::Wavelet | Choice::These(_) => true,
        }
    }

    /// The rule: wavelets and autoencoders code floats within one bound for all samples, everything else codes whatever there is.
    pub fn can_code(&self, dtype: Dtype, loss: Loss) -> bool {
        let needs_bound = match self {
            Choice::Auto | Choice::Level(_) | Choice::Classic => false,
            Choice::Wavelet => true,
            Choice::These(models) => models.iter().any(|model| model.vqae.is_some()),
        };
        let is_bounded =
            matches!(dtype, Dtype::F32 | Dtype::F64) && matches!(loss, Loss::Abs(_) | Loss::Rel(_) | Loss::Psnr(_));
        is_bounded || !needs_bound
    }
}

/// Of these models those that a list of all shows which is about whole files: each can code every array without loss, and has a name
/// that no later one took over.
pub fn lossless(models: &[Arc<Model>]) -> Vec<Arc<Model>> {
    let codes_all = |model: &Arc<Model>| {
        let choice = Choice::These(vec![model.clone()]);
        Dtype::ALL.into_iter().all(|dtype| choice.can_code(dtype, Loss::None))
    };
    models.iter().filter(|model| codes_all(model) && !zoo::is_superseded(model)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_leave_out_what_cannot_code_an_array_and_what_another_took_the_name_of() {
        let names = |models: &[Arc<Model>]| models.iter().map(|m| m.name.clone()).collect::<Vec<String>>();
        let mut all = names(zoo::embedded());
        let vqae = all.iter().position(|name| name == "vqae-default").unwrap();
        all.remove(vqae);
        all.dedup();
        assert_eq!(names(&lossless(zoo::embedded())), all);
        let vqae = Choice::These(vec![zoo::embedded()[vqae].clone()]);
        for transform in [vqae, Choice::Wavelet] {
            assert!(transform.can_code(Dtype::F64, Loss::Rel(0.1)));
            for (dtype, loss) in
                [(Dtype::F64, Loss::None), (Dtype::U16, Loss::Abs(1.0)), (Dtype::F32, Loss::PwRel(0.1))]
            {
                assert!(!transform.can_code(dtype, loss));
                assert!(Choice::Auto.can_code(dtype, loss) && Choice::Classic.can_code(dtype, loss));
            }
        }
    }
}
