//! Codes of literals that frames bring themselves: their weights, of eight frames at once, and tables
//! (RFC 8878, section 4.2.1).

use std::arch::x86_64::*;

use crate::codec::batch::bits::bits_in;
use crate::codec::batch::fse::Distribution;
use crate::codec::batch::huffman::{MAX_BITS, WEIGHTS_LOG};
use crate::codec::batch::job::Listed;
use crate::codec::batch::literals::BEFORE_STREAM;
use crate::codec::batch::sets::FrameSet;
use crate::codec::batch::wide::lanes::{
    LANES, Numbers, load, load_below, look_up, low, number, skip, store, take,
};
use crate::codec::batch::wide::own::{BEHIND, CodeTable, OwnCodes};

/// The most weights that are said, and room for them: whole blocks.
const MAX_WEIGHTS: usize = 255;
const ROOM: usize = 256;
/// Weights of a lane that are written together, for which the bits of one load suffice.
const BLOCK: usize = 8;

/// States of one lane.
const STATES: usize = 1 << WEIGHTS_LOG;

/// Streams of compressed weights that are decoded side by side (section 4.2.1.2).
struct Batch {
    /// Seven bytes before the start of each stream, and bits left, as for literals.
    bases: Numbers,
    left: Numbers,
    /// Bits of the first states, and what goes above them: the first state of the lane.
    logs: Numbers,
    above: Numbers,
    numbers: [u8; LANES],
    len: usize,
    /// For each state: `| next 16..32, without its lowest bits | weight 8..12 | bits for the next 0..3 |`
    states: [u32; LANES * STATES + 1],
    weights: [[u8; ROOM]; LANES],
}

impl Batch {
    fn new() -> Self {
        Self {
            bases: [0; _],
            left: [0; _],
            logs: [0; _],
            above: [0; _],
            numbers: [0; _],
            len: 0,
            states: [0; _],
            weights: [[0; _]; _],
        }
    }

    /// Takes a frame whose weights are compressed; whether they can be read.
    #[inline]
    fn push(&mut self, packed: &[u8], before: usize, number: u8) -> Option<()> {
        let lane = self.len;
        let (distribution, used) = Distribution::read(packed, WEIGHTS_LOG, MAX_BITS as u8)?;
        let log = distribution.log;
        let first = lane * STATES;
        let states = &mut self.states[first..][..STATES];
        distribution.for_each_state(|i, state| {
            let next = (first as u32 + state.next) >> state.bits;
            states[i] = next << 16 | u32::from(state.symbol) << 8 | state.bits;
        });
        let bits = bits_in(packed.get(used..)?)?.checked_sub(2 * log as usize)?;
        if before + used < BEFORE_STREAM - 1 {
            return None;
        }
        // In the frame.
        let base = packed.as_ptr().wrapping_add(used).wrapping_sub(BEFORE_STREAM - 1);
        self.bases[lane] = base.expose_provenance() as u64;
        self.left[lane] = (bits + 2 * log as usize) as u64;
        self.logs[lane] = u64::from(log);
        self.above[lane] = (first >> log) as u64;
        self.numbers[lane] = number;
        self.len += 1;
        Some(())
    }

    /// Has lanes without a stream do what the first does.
    fn fill_up(&mut self) {
        for i in self.len..LANES {
            self.bases[i] = self.bases[0];
            (self.left[i], self.logs[i], self.above[i]) =
                (self.left[0], self.logs[0], self.above[0]);
        }
    }
}

/// Reads the codes of all that are listed, and makes their tables; `failed` gets those that cannot be
/// had.
#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vbmi,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
pub(in crate::codec::batch) fn read<const GATHER: bool>(
    listed: Listed<'_>,
    codes: &mut OwnCodes,
    failed: &mut FrameSet,
) {
    codes.used = 0;
    let mut batch = Batch::new();
    for number in listed.numbers().iter() {
        let (bytes, tree) = listed.job(number).literal_bytes();
        let taken = match bytes.get(tree..) {
            Some([packed @ 0..128, rest @ ..]) => rest
                .get(..usize::from(*packed))
                .and_then(|packed| batch.push(packed, tree + 1, number)),
            Some([direct, rest @ ..]) => {
                read_direct(usize::from(*direct) - 127, rest, &mut batch.weights[batch.len])
                    .and_then(|count| add(codes, &batch.weights[batch.len], count, number))
            }
            _ => None,
        };
        if taken.is_none() {
            failed.insert(number);
        }
        if batch.len == LANES {
            // SAFETY: all lanes are of streams.
            unsafe { run::<GATHER>(&mut batch, codes, failed) };
            batch.len = 0;
        }
    }
    if batch.len > 0 {
        batch.fill_up();
        // SAFETY: as above, or like the first.
        unsafe { run::<GATHER>(&mut batch, codes, failed) };
    }
}

