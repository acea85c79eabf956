//! Sequences of eight frames at once.

use std::arch::x86_64::*;

use crate::codec::batch::Prepared;
use crate::codec::batch::job::{
    CONTENT_AT, Column, Columns, LITERALS, Listed, SEQUENCES, SEQUENCES_AT, STREAM_END,
};
use crate::codec::batch::moves::{Before, Sequence};
use crate::codec::batch::places::Places;
use crate::codec::batch::sequences::{BEFORE_STREAM, BELOW};
use crate::codec::batch::sets::FrameSet;
use crate::codec::batch::wide::columns::{Ends, column_at, ends, field, frames_at, numbers_of};
use crate::codec::batch::wide::lanes::{LANES, number, store, transpose};
use crate::codec::batch::wide::order;
use crate::codec::batch::wide::own::OwnTables;
use crate::codec::batch::wide::steps::{Lanes, Streams, Tables};
use crate::codec::batch::wide::tables::WideTables;

/// Sequences of a frame that are written together.
const BLOCK: usize = LANES;

/// Streams that are decoded side by side, and where their sequences go.
#[derive(Clone, Copy)]
struct Batch {
    streams: Streams,
    out: [*mut Sequence; LANES],
    /// Lanes whose stream can be read. Others have no sequences.
    sound: __mmask8,
}

impl Batch {
    /// The streams of the first `len` of these frames; lanes of the others do nothing.
    ///
    /// # Safety
    ///
    /// All of them have one, by their plans.
    #[inline]
    #[target_feature(enable = "avx512f,avx512cd,avx512dq,avx2")]
    unsafe fn load<const GATHER: bool>(
        columns: &Columns,
        own: Option<&Column>,
        numbers: [u8; LANES],
        len: usize,
        out: &Places<'_, Sequence>,
    ) -> Self {
        let at = numbers_of(numbers);
        let column = |column| column_at::<GATHER>(column, at);
        let (ranges, counts) = (column(&columns.plans.ranges), column(&columns.plans.counts));
        let places = column(&columns.places);
        let field = |numbers, from: u32| field(numbers, from, 16);
        let (start, end) = (field(ranges, 0), field(ranges, STREAM_END));
        let frames = frames_at::<GATHER>(columns.frames(), at);
        // SAFETY: by plans, streams begin so far behind the front of their frames, and end in them.
        let Ends { bases, left, sound } =
            unsafe { ends::<GATHER>(frames, [start, end], BEFORE_STREAM - 1, len) };
        let sequences = _mm512_maskz_mov_epi64(sound, field(counts, SEQUENCES));
        let streams = Streams {
            bases: store(bases),
            left: store(_mm512_add_epi64(left, number(BELOW))),
            starts: store(column(&columns.plans.states)),
            own: own.map_or([0; _], |own| store(column(own))),
            counts: store(sequences),
            content: store(_mm512_srli_epi64::<CONTENT_AT>(places)),
            sizes: store(field(counts, 0)),
            literals: store(field(counts, LITERALS)),
        };
        let (at, counts) = (store(places), &streams.counts);
        let out = std::array::from_fn(|lane| {
            let at = (at[lane] >> SEQUENCES_AT) as usize & ((1 << (CONTENT_AT - SEQUENCES_AT)) - 1);
            out.get(at, counts[lane] as usize + 1)
        });
        Self { streams, out, sound }
    }
}

/// Decodes the streams of all that are listed, and gives their sequences places; `failed` gets those
/// that are damaged. Tables of frames' own are among those that are shared, if there are any.
///
/// # Panics
///
/// If the place of a stream, with one more sequence, is not in `out`.
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
pub(in crate::codec::batch) fn decode<const GATHER: bool>(
    prepared: &Prepared,
    own: Option<&OwnTables>,
    listed: Listed<'_>,
    out: &mut [Sequence],
    failed: &mut FrameSet,
) {
    let before = &prepared.before;
    match own {
        None => {
            let WideTables { literals, offsets, matches } = &*prepared.wide;
            let tables = Tables { literals, offsets, matches };
            decode_by::<GATHER, _, _>(tables, None, before, listed, out, failed);
        }
        Some(own) => {
            let [literals, offsets, matches] = own.entries();
            let tables = Tables { literals, offsets, matches };
            decode_by::<GATHER, _, _>(tables, Some(own.starts()), before, listed, out, failed);
        }
    }
}

#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
fn decode_by<const GATHER: bool, const LENGTHS: usize, const OFFSETS: usize>(
    tables: Tables<'_, LENGTHS, OFFSETS>,
    own: Option<&Column>,
    before: &Before,
    listed: Listed<'_>,
    out: &mut [Sequence],
    failed: &mut FrameSet,
) {
    let out = &Places::new(out);
    let columns = listed.columns();
    let order = order::by_sequences(&columns.plans, &listed.numbers());
    let mut done = 0;
    while let Some((numbers, len)) = order.eight(done) {
        done += len;
        // SAFETY: they are listed; then all lanes are of streams, and have their places.
        let sound = unsafe {
            let batch = Batch::load::<GATHER>(columns, own, numbers, len, out);
            run::<GATHER, _, _>(tables, before, &batch)
        };
        if u32::from(sound).trailing_ones() < len as u32 {
            for (lane, number) in numbers[..len].iter().enumerate() {
                if sound >> lane & 1 == 0 {
                    failed.insert(*number);
                }
            }
        }
    }
}

/// Decodes the streams of a batch; which of them are sound.
///
/// # Safety
///
/// Each lane is as `Batch::load` makes it: eight bytes can be read behind its base, and so many whole
/// bytes further on as there are in `left`; it is exposed. `out` of each has as many places as its count
/// says, and one.
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
unsafe fn run<const GATHER: bool, const LENGTHS: usize, const OFFSETS: usize>(
    tables: Tables<'_, LENGTHS, OFFSETS>,
    before: &Before,
    batch: &Batch,
) -> __mmask8 {
    let Batch { streams, .. } = batch;
    let dictionary = number(i64::from(before.dictionary));
    // SAFETY: by this function's contract.
    let mut lanes = unsafe { Lanes::new::<GATHER>(streams, before) };
    let most = streams.counts.iter().copied().max().unwrap_or(0) as usize;
    let mut block = [_mm512_setzero_si512(); BLOCK];
    let mut done = 0;
    while done < most {
        for (i, sequences) in block.iter_mut().take(most - done).enumerate() {
            // SAFETY: by this function's contract, and all before was decoded.
            *sequences =
                unsafe { lanes.step::<GATHER, _, _>(tables, streams, dictionary, done + i) };
        }
        for (lane, sequences) in transpose(block).into_iter().enumerate() {
            let count = (streams.counts[lane] as usize).saturating_sub(done).min(BLOCK);
            let mask = _bzhi_u32(u32::from(u8::MAX), count as u32) as __mmask8;
            // SAFETY: the lane has places for so many.
            unsafe {
                _mm512_mask_storeu_epi64(
                    batch.out[lane].wrapping_add(done).cast(),
                    mask,
                    sequences,
                );
            }
        }
        done += BLOCK;
    }
    for (lane, rest) in store(lanes.rest(streams)).into_iter().enumerate() {
        if batch.sound >> lane & 1 == 1 {
            // SAFETY: the lane has a place behind the others.
            unsafe { batch.out[lane].add(streams.counts[lane] as usize).cast::<u64>().write(rest) };
        }
    }
    lanes.sound(streams) & batch.sound
}
