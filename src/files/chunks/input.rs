//! The file that is read: its metadata, and its bytes by their place.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::mem::replace;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use memmap2::{MmapMut, MmapOptions};
use parquet::column::page::PageReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::codec::Format;
use crate::error::{Error, Result};
use crate::files::batch::{Plan, PlannedColumn};
use crate::files::chunks::broken;
use crate::files::chunks::schema::slot_level;
use crate::files::parquet::ParquetFile;
use crate::files::pipeline::damage;

/// More than a page header has, but for one with long statistics.
const HEADER_BYTES: usize = 512;

/// A Parquet file, and which of its columns are named.
pub(super) struct Input {
    path: Arc<Path>,
    bytes: Arc<FileBytes>,
    metadata: ParquetMetaData,
    /// The named columns, in the order of the plan, which is that of the file.
    pub(super) columns: Vec<Column>,
}

/// A named column.
pub(super) struct Column {
    pub(super) name: String,
    /// Its number among the file's columns.
    pub(super) leaf: usize,
    /// The definition level of an entry with a value.
    pub(super) value_level: i16,
    /// The least definition level of an entry that stands for a value, or a null in its place; below
    /// are entries that stand for lists without items.
    pub(super) slot_level: i16,
    /// How to know the content size of its values, if they are frames.
    pub(super) frames: Option<Format>,
}

impl Input {
    pub(super) fn open(file: ParquetFile, plan: &Plan) -> Result<Self> {
        let ParquetFile { path, file, metadata } = file;
        let bytes = FileBytes::of(file).map_err(|error| Error::in_file(&path, error))?;
        let mut reader = ParquetMetaDataReader::new_with_metadata(Arc::unwrap_or_clone(metadata))
            .with_page_index_policy(PageIndexPolicy::Optional);
        let read = || {
            reader.read_page_indexes(&bytes)?;
            reader.finish()
        };
        let metadata = catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|panic| Err(ParquetError::General(damage(&*panic))))
            .map_err(|error| Error::in_file(&path, error))?;
        let schema = metadata.file_metadata().schema_descr();
        let column = |planned: &PlannedColumn| Column {
            name: planned.path.name.clone(),
            leaf: planned.path.number,
            value_level: schema.column(planned.path.number).max_def_level(),
            slot_level: slot_level(schema, planned.path.number),
            frames: planned.frames(),
        };
        let columns = plan.columns().map(column).collect();
        Ok(Self { path, bytes: Arc::new(bytes), metadata, columns })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    /// Whether the file says where pages are and what is in them, of all its columns.
    pub(super) fn has_indexes(&self) -> bool {
        let whole = |indexes: &Vec<OffsetIndexMetaData>| {
            indexes.iter().all(|index| !index.page_locations.is_empty())
        };
        self.metadata.column_index().is_some()
            && self.metadata.offset_index().is_some_and(|groups| groups.iter().all(whole))
    }

    /// The pages of a column chunk.
    pub(super) fn pages(
        &self,
        group: usize,
        leaf: usize,
    ) -> Result<SerializedPageReader<FileBytes>> {
        let group = self.metadata.row_group(group);
        let chunk = group.column(leaf);
        if chunk.crypto_metadata().is_some() {
            return Err(broken("the column is encrypted".to_owned()));
        }
        self.range(chunk)?;
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        SerializedPageReader::new(self.bytes.clone(), chunk, rows, None)
            .map_err(|error| Error::Arrow(error.into()))
    }

    /// Where a column chunk is in the file, in bytes: start and length.
    pub(super) fn range(&self, chunk: &ColumnChunkMetaData) -> Result<(u64, u64)> {
        let number = |number: i64| u64::try_from(number).ok();
        let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        let range = number(start).zip(number(chunk.compressed_size()));
        let inside = |(start, length): &(u64, u64)| {
            start.checked_add(*length).is_some_and(|end| end <= self.bytes.len())
        };
        range
            .filter(inside)
            .ok_or_else(|| broken("the file is damaged: the column lies outside of it".to_owned()))
    }

    /// Whether all pages of a column chunk can be read, and have as many values as they should.
    pub(super) fn check(&self, group: usize, leaf: usize) -> Result<()> {
        let chunk = self.metadata.row_group(group).column(leaf);
        let read = || -> Result<()> {
            let mut pages = self.pages(group, leaf)?;
            let mut found = 0;
            while let Some(page) =
                pages.get_next_page().map_err(|error| Error::Arrow(error.into()))?
            {
                if page.is_data_page() {
                    found += i64::from(page.num_values());
                }
            }
            if found != chunk.num_values() {
                let expected = chunk.num_values();
                let problem =
                    format!("the file is damaged: the column has {found} values, not {expected}");
                return Err(broken(problem));
            }
            Ok(())
        };
        let read = catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|panic| Err(broken(damage(&*panic))));
        read.map_err(|error| error.in_column(&chunk.column_path().string()))
    }

    /// Some bytes of the file.
    pub(super) fn read_exact(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.bytes.from(start).read_exact(bytes)
    }
}

