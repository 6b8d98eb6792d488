//! Which GPUs there are, and opening one of them.

use super::interface::{AdapterInfo, Backend};
use super::{Gpu, Shaders, queue, tables};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Device memory of a batch unless the caller says otherwise: about thirty tiles of 256 × 256.
const BATCH_BYTES: u64 = 256 << 20;

/// In the order in which they are asked.
const ALL: [Backend; 4] = [Backend::Vulkan, Backend::Metal, Backend::Dx12, Backend::Gl];

impl Backend {
    fn backends(self) -> wgpu::Backends {
        match self {
            Backend::Vulkan => wgpu::Backends::VULKAN,
            Backend::Metal => wgpu::Backends::METAL,
            Backend::Dx12 => wgpu::Backends::DX12,
            Backend::Gl => wgpu::Backends::GL,
        }
    }
}

impl AdapterInfo {
    /// Not a software renderer.
    pub fn is_hardware(&self) -> bool {
        matches!(self.device_type, "discrete" | "integrated" | "virtual")
    }

    fn new(backend: Backend, info: wgpu::AdapterInfo) -> AdapterInfo {
        AdapterInfo {
            name: info.name,
            backend,
            driver: info.driver,
            driver_info: info.driver_info,
            device_type: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => "discrete",
                wgpu::DeviceType::IntegratedGpu => "integrated",
                wgpu::DeviceType::VirtualGpu => "virtual",
                wgpu::DeviceType::Cpu => "cpu",
                wgpu::DeviceType::Other => "other",
            },
            vendor_id: info.vendor,
            device_id: info.device,
        }
    }

    /// Lower is better: real devices before emulated ones.
    fn rank(&self) -> usize {
        ["discrete", "integrated", "virtual", "other", "cpu"].iter().position(|&t| t == self.device_type).unwrap_or(5)
    }
}

/// All usable adapters: Vulkan, Metal, DX12, then GL, each in its driver's order.
pub fn adapters() -> Vec<AdapterInfo> {
    usable(&ALL).into_iter().map(|(info, _)| info).collect()
}

fn usable(backends: &[Backend]) -> Vec<(AdapterInfo, wgpu::Adapter)> {
    let mut found = Vec::new();
    for &backend in backends {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = backend.backends();
        descriptor.flags = wgpu::InstanceFlags::empty();
        let instance = wgpu::Instance::new(descriptor);
        for adapter in pollster::block_on(instance.enumerate_adapters(backend.backends())) {
            let computes = adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS);
            if computes && enough(&adapter.limits()) {
                found.push((AdapterInfo::new(backend, adapter.get_info()), adapter));
            }
        }
    }
    found
}

/// Whether asking the drivers is worth while: that takes tens of milliseconds, and some of them talk to standard error.
fn may_have_hardware() -> bool {
    let nodes = ["/dev/dri", "/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd", "/dev/mali0"];
    !cfg!(target_os = "linux") || nodes.iter().any(|node| std::path::Path::new(node).exists())
}

/// The parts of WebGPU's default limits that the shaders use.
fn enough(limits: &wgpu::Limits) -> bool {
    let least = wgpu::Limits::defaults();
    limits.max_storage_buffers_per_shader_stage >= 8
        && limits.max_compute_workgroup_storage_size >= least.max_compute_workgroup_storage_size
        && limits.max_compute_invocations_per_workgroup >= 64
        && limits.max_compute_workgroup_size_x >= 64
        && limits.max_compute_workgroups_per_dimension >= least.max_compute_workgroups_per_dimension
        && limits.min_uniform_buffer_offset_alignment <= 256
}

impl Gpu {
    /// The adapter at `index` of `adapters()`; without one the best.
    pub fn open(index: Option<usize>) -> Result<Gpu> {
        match index {
            Some(index) => {
                let mut all = usable(&ALL);
                if index >= all.len() {
                    return Err(Error::device(format!("there is no GPU {index}, {} were found", all.len())));
                }
                let (info, adapter) = all.swap_remove(index);
                Gpu::with(info, &adapter, Shaders::default())
            }
            None => {
                let native = usable(&[Backend::Vulkan, Backend::Metal, Backend::Dx12]);
                let all = if native.is_empty() { usable(&[Backend::Gl]) } else { native };
                let best = all.into_iter().min_by_key(|(info, _)| info.rank());
                let (info, adapter) = best.ok_or_else(|| Error::device("no usable GPU was found"))?;
                Gpu::with(info, &adapter, Shaders::default())
            }
        }
    }

    /// The best that is no software renderer; GL is not asked, since asking it costs more than it brings.
    pub fn open_hardware() -> Result<Option<Gpu>> {
        if !may_have_hardware() {
            return Ok(None);
        }
        let native = usable(&[Backend::Vulkan, Backend::Metal, Backend::Dx12]);
        let best = native.into_iter().filter(|(info, _)| info.is_hardware()).min_by_key(|(info, _)| info.rank());
        best.map(|(info, adapter)| Gpu::with(info, &adapter, Shaders::default())).transpose()
    }

    /// Every adapter of a backend.
    pub fn open_backend(backend: Backend) -> Result<Vec<Gpu>> {
        Gpu::open_with(backend, &Shaders::default())
    }

    /// Every adapter of a backend, with other shaders: how a test shows that a wrong one is noticed.
    pub fn open_with(backend: Backend, shaders: &Shaders) -> Result<Vec<Gpu>> {
        usable(&[backend]).into_iter().map(|(info, adapter)| Gpu::with(info, &adapter, shaders.clone())).collect()
    }

    fn with(info: AdapterInfo, adapter: &wgpu::Adapter, shaders: Shaders) -> Result<Gpu> {
        let has = adapter.limits();
        let mut limits = wgpu::Limits::defaults().or_worse_values_from(&has);
        limits.max_buffer_size = has.max_buffer_size;
        limits.max_storage_buffer_binding_size = has.max_storage_buffer_binding_size;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("collapsar"),
            required_features: wgpu::Features::empty(),
            required_limits: limits,
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|e| Error::device(e.to_string()).at(&info.name))?;
        let fault = Arc::new(Mutex::new(None));
        let first = |fault: &Arc<Mutex<Option<String>>>| {
            let fault = Arc::clone(fault);
            move |message: String| {
                fault.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(message);
            }
        };
        let (uncaptured, lost) = (first(&fault), first(&fault));
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| uncaptured(e.to_string())));
        device.set_device_lost_callback(move |reason, message| lost(format!("lost ({reason:?}): {message}")));
        let constants = queue::constant_buffer(&device, &queue, &tables::constants());
        let gpu = Gpu {
            info,
            batch_bytes: BATCH_BYTES,
            device,
            queue,
            shaders,
            pipelines: Mutex::new(BTreeMap::new()),
            constants,
            fault,
            verified: Mutex::new(BTreeSet::new()),
        };
        gpu.check()?;
        Ok(gpu)
    }
}
