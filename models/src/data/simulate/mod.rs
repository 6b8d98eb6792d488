//! frame = convert(pedestal + bands + drift + Poisson(scene · response + dark) / gain + read noise + cosmic rays)
//!
//! Frames of cameras that nobody owns: every quantity of the formula is drawn anew for each frame, most of them over
//! decades, so that a net learns what noise does rather than what one camera does.

mod camera;
mod scene;

use crate::random::Random;
use camera::Camera;
use scene::Scene;

/// `n` places of one camera, each seen in `n_frames` frames that follow each other, and the largest int of their
/// planes.
pub fn tiles(n: usize, n_frames: usize, random: &mut Random) -> (Vec<Vec<Vec<i32>>>, i32) {
    loop {
        let (camera, scene) = (Camera::draw(random), Scene::draw(random));
        // brighter or fainter through another filter, or the same again
        let steady = random.below(3) > 0;
        let factors: Vec<f64> =
            (0..n_frames).map(|_| if steady { 1.0 } else { random.log_uniform(0.3, 3.0) }).collect();
        let mut tiles: Vec<Vec<Vec<i32>>> = (0..n).map(|_| camera.series(&scene, &factors, random)).collect();
        let all = || tiles.iter().flatten().flatten();
        let (min, max) = (*all().min().expect("tiles"), *all().max().expect("tiles"));
        if min == max {
            continue;
        }
        // a whole plane reaches farther than its tiles, down a little and often up to the converter's end
        let min = (min - random.below(1 + (max - min) as usize / 8) as i32).max(0);
        let max = if random.below(2) == 0 { camera.full_scale as i32 } else { max };
        tiles.iter_mut().flatten().flatten().for_each(|v| *v -= min);
        return (tiles, max - min);
    }
}

/// A tile as a camera sees it, and what it would be without noise: bands and cosmic rays are no noise here.
pub struct Seen {
    pub ints: Vec<i32>,
    pub clean: Vec<f64>,
}

pub fn seen(random: &mut Random) -> Seen {
    loop {
        let (camera, scene) = (Camera::draw(random), Scene::draw(random));
        let (ints, clean) = camera.one(&scene, random);
        if ints.iter().any(|int| *int != ints[0]) {
            return Seen { ints, clean };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::plane::TILE;

    #[test]
    fn frames_of_a_camera_fill_their_tiles_within_its_range_and_differ() {
        let mut random = Random::new(3);
        for _ in 0..40 {
            let (tiles, max) = tiles(2, 3, &mut random);
            assert_eq!(tiles.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
            let ints = || tiles.iter().flatten().flatten();
            assert!(tiles.iter().flatten().all(|tile| tile.len() == TILE * TILE));
            assert!(ints().all(|v| (0..=max).contains(v)) && (1..=65535).contains(&max));
            assert!(ints().any(|v| v != ints().next().unwrap()), "a frame says something");
        }
    }

    #[test]
    fn a_seed_gives_the_same_frames() {
        assert_eq!(tiles(1, 2, &mut Random::new(9)), tiles(1, 2, &mut Random::new(9)));
        assert_ne!(tiles(1, 2, &mut Random::new(9)), tiles(1, 2, &mut Random::new(8)));
    }
}
