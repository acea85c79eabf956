//! Data pages as Parquet lays them out: levels, then values, each with its length before it.
//!
//! ```text
//! repetition levels   definition levels   length value length value ...
//! ```
//!
//! Levels are in Parquet's hybrid of runs and packed bits, with their size in bytes before them;
//! those of a column that has none are left out.

/// Appends a value: its length in four bytes, and its bytes. `None` if it is longer than that says.
pub(super) fn put_value(page: &mut Vec<u8>, value: &[u8]) -> Option<()> {
    let length = i32::try_from(value.len()).ok()?;
    page.extend_from_slice(&length.to_le_bytes());
    page.extend_from_slice(value);
    Some(())
}

/// Appends levels of at most `most`; nothing where that is 0.
pub(super) fn put_levels(page: &mut Vec<u8>, levels: &[i16], most: i16) {
    if most == 0 {
        return;
    }
    let start = page.len();
    page.extend_from_slice(&[0; 4]);
    let width = (i16::BITS - most.leading_zeros()) as usize;
    let mut packed = Packed { open: Vec::new(), width };
    let mut rest = levels;
    while let Some(level) = rest.first() {
        let run = rest.iter().take_while(|next| *next == level).count();
        // Packed levels come in groups of eight; only behind a whole group can a run begin.
        let fill = packed.open.len().next_multiple_of(GROUP) - packed.open.len();
        let (here, next) = rest.split_at(run);
        if run >= fill + GROUP {
            packed.open.extend_from_slice(&here[..fill]);
            packed.put(page);
            put_run(page, *level, run - fill, width);
        } else {
            packed.open.extend_from_slice(here);
        }
        rest = next;
    }
    packed.put(page);
    let size = (page.len() - start - 4) as u32;
    page[start..start + 4].copy_from_slice(&size.to_le_bytes());
}

const GROUP: usize = 8;

/// Levels that wait to be packed.
struct Packed {
    open: Vec<i16>,
    /// Bits a level.
    width: usize,
}

impl Packed {
    /// Appends them in whole groups, the last filled up with zeros.
    fn put(&mut self, page: &mut Vec<u8>) {
        if self.open.is_empty() {
            return;
        }
        let groups = self.open.len().div_ceil(GROUP);
        put_varint(page, (groups << 1 | 1) as u64);
        self.open.resize(groups * GROUP, 0);
        for group in self.open.chunks_exact(GROUP) {
            let bits = group
                .iter()
                .rev()
                .fold(0_u128, |bits, level| bits << self.width | u128::from(level.unsigned_abs()));
            page.extend_from_slice(&bits.to_le_bytes()[..self.width]);
        }
        self.open.clear();
    }
}

fn put_run(page: &mut Vec<u8>, level: i16, count: usize, width: usize) {
    put_varint(page, (count as u64) << 1);
    page.extend_from_slice(&level.to_le_bytes()[..width.div_ceil(8)]);
}

fn put_varint(page: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        page.push(number as u8 | 0x80);
        number >>= 7;
    }
    page.push(number as u8);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use parquet::basic::{Encoding, Repetition, Type as PhysicalType};
    use parquet::column::page::{Page, PageMetadata, PageReader};
    use parquet::column::reader::ColumnReaderImpl;
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::errors::Result;
    use parquet::schema::types::{ColumnDescriptor, ColumnPath, Type};
    use proptest::prelude::*;

    use super::*;

    struct One(Option<Page>);

    impl Iterator for One {
        type Item = Result<Page>;

        fn next(&mut self) -> Option<Self::Item> {
            self.0.take().map(Ok)
        }
    }

    impl PageReader for One {
        fn get_next_page(&mut self) -> Result<Option<Page>> {
            Ok(self.0.take())
        }

        fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
            unreachable!("nothing is skipped")
        }

        fn skip_next_page(&mut self) -> Result<()> {
            unreachable!("nothing is skipped")
        }
    }

    /// Levels in runs of any lengths.
    fn levels(most: i16) -> impl Strategy<Value = Vec<i16>> {
        let run = (0..=most, prop_oneof![1..12_usize, 1..200_usize]);
        prop::collection::vec(run, 1..20).prop_map(|runs| {
            runs.into_iter().flat_map(|(level, count)| vec![level; count]).collect()
        })
    }

    proptest! {
        /// The Parquet crate reads the levels and the values that were put into a page.
        #[test]
        fn pages_are_read((most, definition) in (0..300_i16).prop_flat_map(|most| (Just(most), levels(most)))) {
            let has_value = |level: &&i16| **level == most;
            let values: Vec<ByteArray> = definition
                .iter()
                .filter(has_value)
                .enumerate()
                .map(|(i, _)| ByteArray::from(vec![i as u8; i % 40]))
                .collect();
            let mut page = Vec::new();
            put_levels(&mut page, &definition, most);
            for value in &values {
                put_value(&mut page, value.data()).unwrap();
            }
            let page = Page::DataPage {
                buf: Bytes::from(page),
                num_values: definition.len() as u32,
                encoding: Encoding::PLAIN,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            let leaf = Type::primitive_type_builder("leaf", PhysicalType::BYTE_ARRAY)
                .with_repetition(Repetition::OPTIONAL)
                .build()
                .unwrap();
            let path = ColumnPath::new(vec!["leaf".to_owned()]);
            let descriptor = Arc::new(ColumnDescriptor::new(Arc::new(leaf), most, 0, path));
            let mut reader =
                ColumnReaderImpl::<ByteArrayType>::new(descriptor, Box::new(One(Some(page))));
            let (mut found, mut read) = (Vec::new(), Vec::new());
            reader.read_records(usize::MAX, Some(&mut found), None, &mut read).unwrap();
            if most > 0 {
                prop_assert_eq!(found, definition);
            }
            prop_assert_eq!(read, values);
        }
    }
}
