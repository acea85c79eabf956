//! Literals and sequences of eight frames at once, in the lanes of AVX-512 registers.
//!
//! What `literals.rs`, and `sequences.rs` and `moves.rs`, do for one frame after the other is done here
//! for eight in one step: each 64-bit lane has one frame's stream and how far it is read; and for
//! sequences its three states, its last offsets, and how far its content is. Lanes that are done
//! go on without an effect until the longest is. Frames that bring tables of their own are decoded here
//! alone (`codes.rs`, `own.rs`).

pub(super) mod codes;
mod columns;
pub(super) mod execute;
pub(super) mod headers;
mod lanes;
pub(super) mod literals;
mod order;
mod own;
pub(super) mod plain;
pub(super) mod sequences;
mod steps;
mod streams;
mod tables;

pub(super) use own::{OwnCodes, OwnTables};
pub(super) use tables::WideTables;
