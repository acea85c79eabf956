//! The column that says how it was compressed.
//!
//! A column of frames carries the Arrow extension type `zstd_arrow.frames` in its field, with the
//! type its values had before, the level, and the id of the dictionary. Dictionaries travel in the
//! metadata of the schema, base64, under `zstd_arrow.dictionary.<id>`. Both survive in Arrow IPC
//! and Parquet files, so such a file opens anywhere with no argument; a reader that does not know
//! the extension sees plain binary.
//!
//! ```text
//! field     name      payload
//!           type      LargeBinary
//!           metadata  ARROW:extension:name      zstd_arrow.frames
//!                     ARROW:extension:metadata  {"value_type":"utf8","level":3,"dictionary_id":7}
//! schema    metadata  zstd_arrow.dictionary.7   N6Qw7...
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use arrow_schema::extension::{
    EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY, ExtensionType,
};
use arrow_schema::{ArrowError, DataType, Field};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::codec::{CompressOptions, Dictionary, Format};
use crate::convert::{self, Encoded, MAX_VIEW_BUFFER, is_binary_like};
use crate::error::{Error, Result};

/// What the key of a dictionary in a schema's metadata begins with; its id follows.
pub const DICTIONARY_PREFIX: &str = "zstd_arrow.dictionary.";

/// The type that values had before they were compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "Arrow's own names")]
#[non_exhaustive]
pub enum ValueType {
    Binary,
    LargeBinary,
    BinaryView,
    Utf8,
    LargeUtf8,
    Utf8View,
}

impl ValueType {
    /// The value type of a binary-like Arrow type; of an encoding, that of its values. A
    /// `FixedSizeBinary` comes back as `Binary`.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedType`] for any other type.
    pub fn of(data_type: &DataType) -> Result<Self> {
        Ok(match data_type {
            DataType::Binary | DataType::FixedSizeBinary(_) => ValueType::Binary,
            DataType::LargeBinary => ValueType::LargeBinary,
            DataType::BinaryView => ValueType::BinaryView,
            DataType::Utf8 => ValueType::Utf8,
            DataType::LargeUtf8 => ValueType::LargeUtf8,
            DataType::Utf8View => ValueType::Utf8View,
            DataType::Dictionary(_, values) => Self::of(values)?,
            DataType::RunEndEncoded(_, values) => Self::of(values.data_type())?,
            other => return Err(Error::UnsupportedType(other.clone())),
        })
    }

    /// Whether values are text.
    pub fn is_text(self) -> bool {
        matches!(self, ValueType::Utf8 | ValueType::LargeUtf8 | ValueType::Utf8View)
    }

    /// A decompressed column in this type. Values are shared, but for views that become one buffer.
    ///
    /// # Errors
    ///
    /// [`Error::BeyondOffsets`] if values end beyond 2^31 - 1 and the type has 32-bit offsets;
    /// [`Error::Row`] for text that is not UTF-8; [`Error::UnsupportedType`].
    pub fn restore(self, array: &ArrayRef) -> Result<ArrayRef> {
        if let Some(encoded) = Encoded::of(array) {
            let values = self.restore(encoded.values())?;
            return encoded.rewrap(values);
        }
        if Self::of(array.data_type())? == self {
            return Ok(array.clone());
        }
        let (mut collection, validity) = convert::from_array(array)?;
        if matches!(self, ValueType::BinaryView | ValueType::Utf8View) {
            return Ok(match self.is_text() {
                true => Arc::new(convert::to_utf8_view(collection, validity, MAX_VIEW_BUFFER)?),
                false => Arc::new(convert::to_binary_view(collection, validity, MAX_VIEW_BUFFER)?),
            });
        }
        // Views have no one values buffer, in order and without gaps, to share.
        let copied: Option<LargeBinaryArray> = match array.data_type() {
            DataType::BinaryView => Some(array.as_binary_view().iter().collect()),
            DataType::Utf8View => {
                let text = array.as_string_view().iter();
                Some(text.map(|text| text.map(str::as_bytes)).collect())
            }
            _ => None,
        };
        if let Some(copied) = copied {
            collection = convert::from_array(&copied)?.0;
        }
        let Some(segments) = collection.into_members().pop() else {
            return Err(Error::UnsupportedType(array.data_type().clone()));
        };
        Ok(match self {
            ValueType::Binary => Arc::new(convert::to_binary(segments, validity)?),
            ValueType::Utf8 => Arc::new(convert::to_utf8(segments, validity)?),
            ValueType::LargeUtf8 => Arc::new(convert::to_large_utf8(segments, validity)?),
            _ => Arc::new(convert::to_large_binary(segments, validity)?),
        })
    }
}

/// What the extension type says of a column of frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FramesMetadata {
    /// The type of the values before compression.
    pub value_type: ValueType,
    /// The compression level.
    pub level: i32,
    /// The id of the dictionary that the frames need, if they need one; 0 is raw content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dictionary_id: Option<u32>,
    /// Whether the frames have no magic number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub magicless: bool,
    /// The name of the extension type that the column had before, which it gets back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_name: Option<String>,
    /// That extension type's own metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_metadata: Option<String>,
}

