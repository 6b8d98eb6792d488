//! The inverse of `load`: a model as the bytes of its weights file, the same bytes every time.

use super::layer::{Tensor, tensors};
use super::meshes;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::net::{Head, Input, Net, Wiring};
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::{Value, json};
use std::collections::HashMap;

pub fn store(model: &Model) -> Result<Vec<u8>> {
    let nets: Vec<Value> = model.nets.iter().map(|p| describe(&p.net)).collect();
    let mut json = json!({"format": 1, "name": model.name, "family": model.family.name(), "nets": nets});
    let mut all = Vec::new();
    for (i, part) in model.nets.iter().enumerate() {
        let linear: Vec<u8> = part.linear.own().iter().flat_map(|c| c.to_le_bytes()).collect();
        all.push((format!("net.{i}.linear"), Dtype::I16, vec![part.linear.own().len()], linear));
        let layers = part.net.layers().iter().enumerate();
        all.extend(layers.flat_map(|(l, layer)| tensors(&format!("net.{i}.{l}"), layer)));
    }
    if let Some(vqae) = &model.vqae {
        let (meshes, of_meshes) = meshes::describe(vqae);
        json["meshes"] = meshes;
        all.extend(of_meshes);
    }
    packed(&all, &json)
}

/// Tensors and what is said of them.
pub fn packed(tensors: &[Tensor], json: &Value) -> Result<Vec<u8>> {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        let view = TensorView::new(*dtype, shape.clone(), data).expect("the shape is that of the data");
        (name.clone(), view)
    });
    serialize(views, Some(HashMap::from([("collapsar".to_string(), json.to_string())])))
        .map_err(|e| Error::argument(format!("these weights cannot be stored: {e}")))
}

fn describe(net: &Net) -> Value {
    let pairs = |list: &[(i32, i32)]| list.iter().map(|&(dy, dx)| json!([dy, dx])).collect::<Vec<_>>();
    let mut json = json!({
        "pass": net.pass.name(),
        "taps": pairs(&net.taps), "linear": net.n_linear, "values": net.n_values,
        "residuals": net.n_residuals, "refs": net.n_refs, "ref_taps": pairs(&net.ref_taps),
        "near_log2": net.near_log2, "wide_log2": net.wide_log2, "scale_floor": net.scale_floor,
        "feature_shift": net.feature_shift, "layers": layers(net),
    });
    match net.head {
        Head::Mixture { k } => json["k"] = json!(k),
        Head::Table => json["head"] = json!("table"),
    }
    if net.n_hints > 0 {
        json["hints"] = json!(net.n_hints);
    }
    json
}

/// The number of layers where all are plain, else of each what is not.
fn layers(net: &Net) -> Value {
    if net.is_plain() {
        return json!(net.layers().len());
    }
    let layer = |(l, wiring): (usize, &Wiring)| {
        let mut out = serde_json::Map::new();
        if wiring.inputs != Wiring::plain(l).inputs {
            let input = |i: &Input| json!([i.source, i.tap.0, i.tap.1]);
            out.insert("inputs".into(), wiring.inputs.iter().map(input).collect());
        }
        if wiring.gate {
            out.insert("gate".into(), json!(true));
        }
        if let Some(source) = wiring.add {
            out.insert("add".into(), json!(source));
        }
        Value::Object(out)
    };
    net.wiring().iter().enumerate().map(layer).collect()
}
