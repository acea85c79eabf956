//! The dictionaries of a call, and each frame with its own.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;

use crate::codec::batch::Prepared;
use crate::codec::frame::{Format, Frames};
use crate::codec::libzstd::{DecompressContext, DecompressDictionary, Failure};
use crate::codec::options::{Decoder, DecompressOptions};
use crate::error::{Result, ValueError};

/// Why a value could not be decoded to its place.
pub(super) enum Stopped {
    /// The place is too small.
    Full,
    /// The value is bad.
    Bad(ValueError),
}

/// The dictionaries of a call, digested.
pub(super) struct Dictionaries<'a> {
    format: Format,
    /// The only one there is, so that no row has to look it up.
    only: Option<(u32, &'a DecompressDictionary)>,
    by_id: BTreeMap<u32, &'a DecompressDictionary>,
}

impl<'a> Dictionaries<'a> {
    pub(super) fn new(options: &'a DecompressOptions) -> Result<Self> {
        let mut by_id = BTreeMap::new();
        for dictionary in &options.dictionaries {
            by_id.insert(dictionary.id(), dictionary.digested()?);
        }
        let only = by_id.first_key_value().filter(|_| by_id.len() == 1);
        Ok(Self { format: options.format, only: only.map(|(id, one)| (*id, *one)), by_id })
    }

    /// The dictionary for a frame with this id.
    #[inline]
    pub(super) fn find(
        &self,
        id: Option<u32>,
    ) -> Result<Option<&'a DecompressDictionary>, ValueError> {
        match (id, self.only) {
            (None, Some((_, only))) => Ok(Some(only)),
            (Some(id), Some((only_id, only))) if id == only_id => Ok(Some(only)),
            _ => self.look_up(id),
        }
    }

    fn look_up(&self, id: Option<u32>) -> Result<Option<&'a DecompressDictionary>, ValueError> {
        let found = self.by_id.get(&id.unwrap_or(0)).copied();
        match id {
            None => Ok(found),
            Some(_) if found.is_some() => Ok(found),
            Some(needed) if self.by_id.is_empty() => Err(ValueError::DictionaryMissing { needed }),
            Some(needed) => {
                let given = self.by_id.keys().copied().collect();
                Err(ValueError::DictionaryMismatch { needed, given })
            }
        }
    }

    /// What the batch decoder begins with, if it is to be tried.
    pub(super) fn prepared(options: &'a DecompressOptions) -> Option<&'a Prepared> {
        let prepared = match &options.dictionaries[..] {
            [] => Some(Prepared::without_dictionary()),
            [one] => one.prepared(),
            // Each frame has its own, and a group would be of frames with the same.
            _ => None,
        };
        match options.decoder {
            Decoder::Auto => prepared.filter(|prepared| prepared.pays()),
            Decoder::Batch => prepared,
            Decoder::Libzstd => None,
        }
    }

    /// Whether there are several, so that each frame has to be looked at for its own.
    #[inline]
    pub(super) fn several(&self) -> bool {
        self.by_id.len() > 1
    }

    /// The dictionary, where there is one at the most.
    #[inline]
    pub(super) fn only(&self) -> Option<&'a DecompressDictionary> {
        self.only.map(|(_, only)| only)
    }

    /// Decodes all frames of a value.
    pub(super) fn decompress(
        &self,
        context: &mut DecompressContext,
        target: &mut [MaybeUninit<u8>],
        value: &[u8],
    ) -> Result<usize, Stopped> {
        if !self.several() {
            return context.decompress(target, value, self.only()).map_err(stopped);
        }
        let mut frames = Frames::new(value, self.format).map_err(Stopped::Bad)?;
        let mut size = 0;
        while let Some((bytes, frame)) = frames.next_frame().map_err(Stopped::Bad)? {
            let dictionary = self.find(frame.header.dictionary_id).map_err(Stopped::Bad)?;
            size += context.decompress(&mut target[size..], bytes, dictionary).map_err(stopped)?;
        }
        Ok(size)
    }
}

fn stopped(failure: Failure) -> Stopped {
    if failure.is_output_full() {
        Stopped::Full
    } else if failure.is_checksum() {
        Stopped::Bad(ValueError::Checksum)
    } else if failure.is_out_of_memory() {
        Stopped::Bad(ValueError::OutOfMemory { bytes: 0 })
    } else {
        Stopped::Bad(ValueError::Corrupt(failure.text()))
    }
}
