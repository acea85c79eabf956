//! Literals of eight frames at once (RFC 8878, section 4.2.2).
//!
//! Each lane looks up one literal in a step, and collects eight before they are written.

use std::arch::x86_64::*;

use crate::codec::batch::bits::bits_in;
use crate::codec::batch::execute::OVER;
use crate::codec::batch::huffman::{MAX_BITS, Table};
use crate::codec::batch::job::{Failed, Job, Listed};
use crate::codec::batch::literals::BEFORE_STREAM;
use crate::codec::batch::places::Places;
use crate::codec::batch::sequences::LOADED;
use crate::codec::batch::wide::lanes::{
    LANES, Numbers, load, load_below, load_each, low, number, skip, store,
};

/// Literals of a lane that are written together, and lookups for which the bits of one load suffice.
const BLOCK: usize = 8;
const LOOKUPS: usize = 4;
/// Batches that take their steps in turn.
const BATCHES: usize = 4;
const _: () = assert!(LOOKUPS as i64 * MAX_BITS as i64 <= LOADED && BLOCK <= OVER);

/// Streams that are decoded side by side, from where they begin, and where their literals go.
#[derive(Clone, Copy)]
struct Batch {
    /// Seven bytes before the start of each stream: a load at `base + position / 8` ends with the byte
    /// that the position lies in.
    bases: [*const u8; LANES],
    /// Bits left.
    left: Numbers,
    counts: Numbers,
    out: [*mut u8; LANES],
    numbers: [u8; LANES],
    /// How many there are. Other lanes do what the first does, but nothing comes of it.
    len: usize,
}

impl Batch {
    fn new() -> Self {
        Self {
            bases: [std::ptr::null(); _],
            left: [0; _],
            counts: [0; _],
            out: [std::ptr::null_mut(); _],
            numbers: [0; _],
            len: 0,
        }
    }

    /// Gives lanes that have no stream one of `like`.
    fn fill_up(&mut self, like: &Self) {
        self.bases[self.len..].fill(like.bases[0]);
        self.left[self.len..].fill(like.left[0]);
        self.counts[self.len..].fill(0);
    }

    /// Takes a frame's stream; whether it can be read.
    #[inline]
    fn push(&mut self, job: &Job<'_>, number: u8, out: &Places<'_, u8>) -> bool {
        let (bytes, start) = job.literal_stream();
        let Some(bits) = bytes.get(start..).and_then(bits_in) else { return false };
        let Some(base) = start.checked_sub(BEFORE_STREAM - 1) else { return false };
        self.bases[self.len] = bytes[base..].as_ptr();
        self.left[self.len] = bits as u64;
        self.counts[self.len] = u64::from(job.literals);
        self.out[self.len] = out.get(job.literals_at as usize, job.literals as usize + OVER);
        self.numbers[self.len] = number;
        self.len += 1;
        true
    }
}

/// Decodes the streams of all that are listed; `failed` gets those that are damaged.
///
/// # Panics
///
/// If the place of a stream, with `OVER` behind it, is not in `out`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(in crate::codec::batch) fn decode(
    table: &Table,
    listed: Listed<'_>,
    out: &mut [u8],
    failed: &mut Failed,
) {
    let out = &Places::new(out);
    let order = listed.order(|job| job.literals);
    let mut batches = [Batch::new(); BATCHES];
    let mut waiting = order.iter();
    loop {
        let mut full = 0;
        for batch in &mut batches {
            batch.len = 0;
            while batch.len < LANES
                && let Some(number) = waiting.next()
            {
                if !batch.push(listed.job(number), number, out) {
                    failed.insert(number);
                }
            }
            full += usize::from(batch.len == LANES);
        }
        if full < BATCHES {
            break;
        }
        // SAFETY: all lanes are of streams, and have their places.
        unsafe { run(table, &batches, failed) };
    }
    if batches[0].len > 0 {
        let like = batches[0];
        batches.iter_mut().for_each(|batch| batch.fill_up(&like));
        // SAFETY: as above, or like the first and without a count.
        unsafe {
            match batches[1].len {
                0 => run(table, std::array::from_ref(&batches[0]), failed),
                _ => run(table, &batches, failed),
            }
        }
    }
}

