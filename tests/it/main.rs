//! All tests that need the library's default features, in one program: they link once.

mod oracle;
