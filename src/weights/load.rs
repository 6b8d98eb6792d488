//! Weights from a safetensors file: one metadata key, `collapsar`, holds JSON; tensors are `net.<i>.<layer>.weight|bias|shift`
//! and `net.<i>.linear`, the predictor where the encoder found no better one; of family vqae `meshes` says more.

use super::json::{number, string};
use super::layer::{layer, tensor};
use super::meshes;
use crate::error::{Error, Result};
use crate::kernel::predict::Linear;
use crate::model::{Family, Model, PassNet};
use crate::net::{Head, Input, Net, Pass, Spec, Wiring};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// A weights file larger than this is refused before it is parsed.
const MAX_BYTES: usize = 64 << 20;
/// The same for its header: parsed JSON takes many times the memory of its text.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// A model from the bytes of its weights file; everything about it has been checked when this returns.
pub fn load(bytes: &[u8]) -> Result<Model> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::limit(format!("a weights file of {} bytes, {MAX_BYTES} is the most", bytes.len())));
    }
    let n_header = bytes.first_chunk().map_or(0, |n| u64::from_le_bytes(*n));
    if n_header > bytes.len() as u64 {
        return Err(Error::corrupt("not a weights file: its header does not fit"));
    }
    if n_header > MAX_HEADER_BYTES {
        return Err(Error::limit(format!("a weights header of {n_header} bytes, {MAX_HEADER_BYTES} is the most")));
    }
    let wrong = |e: safetensors::SafeTensorError| Error::corrupt(format!("not a weights file: {e}"));
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(wrong)?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get("collapsar"));
    let text = text.ok_or_else(|| Error::corrupt("a weights file without the metadata key 'collapsar'"))?;
    let json: Value = serde_json::from_str(text).map_err(|e| Error::corrupt(format!("weights metadata: {e}")))?;

    let version = number(&json, "format")?;
    if version != 1 {
        return Err(Error::unsupported(format!("weights format {version}, this build reads format 1")));
    }
    let family = Family::from_name(string(&json, "family")?)?;
    let hash = *blake3::hash(bytes).as_bytes();
    if family == Family::Vqae {
        return Ok(Model::of_vqae(string(&json, "name")?, meshes::read(&tensors, &json)?, hash));
    }
    let list = json["nets"].as_array().ok_or_else(|| Error::corrupt("weights metadata: 'nets' is not a list"))?;
    if list.len() > 16 {
        return Err(Error::limit(format!("{} nets in one file, 16 are the most", list.len())));
    }
    let parts = list.iter().enumerate().map(|(i, json)| part(&tensors, i, json).map_err(|e| e.at(format!("net {i}"))));
    Model::new(string(&json, "name")?, family, parts.collect::<Result<Vec<PassNet>>>()?, hash)
}

fn part(tensors: &SafeTensors, i: usize, json: &Value) -> Result<PassNet> {
    let spec = spec(json)?;
    let linear = Linear::new(tensor_i16(tensors, &format!("net.{i}.linear"))?, Vec::new())?;
    if linear.own().len() + 1 != spec.n_linear {
        return Err(Error::corrupt(format!("{} coefficients for {} linear taps", linear.own().len(), spec.n_linear)));
    }
    let wiring = wirings(json)?;
    let layers = (0..wiring.len()).map(|l| layer(tensors, &format!("net.{i}.{l}")));
    Ok(PassNet { net: Net::wired(spec, layers.collect::<Result<_>>()?, wiring)?, linear })
}

fn spec(json: &Value) -> Result<Spec> {
    let small = |key: &str| Ok::<usize, Error>(number(json, key)?.min(1 << 20) as usize);
    Ok(Spec {
        pass: {
            let name = string(json, "pass")?;
            Pass::from_name(name)
                .ok_or_else(|| Error::unsupported(format!("pass '{name}' is not known to this version")))?
        },
        head: head(json)?,
        taps: pairs(json, "taps")?,
        n_linear: small("linear")?,
        n_values: small("values")?,
        n_residuals: small("residuals")?,
        n_refs: small("refs")?,
        n_hints: if json["hints"].is_null() { 0 } else { small("hints")? },
        ref_taps: pairs(json, "ref_taps")?,
        near_log2: small("near_log2")? as u32,
        wide_log2: small("wide_log2")? as u32,
        scale_floor: small("scale_floor")? as i32,
        feature_shift: small("feature_shift")? as u32,
    })
}

