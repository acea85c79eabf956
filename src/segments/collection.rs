//! Several buffers with segments, as one sequence.

use crate::segments::{BufferSegment, BufferWithSegments};

/// Several [`BufferWithSegments`] as one ordered sequence of segments.
///
/// ```text
/// members   | 0 1 | 2 3 4 | | 5 |
/// starts    0     2       5 5   6        where each begins, and the total
/// ```
///
/// Item `i` is found by binary search over the members. Members may be empty; there may be none.
#[derive(Debug, Clone)]
pub struct BufferWithSegmentsCollection {
    members: Vec<BufferWithSegments>,
    /// One more than there are members; never falls.
    starts: Vec<usize>,
}

impl BufferWithSegmentsCollection {
    /// The members as one sequence, in their order.
    pub fn new(members: Vec<BufferWithSegments>) -> Self {
        let mut starts = Vec::with_capacity(members.len() + 1);
        let mut start = 0;
        starts.push(start);
        for member in &members {
            start += member.len();
            starts.push(start);
        }
        Self { members, starts }
    }

    /// The number of segments in all members.
    pub fn len(&self) -> usize {
        self.starts[self.members.len()]
    }

    /// Whether there is no segment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Segment `i` of the whole sequence, or `None` past the end.
    pub fn get(&self, i: usize) -> Option<BufferSegment<'_>> {
        let (member, within) = self.locate(i)?;
        self.members[member].get(within)
    }

    /// The place of the member that holds segment `i`, and the segment's place there; or `None` past
    /// the end.
    pub fn locate(&self, i: usize) -> Option<(usize, usize)> {
        if i >= self.len() {
            return None;
        }
        // The last member that begins at or before i; members without segments end up before it.
        let member = self.starts.partition_point(|start| *start <= i) - 1;
        Some((member, i - self.starts[member]))
    }

    /// All segments in order.
    pub fn iter(&self) -> impl Iterator<Item = BufferSegment<'_>> {
        self.members.iter().flat_map(BufferWithSegments::iter)
    }

    /// The sum of the sizes of all backing buffers, in bytes. A buffer that stands in several
    /// members counts once for each.
    pub fn size(&self) -> usize {
        self.members.iter().map(BufferWithSegments::size).sum()
    }

    /// The members.
    pub fn members(&self) -> &[BufferWithSegments] {
        &self.members
    }

    /// The members.
    pub fn into_members(self) -> Vec<BufferWithSegments> {
        self.members
    }
}

impl From<BufferWithSegments> for BufferWithSegmentsCollection {
    fn from(member: BufferWithSegments) -> Self {
        Self::new(vec![member])
    }
}

impl FromIterator<BufferWithSegments> for BufferWithSegmentsCollection {
    fn from_iter<I: IntoIterator<Item = BufferWithSegments>>(members: I) -> Self {
        Self::new(members.into_iter().collect())
    }
}
