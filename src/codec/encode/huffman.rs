//! Prefix codes for literals that were counted (RFC 8878, section 4.2).

use std::cmp::Reverse;

use crate::codec::encode::Unknown;
use crate::codec::encode::bits::{Bits, Output, zeroed};
use crate::codec::encode::fse::{Counts, Shares, Table, accuracy};
use crate::codec::libzstd::NoMemory;

/// The longest code of the format.
const MOST_BITS: u32 = 11;
/// The largest accuracy log of compressed weights (section 4.2.1.2).
const WEIGHTS_LOG: u32 = 6;
/// More than there are weights.
const SYMBOLS: usize = 16;
/// Bytes that are there this often libzstd sorts together, those that are there more often by powers of two,
/// and more than a few that are sorted together by a way that does not keep the order of those that are equal.
const COARSE: u16 = 164;
/// How many it sorts in order.
const IN_ORDER: usize = 8;

/// The counts of bytes, of those that are there.
pub(super) struct Histogram {
    /// Zeros between two values.
    counts: Box<[u16; 256]>,
    /// The bytes, in their order, and how often each is there.
    list: Box<[(u8, u16); 256]>,
    len: usize,
    /// How often the most frequent is there.
    pub(super) most: usize,
}

impl Histogram {
    pub(super) fn new() -> Result<Self, NoMemory> {
        Ok(Self { counts: zeroed()?, list: zeroed()?, len: 0, most: 0 })
    }

    /// Counts `bytes`, of which there are some.
    #[inline(always)]
    pub(super) fn count(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.counts[usize::from(*byte)] += 1;
        }
        let (mut len, mut most) = (0, 0);
        for (i, four) in self.counts.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            if *four == [0; 4] {
                continue;
            }
            for (j, count) in std::mem::take(four).into_iter().enumerate() {
                // Overwritten by the next one if there is none.
                self.list[len % 256] = ((4 * i + j) as u8, count);
                len += usize::from(count > 0);
                most = count.max(most);
            }
        }
        (self.len, self.most) = (len, most.into());
    }

    /// The bytes, in their order, and how often each is there.
    #[inline(always)]
    fn list(&self) -> &[(u8, u16)] {
        &self.list[..self.len]
    }

    fn highest(&self) -> usize {
        self.list().last().map_or(0, |(byte, _)| usize::from(*byte))
    }
}

/// A code for each byte: its bits in the lower half, how many in the upper. 0, or what was there before, where
/// there is none.
#[derive(Clone)]
pub(super) struct Code {
    of: [u32; 256],
}

#[derive(Clone, Copy, Default)]
struct Leaf {
    count: u16,
    byte: u8,
    bits: u8,
    parent: u8,
}

impl Code {
    /// A code that has nothing.
    pub(super) const EMPTY: Self = Self { of: [0; 256] };

    /// Makes it the code that libzstd makes, for at least two bytes, and writes it (section 4.2.1). `Unknown`
    /// where libzstd's order is not known here; whether it could be written.
    #[inline(always)]
    pub(super) fn make(
        &mut self,
        histogram: &Histogram,
        total: usize,
        output: &mut Output,
    ) -> Result<bool, Unknown> {
        let highest = histogram.highest();
        let most_bits = accuracy(MOST_BITS, total, highest, 1);
        let mut leaves = [Leaf::default(); 256];
        let leaves = sort(histogram, &mut leaves)?;
        lengths(leaves);
        let log = limit(leaves, most_bits);
        // Bits less one from the longest on, which is what is written; 0 where there is none.
        let mut weights = [0; 256];
        let mut many = [0_u32; SYMBOLS];
        for leaf in leaves.iter() {
            let weight = log as u8 + 1 - leaf.bits;
            weights[usize::from(leaf.byte)] = weight;
            many[usize::from(weight) % SYMBOLS] += 1;
        }
        let next = &mut first_codes(&many, log);
        for (byte, _) in histogram.list() {
            let weight = weights[usize::from(*byte)];
            self.give(*byte, weight, log, next);
        }
        // The last one follows from the others.
        many[usize::from(weights[highest])] -= 1;
        weights[highest] = 0;
        many[0] = (highest + 1 - leaves.len()) as u32;
        Ok(write(&weights, highest, many, output).is_some())
    }

    /// The code with such lengths: shorter codes are larger numbers, and codes of a length go by bytes.
    pub(super) fn by_lengths(bits: &[u8; 256], log: u32) -> Self {
        let weight = |bits: u8| if bits > 0 { log as u8 + 1 - bits } else { 0 };
        let mut many = [0; SYMBOLS];
        for bits in bits {
            many[usize::from(weight(*bits))] += 1;
        }
        let next = &mut first_codes(&many, log);
        let mut code = Self::EMPTY;
        for (byte, bits) in (0..=u8::MAX).zip(bits).filter(|(_, bits)| **bits > 0) {
            code.give(byte, weight(*bits), log, next);
        }
        code
    }

