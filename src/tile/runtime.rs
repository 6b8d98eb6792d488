//! A model packed for this machine: its kernels, and its plans, one per size of tile, made when first needed.

use crate::kernel::fast::{Kernels, Level};
use crate::model::{Model, Plan};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// So many plans are kept, and so many bytes of them: a process that codes chunks of ever other sizes would fill its memory.
const MAX_PLANS: usize = 64;
const MAX_BYTES: usize = 64 << 20;

pub struct Runtime {
    model: Arc<Model>,
    kernels: Kernels,
    plans: Arc<Plans>,
}

/// Plans depend on where nets look, not on what they weigh: refits of a model share them.
#[derive(Default)]
struct Plans {
    to_encode: Mutex<Made>,
    to_decode: Mutex<Made>,
}

type Made = BTreeMap<(usize, usize), Arc<Plan>>;

impl Runtime {
    pub fn new(model: Arc<Model>) -> Arc<Runtime> {
        Runtime::at(Level::detect(), model)
    }

    /// With the kernels of a level that this machine has.
    pub fn at(level: Level, model: Arc<Model>) -> Arc<Runtime> {
        Arc::new(Runtime { kernels: model.kernels(level), model, plans: Arc::default() })
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
        get(lock(&self.plans.to_encode), (h, w), || self.model.plan_to_encode(h, w))
    }

    pub fn plan_to_decode(&self, h: usize, w: usize) -> Arc<Plan> {
        get(lock(&self.plans.to_decode), (h, w), || self.model.plan_to_decode(h, w))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn get(mut made: MutexGuard<Made>, size: (usize, usize), make: impl FnOnce() -> Plan) -> Arc<Plan> {
    if let Some(plan) = made.get(&size) {
        return plan.clone();
    }
    let plan = Arc::new(make());
    if made.len() == MAX_PLANS || n_bytes(&made) + plan.n_bytes() > MAX_BYTES {
        made.clear();
    }
    made.insert(size, plan.clone());
    plan
}

fn n_bytes(made: &Made) -> usize {
    made.values().map(|plan| plan.n_bytes()).sum()
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
    fn plans_of_ever_other_sizes_do_not_fill_the_memory() {
        let runtime = Runtime::new(synthetic::loaded(Family::Idf));
        let plans: Vec<Arc<Plan>> = (0..40).map(|i| runtime.plan_to_decode(1, 20_000 + i)).collect();
        assert!(plans.iter().map(|plan| plan.n_bytes()).sum::<usize>() > 2 * MAX_BYTES, "too few to say anything");
        let kept = lock(&runtime.plans.to_decode);
        assert!((1..=MAX_BYTES).contains(&n_bytes(&kept)));
        let last = kept.get(&(1, 20_039)).expect("the last one is kept");
        assert!(Arc::ptr_eq(last, &plans[39]));
    }
}
