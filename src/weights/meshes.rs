//! Meshes and codebooks in a weights file: `"meshes"` of its JSON, tensors `mesh.<i>.<layer>.weight|bias|shift` and `codes.<i>`.

use super::json::{number, wrong_key};
use super::layer::{Tensor, layer, tensors as tensors_of};
use crate::error::{Error, Result};
use crate::model::vqae::{Codebook, Vqae};
use crate::net::{Input, Mesh, MeshLayer, Sheet};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

pub fn read(tensors: &SafeTensors, json: &Value) -> Result<Vqae> {
    let list = json["meshes"].as_array().map_or(&[][..], Vec::as_slice);
    if list.len() != Vqae::N_MESHES {
        return Err(Error::corrupt(format!("{} meshes where there are {}", list.len(), Vqae::N_MESHES)));
    }
    let mesh = |(i, json)| mesh(tensors, i, json).map_err(|e| e.at(format!("mesh {i}")));
    let meshes = list.iter().enumerate().map(mesh).collect::<Result<Vec<Mesh>>>()?;
    let meshes = meshes.try_into().map_err(|_| wrong_key("meshes"))?;
    Vqae::new(meshes, codebook(tensors, 0)?, codebook(tensors, 1)?)
}

fn codebook(tensors: &SafeTensors, i: usize) -> Result<Codebook> {
    let name = format!("codes.{i}");
    let view = tensors.tensor(&name).map_err(|_| Error::corrupt(format!("no tensor {name}")))?;
    match (view.dtype(), view.shape()) {
        (Dtype::U8, &[_, width]) => Codebook::new(width, view.data().to_vec()),
        _ => Err(Error::corrupt(format!("tensor {name} is not what it must be"))),
    }
}

pub fn mesh(tensors: &SafeTensors, i: usize, json: &Value) -> Result<Mesh> {
    let sheet = |v: &Value| {
        let [side, width] = v.as_array()?.as_slice() else { return None };
        Some(Sheet { side: small(side)? as usize, width: small(width)? as usize })
    };
    let sources = list(json, "sources", sheet)?;
    let layers = json["layers"].as_array().ok_or_else(|| wrong_key("layers"))?;
    let one = |(l, json): (usize, &Value)| {
        let input = |v: &Value| {
            let [source, dy, dx] = v.as_array()?.as_slice() else { return None };
            let source = usize::try_from(small(source)?).ok()?;
            Some(Input { source, tap: (small(dy)? as i32, small(dx)? as i32) })
        };
        let add = match &json["add"] {
            Value::Null => None,
            v => Some(v.as_u64().ok_or_else(|| wrong_key("add"))?.min(1 << 20) as usize),
        };
        let side = number(json, "side")?.min(1 << 20) as usize;
        let layer = layer(tensors, &format!("mesh.{i}.{l}"))?;
        Ok(MeshLayer { side, inputs: list(json, "inputs", input)?, add, layer })
    };
    Mesh::new(sources, layers.iter().take(64).enumerate().map(one).collect::<Result<_>>()?)
}

fn small(v: &Value) -> Option<i64> {
    v.as_i64().filter(|n| n.abs() < 1 << 20)
}

fn list<T>(json: &Value, key: &str, one: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>> {
    let all = json[key].as_array().and_then(|list| list.iter().map(one).collect());
    all.ok_or_else(|| wrong_key(key))
}

/// The inverse of `read`: the JSON of the meshes, and the tensors.
pub fn describe(vqae: &Vqae) -> (Value, Vec<Tensor>) {
    let mut tensors = Vec::new();
    for (i, codes) in [&vqae.top, &vqae.bottom].into_iter().enumerate() {
        tensors.push((format!("codes.{i}"), Dtype::U8, vec![codes.n_codes(), codes.width()], codes.codes().to_vec()));
    }
    let mut meshes = Vec::new();
    for (i, mesh) in vqae.meshes().into_iter().enumerate() {
        let (json, of_mesh) = describe_one(i, mesh);
        meshes.push(json);
        tensors.extend(of_mesh);
    }
    (Value::Array(meshes), tensors)
}

/// The same of mesh number `i`.
pub fn describe_one(i: usize, mesh: &Mesh) -> (Value, Vec<Tensor>) {
    let (mut layers, mut tensors) = (Vec::new(), Vec::new());
    let sources: Vec<Value> = mesh.sources().iter().map(|s| json!([s.side, s.width])).collect();
    for (l, MeshLayer { side, inputs, add, layer }) in mesh.layers().iter().enumerate() {
        let seen: Vec<Value> = inputs.iter().map(|i| json!([i.source, i.tap.0, i.tap.1])).collect();
        let mut json = json!({"side": side, "inputs": seen});
        if let Some(add) = add {
            json["add"] = json!(add);
        }
        layers.push(json);
        tensors.extend(tensors_of(&format!("mesh.{i}.{l}"), layer));
    }
    (json!({"sources": sources, "layers": layers}), tensors)
}