    #[inline(always)]
    fn give(&mut self, byte: u8, weight: u8, log: u32, next: &mut [u32; SYMBOLS]) {
        let next = &mut next[usize::from(weight) % SYMBOLS];
        self.of[usize::from(byte)] = (log + 1 - u32::from(weight)) << 16 | *next;
        *next += 1;
    }

    /// Whether all bytes that were counted have a code.
    pub(super) fn has(&self, histogram: &Histogram) -> bool {
        histogram.list().iter().all(|(byte, _)| self.of[usize::from(*byte)] > 0)
    }

    /// About how many bytes what was counted takes.
    pub(super) fn estimate(&self, histogram: &Histogram) -> usize {
        let bits =
            |(byte, count): &(u8, u16)| (self.of[usize::from(*byte)] >> 16) * u32::from(*count);
        histogram.list().iter().map(bits).sum::<u32>() as usize / 8
    }

    /// Writes bytes that all have a code, the last first.
    #[inline(always)]
    pub(super) fn encode(&self, bytes: &[u8], output: &mut Output) {
        let mut bits = output.bits();
        let mut pieces = bytes.rchunks_exact(4);
        for piece in &mut pieces {
            for byte in piece.iter().rev() {
                self.add(*byte, &mut bits);
            }
            bits.flush();
        }
        for byte in pieces.remainder().iter().rev() {
            self.add(*byte, &mut bits);
        }
        bits.finish_with_mark();
    }

    #[inline(always)]
    fn add(&self, byte: u8, bits: &mut Bits<'_>) {
        let code = self.of[usize::from(byte)];
        bits.add_only(u64::from(code & 0xffff), code >> 16);
    }
}

/// The first code of each weight, of which there are so many.
#[inline(always)]
fn first_codes(many: &[u32; SYMBOLS], log: u32) -> [u32; SYMBOLS] {
    let mut next = [0; SYMBOLS];
    let mut least = 0;
    for weight in 1..=log as usize % SYMBOLS {
        next[weight] = least;
        least = (least + many[weight]) >> 1;
    }
    next
}

/// The bytes that are there, the most frequent first, and then by their numbers.
#[inline(always)]
fn sort<'a>(histogram: &Histogram, leaves: &'a mut [Leaf; 256]) -> Result<&'a mut [Leaf], Unknown> {
    let list = histogram.list();
    let leaf = |(byte, count): &(u8, u16)| Leaf { count: *count, byte: *byte, bits: 0, parent: 0 };
    if histogram.most < 256 {
        // Places by count.
        let mut next = [0_u8; 256];
        for (_, count) in list {
            next[usize::from(*count) % 256] += 1;
        }
        let mut at = 0_u8;
        for next in next[..=histogram.most].iter_mut().rev() {
            (*next, at) = (at, at.wrapping_add(*next));
        }
        for there in list {
            let next = &mut next[usize::from(there.1) % 256];
            leaves[usize::from(*next)] = leaf(there);
            *next = next.wrapping_add(1);
        }
    } else {
        for (to, there) in leaves.iter_mut().zip(list) {
            *to = leaf(there);
        }
        leaves[..list.len()].sort_by_key(|leaf| Reverse(leaf.count));
    }
    let leaves = &mut leaves[..list.len()];
    match leaves.get(IN_ORDER) {
        Some(leaf) if leaf.count >= COARSE => Err(Unknown),
        _ => Ok(leaves),
    }
}

/// The lengths of a Huffman code: of what is least frequent two are put together, leaves last where they
/// are as frequent.
#[inline(always)]
fn lengths(leaves: &mut [Leaf]) {
    let nodes = leaves.len() - 1;
    let mut counts = [u16::MAX; 256];
    let mut parents = [0_u8; 256];
    // Leaves are taken from the end, nodes from the front.
    let (mut leaf, mut node) = (leaves.len(), 0);
    for new in 0..nodes {
        let mut sum = 0;
        for _ in 0..2 {
            if leaf > 0 && leaves[leaf - 1].count < counts[node] {
                leaf -= 1;
                leaves[leaf].parent = new as u8;
                sum += leaves[leaf].count;
            } else {
                parents[node] = new as u8;
                sum += counts[node];
                node += 1;
            }
        }
        counts[new] = sum;
    }
    // The root is the last node.
    let mut bits = [0_u8; 256];
    for node in (0..nodes - 1).rev() {
        bits[node] = bits[usize::from(parents[node])] + 1;
    }
    for leaf in leaves {
        leaf.bits = bits[usize::from(leaf.parent)] + 1;
    }
}

