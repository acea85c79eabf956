//! What the functions say of themselves to the engine, which shows it in its listings.

use datafusion::logical_expr::{DocSection, Documentation, DocumentationBuilder};

const SECTION: DocSection =
    DocSection { include: true, label: "Zstandard Functions", description: None };

const VALUE: (&str, &str) = ("value", "A binary or text column, or one value.");
const FRAMES: (&str, &str) = ("value", "A column of zstd frames, or one value.");

fn build(
    description: &str,
    syntax: &str,
    example: &str,
    arguments: &[(&str, &str)],
) -> Documentation {
    let builder = DocumentationBuilder::new_with_details(SECTION, description, syntax)
        .with_sql_example(format!("```sql\n{example}\n```"));
    arguments
        .iter()
        .fold(builder, |builder, (name, text)| builder.with_argument(*name, *text))
        .build()
}

pub(super) fn compress() -> Documentation {
    build(
        "Compresses each value to a zstd frame. A null stays null.",
        "zstd_compress(value[, level[, dictionary]])",
        "SELECT zstd_compress(payload, 9) FROM events;",
        &[
            VALUE,
            ("level", "The compression level, a constant. Default 3."),
            ("dictionary", "A dictionary's bytes. Default none."),
        ],
    )
}

pub(super) fn decompress() -> Documentation {
    build(
        "Turns each value, which is made of zstd frames, into its content. A null stays null, a \
         value that cannot be decompressed ends the query with an error that names its row in the \
         batch.",
        "zstd_decompress(value[, dictionary])",
        "SELECT zstd_decompress(payload) FROM events;",
        &[FRAMES, DICTIONARY],
    )
}

pub(super) fn try_decompress() -> Documentation {
    build(
        "As zstd_decompress, but a value that cannot be decompressed becomes null.",
        "try_zstd_decompress(value[, dictionary])",
        "SELECT count(*) FROM events WHERE try_zstd_decompress(payload) IS NULL;",
        &[FRAMES, DICTIONARY],
    )
}

const DICTIONARY: (&str, &str) = (
    "dictionary",
    "The dictionary's bytes. Default that of the column, if the column is marked as frames \
     (zstd_arrow.frames) and its table brings the dictionary, else none.",
);

pub(super) fn decompressed_size() -> Documentation {
    build(
        "The size in bytes that each value has decompressed, read from its headers; null where a \
         frame does not say.",
        "zstd_decompressed_size(value)",
        "SELECT sum(zstd_decompressed_size(payload)) FROM events;",
        &[FRAMES],
    )
}

pub(super) fn frame_info() -> Documentation {
    build(
        "What the frames of each value say of themselves, as a struct: content_size, \
         compressed_size, window_size, dictionary_id, checksum, frames. Nothing is decompressed.",
        "zstd_frame_info(value)",
        "SELECT zstd_frame_info(payload)['dictionary_id'] FROM events;",
        &[FRAMES],
    )
}

pub(super) fn train_dictionary() -> Documentation {
    build(
        "Trains a zstd dictionary on an even sample of the values of each group, in bounded \
         memory. Null for a group that has too little to learn from.",
        "zstd_train_dictionary(value[, size])",
        "SELECT zstd_train_dictionary(payload, 16384) FROM events;",
        &[VALUE, ("size", "The most bytes of the dictionary, a constant. Default 112640.")],
    )
}
