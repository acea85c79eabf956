//! The few calls into libzstd, made safe.
//!
//! Everything that is unsafe about a C library is in this file: pointers that must not be null,
//! objects freed once, buffers whose sizes are passed along, errors in the upper end of a
//! `size_t`. Each type owns one C object and is `Send`; those that libzstd only reads after they
//! are made are `Sync` as well.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use zstd::zstd_safe::zstd_sys as sys;
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode as Code;

/// libzstd's answer to a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    code: Code,
}

impl Failure {
    pub(super) fn is_checksum(self) -> bool {
        self.code == Code::ZSTD_error_checksum_wrong
    }

    pub(super) fn is_out_of_memory(self) -> bool {
        self.code == Code::ZSTD_error_memory_allocation
    }

    pub(super) fn is_output_full(self) -> bool {
        self.code == Code::ZSTD_error_dstSize_tooSmall
    }

    /// libzstd's own words.
    pub(super) fn text(self) -> &'static str {
        // SAFETY: libzstd returns a pointer to a constant string for any number.
        unsafe { text(sys::ZSTD_getErrorString(self.code)) }
    }
}

/// # Safety
///
/// `pointer` is a NUL-terminated string that is never freed.
unsafe fn text(pointer: *const std::ffi::c_char) -> &'static str {
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(pointer) }.to_str().unwrap_or("unknown error")
}

/// A result of libzstd: a size, or an error code.
#[inline]
fn checked(result: usize) -> Result<usize, Failure> {
    // Error codes are at the far end of a size_t, where no size of anything in memory is.
    if result <= isize::MAX as usize { Ok(result) } else { checked_code(result) }
}

#[cold]
fn checked_code(result: usize) -> Result<usize, Failure> {
    // SAFETY: only compares the number.
    if unsafe { sys::ZSTD_isError(result) } == 0 {
        return Ok(result);
    }
    // SAFETY: only looks at the number; every error code is a value of the enum, which is
    // generated from the same header.
    Err(Failure { code: unsafe { sys::ZSTD_getErrorCode(result) } })
}

/// Says which libzstd could not have memory for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoMemory(pub(super) &'static str);

/// libzstd's version: major, minor, release.
pub fn zstd_version() -> (u32, u32, u32) {
    let number = zstd::zstd_safe::version_number();
    (number / 10_000, number / 100 % 100, number % 100)
}

/// How a dictionary's bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// As a trained dictionary if they begin with its magic number, else as raw content.
    Auto,
    /// As raw content, whatever they begin with.
    Raw,
}

impl Content {
    fn to_sys(self) -> sys::ZSTD_dictContentType_e {
        match self {
            Content::Auto => sys::ZSTD_dictContentType_e::ZSTD_dct_auto,
            Content::Raw => sys::ZSTD_dictContentType_e::ZSTD_dct_rawContent,
        }
    }
}

/// libzstd's own way of getting memory: malloc and free.
const DEFAULT_MEMORY: sys::ZSTD_customMem =
    sys::ZSTD_customMem { customAlloc: None, customFree: None, opaque: std::ptr::null_mut() };

/// The most bytes that `size` bytes can take when compressed.
pub(super) fn compress_bound(size: usize) -> usize {
    zstd::zstd_safe::compress_bound(size)
}

/// Compression parameters, set once and then only read.
pub(super) struct Parameters(NonNull<sys::ZSTD_CCtx_params>);

// SAFETY: the object is plain data that belongs to this value alone; after it is made (`set` takes
// `&mut`), libzstd only reads it.
unsafe impl Send for Parameters {}
// SAFETY: as above.
unsafe impl Sync for Parameters {}

impl Parameters {
    pub(super) fn new() -> Result<Self, NoMemory> {
        // SAFETY: takes nothing; returns null or an object of its own.
        let pointer = unsafe { sys::ZSTD_createCCtxParams() };
        NonNull::new(pointer).map(Self).ok_or(NoMemory("compression parameters"))
    }

