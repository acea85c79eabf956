//! Columns by name, at any depth: `payload.body` is the field `body` of the struct `payload`.
//!
//! A path has a segment for each struct field. It goes through lists of every kind, and to the
//! values of a map, by the way: `pages.html` is the field `html` of the structs in the lists
//! `pages`, and `tags` are the items of the lists `tags`. A name may have dots of its own: of
//! several readings that with the fewest segments holds, so a column's whole name always does.

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef, Fields, Schema};

use crate::convert::is_binary_like;
use crate::error::{Error, Result};
use crate::schema;

/// The way to a field of a schema.
#[derive(Debug, Clone)]
pub(super) struct FieldPath {
    /// As it is written.
    pub(super) name: String,
    /// The place of the column.
    pub(super) column: usize,
    /// In each struct on the way, the place of the field to go on with.
    pub(super) steps: Vec<usize>,
    /// The number of the field, or of the first below it, among the fields without children,
    /// depth first: Parquet counts its columns so.
    pub(super) number: usize,
    /// The numbers of the keys of the maps on the way, without which no map is read.
    pub(super) keys: Vec<usize>,
    /// The field itself; of lists, that of their items.
    pub(super) field: FieldRef,
}

impl FieldPath {
    /// Whether the field says that it holds frames, be it in a way that cannot be read.
    pub(super) fn is_marked(&self) -> bool {
        schema::marked(&self.field).map_or(true, |marked| marked.is_some())
    }

    /// Whether there is nothing below the field that has a path of its own.
    fn is_leaf(&self) -> bool {
        !matches!(self.field.data_type(), DataType::Struct(_) | DataType::Map(..))
    }

    /// Whether the field stands right below `parent`.
    fn is_child_of(&self, parent: &FieldPath) -> bool {
        self.column == parent.column
            && self.steps.len() == parent.steps.len() + 1
            && self.steps.starts_with(&parent.steps)
    }

    /// The fields of a schema with another in place of this one.
    pub(super) fn replaced(&self, fields: &Fields, field: &FieldRef) -> Fields {
        let replaced = fields.iter().enumerate().map(|(place, old)| match place == self.column {
            true => below(old, &self.steps, field),
            false => old.clone(),
        });
        replaced.collect()
    }
}

/// All fields that have a path, depth first.
pub(super) fn walk(schema: &Schema) -> Vec<FieldPath> {
    let mut walk = Walk { number: 0, found: Vec::new() };
    for (column, field) in schema.fields().iter().enumerate() {
        let (name, steps, keys) = (field.name().clone(), Vec::new(), Vec::new());
        walk.visit(FieldPath { name, column, steps, number: 0, keys, field: field.clone() });
    }
    walk.found
}

/// All fields that hold bytes, depth first.
pub(super) fn leaves(schema: &Schema) -> impl Iterator<Item = FieldPath> {
    let holds_bytes = |path: &FieldPath| is_binary_like(path.field.data_type());
    walk(schema).into_iter().filter(holds_bytes)
}

/// The field that holds bytes and has this path.
pub(super) fn find(schema: &Schema, name: &str) -> Result<FieldPath> {
    let all = walk(schema);
    let named = || all.iter().filter(|path| path.name == name);
    let Some(depth) = named().map(|path| path.steps.len()).min() else {
        return Err(Error::NoSuchColumn { name: name.to_owned(), columns: nearest(&all, name) });
    };
    let mut named = named().filter(|path| path.steps.len() == depth);
    let (Some(path), None) = (named.next(), named.next()) else {
        let problem = format!("{name:?} is the name of several columns");
        return Err(Error::Option { name: "columns", problem });
    };
    let data_type = path.field.data_type();
    match is_binary_like(data_type) {
        true => Ok(path.clone()),
        false => Err(Error::UnsupportedType(data_type.clone()).in_column(name)),
    }
}

