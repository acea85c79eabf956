//! Parquet's own schema: what becomes of it, and what its levels mean.

use std::collections::HashMap;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

/// What becomes of a column.
pub(super) struct NewLeaf {
    pub(super) text: bool,
    /// Whether it may have nulls that it had not before.
    pub(super) optional: bool,
}

/// The schema with other types of bytes for some columns, by their number; all else as it is.
pub(super) fn replaced(
    schema: &SchemaDescriptor,
    leaves: &HashMap<usize, NewLeaf>,
) -> Result<TypePtr, ParquetError> {
    rebuilt(&schema.root_schema_ptr(), &mut 0, leaves)
}

fn rebuilt(
    node: &TypePtr,
    next: &mut usize,
    leaves: &HashMap<usize, NewLeaf>,
) -> Result<TypePtr, ParquetError> {
    let info = node.get_basic_info();
    let id = info.has_id().then(|| info.id());
    if node.is_primitive() {
        let leaf = leaves.get(next);
        *next += 1;
        let Some(leaf) = leaf else { return Ok(node.clone()) };
        let repetition = match info.repetition() {
            Repetition::REQUIRED if leaf.optional => Repetition::OPTIONAL,
            kept => kept,
        };
        let (logical, converted) = match leaf.text {
            true => (Some(LogicalType::String), ConvertedType::UTF8),
            false => (None, ConvertedType::NONE),
        };
        let leaf = Type::primitive_type_builder(node.name(), PhysicalType::BYTE_ARRAY)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .with_converted_type(converted)
            .with_id(id);
        return Ok(Arc::new(leaf.build()?));
    }
    let fields = node
        .get_fields()
        .iter()
        .map(|field| rebuilt(field, next, leaves))
        .collect::<Result<Vec<_>, _>>()?;
    let mut group = Type::group_type_builder(node.name())
        .with_converted_type(info.converted_type())
        .with_logical_type(info.logical_type_ref().cloned())
        .with_id(id)
        .with_fields(fields);
    if info.has_repetition() {
        group = group.with_repetition(info.repetition());
    }
    Ok(Arc::new(group.build()?))
}

/// The least definition level of an entry of a column that is not just a list without items: the
/// level at which the items of the innermost list on the way are there.
pub(super) fn slot_level(schema: &SchemaDescriptor, leaf: usize) -> i16 {
    let root = schema.root_schema_ptr();
    let mut next = 0;
    let levels = root.get_fields().iter().find_map(|field| find(field, &mut next, leaf, (0, 0)));
    levels.unwrap_or(0)
}

/// The level of a column's slots, if the column is at or below `node`. `levels` are those above it:
/// the definition level, and that of the slots.
fn find(node: &TypePtr, next: &mut usize, leaf: usize, levels: (i16, i16)) -> Option<i16> {
    let (level, slots) = levels;
    let levels = match node.get_basic_info().repetition() {
        Repetition::REQUIRED => (level, slots),
        Repetition::OPTIONAL => (level + 1, slots),
        Repetition::REPEATED => (level + 1, level + 1),
    };
    if node.is_primitive() {
        let found = *next == leaf;
        *next += 1;
        return found.then_some(levels.1);
    }
    node.get_fields().iter().find_map(|field| find(field, next, leaf, levels))
}