/// Weights of four bits each (section 4.2.1.1).
#[cold]
fn read_direct(count: usize, bytes: &[u8], weights: &mut [u8; ROOM]) -> Option<usize> {
    let halves = bytes.get(..count.div_ceil(2))?;
    for (two, byte) in weights.chunks_exact_mut(2).zip(halves) {
        (two[0], two[1]) = (byte >> 4, byte & 0xf);
    }
    weights[..count].iter().all(|weight| u32::from(*weight) <= MAX_BITS).then_some(count)
}

/// Decodes the weights of a batch, and makes tables of them.
///
/// # Safety
///
/// Each lane is as `Batch::push` makes it: eight bytes can be read behind its base, and so many whole
/// bytes further on as there are in `left`; it is exposed.
#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vbmi,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
unsafe fn run<const GATHER: bool>(batch: &mut Batch, codes: &mut OwnCodes, failed: &mut FrameSet) {
    let zero = _mm512_setzero_si512();
    let mut left = load(&batch.left);
    let (logs, above) = (load(&batch.logs), load(&batch.above));
    // SAFETY: by this function's contract.
    let bits = unsafe { load_below::<GATHER>(&batch.bases, left) };
    let mut now = take(above, bits, logs);
    let mut other = take(above, skip(bits, logs), logs);
    left = _mm512_sub_epi64(left, _mm512_add_epi64(logs, logs));
    // Steps behind which there were bits left, or none.
    let mut inside = zero;
    let mut done = 0;
    let counts = loop {
        // SAFETY: the position is 0 or above, and went down only; so the bytes are in the frame.
        let mut bits = unsafe { load_below::<GATHER>(&batch.bases, _mm512_max_epi64(left, zero)) };
        let mut block = zero;
        for _ in 0..BLOCK {
            let states = low(now, (LANES * STATES) as i64 - 1);
            // SAFETY: each number is masked to the states, and there is an entry behind the last.
            let entry = unsafe { look_up::<GATHER, 4>(batch.states.as_ptr().cast(), states) };
            block = _mm512_shrdi_epi64::<8>(block, _mm512_srli_epi64::<8>(entry));
            let next = take(low(_mm512_srli_epi64::<16>(entry), 0xffff), bits, entry);
            // The two states take turns.
            (now, other) = (other, next);
            bits = skip(bits, entry);
            left = _mm512_sub_epi64(left, low(entry, 0xff));
            let has = _mm512_cmpge_epi64_mask(left, zero);
            inside = _mm512_mask_add_epi64(inside, has, inside, number(1));
        }
        for (weights, eight) in batch.weights.iter_mut().zip(store(block)) {
            weights[done..done + BLOCK].copy_from_slice(&eight.to_le_bytes());
        }
        done += BLOCK;
        // With the step that had not enough bits, and the other state's weight.
        let counts = _mm512_add_epi64(inside, number(2));
        if _mm512_cmpgt_epi64_mask(counts, number(done as i64)) == 0 || done == ROOM {
            break store(counts);
        }
    };
    for (lane, number) in batch.numbers[..batch.len].iter().enumerate() {
        let count = counts[lane] as usize;
        if count > MAX_WEIGHTS || add(codes, &batch.weights[lane], count, *number).is_none() {
            failed.insert(*number);
        }
    }
}

/// Numbers of bytes in order, for the bytes of four registers.
static BYTES: [u8; ROOM] = {
    let mut bytes = [0; ROOM];
    let mut i = 0;
    while i < ROOM {
        bytes[i] = i as u8;
        i += 1;
    }
    bytes
};

/// Entries of a table that are written together, and the power of two that they are.
const WRITTEN: usize = 32;
const WRITTEN_LOG: usize = 5;

/// By the power of two of entries that a byte has, as far as these are written together: which of some
/// bytes goes to the upper half of each entry.
static SPREAD: [[u8; 2 * WRITTEN]; WRITTEN_LOG + 1] = {
    let mut spread = [[0; 2 * WRITTEN]; WRITTEN_LOG + 1];
    let mut log = 0;
    while log <= WRITTEN_LOG {
        let mut i = 0;
        while i < WRITTEN {
            spread[log][2 * i + 1] = (i >> log) as u8;
            i += 1;
        }
        log += 1;
    }
    spread
};

