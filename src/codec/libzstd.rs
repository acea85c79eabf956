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

/// A compression context with its parameters and dictionary set for good.
pub(super) struct CompressContext {
    pointer: NonNull<sys::ZSTD_CCtx>,
    /// Kept alive for as long as the context refers to it.
    _dictionary: Option<Arc<CompressDictionary>>,
}

// SAFETY: the context is an object of its own, used by one thread at a time (`&mut self`).
unsafe impl Send for CompressContext {}

impl CompressContext {
    pub(super) fn new(
        parameters: &Parameters,
        dictionary: Option<Arc<CompressDictionary>>,
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
        if let Some(dictionary) = &context._dictionary {
            // SAFETY: the dictionary lives as long as the context does: it is in it.
            let set = unsafe { sys::ZSTD_CCtx_refCDict(pointer.as_ptr(), dictionary.0.as_ptr()) };
            checked(set).map_err(|_| no_memory)?;
        }
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

/// Trains a dictionary of at most `size` bytes on samples that lie one after the other.
pub(super) fn train(samples: &[u8], sizes: &[usize], size: usize) -> Result<Vec<u8>, &'static str> {
    let mut dictionary: Vec<u8> = Vec::new();
    dictionary.try_reserve_exact(size).map_err(|_| "no memory for a dictionary of this size")?;
    let count = u32::try_from(sizes.len()).map_err(|_| "too many samples")?;
    assert_eq!(sizes.iter().sum::<usize>(), samples.len(), "the sizes are the samples'");
    // SAFETY: the sizes sum up to the samples' length (checked above), there are `count` of them,
    // and the target has `size` bytes of capacity.
    let result = unsafe {
        sys::ZDICT_trainFromBuffer(
            dictionary.as_mut_ptr().cast(),
            size,
            samples.as_ptr().cast(),
            sizes.as_ptr(),
            count,
        )
    };
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
