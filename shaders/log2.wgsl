// L(x) ≈ 256 · log2(x)          for 1 ≤ x < 2³¹
//
// Stands before mixture, table and feature. Twin: kernel/log2.rs, log2.

fn log2_of(x: i32) -> i32 {
    let zeros = countLeadingZeros(u32(x));
    let m = i32(((u32(x) << zeros) >> 23u) & 255u);
    return ((31 - i32(zeros)) << 8u) + m + ((m * (256 - m) * 88 + 32768) >> 16u);
}
