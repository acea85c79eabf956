//! What sequence codes stand for, and how they are distributed by default (RFC 8878, section
//! 3.1.1.3.2).

/// One of the three kinds of codes that a sequence is made of.
pub(in crate::codec) struct Kind {
    /// The largest accuracy log of a table (section 3.1.1.3.2.1).
    pub(in crate::codec) max_log: u32,
    /// The largest code.
    pub(in crate::codec) max_code: u8,
    /// The accuracy log of the default distribution, and that (section 3.1.1.3.2.2).
    pub(in crate::codec) default_log: u32,
    pub(in crate::codec) default: &'static [i16],
}

impl Kind {
    /// Where the default table begins in an array that begins with a dictionary's.
    pub(super) const fn predefined_at(&self) -> u32 {
        1 << self.max_log
    }

    /// Where, behind that, the states of a single code each begin.
    pub(super) const fn single_at(&self) -> u32 {
        self.predefined_at() + (1 << self.default_log)
    }
}

pub(in crate::codec) const LITERAL_LENGTHS: Kind = Kind {
    max_log: 9,
    max_code: 35,
    default_log: 6,
    default: &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1,
        1, 1, -1, -1, -1, -1,
    ],
};

pub(in crate::codec) const MATCH_LENGTHS: Kind = Kind {
    max_log: 9,
    max_code: 52,
    default_log: 6,
    default: &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
};

pub(in crate::codec) const OFFSETS: Kind = Kind {
    max_log: 8,
    max_code: 31,
    default_log: 5,
    default: &[
        1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
    ],
};

/// Baselines and extra bits of literal length codes from 16 on (section 3.1.1.3.2.1.1).
const LONG_LITERALS: [(u32, u32); 20] = [
    (16, 1),
    (18, 1),
    (20, 1),
    (22, 1),
    (24, 2),
    (28, 2),
    (32, 3),
    (40, 3),
    (48, 4),
    (64, 6),
    (128, 7),
    (256, 8),
    (512, 9),
    (1024, 10),
    (2048, 11),
    (4096, 12),
    (8192, 13),
    (16384, 14),
    (32768, 15),
    (65536, 16),
];

/// Baselines and extra bits of match length codes from 32 on (section 3.1.1.3.2.1.1).
const LONG_MATCHES: [(u32, u32); 21] = [
    (35, 1),
    (37, 1),
    (39, 1),
    (41, 1),
    (43, 2),
    (47, 2),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 5),
    (131, 7),
    (259, 8),
    (515, 9),
    (1027, 10),
    (2051, 11),
    (4099, 12),
    (8195, 13),
    (16387, 14),
    (32771, 15),
    (65539, 16),
];

/// Baseline and extra bits of a literal length code.
pub(in crate::codec) const fn literal_length(code: u8) -> (u32, u32) {
    match code {
        0..16 => (code as u32, 0),
        _ => LONG_LITERALS[code as usize - 16],
    }
}

/// Baseline and extra bits of a match length code.
pub(in crate::codec) const fn match_length(code: u8) -> (u32, u32) {
    match code {
        0..32 => (code as u32 + 3, 0),
        _ => LONG_MATCHES[code as usize - 32],
    }
}