    pub(super) fn set(&mut self, name: sys::ZSTD_cParameter, value: i32) -> Result<(), Failure> {
        // SAFETY: the object lives; libzstd checks the value.
        checked(unsafe { sys::ZSTD_CCtxParams_setParameter(self.0.as_ptr(), name, value) })?;
        Ok(())
    }

    /// What a context with these parameters takes, in bytes; not for those with workers.
    pub(super) fn context_size(&self) -> Result<usize, Failure> {
        // SAFETY: the object lives.
        checked(unsafe { sys::ZSTD_estimateCCtxSize_usingCCtxParams(self.0.as_ptr()) })
    }

    /// The least and the greatest value of a parameter.
    pub(super) fn bounds(name: sys::ZSTD_cParameter) -> (i32, i32) {
        // SAFETY: only looks the name up.
        let bounds = unsafe { sys::ZSTD_cParam_getBounds(name) };
        (bounds.lowerBound, bounds.upperBound)
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        // SAFETY: made by ZSTD_createCCtxParams, freed here and nowhere else.
        unsafe { sys::ZSTD_freeCCtxParams(self.0.as_ptr()) };
    }
}

/// A dictionary digested for compression with certain parameters.
pub(super) struct CompressDictionary(NonNull<sys::ZSTD_CDict>);

// SAFETY: libzstd documents that a CDict can be shared by several threads: it is only read.
unsafe impl Send for CompressDictionary {}
// SAFETY: as above.
unsafe impl Sync for CompressDictionary {}

impl CompressDictionary {
    pub(super) fn new(
        bytes: &[u8],
        content: Content,
        parameters: &Parameters,
    ) -> Result<Self, NoMemory> {
        // SAFETY: the bytes are copied (byCopy) before the call returns; the parameters live.
        let pointer = unsafe {
            sys::ZSTD_createCDict_advanced2(
                bytes.as_ptr().cast(),
                bytes.len(),
                sys::ZSTD_dictLoadMethod_e::ZSTD_dlm_byCopy,
                content.to_sys(),
                parameters.0.as_ptr(),
                DEFAULT_MEMORY,
            )
        };
        NonNull::new(pointer).map(Self).ok_or(NoMemory("a digested dictionary"))
    }
}

impl Drop for CompressDictionary {
    fn drop(&mut self) {
        // SAFETY: made by ZSTD_createCDict_advanced2, freed here and nowhere else; contexts that
        // refer to it hold an Arc of this value.
        unsafe { sys::ZSTD_freeCDict(self.0.as_ptr()) };
    }
}

/// A dictionary digested for decompression.
pub(super) struct DecompressDictionary(NonNull<sys::ZSTD_DDict>);

// SAFETY: as for CompressDictionary: a DDict is only read.
unsafe impl Send for DecompressDictionary {}
// SAFETY: as above.
unsafe impl Sync for DecompressDictionary {}

impl DecompressDictionary {
    /// `None` if the bytes are a damaged dictionary, or there is no memory: libzstd does not say
    /// which.
    pub(super) fn new(bytes: &[u8], content: Content) -> Option<Self> {
        // SAFETY: the bytes are copied (byCopy) before the call returns.
        let pointer = unsafe {
            sys::ZSTD_createDDict_advanced(
                bytes.as_ptr().cast(),
                bytes.len(),
                sys::ZSTD_dictLoadMethod_e::ZSTD_dlm_byCopy,
                content.to_sys(),
                DEFAULT_MEMORY,
            )
        };
        NonNull::new(pointer).map(Self)
    }
}

impl Drop for DecompressDictionary {
    fn drop(&mut self) {
        // SAFETY: made by ZSTD_createDDict_advanced, freed here and nowhere else.
        unsafe { sys::ZSTD_freeDDict(self.0.as_ptr()) };
    }
}

/// Where a compression context has its dictionary from.
#[derive(Clone)]
pub(super) enum ContextDictionary {
    /// The context digests it by its own parameters. (A digested dictionary that is handed in does
    /// not remember its level, and libzstd then takes decisions about large values as at level 3.)
    Bytes(Arc<[u8]>, Content),
    /// Digested by parameters of its own.
    Digested(Arc<CompressDictionary>),
}