/// Decodes the streams of some batches, which take their steps in turn: in one, each step waits for the
/// one before.
///
/// # Safety
///
/// Each lane is as `Batch::push` makes it: eight bytes can be read behind its base, and so many whole
/// bytes further on as there are in `left`. `out` of those with a count has that many places and `OVER`
/// more.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn run<const N: usize>(table: &Table, batches: &[Batch; N], failed: &mut Failed) {
    let zero = _mm512_setzero_si512();
    let counts = batches.iter().flat_map(|batch| batch.counts);
    let (least, most) = counts.fold((u64::MAX, 0), |(l, m), count| (l.min(count), m.max(count)));
    let mut left: [__m512i; N] = std::array::from_fn(|n| load(&batches[n].left));
    let mut wrong = [zero; N];
    let mut done = 0;
    while done < most {
        let mut blocks = [zero; N];
        let all_have = done + BLOCK as u64 <= least;
        for part in 0..BLOCK / LOOKUPS {
            // SAFETY: the position is 0 or above, and went down only; so the bytes are in the frame.
            let mut bits: [__m512i; N] =
                std::array::from_fn(|n| unsafe { load_below(&batches[n].bases, left[n]) });
            let mut used = [zero; N];
            for i in 0..LOOKUPS {
                for n in 0..N {
                    let entry = look_up(table, bits[n]);
                    // Behind the others of the block, from the top.
                    let literal = _mm512_srli_epi64::<8>(entry);
                    blocks[n] = _mm512_shrdi_epi64::<8>(blocks[n], literal);
                    bits[n] = skip(bits[n], entry);
                    used[n] = if all_have {
                        _mm512_add_epi64(used[n], entry)
                    } else {
                        let literal = done as i64 + (part * LOOKUPS + i) as i64;
                        let counts = load(&batches[n].counts);
                        let has = _mm512_cmpgt_epi64_mask(counts, number(literal));
                        _mm512_mask_add_epi64(used[n], has, used[n], entry)
                    };
                }
            }
            for n in 0..N {
                let now = _mm512_sub_epi64(left[n], low(used[n], 0xff));
                // Damaged streams stay where they end.
                left[n] = _mm512_max_epi64(now, zero);
                wrong[n] = _mm512_or_si512(wrong[n], now);
            }
        }
        for (batch, block) in batches.iter().zip(blocks) {
            for (lane, eight) in store(block).into_iter().enumerate() {
                if all_have || done < batch.counts[lane] {
                    // SAFETY: a place of the lane's, with `OVER` behind it.
                    unsafe {
                        let place = batch.out[lane].add(done as usize).cast::<[u8; BLOCK]>();
                        place.write(eight.to_le_bytes());
                    }
                }
            }
        }
        done += BLOCK as u64;
    }
    for (batch, (left, wrong)) in batches.iter().zip(left.into_iter().zip(wrong)) {
        let sound = _mm512_cmpeq_epi64_mask(left, zero) & _mm512_cmpge_epi64_mask(wrong, zero);
        if u32::from(sound).trailing_ones() < batch.len as u32 {
            for (lane, number) in batch.numbers[..batch.len].iter().enumerate() {
                if sound >> lane & 1 == 0 {
                    failed.insert(*number);
                }
            }
        }
    }
}

/// The literal that the top of each lane begins with: the bits of its code in the lowest byte, itself in
/// the next, and anything above.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
fn look_up(table: &Table, bits: __m512i) -> __m512i {
    let at = _mm512_cvtepi64_epi32(_mm512_srli_epi64::<{ 64 - MAX_BITS }>(bits));
    // SAFETY: numbers of so many bits, and entries with so much behind them.
    unsafe { load_each(at, |_, at| table.entry(at)) }
}
