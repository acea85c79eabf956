//! Where the states of a frame's sequences begin, by the tables that it names.

use crate::codec::batch::codes::{self, Kind};
use crate::codec::batch::tables::{Distributions, LITERALS, MATCHES, States};

/// Where a frame's states begin: what is added to the numbers that the first bits say, 32 bits, and
/// behind it how many bits these are, in a byte each: literal lengths, offsets, match lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Start(u64);

const LITERAL_LOG: u32 = 32;
const OFFSET_LOG: u32 = 40;
const MATCH_LOG: u32 = 48;

impl Start {
    #[inline(always)]
    pub(super) fn packed(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(super) fn unpacked(packed: u64) -> Self {
        Self(packed)
    }

    #[inline(always)]
    fn log(self, at: u32) -> u32 {
        (self.0 >> at & 0xff) as u32
    }

    /// Bits of the first states of a stream.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.log(LITERAL_LOG) + self.log(OFFSET_LOG) + self.log(MATCH_LOG)
    }

    /// The states that a stream begins with, from `bits()` bits: literal lengths, offsets, match
    /// lengths.
    #[inline(always)]
    pub(super) fn states(self, bits: u64) -> States {
        let low = |bits: u64, count: u32| bits as u32 & ((1 << count) - 1);
        let matches = low(bits, self.log(MATCH_LOG));
        let bits = bits >> self.log(MATCH_LOG);
        let offsets = low(bits, self.log(OFFSET_LOG));
        let literals = low(bits >> self.log(OFFSET_LOG), self.log(LITERAL_LOG));
        States::at(self.0 as u32, literals, offsets, matches)
    }
}

/// What is added to the states themselves, 16 bits each in the order of modes: where tables are that the
/// frame brings itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct OwnStart(u64);

impl OwnStart {
    #[inline(always)]
    pub(super) fn packed(self) -> u64 {
        self.0
    }
}

/// A table that a frame brings: where its states begin, how many bits they have, and the bytes that it
/// takes in the frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    pub(super) start: u16,
    pub(super) log: u32,
    pub(super) bytes: usize,
}

/// Of one kind of code: where its states and their bits are in a start.
struct Place {
    kind: Kind,
    states: u32,
    log: u32,
}

/// In the order of their modes, and of what these bring (section 3.1.1.3.2.1).
const PLACES: [Place; 3] = [
    Place { kind: codes::LITERAL_LENGTHS, states: LITERALS, log: LITERAL_LOG },
    Place { kind: codes::OFFSETS, states: 0, log: OFFSET_LOG },
    Place { kind: codes::MATCH_LENGTHS, states: MATCHES, log: MATCH_LOG },
];

/// What each byte of modes says, but for its two reserved bits (section 3.1.1.3.2.1).
pub(super) struct Starts {
    modes: [Modes; 64],
    /// The same in a number: the start, as it is packed, or `MORE`.
    #[cfg(target_arch = "x86_64")]
    words: [u64; 64],
}

#[derive(Clone, Copy, Default)]
struct Modes {
    /// Whether all of them can be had.
    taken: bool,
    /// Which of the kinds are a single code, of which a byte tells, as bits, and which of them have a table
    /// of the frame's own.
    single: u8,
    own: u8,
    start: Start,
}

impl Modes {
    fn new(modes: u8, dictionary: Option<&Distributions>) -> Self {
        let logs = dictionary.map(|all| [all.literals.log, all.offsets.log, all.matches.log]);
        let mut all = Self { taken: true, ..Self::default() };
        for (i, place) in PLACES.iter().enumerate() {
            let Place { kind, states, log } = place;
            let (at, bits) = match (modes >> (4 - 2 * i) & 3, logs) {
                (0, _) => (kind.predefined_at(), kind.default_log),
                (1, _) => {
                    all.single |= 1 << i;
                    (kind.single_at(), 0)
                }
                (2, _) => {
                    all.own |= 1 << i;
                    (0, 0)
                }
                (3, Some(logs)) => (0, logs[i]),
                _ => return Self::default(),
            };
            all.start.0 += u64::from(at) << states | u64::from(bits) << log;
        }
        all
    }
}

impl Starts {
    pub(super) fn new(dictionary: Option<&Distributions>) -> Self {
        let modes = std::array::from_fn(|modes| Modes::new(modes as u8, dictionary));
        Self {
            modes,
            #[cfg(target_arch = "x86_64")]
            words: modes.map(|modes| match modes {
                Modes { taken: true, single: 0, own: 0, start } => start.packed(),
                _ => Self::MORE,
            }),
        }
    }

    /// There is more to be read, or the tables are not to be had.
    #[cfg(target_arch = "x86_64")]
    pub(super) const MORE: u64 = 1 << 63;

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn words(&self) -> &[u64; 64] {
        &self.words
    }

    /// By the byte of modes and what follows it, of which it returns how many bytes belong to it;
    /// `None` if a table is not to be had. `own` is asked for the tables that the frame brings, by their
    /// place in the order of modes and the bytes that they begin.
    #[inline(always)]
    pub(super) fn read<const BRINGING: bool>(
        &self,
        byte: u8,
        behind: &[u8],
        own: impl FnMut(usize, &[u8]) -> Option<Own>,
    ) -> Option<(Start, OwnStart, usize)> {
        let modes = &self.modes[usize::from(byte >> 2)];
        if !modes.taken || byte & 3 != 0 {
            return None;
        }
        match (modes.single, modes.own) {
            (0, 0) => Some((modes.start, OwnStart::default(), 0)),
            (_, 0) => {
                let (start, used) = modes.read_single(behind)?;
                Some((start, OwnStart::default(), used))
            }
            _ if BRINGING => modes.read_own(behind, own),
            _ => None,
        }
    }
}

impl Modes {
    #[inline(always)]
    fn read_single(&self, behind: &[u8]) -> Option<(Start, usize)> {
        let mut start = self.start;
        let mut used = 0;
        for (i, place) in PLACES.iter().enumerate() {
            if self.single >> i & 1 == 1 {
                place.read_code(&mut start, *behind.get(used)?)?;
                used += 1;
            }
        }
        Some((start, used))
    }

    /// (Apart, so that what few frames need does not make the others slower.)
    #[inline(never)]
    fn read_own(
        &self,
        behind: &[u8],
        mut own: impl FnMut(usize, &[u8]) -> Option<Own>,
    ) -> Option<(Start, OwnStart, usize)> {
        let mut start = self.start;
        let mut own_start = OwnStart::default();
        let mut used = 0;
        for (i, place) in PLACES.iter().enumerate() {
            if self.single >> i & 1 == 1 {
                place.read_code(&mut start, *behind.get(used)?)?;
                used += 1;
            } else if self.own >> i & 1 == 1 {
                let own = own(i, &behind[used..])?;
                start.0 += u64::from(own.log) << place.log;
                own_start.0 |= u64::from(own.start) << (16 * i);
                used += own.bytes;
            }
        }
        Some((start, own_start, used))
    }
}

impl Place {
    /// Moves a start to a single code.
    #[inline(always)]
    fn read_code(&self, start: &mut Start, code: u8) -> Option<()> {
        if code > self.kind.max_code {
            return None;
        }
        start.0 += u64::from(code) << self.states;
        Some(())
    }
}