/// A compression context with its parameters and dictionary set for good.
pub(super) struct CompressContext {
    pointer: NonNull<sys::ZSTD_CCtx>,
    /// Kept alive for as long as the context refers to it.
    _dictionary: Option<ContextDictionary>,
}

// SAFETY: the context is an object of its own, used by one thread at a time (`&mut self`).
unsafe impl Send for CompressContext {}

impl CompressContext {
    pub(super) fn new(
        parameters: &Parameters,
        dictionary: Option<ContextDictionary>,
    ) -> Result<Self, NoMemory> {
        let no_memory = NoMemory("a compression context");
        // SAFETY: takes nothing; returns null or an object of its own.
        let pointer = NonNull::new(unsafe { sys::ZSTD_createCCtx() }).ok_or(no_memory)?;
        let context = Self { pointer, _dictionary: dictionary };
        // SAFETY: both objects live. The parameters were accepted one by one when they were set;
        // the call fails only on a context that is in use.
        let set = unsafe {
            sys::ZSTD_CCtx_setParametersUsingCCtxParams(pointer.as_ptr(), parameters.0.as_ptr())
        };
        checked(set).map_err(|_| no_memory)?;
        // SAFETY: the context lives, and so does the dictionary for as long: it is in it.
        let set = unsafe {
            match &context._dictionary {
                None => 0,
                Some(ContextDictionary::Digested(digested)) => {
                    sys::ZSTD_CCtx_refCDict(pointer.as_ptr(), digested.0.as_ptr())
                }
                Some(ContextDictionary::Bytes(bytes, content)) => {
                    sys::ZSTD_CCtx_loadDictionary_advanced(
                        pointer.as_ptr(),
                        bytes.as_ptr().cast(),
                        bytes.len(),
                        sys::ZSTD_dictLoadMethod_e::ZSTD_dlm_byRef,
                        content.to_sys(),
                    )
                }
            }
        };
        checked(set).map_err(|_| no_memory)?;
        Ok(context)
    }

    /// Compresses `source` into one frame at the front of `target`; returns the frame's size.
    pub(super) fn compress(
        &mut self,
        target: &mut [MaybeUninit<u8>],
        source: &[u8],
    ) -> Result<usize, Failure> {
        // SAFETY: libzstd writes within the size it is given and reads only the source; both
        // slices are borrowed for the call. It never reads uninitialised target bytes.
        checked(unsafe {
            sys::ZSTD_compress2(
                self.pointer.as_ptr(),
                target.as_mut_ptr().cast(),
                target.len(),
                source.as_ptr().cast(),
                source.len(),
            )
        })
    }
}

impl Drop for CompressContext {
    fn drop(&mut self) {
        // SAFETY: made by ZSTD_createCCtx, freed here and nowhere else.
        unsafe { sys::ZSTD_freeCCtx(self.pointer.as_ptr()) };
    }
}

/// A decompression context.
pub(super) struct DecompressContext(NonNull<sys::ZSTD_DCtx>);

// SAFETY: as for CompressContext.
unsafe impl Send for DecompressContext {}

impl DecompressContext {
    pub(super) fn new(magicless: bool) -> Result<Self, NoMemory> {
        let no_memory = NoMemory("a decompression context");
        // SAFETY: takes nothing; returns null or an object of its own.
        let pointer = NonNull::new(unsafe { sys::ZSTD_createDCtx() }).ok_or(no_memory)?;
        let context = Self(pointer);
        let format = match magicless {
            true => sys::ZSTD_format_e::ZSTD_f_zstd1_magicless,
            false => sys::ZSTD_format_e::ZSTD_f_zstd1,
        };
        // SAFETY: the context lives; experimentalParam1 is ZSTD_d_format.
        let set = unsafe {
            sys::ZSTD_DCtx_setParameter(
                pointer.as_ptr(),
                sys::ZSTD_dParameter::ZSTD_d_experimentalParam1,
                format as i32,
            )
        };
        checked(set).map_err(|_| no_memory)?;
        Ok(context)
    }

