//! A layer ⇄ its three tensors, `<name>.weight|bias|shift`.

use crate::error::{Error, Result};
use crate::net::Layer;
use safetensors::{Dtype, SafeTensors};

/// A tensor to be stored: name, type, shape, bytes.
pub type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

pub fn layer(tensors: &SafeTensors, name: &str) -> Result<Layer> {
    let weight = tensors.tensor(&format!("{name}.weight")).map_err(|e| Error::corrupt(e.to_string()))?;
    let &[n_out, n_in] = weight.shape() else {
        return Err(Error::corrupt(format!("{name}.weight has {} dimensions, 2 are needed", weight.shape().len())));
    };
    Ok(Layer {
        n_in,
        n_out,
        weights: tensor(tensors, &format!("{name}.weight"), Dtype::I8)?.iter().map(|&b| b as i8).collect(),
        bias: tensor(tensors, &format!("{name}.bias"), Dtype::I32)?
            .chunks_exact(4)
            .map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        shift: tensor(tensors, &format!("{name}.shift"), Dtype::U8)?.to_vec(),
    })
}

pub fn tensor<'a>(tensors: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<&'a [u8]> {
    let view = tensors.tensor(name).map_err(|e| Error::corrupt(e.to_string()))?;
    if view.dtype() != dtype {
        return Err(Error::corrupt(format!("{name} is {:?}, {dtype:?} is needed", view.dtype())));
    }
    Ok(view.data())
}

/// The tensors of a layer.
pub fn tensors(name: &str, layer: &Layer) -> [Tensor; 3] {
    let weights = layer.weights.iter().map(|&w| w as u8).collect();
    let bias = layer.bias.iter().flat_map(|b| b.to_le_bytes()).collect();
    [
        (format!("{name}.weight"), Dtype::I8, vec![layer.n_out, layer.n_in], weights),
        (format!("{name}.bias"), Dtype::I32, vec![layer.n_out], bias),
        (format!("{name}.shift"), Dtype::U8, vec![layer.n_out], layer.shift.clone()),
    ]
}
