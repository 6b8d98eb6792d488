//! One op over one run, with the signature of its plain kernel: for tests, and for `verify`.

use super::Gpu;
use super::op::{Op, Params};
use super::queue::dispatch;
use super::spots;
use super::tables::{linear_terms, net_params, net_weights, net_words, widest};
use super::waves::log2_step;
use crate::error::Result;
use crate::kernel::context::Heads;
use crate::kernel::mixture::{Mixtures, Window};
use crate::kernel::predict::Linear;
use crate::kernel::{Look, Offsets, Usual};
use crate::model::l3c::Steps;
use crate::net::Net;
use wgpu::Buffer;

impl Gpu {
    pub fn predict(
        &self,
        linear: &Linear,
        offsets: &Offsets,
        look: Look,
        at: usize,
        max: i32,
        b: &mut [i32],
    ) -> Result<()> {
        let mut terms = Vec::new();
        let run = run(look, b.len());
        let params = Params {
            max,
            n_arena: run.n_arena,
            n_refs: run.n_refs,
            n: run.n,
            stride: run.stride,
            ..linear_terms(linear, offsets, look.refs.len(), &mut terms)
        };
        let (cells, values, refs) = self.upload_look(look, at, b.len());
        let out = self.one(Op::Predict, 0, params, &[&cells, &values, &refs, &self.upload(&terms)], b.len())?;
        b.copy_from_slice(&out);
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    pub fn context(
        &self,
        net: &Net,
        offsets: &Offsets,
        look: Look,
        at: usize,
        level: i32,
        b: &[i32],
        out: &mut Heads,
    ) -> Result<()> {
        let mut weights = Vec::new();
        net_weights(net, &mut weights);
        let n_taps = offsets.taps.len() as u32;
        let n_ref_taps = offsets.ref_taps.len() as u32;
        let n_spots = net.n_hints as u32;
        let params = net_params(net, level, Params { n_taps, n_ref_taps, n_spots, ..run(look, b.len()) });
        let (cells, values, refs) = self.upload_look(look, at, b.len());
        let residuals = self.upload(look.residuals);
        let offsets = self.upload(&[&offsets.taps[..], &offsets.ref_taps, &offsets.hints].concat());
        let (b_buffer, weights) = (self.upload(b), self.upload(&weights));
        let buffers = [&cells, &values, &residuals, &refs, &b_buffer, &offsets, &weights];
        let n_heads = 3 * net.k;
        let words = widest([net_words(net)].into_iter());
        let y = self.one(Op::Context, words, params, &buffers, (n_heads + 1) * b.len())?;
        put_heads(&y, b.len(), out);
        Ok(())
    }

    /// Features, then the layers one after the other; before the run there is nothing to look at.
    #[allow(clippy::too_many_arguments)]
    pub fn around(
        &self,
        net: &Net,
        offsets: &Offsets,
        look: Look,
        at: usize,
        level: i32,
        b: &[i32],
        out: &mut Heads,
    ) -> Result<()> {
        let (mut weights, n) = (Vec::new(), b.len());
        let begins = spots::layers(net, &offsets.around, &mut weights);
        let span = offsets.around.iter().map(|o| o.unsigned_abs()).max().unwrap_or(0);
        let (n_taps, n_ref_taps) = (offsets.taps.len() as u32, offsets.ref_taps.len() as u32);
        let (n_spots, n_words) = (span + n as u32, spots::n_words(net) as u32);
        let params = Params { n_taps, n_ref_taps, spots: n as u32, n_spots, n_words, ..run(look, n) };
        let params = net_params(net, level, params);
        let layer = |&weights: &u32| Params { weights, n_layers: 1, ..params };
        let params: Vec<Params> = std::iter::once(params).chain(begins.iter().map(layer)).collect();

        let cells: Vec<u32> = (at as u32..(at + n) as u32).chain(span..n_spots).collect();
        let (_, values, refs) = self.upload_look(look, at, n);
        let (cells, residuals, b_buffer) = (self.upload(&cells), self.upload(look.residuals), self.upload(b));
        let offsets = self.upload(&[&offsets.taps[..], &offsets.ref_taps].concat());
        let (weights, uniform) = (self.upload(&weights), self.upload_params(&params));
        let n_out = (3 * net.k + 1) * n;
        let (acts, heads, staging) =
            (self.storage((n_spots * n_words) as usize), self.storage(n_out), self.staging(n_out));
        let features = [&cells, &values, &residuals, &refs, &b_buffer, &offsets, &acts];
        let features = self.bind(Op::Features, 0, &uniform, &features);
        let around = self.bind(Op::Around, 0, &uniform, &[&cells, &weights, &acts, &heads]);
        let mut encoder = self.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            dispatch(&mut pass, &features, &params, 0..1, 1);
            dispatch(&mut pass, &around, &params, 1..params.len(), 1);
        }
        encoder.copy_buffer_to_buffer(&heads, 0, &staging, 0, n_out as u64 * 4);
        let submission = self.submit(encoder);
        self.read(&staging, n_out, submission, |words| put_heads(bytemuck::cast_slice(words), n, out))
    }

