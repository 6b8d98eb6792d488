//! bits(floats) = mean over classes of the mean over the class's held-out cells of −log₂ P, weights and activations
//! rounded
//!
//! Decides which weights of a training are kept. Held-out files are a part of the training data that no step is taken
//! on; data to be measured on comes near neither.

use crate::data::cells;
use crate::data::corpus::Corpus;
use crate::data::sample::Cells;
use crate::net::batch::Batch;
use crate::net::context::ContextNet;
use crate::net::head::Head;
use crate::net::quantise::shape;
use crate::net::shape::Shape;
use burn::tensor::Device;
use collapsar::internals::net::Net;
use serde_json::{Map, Value, json};

/// Cells that judge between two steps; all judge at the end.
const N_CELLS: usize = 1 << 16;
/// Cells in one forward pass.
const N_AT_ONCE: usize = 1 << 14;

pub struct Validator<'a> {
    corpus: &'a Corpus,
    cells: Cells,
    shape: Shape,
    head: Head,
    /// Without autodiff.
    device: Device,
    /// Some of the cells, spread evenly over each class.
    places: Vec<usize>,
}

impl<'a> Validator<'a> {
    pub fn new(corpus: &'a Corpus, cells: Cells, net: &Net, device: &Device) -> Validator<'a> {
        let mut by_class = vec![Vec::new(); 256];
        cells.class.iter().enumerate().for_each(|(i, &class)| by_class[usize::from(class)].push(i));
        by_class.retain(|places| !places.is_empty());
        let share = N_CELLS / by_class.len().max(1);
        let some = |places: &Vec<usize>| {
            let n = places.len().min(share);
            (0..n).map(|i| places[i * places.len() / n]).collect::<Vec<_>>()
        };
        let places = by_class.iter().flat_map(some).collect();
        let (shape, head) = (shape(net), net.spec().head);
        Validator { corpus, cells, shape, head, device: device.clone().inner(), places }
    }

    /// The mean of the classes and each class's bits per cell; none where nothing is held out.
    pub fn bits(&self, floats: &[f32]) -> Option<(f64, Map<String, Value>)> {
        let bits = self.floats(floats, &self.places, true);
        let classes = self.by_class(&self.places, &bits);
        let mean = classes.iter().map(|(_, bits)| bits).sum::<f64>() / classes.len() as f64;
        let classes = classes.into_iter().map(|(name, bits)| (name.to_owned(), json!(bits)));
        (!self.places.is_empty()).then(|| (mean, classes.collect()))
    }

    /// All held-out cells three times by class: as floats, as rounded floats, as the engine's integers.
    pub fn compare(&self, floats: &[f32], integer: &Net) -> Value {
        let places: Vec<usize> = (0..self.cells.len()).collect();
        let columns = [
            self.floats(floats, &places, false),
            self.floats(floats, &places, true),
            cells::bits(integer, &self.cells),
        ];
        let [plain, rounded, engine] = columns.map(|bits| self.by_class(&places, &bits));
        let rows = plain.iter().zip(rounded).zip(engine);
        rows.map(|((&(name, a), (_, b)), (_, c))| (name.to_owned(), json!([a, b, c]))).collect::<Map<_, _>>().into()
    }

    fn floats(&self, floats: &[f32], places: &[usize], quantised: bool) -> Vec<f64> {
        let net = ContextNet::new(floats, &self.shape, self.head, &self.device);
        let n_features = self.shape[0][0];
        let bits = |places: &[usize]| {
            let bits = net.bits(&Batch::new(&self.cells, places, n_features, &self.device), quantised);
            bits.into_data().try_into_vec::<f32>().expect("bits are f32").into_iter().map(f64::from)
        };
        places.chunks(N_AT_ONCE).flat_map(bits).collect()
    }

    fn by_class(&self, places: &[usize], bits: &[f64]) -> Vec<(&'a str, f64)> {
        let mut sums = vec![(0.0, 0.0); self.corpus.classes.len()];
        for (&i, bits) in places.iter().zip(bits) {
            let (sum, n) = &mut sums[usize::from(self.cells.class[i])];
            (*sum, *n) = (*sum + bits, *n + 1.0);
        }
        let classes = self.corpus.classes.iter().zip(sums).filter(|(_, (_, n))| *n > 0.0);
        classes.map(|((name, _), (sum, n))| (name.as_str(), sum / n)).collect()
    }
}

/// At most `n_most` of `n`, spread evenly.
pub fn evenly(n: usize, n_most: usize) -> Vec<usize> {
    let n_chosen = n.min(n_most);
    (0..n_chosen).map(|i| i * n / n_chosen).collect()
}

/// The mean over classes of the sum of bits by the sum of weights. None where nothing is.
pub fn mean_of_classes(judged: impl IntoIterator<Item = (u8, f32, f32)>) -> Option<f64> {
    let mut sums = vec![(0.0, 0.0); 256];
    for (class, bits, weight) in judged {
        let (sum, n) = &mut sums[usize::from(class)];
        (*sum, *n) = (*sum + f64::from(bits), *n + f64::from(weight));
    }
    let classes: Vec<f64> = sums.iter().filter(|(_, n)| *n > 0.0).map(|(sum, n)| sum / n).collect();
    (!classes.is_empty()).then(|| classes.iter().sum::<f64>() / classes.len() as f64)
}
