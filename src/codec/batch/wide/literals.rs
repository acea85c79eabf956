//! Literals of eight streams at once (RFC 8878, section 4.2.2).
//!
//! Each lane looks up one literal in a step, and collects eight before they are written.

use std::arch::x86_64::*;

use crate::codec::batch::bits::bits_in;
use crate::codec::batch::execute::OVER;
use crate::codec::batch::huffman::{MAX_BITS, Table};
use crate::codec::batch::job::{
    Columns, LITERALS, LITERALS_END, LITERALS_START, Listed, SEQUENCES_AT,
};
use crate::codec::batch::literals::BEFORE_STREAM;
use crate::codec::batch::places::Places;
use crate::codec::batch::sequences::LOADED;
use crate::codec::batch::sets::FrameSet;
use crate::codec::batch::wide::columns::{Ends, column_at, ends, field, frames_at, numbers_of};
use crate::codec::batch::wide::lanes::{
    LANES, Numbers, load, load_below, look_up, low, number, skip, store,
};
use crate::codec::batch::wide::order;
use crate::codec::batch::wide::own::{CodeTable, OwnCodes};
use crate::codec::batch::wide::streams::{self, Stream};

/// Literals of a lane that are written together, and lookups for which the bits of one load suffice.
const BLOCK: usize = 8;
const LOOKUPS: usize = 4;
const BLOCK_COUNT: u64 = BLOCK as u64;
/// Batches that take their steps in turn.
const BATCHES: usize = 4;
const _: () = assert!(LOOKUPS as i64 * MAX_BITS as i64 <= LOADED && BLOCK <= OVER);

/// Streams that are decoded side by side, from where they begin, and where their literals go.
#[derive(Clone, Copy)]
struct Batch {
    /// Seven bytes before the start of each stream: a load at `base + position / 8` ends with the byte
    /// that the position lies in.
    bases: Numbers,
    /// Bits left.
    left: Numbers,
    counts: Numbers,
    /// Where tables of frames' own begin, and what a lane is shifted by for a number of their bits.
    tables: Numbers,
    shifts: Numbers,
    out: [*mut u8; LANES],
    numbers: [u8; LANES],
    /// How many there are. Other lanes do what the first does, but nothing comes of it.
    len: usize,
}

impl Batch {
    fn new() -> Self {
        Self {
            bases: [0; _],
            left: [0; _],
            counts: [0; _],
            tables: [0; _],
            shifts: [0; _],
            out: [std::ptr::null_mut(); _],
            numbers: [0; _],
            len: 0,
        }
    }

    /// Takes the first `len` of these frames, which have one stream each, by the dictionary's code, for
    /// all lanes; `failed` gets those whose stream cannot be read.
    ///
    /// # Safety
    ///
    /// All of them have one, by their plans.
    #[inline]
    #[target_feature(enable = "avx512f,avx512cd,avx512dq,avx2")]
    unsafe fn load<const GATHER: bool>(
        &mut self,
        columns: &Columns,
        numbers: [u8; LANES],
        len: usize,
        out: &Places<'_, u8>,
        failed: &mut FrameSet,
    ) {
        (self.len, self.numbers) = (len, numbers);
        let at = numbers_of(numbers);
        let column = |column| column_at::<GATHER>(column, at);
        let ranges = column(&columns.plans.ranges);
        let (start, end) =
            (field(ranges, LITERALS_START, 16), _mm512_srli_epi64::<LITERALS_END>(ranges));
        let frames = frames_at::<GATHER>(columns.frames(), at);
        // SAFETY: by plans, streams begin so far behind the front of their frames, and end in them.
        let Ends { bases, left, sound } =
            unsafe { ends::<GATHER>(frames, [start, end], BEFORE_STREAM - 1, len) };
        let counts = field(column(&columns.plans.counts), LITERALS, 16);
        (self.bases, self.left) = (store(bases), store(left));
        self.counts = store(_mm512_maskz_mov_epi64(sound, counts));
        let places = store(low(column(&columns.places), (1 << SEQUENCES_AT) - 1));
        self.out = std::array::from_fn(|lane| {
            out.get(places[lane] as usize, self.counts[lane] as usize + OVER)
        });
        if u32::from(sound).trailing_ones() < len as u32 {
            let bad = numbers[..len].iter().enumerate().filter(|(lane, _)| sound >> lane & 1 == 0);
            bad.for_each(|(_, number)| failed.insert(*number));
        }
    }

