//! The ops as the device sees them: shader, bindings, parameters. Each is the shadow of a plain kernel of the same name.

use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Fill,
    Settle,
    Predict,
    Context,
    Features,
    Around,
    Mixture,
    Interval,
    Couple,
    Carry,
    Leave,
    Quantise,
    Coarsen,
    Mesh,
    Nearest,
}

impl Op {
    pub const ALL: [Op; 15] = [
        Op::Fill,
        Op::Predict,
        Op::Settle,
        Op::Context,
        Op::Features,
        Op::Around,
        Op::Mixture,
        Op::Interval,
        Op::Couple,
        Op::Carry,
        Op::Leave,
        Op::Quantise,
        Op::Coarsen,
        Op::Mesh,
        Op::Nearest,
    ];

    /// In the order in which an encoder runs them for a net whose layers are plain, or not; flows and meshes have ways of their own.
    pub(super) fn of(is_plain: bool) -> impl Iterator<Item = Op> {
        Op::ALL.into_iter().filter(move |op| match op {
            Op::Context => is_plain,
            Op::Features | Op::Around => !is_plain,
            Op::Couple | Op::Carry | Op::Leave | Op::Quantise | Op::Coarsen | Op::Mesh | Op::Nearest => false,
            _ => true,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Op::Fill => "fill",
            Op::Settle => "settle",
            Op::Predict => "predict",
            Op::Context => "context",
            Op::Features => "features",
            Op::Around => "around",
            Op::Mixture => "mixture",
            Op::Interval => "interval",
            Op::Couple => "couple",
            Op::Carry => "carry",
            Op::Leave => "leave",
            Op::Quantise => "quantise",
            Op::Coarsen => "coarsen",
            Op::Mesh => "mesh",
            Op::Nearest => "nearest",
        }
    }

    /// Storage buffers behind the parameters.
    pub(super) fn n_buffers(self) -> usize {
        match self {
            Op::Carry | Op::Quantise | Op::Nearest => 2,
            Op::Leave | Op::Coarsen | Op::Mesh => 3,
            Op::Fill | Op::Settle | Op::Mixture | Op::Around | Op::Couple => 4,
            Op::Predict | Op::Interval => 5,
            Op::Features => 7,
            Op::Context => 8,
        }
    }

    /// The last ones are written, the others read.
    pub(super) fn n_written(self) -> usize {
        if matches!(self, Op::Around | Op::Coarsen) { 2 } else { 1 }
    }
}

/// The text of a shader, with what all have before it.
macro_rules! shader {
    ($name:literal) => {
        concat!(include_str!("../../shaders/params.wgsl"), include_str!(concat!("../../shaders/", $name, ".wgsl")))
    };
}

/// The text of every shader.
#[derive(Clone, Debug)]
pub struct Shaders([Cow<'static, str>; 15]);

impl Default for Shaders {
    fn default() -> Shaders {
        Shaders(Op::ALL.map(|op| {
            Cow::Borrowed(match op {
                Op::Fill => shader!("fill"),
                Op::Settle => shader!("settle"),
                Op::Predict => shader!("predict"),
                Op::Context => shader!("context"),
                Op::Features => shader!("features"),
                Op::Around => shader!("around"),
                Op::Mixture => shader!("mixture"),
                Op::Interval => shader!("interval"),
                Op::Couple => shader!("couple"),
                Op::Carry => shader!("carry"),
                Op::Leave => shader!("leave"),
                Op::Quantise => shader!("quantise"),
                Op::Coarsen => shader!("coarsen"),
                Op::Mesh => shader!("mesh"),
                Op::Nearest => shader!("nearest"),
            })
        }))
    }
}

impl Shaders {
    pub fn text(&self, op: Op) -> &str {
        &self.0[op.place()]
    }

    /// The same shaders, with `from` replaced by `to` in one of them: how a test makes a wrong one.
    pub fn with(mut self, op: Op, from: &str, to: &str) -> Shaders {
        let text = self.text(op);
        assert!(text.contains(from), "{} has no '{from}'", op.name());
        self.0[op.place()] = Cow::Owned(text.replacen(from, to, 1));
        self
    }
}

impl Op {
    pub(super) fn place(self) -> usize {
        Op::ALL.iter().position(|&op| op == self).expect("the list names every op")
    }
}

/// `Params` of the shaders, field by field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Params {
    /// Threads per tile, and the first thread's entry of `cells` or `shown`.
    pub n: u32,
    pub first: u32,
    /// Results of a tile: entry p lies at place `p − base` of `stride`.
    pub base: u32,
    pub stride: u32,
    pub n_arena: u32,
    pub n_refs: u32,
    pub residual: i32,
    pub max: i32,
    /// Where the op's tables begin in their buffers, and their sizes.
    pub linear: u32,
    pub n_own: u32,
    pub n_linear_refs: u32,
    pub n_ref_taps: u32,
    pub offsets: u32,
    pub weights: u32,
    pub n_layers: u32,
    pub k: u32,
    pub n_values: u32,
    pub n_residuals: u32,
    pub n_net_refs: u32,
    pub scale_floor: i32,
    pub near_log2: u32,
    pub wide_log2: u32,
    pub feature_shift: u32,
    pub level: i32,
    pub mass: i32,
    pub n_symbols: u32,
    pub escapes: u32,
    pub n_taps: u32,
    /// The plane's usual value.
    pub usual: i32,
    /// Where the spots begin in `cells`, spots of a tile, words of activations of a spot. Of scales, whose layers are plain: log2 of
    /// the step, or 31 for features, and how many hints.
    pub spots: u32,
    pub n_spots: u32,
    pub n_words: u32,
}

/// Bytes from one `Params` to the next in the uniform buffer, and bytes of one.
pub(super) const PARAMS_PITCH: u64 = 256;
pub(super) const PARAMS_BYTES: u64 = 128;

impl Params {
    pub(super) fn words(&self) -> [u32; (PARAMS_BYTES / 4) as usize] {
        let p = self;
        let (residual, max, scale_floor) = (p.residual as u32, p.max as u32, p.scale_floor as u32);
        [
            [p.n, p.first, p.base, p.stride],
            [p.n_arena, p.n_refs, residual, max],
            [p.linear, p.n_own, p.n_linear_refs, p.n_ref_taps],
            [p.offsets, p.weights, p.n_layers, p.k],
            [p.n_values, p.n_residuals, p.n_net_refs, scale_floor],
            [p.near_log2, p.wide_log2, p.feature_shift, p.level as u32],
            [p.mass as u32, p.n_symbols, p.escapes, p.n_taps],
            [p.usual as u32, p.spots, p.n_spots, p.n_words],
        ]
        .concat()
        .try_into()
        .expect("eight fours")
    }
}

/// Four weights, the first lowest; zeros behind the last output.
pub(super) fn word(weights: &[i8], at: usize) -> u32 {
    let four = weights.get(at..at + 4).unwrap_or(&[0; 4]);
    u32::from_le_bytes(std::array::from_fn(|i| four[i] as u8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu::naga::valid::{Capabilities, ValidationFlags, Validator};

    #[test]
    fn every_shader_is_valid_as_it_stands_and_knows_no_floats() {
        for op in Op::ALL {
            let shaders = Shaders::default();
            let text = shaders.text(op);
            let module = wgpu::naga::front::wgsl::parse_str(text).unwrap_or_else(|e| panic!("{}: {e}", op.name()));
            let valid = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
            valid.unwrap_or_else(|e| panic!("{}: {e:?}", op.name()));
            assert_eq!(module.entry_points.len(), 1);
            assert_eq!(module.entry_points[0].name, "main");
            assert_eq!(module.global_variables.iter().filter(|(_, v)| v.binding.is_some()).count(), op.n_buffers() + 1);
            let code: String = text.lines().map(|l| l.split("//").next().unwrap_or("")).collect();
            for word in ["f32", "f16", "f64", "vec2f", "vec3f", "vec4f", "float", "i64", "u64", " / ", " % "] {
                assert!(!code.contains(word), "{} says {word}", op.name());
            }
            assert!(text.lines().all(|l| l.chars().count() <= 120), "{} has long lines", op.name());
        }
    }

    #[test]
    fn all_shaders_have_the_same_parameters() {
        let shaders = Shaders::default();
        let params = |op| {
            let text = shaders.text(op);
            let start = text.find("struct Params {").unwrap();
            text[start..].split('}').next().unwrap().to_string()
        };
        for op in Op::ALL {
            assert_eq!(params(op), params(Op::Fill), "{}", op.name());
            assert_eq!(params(op).matches(':').count() as u64 * 4, PARAMS_BYTES);
        }
    }
}