/// Shortens lengths to `most` bits, as libzstd does: what is longer becomes as long as that, which is too much
/// for a code, and then others become longer. Returns the length of the longest.
#[inline(always)]
fn limit(leaves: &mut [Leaf], most: u32) -> u32 {
    let longest = u32::from(leaves[leaves.len() - 1].bits);
    if longest <= most {
        return longest;
    }
    let target = most as u8;
    // What the codes are too much, in parts of 2^-longest first.
    let mut debt = 0_i32;
    let mut end = leaves.len();
    while leaves[end - 1].bits > target {
        end -= 1;
        debt += (1 << (longest - most)) - (1 << (longest - u32::from(leaves[end].bits)));
        leaves[end].bits = target;
    }
    debt >>= longest - most;
    while leaves[end - 1].bits == target {
        end -= 1;
    }
    // The last leaf, which is the least frequent, of those that are so many bits shorter than the target.
    let mut last = [None; MOST_BITS as usize + 2];
    let mut bits = target;
    for (at, leaf) in leaves[..end].iter().enumerate().rev() {
        if leaf.bits < bits {
            bits = leaf.bits;
            last[usize::from(target - bits)] = Some(at);
        }
    }
    while debt > 0 {
        // A bit more for one that is `shorter` by so many pays for 2^(shorter - 1); better are two of the next
        // length, if they are less frequent together.
        let mut shorter = debt.ilog2() as usize + 1;
        while shorter > 1 {
            let (one, two) = (last[shorter], last[shorter - 1]);
            match (one, two) {
                (None, _) => {}
                (Some(_), None) => break,
                (Some(one), Some(two)) if leaves[one].count <= 2 * leaves[two].count => break,
                _ => {}
            }
            shorter -= 1;
        }
        let at = loop {
            match last[shorter] {
                Some(at) => break at,
                None => shorter += 1,
            }
        };
        debt -= 1 << (shorter - 1);
        leaves[at].bits += 1;
        last[shorter - 1].get_or_insert(at);
        last[shorter] = match at.checked_sub(1) {
            Some(before) if usize::from(target - leaves[before].bits) == shorter => Some(before),
            _ => None,
        };
    }
    // What was paid too much goes to the most frequent of the longest.
    while debt < 0 {
        let at = match last[1] {
            Some(before) => before + 1,
            None => {
                while end > 0 && leaves[end - 1].bits == target {
                    end -= 1;
                }
                end
            }
        };
        leaves[at].bits -= 1;
        last[1] = Some(at);
        debt += 1;
    }
    most
}

/// Writes the weights up to that of the highest byte, by their own distribution or as they are; `None` if that
/// cannot be.
#[inline(always)]
fn write(
    weights: &[u8; 256],
    highest: usize,
    many: [u32; SYMBOLS],
    output: &mut Output,
) -> Option<()> {
    let begin = output.len;
    output.byte(0);
    let packed = pack(&weights[..highest], many, output)?;
    let size = output.len - begin - 1;
    if packed && size > 1 && size < highest / 2 {
        output.set(begin, [size as u8]);
        return Some(());
    }
    if highest > 128 {
        return None;
    }
    output.len = begin;
    output.byte(127 + highest as u8);
    for pair in weights[..highest.next_multiple_of(2)].chunks_exact(2) {
        output.byte(pair[0] << 4 | pair[1]);
    }
    Some(())
}

/// Writes weights, of each of which there are so many, by their own distribution; whether that was possible, and
/// `None` where libzstd gives up.
#[inline(always)]
fn pack(weights: &[u8], many: [u32; SYMBOLS], output: &mut Output) -> Option<bool> {
    if weights.len() <= 1 {
        return Some(false);
    }
    let counts = Counts::of(&many);
    if counts.most as usize == weights.len() || counts.most == 1 {
        return Some(false);
    }
    let log = accuracy(WEIGHTS_LOG, weights.len(), counts.highest, 2);
    let shares = Shares::new(&counts, weights.len() as u32, log)?;
    shares.write(output.bits())?;
    if weights.len() <= 2 {
        return Some(false);
    }
    let mut table = Table::<{ 1 << WEIGHTS_LOG }, SYMBOLS>::EMPTY;
    table.fill(&shares.of[..=counts.highest], log);
    // Two states take turns, from the end; the first weight is the first state's.
    let (rest, last) = weights.split_at(weights.len() - 2);
    let odd = weights.len() % 2;
    let mut first = table.begin(last[odd]);
    let mut second = table.begin(last[1 - odd]);
    let mut bits = output.bits();
    let (pairs, one) = rest.split_at(rest.len() - odd);
    for weight in one {
        first.encode(*weight, &mut bits);
    }
    for pair in pairs.rchunks_exact(2) {
        second.encode(pair[1], &mut bits);
        first.encode(pair[0], &mut bits);
        bits.flush();
    }
    second.end(&mut bits);
    first.end(&mut bits);
    bits.finish_with_mark();
    Some(true)
}