/// A number of logistics, unless "head" names another kind.
fn head(json: &Value) -> Result<Head> {
    match &json["head"] {
        Value::Null => Ok(Head::Mixture { k: number(json, "k")?.min(1 << 20) as usize }),
        Value::String(kind) if kind == "table" => Ok(Head::Table),
        other => Err(Error::unsupported(format!("head {other} is not known to this version"))),
    }
}

/// The number of plain layers, or a list that says of each what is not plain.
fn wirings(json: &Value) -> Result<Vec<Wiring>> {
    match json["layers"].as_array() {
        None => Ok((0..number(json, "layers")?.min(64) as usize).map(Wiring::plain).collect()),
        Some(list) => list.iter().take(64).enumerate().map(|(l, json)| wiring(l, json)).collect(),
    }
}

fn wiring(l: usize, json: &Value) -> Result<Wiring> {
    let wrong = |key: &str| Error::corrupt(format!("weights metadata: '{key}' of layer {l} is not understood"));
    let small = |v: &Value| v.as_i64().filter(|n| n.abs() < 1 << 20);
    let input = |v: &Value| {
        let [source, dy, dx] = v.as_array()?.as_slice() else { return None };
        let (source, dy, dx) = (small(source)?, small(dy)?, small(dx)?);
        Some(Input { source: usize::try_from(source).ok()?, tap: (dy as i32, dx as i32) })
    };
    if !json.is_object() {
        return Err(wrong("layers"));
    }
    let plain = Wiring::plain(l);
    let inputs = match &json["inputs"] {
        Value::Null => plain.inputs,
        v => v
            .as_array()
            .ok_or_else(|| wrong("inputs"))?
            .iter()
            .map(input)
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("inputs"))?,
    };
    let gate = match &json["gate"] {
        Value::Null => plain.gate,
        v => v.as_bool().ok_or_else(|| wrong("gate"))?,
    };
    let add = match &json["add"] {
        Value::Null => plain.add,
        v => Some(small(v).and_then(|n| usize::try_from(n).ok()).ok_or_else(|| wrong("add"))?),
    };
    Ok(Wiring { inputs, gate, add })
}

fn tensor_i16(tensors: &SafeTensors, name: &str) -> Result<Vec<i16>> {
    Ok(tensor(tensors, name, Dtype::I16)?.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
}

fn pairs(json: &Value, key: &str) -> Result<Vec<(i32, i32)>> {
    let wrong = || Error::corrupt(format!("weights metadata: '{key}' is not a list of [dy, dx]"));
    let small = |v: &Value| v.as_i64().filter(|n| n.abs() < 1 << 20).map(|n| n as i32);
    json[key]
        .as_array()
        .ok_or_else(wrong)?
        .iter()
        .map(|p| Some((small(p.get(0)?)?, small(p.get(1)?)?)))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use serde_json::json;

    #[test]
    fn a_number_of_layers_and_a_list_of_plain_ones_say_the_same() {
        let plain: Vec<Wiring> = (0..3).map(Wiring::plain).collect();
        assert_eq!(wirings(&json!({"layers": 3})).unwrap(), plain);
        assert_eq!(wirings(&json!({"layers": [{}, {"gate": false}, {"inputs": [[2, 0, 0]]}]})).unwrap(), plain);
    }

    #[test]
    fn a_layer_that_is_not_understood_is_corrupt() {
        let layer = |json: Value| wirings(&json!({"layers": [{}, json]}));
        let full = layer(json!({"inputs": [[1, 0, 0], [0, -1, 2]], "gate": true, "add": 1})).unwrap().remove(1);
        let inputs = [(1, (0, 0)), (0, (-1, 2))].map(|(source, tap)| Input { source, tap }).to_vec();
        assert_eq!(full, Wiring { inputs, gate: true, add: Some(1) });
        for wrong in [
            json!(1),
            json!([]),
            json!({"inputs": 1}),
            json!({"inputs": [1]}),
            json!({"inputs": [[1, 0]]}),
            json!({"inputs": [[1, 0, 0, 0]]}),
            json!({"inputs": [[-1, 0, 0]]}),
            json!({"inputs": [[1, 0.5, 0]]}),
            json!({"inputs": [[1, 0, 4_294_967_296_i64]]}),
            json!({"gate": 1}),
            json!({"add": -1}),
            json!({"add": "1"}),
        ] {
            assert_eq!(layer(wrong.clone()).unwrap_err().kind, ErrorKind::Corrupt, "{wrong}");
        }
        assert_eq!(wirings(&json!({"layers": "3"})).unwrap_err().kind, ErrorKind::Corrupt);
    }
}
