//! The GPUs of this machine: whether they compute what the plain kernels do, and where their time goes.

use super::conformance::{Conformance, Plain};
use super::stage::Stage;
use super::tiles::Tile;
use collapsar::internals::Result;
use collapsar::internals::device::Wish;
use collapsar::internals::gpu::{AdapterInfo, Gpu, Profile, TileInts, TilePayload, adapters};
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::model::Model;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// An adapter and its device, or why there is none.
pub struct Adapter {
    pub index: usize,
    pub info: AdapterInfo,
    pub gpu: Result<Gpu>,
}

/// Those that the caller wants measured.
pub fn wanted(wish: Wish) -> Vec<Adapter> {
    if wish == Wish::Cpu {
        return Vec::new();
    }
    let is_wanted = |index: &usize| !matches!(wish, Wish::Gpu(Some(one)) if one != *index);
    let all = adapters().into_iter().enumerate().filter(|(index, _)| is_wanted(index));
    all.map(|(index, info)| Adapter { index, info, gpu: Gpu::open(Some(index)) }).collect()
}

impl Adapter {
    /// As reports name it.
    pub fn name(&self) -> String {
        format!("gpu:{} {} ({})", self.index, self.info.name, self.info.backend.name())
    }

    pub fn json(&self) -> Value {
        let AdapterInfo { name, backend, driver, driver_info, device_type, .. } = &self.info;
        json!({
            "index": self.index, "name": name, "backend": backend.name(), "driver": driver, "driver_info": driver_info,
            "device_type": device_type, "fault": self.gpu.as_ref().err().map(ToString::to_string),
        })
    }

    pub fn row(&self) -> [String; 6] {
        let AdapterInfo { name, backend, driver, driver_info, device_type, .. } = &self.info;
        let state = self.gpu.as_ref().err().map_or("opened".into(), ToString::to_string);
        let driver = format!("{driver} {driver_info}").trim().to_string();
        [format!("gpu:{}", self.index), name.clone(), backend.name().into(), driver, device_type.to_string(), state]
    }

    pub fn conformance(&self, plain: &Plain) -> Option<Conformance> {
        Some(plain.adapter(&self.name(), self.gpu.as_ref().ok()?))
    }

    /// The ops of a batch of tiles one by one, and whole batches, in bytes of 16-bit samples; `turns` times.
    pub fn stages(&self, model: &Model, tiles: &[Tile], turns: usize) -> Result<Vec<Stage>> {
        let Ok(gpu) = &self.gpu else { return Ok(Vec::new()) };
        let (kernels, linears) = (model.kernels(Level::detect()), model.linears(0)); // the CPU pops with them
        let context = tiles[0].context(model, &kernels, &linears);
        let (to_encode, to_decode) =
            (model.plan_to_encode(tiles[0].h, tiles[0].w), model.plan_to_decode(tiles[0].h, tiles[0].w));
        let batch: Vec<TileInts> = tiles.iter().map(|tile| TileInts { ints: &tile.ints, refs: &[] }).collect();
        let payloads = gpu.encode(context, &to_encode, &batch)?; // and the shaders are compiled
        let coded: Vec<TilePayload> = payloads.iter().map(|payload| TilePayload { payload, refs: &[] }).collect();

        let mut profiles: Vec<Profile> = Vec::new();
        for _ in 0..turns {
            let mut profile = gpu.profile(context, &to_encode, &batch)?;
            let clock = Instant::now();
            gpu.encode(context, &to_encode, &batch)?;
            profile.push(("tiles: encode", clock.elapsed()));
            let clock = Instant::now();
            gpu.decode(context, &to_decode, &coded)?;
            profile.push(("tiles: decode", clock.elapsed()));
            profiles.push(profile);
        }
        let n_bytes = tiles.iter().map(|tile| tile.ints.len() * 2).sum();
        let mut times: BTreeMap<usize, (&str, Vec<Duration>)> = BTreeMap::new();
        for (place, (stage, time)) in profiles.into_iter().flat_map(|profile| profile.into_iter().enumerate()) {
            times.entry(place).or_insert((stage, Vec::new())).1.push(time);
        }
        let name = self.name();
        Ok(times.into_values().map(|(stage, times)| Stage::new(&name, model, stage, times, n_bytes)).collect())
    }
}
