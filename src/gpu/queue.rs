//! Buffers, pipelines and dispatches; waiting for them.

use super::Gpu;
use super::op::{Op, context_size};
use super::params;
use crate::error::{Error, Result};
use bytemuck::NoUninit;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use wgpu::{BindGroup, Buffer, BufferUsages};

/// A compiled shader and the threads of its workgroups.
pub(super) struct Pipeline {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    size: u32,
}

/// A pipeline with its buffers: ready to be dispatched with any of the parameters in the first of them.
pub(super) struct Bound {
    pipeline: Arc<Pipeline>,
    group: BindGroup,
}

pub(super) fn constant_buffer(device: &wgpu::Device, queue: &wgpu::Queue, words: &[i32]) -> Buffer {
    let buffer = new_buffer(device, words.len() * 4, BufferUsages::STORAGE | BufferUsages::COPY_DST);
    queue.write_buffer(&buffer, 0, bytemuck::cast_slice(words));
    buffer
}

fn new_buffer(device: &wgpu::Device, bytes: usize, usage: BufferUsages) -> Buffer {
    let size = (bytes.max(16) as u64).next_multiple_of(16);
    device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

impl Gpu {
    /// The first fault since the device was opened, as an error.
    pub(super) fn check(&self) -> Result<()> {
        match self.fault.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            None => Ok(()),
            Some(message) => Err(Error::device(message.clone()).at(&self.info.name)),
        }
    }

    /// Most bytes of one binding.
    pub(super) fn max_binding(&self) -> u64 {
        let limits = self.device.limits();
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
    }

    /// A storage buffer for `n` words, all zero.
    pub(super) fn storage(&self, n: usize) -> Buffer {
        new_buffer(&self.device, n * 4, BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC)
    }

    pub(super) fn staging(&self, n: usize) -> Buffer {
        new_buffer(&self.device, n * 4, BufferUsages::MAP_READ | BufferUsages::COPY_DST)
    }

    /// A storage buffer that holds `data`.
    pub(super) fn upload<T: NoUninit>(&self, data: &[T]) -> Buffer {
        let buffer = self.storage(size_of_val(data).div_ceil(4));
        self.write(&buffer, data);
        buffer
    }

    pub(super) fn write<T: NoUninit>(&self, buffer: &Buffer, data: &[T]) {
        if !data.is_empty() {
            self.queue.write_buffer(buffer, 0, bytemuck::cast_slice(data));
        }
    }

    /// The uniform buffer of the parameters of dispatches, each at its own aligned place.
    pub(super) fn upload_params(&self, all: &[Vec<u32>]) -> Buffer {
        let mut bytes = vec![0u8; all.len().max(1) * params::PITCH as usize];
        for (words, at) in all.iter().zip(bytes.chunks_exact_mut(params::PITCH as usize)) {
            at[..4 * words.len()].copy_from_slice(bytemuck::cast_slice(words));
        }
        let buffer = new_buffer(&self.device, bytes.len(), BufferUsages::UNIFORM | BufferUsages::COPY_DST);
        self.write(&buffer, &bytes);
        buffer
    }

    /// The pipeline of an op; `words` is the width of `context`'s columns.
    fn pipeline(&self, op: Op, words: u32) -> Arc<Pipeline> {
        let words = if op == Op::Context { words } else { 0 };
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pipelines.entry((op, words)).or_insert_with(|| Arc::new(self.compile(op, words))))
    }

    fn compile(&self, op: Op, words: u32) -> Pipeline {
        let entry = |binding: usize| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match binding {
                    0 => wgpu::BufferBindingType::Uniform,
                    _ => wgpu::BufferBindingType::Storage { read_only: binding <= op.n_read() },
                },
                has_dynamic_offset: binding == 0,
                min_binding_size: None,
            },
            count: None,
        };
        let entries: Vec<_> = (0..=op.n_buffers()).map(entry).collect();
        let label = Some(op.name());
        let layout =
            self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label,
            source: wgpu::ShaderSource::Wgsl(self.shaders.text(op).into()),
        });
        let size = if op == Op::Context { context_size(words) } else { 64 };
        let sizes = [("SIZE", f64::from(size)), ("WORDS", f64::from(words))];
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label,
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            })),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: if op == Op::Context { &sizes } else { &[] },
                // a thread reads only what it has written itself
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        Pipeline { pipeline, layout, size }
    }

    /// `buffers` are params, inputs, weights, output, as in the shader.
    pub(super) fn bind(&self, op: Op, words: u32, params: &Buffer, buffers: &[&Buffer]) -> Bound {
        let pipeline = self.pipeline(op, words);
        let uniform = wgpu::BufferBinding { buffer: params, offset: 0, size: params::BYTES.try_into().ok() };
        let first = wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(uniform) };
        let others = buffers
            .iter()
            .enumerate()
            .map(|(i, b)| wgpu::BindGroupEntry { binding: i as u32 + 1, resource: b.as_entire_binding() });
        let entries: Vec<_> = std::iter::once(first).chain(others).collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(op.name()),
            layout: &pipeline.layout,
            entries: &entries,
        });
        Bound { pipeline, group }
    }

    pub(super) fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    pub(super) fn submit(&self, encoder: wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        self.queue.submit([encoder.finish()])
    }

    pub(super) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<()> {
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: None };
        self.device.poll(wait).map_err(|e| Error::device(e.to_string()).at(&self.info.name))?;
        self.check()
    }

    /// Calls `f` with the first `n` words of a staging buffer once `submission` is done.
    pub(super) fn read<T>(
        &self,
        staging: &Buffer,
        n: usize,
        submission: wgpu::SubmissionIndex,
        f: impl FnOnce(&[i32]) -> T,
    ) -> Result<T> {
        let failed = |message: String| Error::device(message).at(&self.info.name);
        self.check()?;
        let slice = staging.slice(..(n.max(1) * 4) as u64);
        let (send, receive) = channel();
        slice.map_async(wgpu::MapMode::Read, move |mapped| {
            let _ = send.send(mapped);
        });
        self.wait(submission)?;
        // another thread's wait may have taken our callback and not run it yet
        let mapped = loop {
            match receive.recv_timeout(Duration::from_millis(1)) {
                Ok(mapped) => break mapped,
                Err(RecvTimeoutError::Disconnected) => return Err(failed("its results were forgotten".into())),
                Err(RecvTimeoutError::Timeout) => {
                    self.check()?;
                    self.device.poll(wgpu::PollType::Poll).map_err(|e| failed(e.to_string()))?;
                }
            }
        };
        mapped.map_err(|e| failed(format!("its results cannot be read: {e}")))?;
        let view = slice.get_mapped_range().map_err(|e| failed(e.to_string()))?;
        let result = f(&bytemuck::cast_slice(&view)[..n]);
        drop(view);
        staging.unmap();
        Ok(result)
    }
}

