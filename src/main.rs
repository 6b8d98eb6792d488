use std::io::Write;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(&a[1]).unwrap();
    let model = a.get(2).cloned().unwrap_or_default();
    let choice = if model == "classic" {
        collapsar::Choice::Classic
    } else if model.is_empty() {
        collapsar::Choice::Auto
    } else {
        collapsar::Choice::These(vec![std::sync::Arc::new(
            collapsar::net::load(&std::fs::read(&model).unwrap()).unwrap(),
        )])
    };
    let embed = !model.is_empty() && model != "classic";
    let t = std::time::Instant::now();
    let packed =
        collapsar::compress(&bytes, &collapsar::Options { model: choice, embed, ..Default::default() }).unwrap();
    let e = t.elapsed().as_secs_f64();
    let t = std::time::Instant::now();
    let same = collapsar::decompress(&packed).unwrap() == bytes;
    let d = t.elapsed().as_secs_f64();
    println!(
        "{} {} -> {} ratio {:.3} enc {:.1} MB/s dec {:.1} MB/s same {same}",
        a[1].rsplit('/').next().unwrap(),
        bytes.len(),
        packed.len(),
        bytes.len() as f64 / packed.len() as f64,
        bytes.len() as f64 / 1e6 / e,
        bytes.len() as f64 / 1e6 / d
    );
    std::io::stdout().flush().unwrap();
    assert!(same);
}
