//! All tests that need the library with its default features, in one program: they link once.

mod arrays;
mod bad_input;
mod convert;
mod files;
mod frames;
mod info;
mod memory;
mod mutated;
mod nested;
mod oracle;
mod seeds;
mod segments;
mod slices;
mod training;
