//! What is asked of the JSON of a weights file.

use crate::error::{Error, Result};
use serde_json::Value;

pub fn number(json: &Value, key: &str) -> Result<u64> {
    json[key].as_u64().ok_or_else(|| Error::corrupt(format!("weights metadata: '{key}' is not a number")))
}

pub fn string<'a>(json: &'a Value, key: &str) -> Result<&'a str> {
    json[key].as_str().ok_or_else(|| Error::corrupt(format!("weights metadata: '{key}' is not a text")))
}

pub fn wrong_key(key: &str) -> Error {
    Error::corrupt(format!("weights metadata: '{key}' is not understood"))
}
