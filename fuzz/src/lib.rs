//! What the fuzz targets share: bytes read as rows, and libzstd called plainly, as the oracle.

pub mod files;
pub mod libzstd;
pub mod rows;

use std::sync::LazyLock;

use zstd_arrow::Dictionary;

/// The frames that the batch decoder's own tests are about: a dictionary, then frames made with it,
/// each with its size in front.
static FRAMES: &[u8] = include_bytes!("../../src/codec/batch/frames.bin");

/// The parts of [`FRAMES`]: the dictionary first.
pub fn parts() -> Vec<&'static [u8]> {
    let mut rest = FRAMES;
    let mut parts = Vec::new();
    while let Some((size, behind)) = rest.split_first_chunk() {
        let (part, behind) = behind.split_at(u32::from_le_bytes(*size) as usize);
        parts.push(part);
        rest = behind;
    }
    parts
}

/// The dictionary of [`parts`].
pub fn dictionary() -> Dictionary {
    static TRAINED: LazyLock<Dictionary> =
        LazyLock::new(|| Dictionary::from_bytes(parts()[0]).expect("a sound dictionary"));
    TRAINED.clone()
}

/// Frames without a dictionary, which bring codes and tables of their own: pieces of [`parts`], of several
/// sizes, as they are and with few kinds of bytes, at several levels.
pub fn bringing() -> &'static [Vec<u8>] {
    static MADE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let text: Vec<u8> = parts().concat();
        let mut frames = Vec::new();
        for (i, size) in [90, 200, 400, 900, 1800, 3500].into_iter().enumerate() {
            for (level, from) in [(1, 0), (3, 700), (12, 1400), (19, 300)] {
                let piece: Vec<u8> = text.iter().skip(from + 50 * i).take(size).copied().collect();
                let few: Vec<u8> = piece.iter().map(|byte| (byte & 7) * (byte >> 3 & 1)).collect();
                let letters: Vec<u8> = piece.iter().map(|byte| b'a' + (byte & byte >> 3)).collect();
                for value in [piece, few, letters] {
                    frames.push(zstd::bulk::compress(&value, level).expect("a frame"));
                }
            }
        }
        frames
    });
    &MADE
}
