//! Where the states of a frame's sequences begin, by the tables that it names.

use crate::codec::batch::codes::{self, Kind};
use crate::codec::batch::tables::{Distributions, LITERALS, MATCHES, States};

/// Where a frame's states begin: what is added to the numbers that the first bits say, 32 bits, and
/// behind it how many bits these are, in a byte each: literal lengths, offsets, match lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Start {
    packed: u64,
    /// What is added to the states themselves, 16 bits each in the order of modes: where tables are that
    /// the frame brings itself.
    own: u64,
}

const LITERAL_LOG: u32 = 32;
const OFFSET_LOG: u32 = 40;
const MATCH_LOG: u32 = 48;

impl Start {
    #[inline(always)]
    pub(super) fn packed(self) -> u64 {
        self.packed
    }

    #[inline(always)]
    pub(super) fn own(self) -> u64 {
        self.own
    }

    #[inline(always)]
    fn log(self, at: u32) -> u32 {
        (self.packed >> at & 0xff) as u32
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
        States::at(self.packed as u32, literals, offsets, matches)
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
pub(super) struct Starts([Modes; 64]);

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
            all.start.packed += u64::from(at) << states | u64::from(bits) << log;
        }
        all
    }
}

impl Starts {
    pub(super) fn new(dictionary: Option<&Distributions>) -> Self {
        Self(std::array::from_fn(|modes| Modes::new(modes as u8, dictionary)))
    }

    /// By the byte of modes and what follows it, of which it returns how many bytes belong to it;
    /// `None` if a table is not to be had. `own` is asked for the tables that the frame brings, by their
    /// place in the order of modes and the bytes that they begin.
    #[inline(always)]
    pub(super) fn read(
        &self,
        byte: u8,
        behind: &[u8],
        mut own: impl FnMut(usize, &[u8]) -> Option<Own>,
    ) -> Option<(Start, usize)> {
        let modes = &self.0[usize::from(byte >> 2)];
        if !modes.taken || byte & 3 != 0 {
            return None;
        }
        if modes.single | modes.own == 0 {
            return Some((modes.start, 0));
        }
        let mut start = modes.start;
        let mut used = 0;
        for (i, place) in PLACES.iter().enumerate() {
            if modes.single >> i & 1 == 1 {
                let code = *behind.get(used)?;
                if code > place.kind.max_code {
                    return None;
                }
                start.packed += u64::from(code) << place.states;
                used += 1;
            } else if modes.own >> i & 1 == 1 {
                let own = own(i, &behind[used..])?;
                start.packed += u64::from(own.log) << place.log;
                start.own |= u64::from(own.start) << (16 * i);
                used += own.bytes;
            }
        }
        Some((start, used))
    }
}