impl Bound {
    /// `n` threads for each of so many rows, with the parameters at `offset`.
    pub(super) fn dispatch(&self, pass: &mut wgpu::ComputePass, offset: u64, n: usize, n_rows: usize) {
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.group, &[offset as u32]);
        pass.dispatch_workgroups((n as u32).div_ceil(self.pipeline.size), n_rows as u32, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::gpu::Backend;
    use crate::kernel::context::Heads;
    use crate::kernel::mixture::Mixtures;

    fn mix(gpu: &Gpu) -> Result<()> {
        let heads = Heads { stride: 1, s: vec![100], heads: vec![0; 3] };
        gpu.mixture(&[640], &heads, 4000, &mut Mixtures::new(1, 1))
    }

    fn gpus() -> Vec<Gpu> {
        [Backend::Vulkan, Backend::Metal, Backend::Dx12].iter().flat_map(|&b| Gpu::open_backend(b).unwrap()).collect()
    }

    #[test]
    fn a_lost_device_is_an_error() {
        for gpu in gpus() {
            assert_eq!(mix(&gpu), Ok(()));
            gpu.device.destroy();
            assert_eq!(mix(&gpu).unwrap_err().kind, ErrorKind::Device);
            assert_eq!(mix(&gpu).unwrap_err().kind, ErrorKind::Device);
        }
    }

    #[test]
    fn memory_that_there_is_not_is_an_error() {
        for gpu in gpus() {
            let most = gpu.device.limits().max_buffer_size;
            let buffers: Vec<Buffer> = (0..3).map(|_| gpu.storage((most / 4) as usize + 1)).collect();
            assert_eq!(gpu.check().unwrap_err().kind, ErrorKind::Device);
            drop(buffers);
        }
    }

    #[test]
    fn a_shader_that_does_not_compile_is_an_error() {
        let shaders = crate::gpu::Shaders::default().with(Op::Mixture, "var rest", "var rest: rest");
        for gpu in Gpu::open_with(Backend::Vulkan, &shaders).unwrap() {
            assert_eq!(mix(&gpu).unwrap_err().kind, ErrorKind::Device);
        }
    }
}
