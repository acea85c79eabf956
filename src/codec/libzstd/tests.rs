//! What is held against libzstd itself.

use super::*;
use crate::codec::options::levels;

const TEXT: &[u8] = include_bytes!("../libzstd.rs");

pub(in crate::codec) fn context(
    plain: Plain,
    dictionary: Option<ContextDictionary>,
    small: Option<Small>,
) -> CompressContext {
    use sys::ZSTD_cParameter as Name;
    let mut parameters = Parameters::new().unwrap();
    for (name, value) in [
        (Name::ZSTD_c_compressionLevel, plain.level),
        (Name::ZSTD_c_checksumFlag, plain.checksum.into()),
        (Name::ZSTD_c_contentSizeFlag, plain.content_size.into()),
        (Name::ZSTD_c_dictIDFlag, plain.dictionary_id.into()),
    ] {
        parameters.set(name, value).unwrap();
    }
    CompressContext::new(&parameters, dictionary, small).unwrap()
}

pub(in crate::codec) fn frame(context: &mut CompressContext, source: &[u8]) -> Vec<u8> {
    let mut target = vec![MaybeUninit::uninit(); compress_bound(source.len())];
    let size = context.compress(&mut target, source).unwrap();
    // SAFETY: libzstd has written this many.
    target[..size].iter().map(|byte| unsafe { byte.assume_init() }).collect()
}

/// A dictionary of `size` bytes, trained on pieces of a text.
pub(in crate::codec) fn trained(text: &[u8], size: usize) -> Vec<u8> {
    let samples: Vec<usize> = text.chunks(200).map(<[u8]>::len).collect();
    let mut cover = Cover {
        k: 50,
        d: 8,
        f: 18,
        steps: 1,
        threads: 0,
        split_point: 1.0,
        accel: 1,
        level: 3,
        verbosity: 0,
        dictionary_id: 9,
    };
    train(text, &samples, size, &mut cover).unwrap()
}

/// Text, runs and noise, of sizes on both sides of each power of two, and larger ones.
fn values() -> Vec<Vec<u8>> {
    let mut noise = 1_u64;
    let mut values = vec![Vec::new()];
    let sizes = (0..=13).flat_map(|log| (-2_i64..=3).map(move |d| ((1 << log) + d).max(0)));
    for size in sizes.chain([20_000, 150_000, 600_000]) {
        let size = size as usize;
        values.push(TEXT.iter().cycle().skip(size % 97).take(size).copied().collect());
        values.push(vec![7; size]);
        values.push(
            (0..size)
                .map(|_| {
                    noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (noise >> 56) as u8
                })
                .collect(),
        );
    }
    values
}

/// All values get the bytes that `ZSTD_compress2` makes of them in a context that digests its
/// dictionary by itself: at each level, with each flag, with and without a dictionary, small values
/// among large ones.
#[test]
fn values_are_what_compress2_makes() {
    let values = values();
    let trained = trained(TEXT, 4096);
    // As large as is usual, and as large as is taken: libzstd has other numbers for each size.
    let pieces = (0_usize..).flat_map(|i| &TEXT[i * 7919 % (TEXT.len() - 99)..][..i % 70 + 20]);
    let [usual, largest] = [112_640, Small::MOST_DICTIONARY]
        .map(|size| pieces.clone().take(size).copied().collect::<Arc<[u8]>>());
    let dictionaries: [Option<Arc<[u8]>>; 6] = [
        None,
        Some(trained.into()),
        Some(TEXT[2000..9000].into()),
        Some(TEXT[..5].into()),
        Some(usual),
        Some(largest),
    ];
    let mut took = 0;
    for level in [*levels().start(), -5, -1].into_iter().chain(0..=Small::MOST_LEVEL + 1) {
        for flags in 0..8 {
            let plain = Plain {
                level,
                checksum: flags & 1 > 0,
                content_size: flags & 2 == 0,
                dictionary_id: flags & 4 == 0,
            };
            for dictionary in &dictionaries {
                let small = Small::new(plain, dictionary.clone());
                took += usize::from(small.is_some());
                let dictionary =
                    dictionary.clone().map(|bytes| ContextDictionary::Bytes(bytes, Content::Auto));
                let mut fast = context(plain, dictionary.clone(), small);
                let mut slow = context(plain, dictionary.clone(), None);
                for value in &values {
                    assert_eq!(
                        frame(&mut fast, value),
                        frame(&mut slow, value),
                        "{plain:?}, {} bytes",
                        value.len()
                    );
                }
            }
        }
    }
    // Eight levels; all flags without a dictionary, those with content size with one.
    assert_eq!(took, 8 * (8 + 5 * 4));
    let too_large = vec![1; Small::MOST_DICTIONARY + 1];
    let plain = Plain { level: 3, checksum: false, content_size: true, dictionary_id: true };
    assert!(Small::new(plain, Some(too_large.into())).is_none());
}