/// The Arrow extension type of a column of frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames {
    metadata: FramesMetadata,
}

impl ExtensionType for Frames {
    const NAME: &'static str = "zstd_arrow.frames";

    type Metadata = FramesMetadata;

    fn metadata(&self) -> &FramesMetadata {
        &self.metadata
    }

    fn serialize_metadata(&self) -> Option<String> {
        serde_json::to_string(&self.metadata).ok()
    }

    fn deserialize_metadata(metadata: Option<&str>) -> Result<FramesMetadata, ArrowError> {
        serde_json::from_str(metadata.unwrap_or_default()).map_err(|error| {
            ArrowError::InvalidArgumentError(format!("metadata of {}: {error}", Self::NAME))
        })
    }

    fn supports_data_type(&self, data_type: &DataType) -> Result<(), ArrowError> {
        match is_binary_like(data_type) {
            true => Ok(()),
            false => Err(ArrowError::InvalidArgumentError(format!(
                "{} cannot be of type {data_type}",
                Self::NAME
            ))),
        }
    }

    fn try_new(data_type: &DataType, metadata: FramesMetadata) -> Result<Self, ArrowError> {
        let frames = Self { metadata };
        frames.supports_data_type(data_type)?;
        Ok(frames)
    }
}

/// The field of a column of frames, in place of the field of its values.
///
/// # Errors
///
/// [`Error::UnsupportedType`] if the field holds no bytes.
pub fn mark(field: &Field, frames: DataType, options: &CompressOptions) -> Result<Field> {
    let metadata = FramesMetadata {
        value_type: ValueType::of(field.data_type())?,
        level: options.level,
        dictionary_id: options.dictionary.as_ref().map(Dictionary::id),
        magicless: options.format == Format::Magicless,
        extension_name: field.extension_type_name().map(str::to_owned),
        extension_metadata: field.extension_type_metadata().map(str::to_owned),
    };
    let mut field = field.clone().with_data_type(frames);
    field.try_with_extension_type(Frames { metadata })?;
    Ok(field)
}

/// The field of a column of values, in place of the field of its frames.
pub fn unmark(field: &Field, values: DataType) -> Field {
    let mut metadata = field.metadata().clone();
    if field.extension_type_name() == Some(Frames::NAME) {
        let before = marked(field).ok().flatten();
        let before = before.map(|mark| (mark.extension_name, mark.extension_metadata));
        let (name, own) = before.unwrap_or_default();
        for (key, value) in [(EXTENSION_TYPE_NAME_KEY, name), (EXTENSION_TYPE_METADATA_KEY, own)] {
            metadata.remove(key);
            metadata.extend(value.map(|value| (key.to_owned(), value)));
        }
    }
    field.clone().with_data_type(values).with_metadata(metadata)
}

/// What a field says of its frames, or `None` if it is not marked.
///
/// # Errors
///
/// [`Error::Arrow`] if it is marked and its metadata cannot be read.
pub fn marked(field: &Field) -> Result<Option<FramesMetadata>> {
    if field.extension_type_name() != Some(Frames::NAME) {
        return Ok(None);
    }
    Ok(Some(field.try_extension_type::<Frames>()?.metadata))
}

/// Puts a dictionary in a schema's metadata.
///
/// # Errors
///
/// [`Error::Dictionary`] if another dictionary of the same id is there.
pub fn add_dictionary(
    metadata: &mut HashMap<String, String>,
    dictionary: &Dictionary,
) -> Result<()> {
    let key = format!("{DICTIONARY_PREFIX}{}", dictionary.id());
    let encoded = STANDARD.encode(dictionary.as_bytes());
    match metadata.get(&key) {
        Some(other) if *other != encoded => Err(Error::Dictionary(format!(
            "another dictionary with the id {} is in the schema's metadata",
            dictionary.id()
        ))),
        _ => {
            metadata.insert(key, encoded);
            Ok(())
        }
    }
}

/// The dictionaries in a schema's metadata, by id.
///
/// # Errors
///
/// [`Error::Dictionary`] if one cannot be read.
pub fn dictionaries(metadata: &HashMap<String, String>) -> Result<Vec<Dictionary>> {
    let mut found = Vec::new();
    for (key, encoded) in metadata {
        let Some(id) = key.strip_prefix(DICTIONARY_PREFIX) else { continue };
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|error| Error::Dictionary(format!("{key}: {error}")))?;
        let dictionary = match id {
            "0" => Dictionary::raw_content(bytes),
            _ => Dictionary::from_bytes(bytes),
        };
        let dictionary = dictionary.map_err(|error| match error {
            Error::Dictionary(problem) => Error::Dictionary(format!("{key}: {problem}")),
            other => other,
        })?;
        if dictionary.id().to_string() != id {
            let problem = format!("{key} holds the dictionary {}", dictionary.id());
            return Err(Error::Dictionary(problem));
        }
        found.push(dictionary);
    }
    found.sort_by_key(Dictionary::id);
    Ok(found)
}