    /// Gives lanes behind the first `len` the stream of `like`.
    fn fill_up(&mut self, len: usize, like: &Self) {
        self.len = len;
        self.bases[self.len..].fill(like.bases[0]);
        self.left[self.len..].fill(like.left[0]);
        self.counts[self.len..].fill(0);
        self.tables[self.len..].fill(like.tables[0]);
        self.shifts[self.len..].fill(like.shifts[0]);
    }

    /// Takes a stream of a frame for a lane behind which there is none, with its table if that is its
    /// own; whether it can be read. (Behind a code of the frame's own it may begin a byte nearer to the
    /// front of the frame than `BEFORE_STREAM`: as near as a load allows.)
    #[inline(always)]
    fn push(
        &mut self,
        lane: usize,
        stream: &Stream<'_>,
        number: u8,
        table: CodeTable,
        out: &Places<'_, u8>,
    ) -> bool {
        let Stream { bytes, start, at, count } = *stream;
        let Some(bits) = bytes.get(start..).and_then(bits_in) else { return false };
        let Some(base) = start.checked_sub(BEFORE_STREAM - 1) else { return false };
        self.bases[lane] = bytes[base..].as_ptr().expose_provenance() as u64;
        self.left[lane] = bits as u64;
        self.counts[lane] = count as u64;
        self.tables[lane] = u64::from(table.start);
        self.shifts[lane] = u64::from(u64::BITS - table.log);
        self.out[lane] = out.get(at, count + OVER);
        self.numbers[lane] = number;
        self.len = lane + 1;
        true
    }
}

/// Where the entries of lanes are looked up.
trait Look: Copy {
    /// Whether frames have nothing of their own.
    const SHARED: bool;

    /// The literal that the top of each lane begins with: the bits of its code in the lowest byte,
    /// itself in the next, and anything above.
    ///
    /// # Safety
    ///
    /// Lanes are of streams of frames that have these codes.
    unsafe fn up<const GATHER: bool>(self, batch: &Batch, bits: __m512i) -> __m512i;
}

/// In the table of the dictionary.
#[derive(Clone, Copy)]
struct Shared<'a>(&'a Table);

impl Look for Shared<'_> {
    const SHARED: bool = true;

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx2")]
    unsafe fn up<const GATHER: bool>(self, _: &Batch, bits: __m512i) -> __m512i {
        let at = _mm512_srli_epi64::<{ 64 - MAX_BITS }>(bits);
        // SAFETY: numbers of so many bits, and entries with so much behind them.
        unsafe { look_up::<GATHER, 2>(self.0.entries(), at) }
    }
}

/// In those of frames' own.
#[derive(Clone, Copy)]
struct Own<'a>(&'a OwnCodes);

impl Look for Own<'_> {
    const SHARED: bool = false;

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx2")]
    unsafe fn up<const GATHER: bool>(self, batch: &Batch, bits: __m512i) -> __m512i {
        let at = _mm512_srlv_epi64(bits, load(&batch.shifts));
        let at = _mm512_add_epi64(at, load(&batch.tables));
        // SAFETY: by this function's contract, numbers of as many bits as the frame's table is for,
        // which has others behind its last entry.
        unsafe { look_up::<GATHER, 2>(self.0.entries.as_ptr().cast(), at) }
    }
}

/// Decodes the streams of all that are listed, of which those in `four` have four; `failed` gets those
/// that are damaged.
///
/// # Panics
///
/// If the place of a stream, with `OVER` behind it, is not in `out`.
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
pub(in crate::codec::batch) fn decode<const GATHER: bool>(
    table: &Table,
    listed: Listed<'_>,
    four: FrameSet,
    out: &mut [u8],
    failed: &mut FrameSet,
) {
    // SAFETY: numbers are of `MAX_BITS` bits.
    unsafe { decode_by::<GATHER, _>(Shared(table), &[], listed, four, out, failed) };
}

