use collapsar::internals::kernel::PlaneStats;
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::tile::cells::{decode, encode};
use collapsar::internals::tile::stream::PlaneContext;
use collapsar::internals::weights::load;
use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let model = load(&std::fs::read(&args[1]).unwrap()).unwrap();
    let raw = std::fs::read(&args[2]).unwrap();
    let (h, w) = (256usize, 256usize);
    // FITS big-endian u16 with BZERO, 2880 header blocks given by arg 3, row width arg 4
    let off: usize = args[3].parse().unwrap();
    let pitch: usize = args[4].parse().unwrap();
    let ints: Vec<i32> = (0..h * w)
        .map(|i| {
            let at = off + 2 * ((i / w + 200) * pitch + i % w + 200);
            i32::from(i16::from_be_bytes([raw[at], raw[at + 1]])) + 32768
        })
        .collect();
    let max = 65535;
    let mut sorted = ints.clone();
    sorted.sort();
    let med = sorted[sorted.len() / 2];
    let linears = model.linears(0);
    for level in Level::available().into_iter().skip(std::env::var("SKIP").map_or(0, |s| s.parse().unwrap())) {
        let kernels = model.kernels(level);
        let context = PlaneContext {
            model: &model,
            kernels: &kernels,
            linears: &linears,
            stats: PlaneStats { median: med * 64, spread: 64 * 20 },
            max,
        };
        let (to_e, to_d) = (model.plan_to_encode(h, w), model.plan_to_decode(h, w));
        let mut best = (f64::MAX, f64::MAX);
        let mut payload = vec![];
        let mut back = vec![0; h * w];
        for _ in 0..std::env::var("N").map_or(30, |s| s.parse().unwrap()) {
            let t = Instant::now();
            payload = encode(context, &to_e, &ints, &[]);
            best.0 = best.0.min(t.elapsed().as_secs_f64());
            let t = Instant::now();
            decode(context, &to_d, &payload, &[], &mut back).unwrap();
            best.1 = best.1.min(t.elapsed().as_secs_f64());
        }
        assert_eq!(back, ints);
        let mb = (h * w * 2) as f64 / 1e6;
        println!(
            "{level:?}: {} bytes, {:.3} bits, encode {:.1} MB/s ({:.1} ns), decode {:.1} MB/s ({:.1} ns)",
            payload.len(),
            payload.len() as f64 * 8.0 / 65536.0,
            mb / best.0,
            best.0 * 1e9 / 65536.0,
            mb / best.1,
            best.1 * 1e9 / 65536.0
        );
    }
}
