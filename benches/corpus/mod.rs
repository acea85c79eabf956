//! Columns to measure with: made from a seed, the same on every machine.

/// A column of values of about one size.
pub(crate) struct Corpus {
    pub(crate) name: &'static str,
    pub(crate) rows: Vec<Vec<u8>>,
}

/// The four sizes, each with about `bytes` bytes in all.
pub(crate) fn all(bytes: usize) -> Vec<Corpus> {
    [("100B", 100), ("1KB", 1_000), ("16KB", 16_000), ("1MB", 1_000_000)]
        .map(|(name, size)| Corpus { name, rows: rows(size, bytes) })
        .into()
}

/// Values of about `size` bytes, with about `bytes` bytes in all: words and the fields of a log line: compresses about as text and records do.
pub(crate) fn rows(size: usize, bytes: usize) -> Vec<Vec<u8>> {
    let mut random = Random(size as u64);
    let words: Vec<String> = (0..4000).map(|_| random.word()).collect();
    let mut rows = Vec::new();
    let mut total = 0;
    while total < bytes {
        // Sizes from half to one and a half.
        let wanted = size / 2 + random.below(size);
        let mut row = Vec::with_capacity(wanted + 100);
        while row.len() < wanted {
            let level = ["debug", "info", "info", "info", "warning", "error"][random.below(6)];
            let record = format!(
                "{{\"time\": \"2026-{:02}-{:02}T{:02}:{:02}:{:02}Z\", \"level\": \"{level}\", \"id\": {}, \"text\": \"",
                1 + random.below(12),
                1 + random.below(28),
                random.below(24),
                random.below(60),
                random.below(60),
                random.below(1_000_000)
            );
            row.extend_from_slice(record.as_bytes());
            for _ in 0..2 + random.below(12) {
                // Some words are much more frequent than others.
                let most = 1 + random.below(words.len());
                row.extend_from_slice(words[random.below(most)].as_bytes());
                row.push(b' ');
            }
            row.extend_from_slice(b"\"}\n");
        }
        row.truncate(wanted);
        total += row.len();
        rows.push(row);
    }
    rows
}

/// splitmix64: enough for data that only has to be the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn word(&mut self) -> String {
        (0..2 + self.below(9)).map(|_| (b'a' + self.below(26) as u8) as char).collect()
    }
}