/// The bytes of a file by their place, for any number of threads at a time.
pub(super) struct FileBytes {
    file: Arc<File>,
    length: u64,
    memory: Arc<PageMemory>,
}

impl FileBytes {
    fn of(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), length, memory: Arc::default() })
    }

    fn from(&self, start: u64) -> ReadFrom {
        ReadFrom { file: self.file.clone(), at: start }
    }
}

/// Memory that pages were read to, kept for the next ones: fresh memory costs more than the reading.
#[derive(Default)]
struct PageMemory(Mutex<Vec<Mapped>>);

impl PageMemory {
    /// Of how many pages memory is kept.
    const KEPT: usize = 4;
    /// Of pages of what sizes, in bytes. Smaller ones are malloc's, which keeps theirs.
    const SIZES: RangeInclusive<usize> = 1 << 20..=32 << 20;

    /// Memory of at least `size` bytes, with anything in it.
    fn take(self: &Arc<Self>, size: usize) -> Page {
        let mapped = Self::SIZES.contains(&size).then(|| self.mapped(size)).flatten();
        let bytes = mapped.map_or_else(|| PageBytes::Heap(vec![0; size]), PageBytes::Mapped);
        Page { bytes, memory: self.clone() }
    }

    fn mapped(&self, size: usize) -> Option<Mapped> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest, and of those the one that was used last.
        let fits = kept.iter().enumerate().rev().filter(|(_, one)| one.len() >= size);
        let best = fits.min_by_key(|(_, one)| one.len()).map(|(place, _)| place);
        // Pages of a column differ a little in size: what is not used is not touched either.
        best.map(|place| kept.remove(place)).or_else(|| Mapped::new(size.next_power_of_two()))
    }
}

/// Memory from the system itself, on huge pages where it has some: with those of 4 KiB, the first
/// touch of each takes longer than what is read to it.
struct Mapped {
    map: MmapMut,
    start: usize,
}

const HUGE_PAGE: usize = 2 << 20;

impl Mapped {
    fn new(size: usize) -> Option<Self> {
        let mut map = MmapOptions::new().len(size.checked_add(HUGE_PAGE)?).map_anon().ok()?;
        let start = map.as_mut_ptr().align_offset(HUGE_PAGE).min(HUGE_PAGE);
        // Only advice.
        #[cfg(target_os = "linux")]
        let _ = map.advise_range(memmap2::Advice::HugePage, start, size);
        Some(Self { map, start })
    }

    fn len(&self) -> usize {
        self.map.len() - HUGE_PAGE
    }

    fn bytes(&self) -> &[u8] {
        &self.map[self.start..][..self.len()]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let size = self.len();
        &mut self.map[self.start..][..size]
    }
}

enum PageBytes {
    Heap(Vec<u8>),
    Mapped(Mapped),
}

/// A page as it was read.
struct Page {
    bytes: PageBytes,
    memory: Arc<PageMemory>,
}

impl Page {
    fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.bytes {
            PageBytes::Heap(bytes) => bytes,
            PageBytes::Mapped(mapped) => mapped.bytes_mut(),
        }
    }
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        match &self.bytes {
            PageBytes::Heap(bytes) => bytes,
            PageBytes::Mapped(mapped) => mapped.bytes(),
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let PageBytes::Mapped(mapped) = replace(&mut self.bytes, PageBytes::Heap(Vec::new())) {
            let mut kept = self.memory.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < PageMemory::KEPT {
                kept.push(mapped);
            }
        }
    }
}

impl Length for FileBytes {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for FileBytes {
    type T = BufReader<ReadFrom>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        // Page headers are read so: of a larger buffer most would be read for nothing.
        Ok(BufReader::with_capacity(HEADER_BYTES, self.from(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            let problem = format!("{length} bytes from {start} on are not in the file");
            return Err(ParquetError::EOF(problem));
        }
        let mut page = self.memory.take(length);
        self.from(start).read_exact(&mut page.bytes_mut()[..length])?;
        Ok(Bytes::from_owner(page).slice(..length))
    }
}

/// Reads a file from a place on, without moving the place that the file itself has.
pub(super) struct ReadFrom {
    file: Arc<File>,
    at: u64,
}

impl Read for ReadFrom {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}
