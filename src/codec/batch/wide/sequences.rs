//! Sequences of eight frames at once.

use std::arch::x86_64::*;

use crate::codec::batch::bits::bits_in;
use crate::codec::batch::job::{Failed, Job, Listed};
use crate::codec::batch::moves::{Before, Sequence};
use crate::codec::batch::places::Places;
use crate::codec::batch::sequences::{BELOW, stream_of};
use crate::codec::batch::wide::lanes::{LANES, transpose};
use crate::codec::batch::wide::own::OwnTables;
use crate::codec::batch::wide::steps::{Lanes, Streams, Tables};
use crate::codec::batch::wide::tables::WideTables;
use crate::codec::batch::{PLACES, Prepared};

/// Sequences of a frame that are written together.
const BLOCK: usize = PLACES;
const _: () = assert!(BLOCK == LANES);

/// Streams that are decoded side by side, and where their sequences go.
#[derive(Clone, Copy)]
struct Batch {
    streams: Streams,
    out: [*mut Sequence; LANES],
    numbers: [u8; LANES],
    /// How many there are. Other lanes do what the first does, but nothing comes of it.
    len: usize,
}

impl Batch {
    fn new() -> Self {
        Self {
            streams: Streams {
                bases: [std::ptr::null(); _],
                left: [0; _],
                starts: [0; _],
                own: [0; _],
                counts: [0; _],
                sizes: [0; _],
                literals: [0; _],
            },
            out: [std::ptr::null_mut(); _],
            numbers: [0; _],
            len: 0,
        }
    }

    /// Takes a frame's stream; whether it can be read.
    #[inline(always)]
    fn push(&mut self, job: &Job<'_>, number: u8, own: u64, out: &Places<'_, Sequence>) -> bool {
        let Some((stream, base)) = stream_of(job) else { return false };
        let Some(bits) = bits_in(stream) else { return false };
        let Self { streams, len, .. } = self;
        base.expose_provenance();
        streams.bases[*len] = base;
        streams.left[*len] = bits as u64 + BELOW as u64;
        streams.starts[*len] = job.states.packed();
        streams.own[*len] = own;
        streams.counts[*len] = u64::from(job.sequences);
        streams.sizes[*len] = u64::from(job.size);
        streams.literals[*len] = u64::from(job.literals);
        let places = (job.sequences as usize).next_multiple_of(BLOCK);
        self.out[*len] = out.get(job.sequences_at as usize, places);
        self.numbers[*len] = number;
        self.len += 1;
        true
    }

    fn fill_up(&mut self) {
        let Streams { bases, left, starts, own, counts, .. } = &mut self.streams;
        for i in self.len..LANES {
            (bases[i], left[i], starts[i], own[i]) = (bases[0], left[0], starts[0], own[0]);
            counts[i] = 0;
        }
    }
}

/// Decodes the streams of all that are listed, and gives their sequences places; `failed` gets those
/// that are damaged. Tables of frames' own are among those that are shared, if there are any.
///
/// # Panics
///
/// If the place of a stream, up to whole blocks, is not in `out`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(in crate::codec::batch) fn decode<const GATHER: bool>(
    prepared: &Prepared,
    own: Option<&OwnTables>,
    listed: Listed<'_>,
    out: &mut [Sequence],
    failed: &mut Failed,
) {
    let before = &prepared.before;
    match own {
        None => {
            let WideTables { literals, offsets, matches } = &*prepared.wide;
            let tables = Tables { literals, offsets, matches };
            decode_by::<GATHER, _, _>(tables, &[], before, listed, out, failed);
        }
        Some(own) => {
            let [literals, offsets, matches] = own.entries();
            let tables = Tables { literals, offsets, matches };
            decode_by::<GATHER, _, _>(tables, own.starts(), before, listed, out, failed);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn decode_by<const GATHER: bool, const LENGTHS: usize, const OFFSETS: usize>(
    tables: Tables<'_, LENGTHS, OFFSETS>,
    own: &[u64],
    before: &Before,
    listed: Listed<'_>,
    out: &mut [Sequence],
    failed: &mut Failed,
) {
    let out = &Places::new(out);
    let order = listed.order(|job| job.sequences);
    let mut batch = Batch::new();
    for number in order.iter() {
        let own = own.get(usize::from(number)).copied().unwrap_or(0);
        if !batch.push(listed.job(number), number, own, out) {
            failed.insert(number);
        }
        if batch.len == LANES {
            // SAFETY: all lanes are of streams, and have their places.
            unsafe { run::<GATHER, _, _>(tables, before, &batch, failed) };
            batch.len = 0;
        }
    }
    if batch.len > 0 {
        batch.fill_up();
        // SAFETY: as above, or like the first and without a count.
        unsafe { run::<GATHER, _, _>(tables, before, &batch, failed) };
    }
}

/// Decodes the streams of a batch.
///
/// # Safety
///
/// Each lane is as `Batch::push` makes it: eight bytes can be read behind its base, and so many whole
/// bytes further on as there are in `left`; it is exposed. `out` of those with a count has that many places, up to whole
/// blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn run<const GATHER: bool, const LENGTHS: usize, const OFFSETS: usize>(
    tables: Tables<'_, LENGTHS, OFFSETS>,
    before: &Before,
    batch: &Batch,
    failed: &mut Failed,
) {
    let Batch { streams, .. } = batch;
    let dictionary = _mm512_set1_epi64(i64::from(before.dictionary));
    // SAFETY: by this function's contract.
    let mut lanes = unsafe { Lanes::new::<GATHER>(streams, before) };
    let most = streams.counts.iter().copied().max().unwrap_or(0) as usize;
    let mut block = [_mm512_setzero_si512(); BLOCK];
    let mut done = 0;
    while done < most {
        for (i, sequences) in block.iter_mut().take(most - done).enumerate() {
            // SAFETY: by this function's contract, and all before was decoded.
            *sequences =
                unsafe { lanes.step::<GATHER, _, _>(tables, &streams.bases, dictionary, done + i) };
        }
        for (lane, sequences) in transpose(block).into_iter().enumerate() {
            if (done as u64) < streams.counts[lane] {
                // SAFETY: a block that the lane has places for.
                unsafe { _mm512_storeu_si512(batch.out[lane].add(done).cast(), sequences) };
            }
        }
        done += BLOCK;
    }
    let sound = lanes.sound(streams);
    if u32::from(sound).trailing_ones() < batch.len as u32 {
        for (lane, number) in batch.numbers[..batch.len].iter().enumerate() {
            if sound >> lane & 1 == 0 {
                failed.insert(*number);
            }
        }
    }
}