/// The numbers of the fields to read for some names, or `None` if a name is not that of a field
/// without children.
pub(super) fn numbers(schema: &Schema, names: &[String]) -> Option<Vec<usize>> {
    let all = walk(schema);
    let mut numbers = Vec::new();
    for name in names {
        let before = numbers.len();
        for path in all.iter().filter(|path| path.is_leaf() && path.name == *name) {
            numbers.push(path.number);
            numbers.extend(&path.keys);
        }
        if numbers.len() == before {
            return None;
        }
    }
    Some(numbers)
}

/// The names there are where the path leads nowhere.
fn nearest(all: &[FieldPath], name: &str) -> Vec<String> {
    let leads_to = |path: &&FieldPath| {
        name.strip_prefix(&path.name).is_some_and(|rest| rest.starts_with('.')) && !path.is_leaf()
    };
    let children = match all.iter().filter(leads_to).max_by_key(|path| path.steps.len()) {
        Some(parent) => all.iter().filter(|path| path.is_child_of(parent)).collect::<Vec<_>>(),
        None => all.iter().filter(|path| path.steps.is_empty()).collect(),
    };
    children.into_iter().map(|path| path.name.clone()).collect()
}

struct Walk {
    number: usize,
    found: Vec<FieldPath>,
}

impl Walk {
    /// Notes a field, whose number is still to be said, and all below it.
    fn visit(&mut self, mut path: FieldPath) {
        while let Some(item) = item(path.field.data_type()) {
            path.field = item.clone();
        }
        path.number = self.number;
        match path.field.data_type().clone() {
            DataType::Struct(fields) => {
                self.found.push(path.clone());
                for (place, field) in fields.iter().enumerate() {
                    self.visit(child(&path, place, field));
                }
            }
            DataType::Map(entries, _) => {
                self.found.push(path.clone());
                let DataType::Struct(fields) = entries.data_type() else { return };
                let [key, value] = fields.as_ref() else { return };
                // Keys have no path: a map is found by them, and stays sorted by them.
                let mut keys = Walk { number: self.number, found: Vec::new() };
                keys.visit(child(&path, 0, key));
                path.keys.extend(self.number..keys.number);
                self.number = keys.number;
                self.visit(child(&path, 1, value));
            }
            _ => {
                self.found.push(path);
                self.number += 1;
            }
        }
    }
}

fn child(parent: &FieldPath, place: usize, field: &FieldRef) -> FieldPath {
    let mut path = parent.clone();
    path.name = format!("{}.{}", parent.name, field.name());
    path.steps.push(place);
    path.field = field.clone();
    path
}

/// The field of the items of a list type.
fn item(data_type: &DataType) -> Option<&FieldRef> {
    use DataType::*;
    match data_type {
        List(item)
        | LargeList(item)
        | FixedSizeList(item, _)
        | ListView(item)
        | LargeListView(item) => Some(item),
        _ => None,
    }
}

/// A field with another in place of that to which the steps lead.
fn below(old: &FieldRef, steps: &[usize], field: &FieldRef) -> FieldRef {
    use DataType::*;
    let data_type = match old.data_type() {
        List(item) => List(below(item, steps, field)),
        LargeList(item) => LargeList(below(item, steps, field)),
        FixedSizeList(item, size) => FixedSizeList(below(item, steps, field), *size),
        ListView(item) => ListView(below(item, steps, field)),
        LargeListView(item) => LargeListView(below(item, steps, field)),
        Map(entries, ordered) => Map(below(entries, steps, field), *ordered),
        Struct(fields) => {
            let Some((step, steps)) = steps.split_first() else { return old.clone() };
            let fields = fields.iter().enumerate().map(|(place, old)| match place == *step {
                true => below(old, steps, field),
                false => old.clone(),
            });
            Struct(fields.collect())
        }
        _ => return field.clone(),
    };
    Arc::new(old.as_ref().clone().with_data_type(data_type))
}
