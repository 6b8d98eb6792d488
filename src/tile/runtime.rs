//! What coding needs of a model besides its file: its kernels for this machine, and its plans, one per size of tile, made when
//! first needed.

use crate::kernel::fast::{Fast, Level};
use crate::model::{Model, Plan};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub struct Plans {
    pub fast: Fast,
    model: Arc<Model>,
    make: fn(&Model, usize, usize) -> Plan,
    made: Mutex<BTreeMap<(usize, usize), Arc<Plan>>>,
}

impl Plans {
    pub fn to_encode(model: Arc<Model>) -> Plans {
        Plans { fast: model.fast(Level::detect()), model, make: Model::plan_to_encode, made: Mutex::default() }
    }

    pub fn to_decode(model: Arc<Model>) -> Plans {
        Plans { fast: model.fast(Level::detect()), model, make: Model::plan_to_decode, made: Mutex::default() }
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    pub fn get(&self, h: usize, w: usize) -> Arc<Plan> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry((h, w)).or_insert_with(|| Arc::new((self.make)(&self.model, h, w))).clone()
    }
}