/// The same with codes of frames' own, as far as these have tables.
///
/// # Panics
///
/// If the place of a stream, with `OVER` behind it, is not in `out`.
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
pub(in crate::codec::batch) fn decode_own<const GATHER: bool>(
    codes: &OwnCodes,
    listed: Listed<'_>,
    out: &mut [u8],
    failed: &mut FrameSet,
) {
    let four = FrameSet::default();
    // SAFETY: frames that are left have tables.
    unsafe { decode_by::<GATHER, _>(Own(codes), &codes.tables, listed, four, out, failed) };
}

/// # Safety
///
/// Frames that have not failed can be looked up by their number in `tables`.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
unsafe fn decode_by<const GATHER: bool, L: Look>(
    look: L,
    tables: &[CodeTable],
    listed: Listed<'_>,
    four: FrameSet,
    out: &mut [u8],
    failed: &mut FrameSet,
) {
    let out = &Places::new(out);
    let columns = listed.columns();
    let order = order::by_literals(&columns.plans, &listed.numbers());
    let before = *failed;
    let mut batches = [Batch::new(); BATCHES];
    let mut lanes = 0_usize;
    let mut done = 0;
    while let Some((numbers, len)) = order.eight(done) {
        if L::SHARED
            && lanes.is_multiple_of(LANES)
            && numbers.iter().all(|number| !four.contains(*number))
        {
            let batch = &mut batches[lanes / LANES];
            // SAFETY: they are listed.
            unsafe { batch.load::<GATHER>(columns, numbers, len, out, failed) };
            lanes += len;
            done += len;
            if lanes == BATCHES * LANES {
                // SAFETY: all lanes are of streams, and have their places.
                unsafe { run::<GATHER, _, _>(look, &batches, failed) };
                lanes = 0;
            }
            continue;
        }
        done += 1;
        let number = numbers[0];
        if before.contains(number) {
            continue;
        }
        let table = tables.get(usize::from(number)).copied().unwrap_or_default();
        let job = &listed.job(number);
        let (one, four);
        let streams: &[Stream<'_>] = if job.four {
            four = streams::four(job);
            four.as_ref().map_or(&[], |four| four)
        } else {
            one = streams::one(job);
            one.as_slice()
        };
        let mut all = !streams.is_empty();
        for stream in streams {
            if !batches[lanes / LANES].push(lanes % LANES, stream, number, table, out) {
                all = false;
                break;
            }
            lanes += 1;
            if lanes == BATCHES * LANES {
                // SAFETY: all lanes are of streams, and have their places.
                unsafe { run::<GATHER, _, _>(look, &batches, failed) };
                lanes = 0;
            }
        }
        if !all {
            failed.insert(number);
        }
    }
    if lanes > 0 {
        let like = batches[0];
        for (i, batch) in batches.iter_mut().enumerate() {
            batch.fill_up(lanes.saturating_sub(i * LANES).min(LANES), &like);
        }
        // SAFETY: as above, or like the first and without a count.
        unsafe {
            match lanes {
                1..=LANES => run::<GATHER, _, _>(look, std::array::from_ref(&batches[0]), failed),
                _ => run::<GATHER, _, _>(look, &batches, failed),
            }
        }
    }
}

/// Decodes the streams of some batches, which take their steps in turn: in one, each step waits for the
/// one before.
///
/// # Safety
///
/// Each lane is as `Batch::push` and `Batch::load` make it: eight bytes can be read behind its base,
/// and so many whole bytes further on as there are in `left`; it is exposed. `out` of those with a
/// count has that many places and `OVER` more. And each can be looked up.
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
unsafe fn run<const GATHER: bool, L: Look, const N: usize>(
    look: L,
    batches: &[Batch; N],
    failed: &mut FrameSet,
) {
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
            let mut bits: [__m512i; N] = std::array::from_fn(|n| unsafe {
                load_below::<GATHER>(&batches[n].bases, left[n])
            });
            let mut used = [zero; N];
            for i in 0..LOOKUPS {
                for n in 0..N {
                    // SAFETY: by this function's contract.
                    let entry = unsafe { look.up::<GATHER>(&batches[n], bits[n]) };
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
                        let eight = match batch.counts[lane] - done {
                            // Behind the last there may be those of the next stream.
                            rest @ 1..BLOCK_COUNT if !all_have => {
                                let behind = u64::MAX << (8 * rest);
                                eight & !behind | u64::from_le_bytes(place.read()) & behind
                            }
                            _ => eight,
                        };
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
