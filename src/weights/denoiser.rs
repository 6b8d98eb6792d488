//! The net of `denoise`: one mesh, in a weights file of family `denoise`. Only encoders need it, and no coded file names it.

use super::json::string;
use super::meshes;
use super::store::packed;
use crate::denoise::SEEN;
use crate::error::{Error, Result};
use crate::net::{Mesh, Sheet};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::sync::LazyLock;

static EMBEDDED: &[u8] = include_bytes!("../../weights/denoise-default-1.safetensors");

/// The one that is built in.
pub fn denoiser() -> &'static Mesh {
    static MESH: LazyLock<Mesh> =
        LazyLock::new(|| read(EMBEDDED).unwrap_or_else(|e| panic!("the embedded denoiser does not load: {e}")));
    &MESH
}

fn read(bytes: &[u8]) -> Result<Mesh> {
    let wrong = |e: safetensors::SafeTensorError| Error::corrupt(format!("not a weights file: {e}"));
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get("collapsar").cloned()).unwrap_or_default();
    let json: Value = serde_json::from_str(&text).map_err(|e| Error::corrupt(format!("weights metadata: {e}")))?;
    let mesh = meshes::mesh(&SafeTensors::deserialize(bytes).map_err(wrong)?, 0, &json["meshes"][0])?;
    let is_one = string(&json, "family")? == "denoise" && mesh.sources() == [SEEN];
    if is_one && mesh.out() == (Sheet { width: 1, ..SEEN }) {
        Ok(mesh)
    } else {
        Err(Error::corrupt("a net of other inputs and outputs than denoising has"))
    }
}

/// A mesh as the bytes of its weights file, the same bytes every time.
pub fn store_denoiser(name: &str, mesh: &Mesh) -> Result<Vec<u8>> {
    let (of_mesh, tensors) = meshes::describe_one(0, mesh);
    let json = json!({"format": 1, "name": name, "family": "denoise", "meshes": [of_mesh]});
    let bytes = packed(&tensors, &json)?;
    read(&bytes).map(|_| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_net_that_is_built_in_comes_back_from_its_bytes() {
        let stored = store_denoiser("denoise-default-1", denoiser()).unwrap();
        assert_eq!(&read(&stored).unwrap(), denoiser());
        assert!((0..stored.len()).all(|n| read(&stored[..n]).is_err()));
    }
}
