//! A table of the models at hand.

use crate::cli::args;
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::Talk;
use crate::cli::talk::table::Table;
use collapsar::internals::Result;
use collapsar::internals::weights::zoo;
use serde_json::json;

pub fn run(args: &args::Models) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let given = weights::given(&args.weights)?;
    let defaults = zoo::defaults();
    let mut table = Table::new(&["model", "family", "MAC/cell", "chosen", "blake3"]);
    let mut list = Vec::new();
    for model in weights::at_hand(&given) {
        let default = defaults.iter().any(|d| d.hash == model.hash);
        let hash = json::hex(&model.hash);
        let shown = if args.talk.verbose { hash.clone() } else { hash[..16].to_string() };
        let superseded = zoo::is_superseded(&model);
        let chosen = match (default, superseded) {
            (true, _) => "by default",
            (_, true) => "no: reads older files",
            _ => "by name",
        };
        table.row(&[model.name.clone(), model.family.name().into(), model.n_mac().to_string(), chosen.into(), shown]);
        list.push(json!({
            "name": model.name, "family": model.family.name(), "mac_per_cell": model.n_mac(), "default": default, "superseded": superseded,
            "embedded": weights::is_embedded(&model.hash), "blake3": hash,
        }));
    }
    let empty = list.is_empty();
    talk.data(&json!({ "models": list }), || match empty {
        true => "no models are built in: arrays are coded by the classic modes, or with --weights FILE\n".into(),
        false => table.text(),
    })?;
    Ok(Tally::default())
}
