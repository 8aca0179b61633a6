//! [`super::disk`] under SQLite and under the head file: SQLite's own unix VFS does the work, and the disk takes notes.
#![allow(unsafe_code, reason = "SQLite calls a VFS through C function pointers")]

use super::disk::hold;
use record::store::head::Medium;
use rusqlite::ffi::{
    SQLITE_OK, sqlite3_file, sqlite3_filename, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find,
    sqlite3_vfs_register,
};
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The VFS's name in SQLite.
pub const NAME: &str = "losing";
const NAME_C: &CStr = c"losing";

static REAL: AtomicPtr<sqlite3_vfs> = AtomicPtr::new(null_mut());

/// An open file: ours, and behind it in the same allocation the unix VFS's.
#[repr(C)]
struct Shim {
    base: sqlite3_file,
    /// Boxed by `open`, freed by `close`; null for SQLite's nameless temporary files.
    path: *mut PathBuf,
}

/// Registers the VFS with SQLite in this process.
pub fn register() {
    // SAFETY: SQLite hands out a VFS that lives as long as the process; ours is leaked on purpose, for the same life. Its
    // copied functions read only the copied members of the structure that they are given.
    unsafe {
        let real = sqlite3_vfs_find(null_mut());
        assert!(!real.is_null());
        REAL.store(real, Ordering::Release);
        let mut ours = Box::new(*real);
        ours.zName = NAME_C.as_ptr();
        ours.szOsFile += c_int::try_from(size_of::<Shim>()).expect("small");
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        assert_eq!(sqlite3_vfs_register(Box::into_raw(ours), 0), SQLITE_OK);
    }
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // Version 2 has shared memory, which WAL needs, and no mapped reads, which would go past us.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe fn path_of(name: *const c_char) -> PathBuf {
    // SAFETY: SQLite gives names that end with a zero.
    PathBuf::from(OsStr::from_bytes(
        unsafe { CStr::from_ptr(name) }.to_bytes(),
    ))
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives `szOsFile` bytes, aligned to eight, so the unix VFS's file fits behind ours.
    unsafe {
        let mut disk = hold();
        let path = (!name.is_null()).then(|| path_of(name));
        if let Some(path) = &path {
            disk.open(path);
        }
        let vfs = REAL.load(Ordering::Acquire);
        let open = (*vfs).xOpen.expect("every VFS opens");
        let code = open(vfs, name, real(file), flags, out);
        (*file).pMethods = if code == SQLITE_OK {
            let path = path.map_or(null_mut(), |path| Box::into_raw(Box::new(path)));
            (*file.cast::<Shim>()).path = path;
            &METHODS
        } else {
            std::ptr::null()
        };
        code
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: as SQLite called us, so we call the VFS below.
    unsafe {
        let mut disk = hold();
        let path = path_of(name);
        if path.exists() {
            disk.delete(&path);
        }
        let vfs = REAL.load(Ordering::Acquire);
        (*vfs).xDelete.expect("every VFS deletes")(vfs, name, sync)
    }
}

unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the allocation is as large as both.
    unsafe { file.cast::<u8>().add(size_of::<Shim>()).cast() }
}

unsafe fn path<'f>(file: *mut sqlite3_file) -> Option<&'f Path> {
    // SAFETY: set by `open`, and valid until `close`.
    unsafe { (*file.cast::<Shim>()).path.as_ref().map(PathBuf::as_path) }
}

/// Calls the unix VFS's method of the same file.
macro_rules! below {
    ($file:ident . $method:ident ( $($argument:expr),* )) => {{
        let below = real($file);
        (*(*below).pMethods).$method.expect("the unix VFS has it")(below $(, $argument)*)
    }};
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once, and the path was boxed by `open`.
    unsafe {
        let path = (*file.cast::<Shim>()).path;
        if !path.is_null() {
            drop(Box::from_raw(path));
        }
        below!(file.xClose())
    }
}

unsafe extern "C" fn read(file: *mut sqlite3_file, to: *mut c_void, n: c_int, at: i64) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        let _disk = hold();
        below!(file.xRead(to, n, at))
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    n: c_int,
    at: i64,
) -> c_int {
    // SAFETY: `from` points to `n` bytes; the rest is passed on as it came.
    unsafe {
        let mut disk = hold();
        if let Some(path) = path(file) {
            let bytes = std::slice::from_raw_parts(from.cast(), n as usize);
            disk.write(path, at as usize, bytes);
        }
        below!(file.xWrite(from, n, at))
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        let mut disk = hold();
        if let Some(path) = path(file) {
            disk.resize(path, size as usize);
        }
        below!(file.xTruncate(size))
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the path is the open file's. The real disk need not sync: only our notes decide what is lost.
    unsafe {
        if let Some(path) = path(file) {
            hold().sync(path);
        }
    }
    SQLITE_OK
}

/// Methods that are passed on as they came.
macro_rules! passed_on {
    ($($name:ident = $method:ident ( $($argument:ident : $type:ty),* ) -> $answer:ty;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $type)*) -> $answer {
            // SAFETY: passed on as it came.
            unsafe { below!(file.$method($($argument),*)) }
        }
    )*};
}

passed_on! {
    file_size = xFileSize(size: *mut i64) -> c_int;
    lock = xLock(kind: c_int) -> c_int;
    unlock = xUnlock(kind: c_int) -> c_int;
    check_reserved_lock = xCheckReservedLock(held: *mut c_int) -> c_int;
    file_control = xFileControl(operation: c_int, argument: *mut c_void) -> c_int;
    sector_size = xSectorSize() -> c_int;
    device_characteristics = xDeviceCharacteristics() -> c_int;
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, at: *mut *mut c_void) -> c_int;
    shm_lock = xShmLock(offset: c_int, n: c_int, flags: c_int) -> c_int;
    shm_barrier = xShmBarrier() -> ();
    shm_unmap = xShmUnmap(delete: c_int) -> c_int;
}

/// The head file on the same disk.
struct LosingHead {
    file: File,
    path: PathBuf,
}

/// Puts the disk under the head file.
pub fn head(file: File) -> Box<dyn Medium> {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let path = std::fs::read_link(link).expect("an open file has a path");
    hold().open(&path);
    Box::new(LosingHead { file, path })
}

impl Medium for LosingHead {
    fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let _disk = hold();
        self.file.read_exact_at(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = hold();
        disk.write(&self.path, offset as usize, bytes);
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        hold().sync(&self.path);
        Ok(())
    }
}
