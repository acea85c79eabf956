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