    pub fn mixture(&self, b: &[i32], heads: &Heads, mass: i32, out: &mut Mixtures) -> Result<()> {
        let (n, k) = (b.len(), out.k);
        let params = Params { n: n as u32, stride: n as u32, k: k as u32, mass, ..Params::default() };
        let mut all = heads.s[..n].to_vec();
        (0..3 * k).for_each(|h| all.extend(&heads.heads[h * heads.stride..][..n]));
        let buffers = [&self.upload(b), &self.upload(&all), &self.constants];
        let y = self.one(Op::Mixture, 0, params, &buffers, 3 * k * n)?;
        let parts = [&mut out.location, &mut out.log2_scale, &mut out.weight];
        for (part, y) in parts.into_iter().zip(y.chunks_exact(k * n)) {
            for (c, y) in y.chunks_exact(n).enumerate() {
                part[c * out.stride..][..n].copy_from_slice(y);
            }
        }
        Ok(())
    }

    /// The features that the first heads of the first `out.len()` cells say, none above 24 or `max`.
    pub fn quantise(&self, heads: &Heads, max: i32, out: &mut [i32]) -> Result<()> {
        let n = out.len();
        let params = Params { n: n as u32, stride: n as u32, k: 1, max, ..Params::default() };
        let all = [&heads.s[..n], &heads.heads[..n]].concat();
        out.copy_from_slice(&self.one(Op::Quantise, 0, params, &[&self.upload(&all)], n)?);
        Ok(())
    }

    /// b and s of cells of a scale in its steps; no scale: of features.
    pub fn coarsen(&self, steps: Steps, scale: Option<usize>, b: &[i32], s: &mut [i32], out: &mut [i32]) -> Result<()> {
        let n = b.len();
        let params = Params { n: n as u32, stride: n as u32, spots: log2_step(steps, scale), ..Params::default() };
        let params = [params];
        let (uniform, coarse, staging) = (self.upload_params(&params), self.storage(n), self.staging(2 * n));
        let (heads, b) = (self.upload(&s[..n]), self.upload(b));
        let bound = self.bind(Op::Coarsen, 0, &uniform, &[&b, &heads, &coarse]);
        let mut encoder = self.encoder();
        dispatch(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()), &bound, &params, 0..1, 1);
        encoder.copy_buffer_to_buffer(&coarse, 0, &staging, 0, n as u64 * 4);
        encoder.copy_buffer_to_buffer(&heads, 0, &staging, n as u64 * 4, n as u64 * 4);
        let submission = self.submit(encoder);
        self.read(&staging, 2 * n, submission, |words| {
            let (coarse, heads) = bytemuck::cast_slice(words).split_at(n);
            out[..n].copy_from_slice(coarse);
            s[..n].copy_from_slice(heads);
        })
    }

    #[allow(clippy::too_many_arguments)]
    pub fn intervals(
        &self,
        m: &Mixtures,
        window: Window,
        b: &[i32],
        ints: &[i32],
        start: &mut [u32],
        width: &mut [u32],
    ) -> Result<()> {
        let n = ints.len();
        let params = Params {
            n: n as u32,
            stride: n as u32,
            k: m.k as u32,
            n_symbols: window.n_symbols(),
            escapes: window.escapes().into(),
            ..Params::default()
        };
        let mut all: Vec<i32> = Vec::new();
        for part in [&m.location, &m.log2_scale, &m.weight] {
            (0..m.k).for_each(|c| all.extend(&part[c * m.stride..][..n]));
        }
        let buffers = [&self.upload(ints), &self.upload(&b[..n]), &self.upload(&all), &self.constants];
        let y = self.one(Op::Interval, 0, params, &buffers, 2 * n)?;
        for (i, pair) in y.chunks_exact(2).enumerate() {
            (start[i], width[i]) = (pair[0] as u32, pair[1] as u32);
        }
        Ok(())
    }

    fn upload_look(&self, look: Look, at: usize, n: usize) -> (Buffer, Buffer, Buffer) {
        let cells: Vec<u32> = (at as u32..(at + n) as u32).collect();
        (self.upload(&cells), self.upload(look.values), self.upload(&look.refs.concat()))
    }

    /// One op for one tile: the `n_out` words it writes.
    fn one(&self, op: Op, words: u32, params: Params, inputs: &[&Buffer], n_out: usize) -> Result<Vec<i32>> {
        let (uniform, out, staging) = (self.upload_params(&[params]), self.storage(n_out), self.staging(n_out));
        let mut buffers = inputs.to_vec();
        buffers.push(&out);
        let bound = self.bind(op, words, &uniform, &buffers);
        let mut encoder = self.encoder();
        dispatch(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()), &bound, &[params], 0..1, 1);
        encoder.copy_buffer_to_buffer(&out, 0, &staging, 0, n_out as u64 * 4);
        let submission = self.submit(encoder);
        self.read(&staging, n_out, submission, |words| bytemuck::cast_slice(words).to_vec())
    }
}

/// s, then head after head of n cells.
fn put_heads(y: &[i32], n: usize, out: &mut Heads) {
    out.s[..n].copy_from_slice(&y[..n]);
    for (h, head) in y[n..].chunks_exact(n).enumerate() {
        out.heads[h * out.stride..][..n].copy_from_slice(head);
    }
}

fn run(look: Look, n: usize) -> Params {
    let (n, n_arena, n_refs) = (n as u32, look.values.len() as u32, look.refs.len() as u32);
    let Usual { value: usual, residual } = look.usual;
    Params { n, stride: n, n_arena, n_refs, usual, residual, ..Params::default() }
}