/// Makes the table of the code with these weights, of each byte from 0 on, none of more than `MAX_BITS`;
/// `None` if they do not make a complete one.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vbmi,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
fn add(codes: &mut OwnCodes, weights: &[u8; ROOM], count: usize, number: u8) -> Option<()> {
    debug_assert!(count <= MAX_WEIGHTS);
    // Which bytes have each weight.
    let mut bytes = [[0_u64; ROOM / 64]; MAX_BITS as usize + 1];
    let mut counts = [0; MAX_BITS as usize + 1];
    let registers = count / 64 + 1;
    for (i, part) in weights.chunks_exact(64).take(registers).enumerate() {
        let said = match count - 64 * i {
            said @ 0..64 => (1 << said) - 1,
            _ => u64::MAX,
        };
        // SAFETY: 64 bytes.
        let part = unsafe { _mm512_maskz_loadu_epi8(said, part.as_ptr().cast()) };
        for weight in 1..=MAX_BITS as usize {
            let of_weight = _mm512_cmpeq_epi8_mask(part, _mm512_set1_epi8(weight as i8));
            bytes[weight][i] = of_weight;
            counts[weight] += of_weight.count_ones();
        }
    }
    // The last weight is what completes the code to a power of two.
    let sum: u32 = counts.iter().enumerate().map(|(weight, count)| count << weight >> 1).sum();
    let log = sum.checked_ilog2()? + 1;
    let rest = (1 << log) - sum;
    if log > MAX_BITS || !rest.is_power_of_two() {
        return None;
    }
    let last = rest.ilog2() as usize + 1;
    bytes[last][count / 64] |= 1 << (count % 64);
    counts[last] += 1;
    // A complete code has an even number of its longest codes.
    if counts[1] < 2 || counts[1] % 2 != 0 {
        return None;
    }
    let start = codes.used;
    let table = codes.entries.get_mut(start..start + (1 << log) + BEHIND)?;
    // Bytes in order of their weights. (All of them before any is read again: reading what was just
    // written in pieces takes long.)
    let mut listed = [0_u8; ROOM + 64];
    let mut end = 0;
    for of_weight in &bytes[1..=log as usize] {
        for (i, of_weight) in of_weight[..registers].iter().enumerate() {
            // SAFETY: 64 bytes each.
            unsafe {
                let all = _mm512_loadu_si512(BYTES[64 * i..][..64].as_ptr().cast());
                let those = _mm512_maskz_compress_epi8(*of_weight, all);
                _mm512_storeu_si512(listed[end..][..64].as_mut_ptr().cast(), those);
            }
            end += of_weight.count_ones() as usize;
        }
    }
    // Codes are given out from the longest on, and in order of their bytes.
    let (mut at, mut listed) = (0, &listed[..]);
    for (weight, count) in counts.iter().enumerate().take(log as usize + 1).skip(1) {
        let count = *count as usize;
        let bits = log as u16 + 1 - weight as u16;
        let each = weight - 1;
        let next = at + (count << each);
        if each <= WRITTEN_LOG {
            let bits = _mm512_set1_epi16(bits as i16);
            // SAFETY: 64 bytes.
            let spread = unsafe { _mm512_loadu_si512(SPREAD[each].as_ptr().cast()) };
            for to in (at..next).step_by(WRITTEN) {
                let from = &listed[(to - at) >> each..][..32];
                let table = &mut table[to..][..WRITTEN];
                // SAFETY: 32 bytes, and 64.
                unsafe {
                    let some = _mm512_castsi256_si512(_mm256_loadu_si256(from.as_ptr().cast()));
                    let upper = _mm512_maskz_permutexvar_epi8(0xAAAA_AAAA_AAAA_AAAA, spread, some);
                    let entries = _mm512_or_si512(upper, bits);
                    _mm512_storeu_si512(table.as_mut_ptr().cast(), entries);
                }
            }
        } else {
            for (byte, place) in listed[..count].iter().zip(table[at..].chunks_exact_mut(1 << each))
            {
                place.fill(u16::from(*byte) << 8 | bits);
            }
        }
        at = next;
        listed = &listed[count..];
    }
    debug_assert_eq!(at, 1 << log, "the code is complete");
    codes.used = start + table.len();
    codes.tables[usize::from(number)] = CodeTable { start: start as u32, log };
    Some(())
}