    /// The memory that the context has taken, in bytes.
    pub(super) fn size(&self) -> usize {
        // SAFETY: the context lives; only adds up.
        unsafe { sys::ZSTD_sizeof_DCtx(self.0.as_ptr()) }
    }

    /// Decodes the first frame of `source` to the front of `target` by one call of the streaming
    /// decoder, which tells how far it came.
    ///
    /// Windows of more than `max_window` bytes are refused; `None` leaves it to libzstd.
    pub(super) fn stream(
        &mut self,
        target: &mut [MaybeUninit<u8>],
        source: &[u8],
        dictionary: Option<&DecompressDictionary>,
        max_window: Option<usize>,
    ) -> Result<Streamed, Failure> {
        let context = self.0.as_ptr();
        let dictionary = dictionary.map_or(std::ptr::null(), |d| d.0.as_ptr().cast_const());
        let mut output =
            sys::ZSTD_outBuffer { dst: target.as_mut_ptr().cast(), size: target.len(), pos: 0 };
        let mut input =
            sys::ZSTD_inBuffer { src: source.as_ptr().cast(), size: source.len(), pos: 0 };
        // SAFETY: the context lives and is in no frame after the reset. The dictionary, which the
        // context refers to only until the last line, and both buffers are borrowed for the call;
        // libzstd writes within the sizes it is given and reads no byte that it has not written.
        unsafe {
            checked(sys::ZSTD_DCtx_reset(
                context,
                sys::ZSTD_ResetDirective::ZSTD_reset_session_only,
            ))?;
            if let Some(bytes) = max_window {
                checked(sys::ZSTD_DCtx_setMaxWindowSize(context, bytes))?;
            }
            checked(sys::ZSTD_DCtx_refDDict(context, dictionary))?;
            let hint = checked(sys::ZSTD_decompressStream(context, &mut output, &mut input));
            checked(sys::ZSTD_DCtx_reset(
                context,
                sys::ZSTD_ResetDirective::ZSTD_reset_session_only,
            ))?;
            checked(sys::ZSTD_DCtx_refDDict(context, std::ptr::null()))?;
            Ok(Streamed { written: output.pos, read: input.pos, finished: hint? == 0 })
        }
    }

    /// Decodes all frames of `source` to the front of `target`; returns the size of the content,
    /// whose bytes are then initialised.
    #[inline]
    pub(super) fn decompress(
        &mut self,
        target: &mut [MaybeUninit<u8>],
        source: &[u8],
        dictionary: Option<&DecompressDictionary>,
    ) -> Result<usize, Failure> {
        let dictionary = dictionary.map_or(std::ptr::null(), |d| d.0.as_ptr().cast_const());
        // SAFETY: libzstd writes within the size it is given and reads only the source and the
        // dictionary; all are borrowed for the call. It reads only those target bytes that it
        // has written itself. A null dictionary means none.
        checked(unsafe {
            sys::ZSTD_decompress_usingDDict(
                self.0.as_ptr(),
                target.as_mut_ptr().cast(),
                target.len(),
                source.as_ptr().cast(),
                source.len(),
                dictionary,
            )
        })
    }
}

impl Drop for DecompressContext {
    fn drop(&mut self) {
        // SAFETY: made by ZSTD_createDCtx, freed here and nowhere else.
        unsafe { sys::ZSTD_freeDCtx(self.0.as_ptr()) };
    }
}

/// How far the streaming decoder came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Streamed {
    pub(super) written: usize,
    pub(super) read: usize,
    /// Whether the frame was read and written to its end.
    pub(super) finished: bool,
}

/// libzstd's numbers: logs of the window and of its tables, the shortest match, the strategy and more.
pub(super) type Numbers = sys::ZSTD_compressionParameters;

/// The numbers for a level; a size of 0 is one that is not known.
pub(super) fn numbers(level: i32, source_size: u64, dictionary_size: usize) -> Numbers {
    // SAFETY: only computes.
    unsafe { sys::ZSTD_getCParams(level, source_size, dictionary_size) }
}

