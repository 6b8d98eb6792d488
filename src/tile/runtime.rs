//! A model packed for this machine: its kernels, and its plans, one per size of tile, made when first needed.

use crate::kernel::fast::{Kernels, Level};
use crate::model::{Model, Plan};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// So many bytes of plans are kept in a process: one that codes chunks of ever other sizes would fill its memory.
const MAX_BYTES: usize = 128 << 20;
/// What one more takes in the list of all.
const EACH: usize = 256;

pub struct Runtime {
    model: Arc<Model>,
    kernels: Kernels,
    plans: Arc<Plans>,
}

/// Whose plans they are. Plans depend on where nets look, not on what they weigh: refits of a model share them.
struct Plans(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    whose: u64,
    is_to_encode: bool,
    size: (usize, usize),
}

/// The plans of all models of a process.
#[derive(Default)]
struct Kept {
    plans: BTreeMap<Key, Arc<Plan>>,
    n_bytes: usize,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { plans: BTreeMap::new(), n_bytes: 0 });

impl Runtime {
    pub fn new(model: Arc<Model>) -> Arc<Runtime> {
        Runtime::at(Level::detect(), model)
    }

    /// With the kernels of a level that this machine has.
    pub fn at(level: Level, model: Arc<Model>) -> Arc<Runtime> {
        Arc::new(Runtime { kernels: model.kernels(level), model, plans: Arc::new(Plans::new()) })
    }

    /// The same model with other last layers.
    pub fn refitted(&self, model: Arc<Model>) -> Arc<Runtime> {
        Arc::new(Runtime { kernels: model.kernels(self.kernels.level()), model, plans: self.plans.clone() })
    }

    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    pub fn kernels(&self) -> &Kernels {
        &self.kernels
    }

    pub fn plan_to_encode(&self, h: usize, w: usize) -> Arc<Plan> {
        self.plans.get(true, (h, w), || self.model.plan_to_encode(h, w))
    }

    pub fn plan_to_decode(&self, h: usize, w: usize) -> Arc<Plan> {
        self.plans.get(false, (h, w), || self.model.plan_to_decode(h, w))
    }
}

impl Plans {
    fn new() -> Plans {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Plans(NEXT.fetch_add(1, Relaxed))
    }

    /// Who else needs a plan waits for it: tiles of one size are coded side by side.
    fn get(&self, is_to_encode: bool, size: (usize, usize), make: impl FnOnce() -> Plan) -> Arc<Plan> {
        let key = Key { whose: self.0, is_to_encode, size };
        let mut kept = lock(&KEPT);
        if let Some(plan) = kept.plans.get(&key) {
            return plan.clone();
        }
        let plan = Arc::new(make());
        let n_bytes = plan.n_bytes() + EACH;
        if kept.n_bytes + n_bytes > MAX_BYTES {
            *kept = Kept::default();
        }
        kept.n_bytes += n_bytes;
        kept.plans.insert(key, plan.clone());
        plan
    }
}

impl Drop for Plans {
    fn drop(&mut self) {
        let mut kept = lock(&KEPT);
        kept.plans.retain(|key, _| key.whose != self.0);
        kept.n_bytes = kept.plans.values().map(|plan| plan.n_bytes() + EACH).sum();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The packed models of a file, or of a process: arrays that name the same model share one.
#[derive(Clone, Default)]
pub struct Runtimes(Arc<Mutex<Vec<Arc<Runtime>>>>);

/// So many are kept; a file has no more, and a process that loads ever new ones lets the oldest go.
const MAX_RUNTIMES: usize = 96;

impl Runtimes {
    /// Those that a process keeps from one chunk to the next: packing a model takes longer than coding one.
    pub fn of_process() -> Runtimes {
        static KEPT: LazyLock<Runtimes> = LazyLock::new(Runtimes::default);
        KEPT.clone()
    }

    pub fn of(&self, model: &Arc<Model>) -> Arc<Runtime> {
        let mut all = lock(&self.0);
        if let Some(runtime) = all.iter().find(|runtime| Arc::ptr_eq(runtime.model(), model)) {
            return runtime.clone();
        }
        if all.len() == MAX_RUNTIMES {
            all.remove(0);
        }
        let runtime = Runtime::new(model.clone());
        all.push(runtime.clone());
        runtime
    }

    /// Of a model that was refitted to one array: nobody else will ask for it.
    pub fn of_refit(&self, model: &Arc<Model>) -> Arc<Runtime> {
        let base = lock(&self.0).iter().find(|runtime| runtime.model().hash == model.hash).cloned();
        base.map_or_else(|| Runtime::new(model.clone()), |base| base.refitted(model.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::synthetic;

    #[test]
    fn plans_of_ever_other_sizes_and_models_do_not_fill_the_memory() {
        let runtimes =
            [Family::Idf, Family::L3c, Family::Lattice].map(|family| Runtime::new(synthetic::loaded(family)));
        let mut n_made = 0;
        for i in 0..40 {
            for runtime in &runtimes {
                let plans = [runtime.plan_to_decode(1, 20_000 + i), runtime.plan_to_encode(1, 20_000 + i)];
                n_made += plans.iter().map(|plan| plan.n_bytes()).sum::<usize>();
                assert!(lock(&KEPT).n_bytes <= MAX_BYTES);
            }
        }
        assert!(n_made > 2 * MAX_BYTES, "{n_made} bytes are too few to say anything");
        let again = || Arc::ptr_eq(&runtimes[0].plan_to_decode(9, 9), &runtimes[0].plan_to_decode(9, 9));
        assert!((0..9).any(|_| again()), "others may clear the list at any time, but not each time");
        assert!(!Arc::ptr_eq(&runtimes[0].plan_to_decode(9, 9), &runtimes[0].plan_to_encode(9, 9)));
        let whose: Vec<u64> = runtimes.iter().map(|runtime| runtime.plans.0).collect();
        drop(runtimes);
        let kept = lock(&KEPT);
        assert!(kept.plans.keys().all(|key| !whose.contains(&key.whose)), "plans go with the last who needs them");
        assert_eq!(kept.n_bytes, kept.plans.values().map(|plan| plan.n_bytes() + EACH).sum::<usize>());
    }
}