/// The numbers for a level by which a dictionary is digested for sources of any size, and those by which a
/// source that is not empty, and is so small that the digest is used in place, is then compressed.
pub(super) fn numbers_behind(
    level: i32,
    source_size: u64,
    dictionary_size: usize,
) -> (Numbers, Numbers) {
    // What libzstd takes sources for whose size it does not know.
    const USUAL: u64 = 513;
    let numbers = numbers(level, 0, dictionary_size);
    // SAFETY: only compute.
    unsafe {
        let digest = sys::ZSTD_adjustCParams(numbers, USUAL, dictionary_size);
        (digest, sys::ZSTD_adjustCParams(digest, source_size, 0))
    }
}

/// libzstd's parameters for a level: window log, chain log, hash log, search log, shortest match,
/// target length, strategy.
pub(super) fn parameters_of_level(
    level: i32,
    source_size: u64,
    dictionary_size: usize,
) -> [u32; 7] {
    let found = numbers(level, source_size, dictionary_size);
    [
        found.windowLog,
        found.chainLog,
        found.hashLog,
        found.searchLog,
        found.minMatch,
        found.targetLength,
        found.strategy as u32,
    ]
}

/// What training goes by: libzstd's fast cover algorithm, which tries several `k` and `d` where
/// they are 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cover {
    pub(super) k: u32,
    pub(super) d: u32,
    pub(super) f: u32,
    pub(super) steps: u32,
    pub(super) threads: u32,
    pub(super) split_point: f64,
    pub(super) accel: u32,
    pub(super) level: i32,
    pub(super) verbosity: u32,
    pub(super) dictionary_id: u32,
}

/// Trains a dictionary of at most `size` bytes on samples that lie one after the other. `cover`
/// then has the `k` and `d` that were best.
pub(super) fn train(
    samples: &[u8],
    sizes: &[usize],
    size: usize,
    cover: &mut Cover,
) -> Result<Vec<u8>, &'static str> {
    let mut dictionary: Vec<u8> = Vec::new();
    dictionary.try_reserve_exact(size).map_err(|_| "no memory for a dictionary of this size")?;
    let count = u32::try_from(sizes.len()).map_err(|_| "too many samples")?;
    assert_eq!(sizes.iter().sum::<usize>(), samples.len(), "the sizes are the samples'");
    let mut parameters = sys::ZDICT_fastCover_params_t {
        k: cover.k,
        d: cover.d,
        f: cover.f,
        steps: cover.steps,
        nbThreads: cover.threads,
        splitPoint: cover.split_point,
        accel: cover.accel,
        shrinkDict: 0,
        shrinkDictMaxRegression: 0,
        zParams: sys::ZDICT_params_t {
            compressionLevel: cover.level,
            notificationLevel: cover.verbosity,
            dictID: cover.dictionary_id,
        },
    };
    // SAFETY: the sizes sum up to the samples' length (checked above), there are `count` of them,
    // and the target has `size` bytes of capacity. libzstd checks the parameters.
    let result = unsafe {
        sys::ZDICT_optimizeTrainFromBuffer_fastCover(
            dictionary.as_mut_ptr().cast(),
            size,
            samples.as_ptr().cast(),
            sizes.as_ptr(),
            count,
            &mut parameters,
        )
    };
    (cover.k, cover.d) = (parameters.k, parameters.d);
    // SAFETY: only looks at the number.
    if unsafe { sys::ZDICT_isError(result) } != 0 {
        // SAFETY: only looks at the number; the name is a constant string.
        return Err(unsafe { text(sys::ZDICT_getErrorName(result)) });
    }
    assert!(result <= size, "libzstd wrote more than it was given");
    // SAFETY: the call has written the first `result` bytes, which lie within the capacity.
    unsafe { dictionary.set_len(result) };
    Ok(dictionary)
}

/// The id of a trained dictionary; 0 for raw content.
pub(super) fn dictionary_id(bytes: &[u8]) -> u32 {
    zstd::zstd_safe::get_dict_id_from_dict(bytes).map_or(0, |id| id.get())
}
