//! `petrel`: what a module was granted. A function is there when its grant is.

use std::ffi::{CStr, c_int};
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use mlua::ffi::*;
use rand::Rng;

use super::object::{fail, push_str, raw_str, register};
use super::slot::{Slot, slot};
use super::watchdog::give_up;
use crate::udf::{Opening, open_file};

/// Files are read and written in pieces, between which the clock is looked at.
const PIECE: usize = 1 << 20;

/// The most random bytes that one call gives.
const RANDOM_BYTES: i64 = 1 << 20;

/// Why a file was not read or written.
enum Failure {
    /// In words for the module.
    Refused(String),
    /// The invocation has to end.
    Overdue,
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Self::Refused(e.to_string())
    }
}

/// Opens what a path of the module names.
fn open_path(s: &Slot, path: &[u8], how: Opening) -> Result<File, Failure> {
    let refused = |text: &str| Err(Failure::Refused(text.into()));
    let Ok(path) = std::str::from_utf8(path) else {
        return refused("the path is not UTF-8");
    };
    let Some((directory, rest)) = s.granted.locate(path) else {
        return refused("it begins with the name of no granted directory");
    };
    if how.write && !directory.writable {
        return refused("its directory was granted to read");
    }
    Ok(open_file(&directory.dir, rest, how)?)
}

/// Reads a file into the slot's scratch.
fn read_file(s: &mut Slot, path: &[u8]) -> Result<(), Failure> {
    let how = Opening {
        read: true,
        ..Opening::default()
    };
    let mut file = open_path(s, path, how)?;
    s.scratch.clear();
    loop {
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut s.scratch)?;
        if s.scratch.len() > s.file_bytes {
            let text = format!("it has more than {} bytes (memory-bytes)", s.file_bytes);
            return Err(Failure::Refused(text));
        }
        if read == 0 {
            return Ok(());
        }
        if s.pulse.has_tripped() {
            return Err(Failure::Overdue);
        }
    }
}

/// Replaces what is in a file.
fn write_file(s: &mut Slot, path: &[u8], text: &[u8]) -> Result<(), Failure> {
    let how = Opening {
        write: true,
        create: true,
        truncate: true,
        ..Opening::default()
    };
    let mut file = open_path(s, path, how)?;
    for piece in text.chunks(PIECE) {
        file.write_all(piece)?;
        if s.pulse.has_tripped() {
            return Err(Failure::Overdue);
        }
    }
    Ok(())
}

/// A string argument.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn string<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    luaL_checklstring(l, index, std::ptr::null_mut());
    raw_str(l, index)
}

/// Leaves the words of a failure in the slot's scratch; whether the invocation has to end.
fn explain(s: &mut Slot, path: &[u8], failure: Failure) -> bool {
    match failure {
        Failure::Overdue => true,
        Failure::Refused(why) => {
            s.scratch.clear();
            let path = String::from_utf8_lossy(path);
            // Writing to memory cannot fail.
            let _ = write!(s.scratch, "{path}: {why}");
            false
        }
    }
}

/// Raises what [`explain`] left.
///
/// # Safety
/// The [stack rules](super). Raises.
unsafe fn raise(l: *mut lua_State, overdue: bool) -> ! {
    let s = slot(l);
    if overdue {
        give_up(l, s.pulse.trip());
    }
    luaL_where(l, 1);
    push_str(l, &s.scratch);
    lua_concat(l, 2);
    lua_error(l)
}

/// `petrel.read(path)`: the bytes of a file.
unsafe extern "C-unwind" fn read(l: *mut lua_State) -> c_int {
    let path = string(l, 1);
    let s = slot(l);
    let overdue = match read_file(s, path) {
        Ok(()) => {
            push_str(l, &s.scratch);
            s.scratch = Vec::new();
            return 1;
        }
        Err(failure) => explain(s, path, failure),
    };
    raise(l, overdue)
}

/// `petrel.write(path, text)`: replaces a file.
unsafe extern "C-unwind" fn write(l: *mut lua_State) -> c_int {
    let (path, text) = (string(l, 1), string(l, 2));
    let s = slot(l);
    let overdue = match write_file(s, path, text) {
        Ok(()) => return 0,
        Err(failure) => explain(s, path, failure),
    };
    raise(l, overdue)
}

/// `petrel.env(name)`: a variable, or nil.
unsafe extern "C-unwind" fn env(l: *mut lua_State) -> c_int {
    let name = string(l, 1);
    let variables = &slot(l).granted.environment;
    match variables.iter().find(|(n, _)| n.as_bytes() == name) {
        Some((_, value)) => push_str(l, value.as_bytes()),
        None => lua_pushnil(l),
    }
    1
}

/// `petrel.now()`: seconds since 1970, with their fraction.
unsafe extern "C-unwind" fn now(l: *mut lua_State) -> c_int {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    lua_pushnumber(l, since.unwrap_or_default().as_secs_f64());
    1
}

/// `petrel.monotonic()`: seconds since some moment, with their fraction.
unsafe extern "C-unwind" fn monotonic(l: *mut lua_State) -> c_int {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    lua_pushnumber(l, start.elapsed().as_secs_f64());
    1
}

/// `petrel.random(n)`: a string of so many random bytes.
unsafe extern "C-unwind" fn random(l: *mut lua_State) -> c_int {
    let n = luaL_checkinteger(l, 1);
    if !(0..=RANDOM_BYTES).contains(&n) {
        fail(l, c"petrel.random gives 0 to 1048576 bytes");
    }
    let s = slot(l);
    s.scratch.clear();
    s.scratch.resize(n as usize, 0);
    rand::rng().fill_bytes(&mut s.scratch);
    push_str(l, &s.scratch);
    1
}

/// Pushes the table of functions and an empty one; pushes nothing and returns false when nothing is
/// granted.
///
/// # Safety
/// The [stack rules](super). Raises.
pub(super) unsafe fn open(l: *mut lua_State, s: *mut Slot) -> bool {
    let granted = &(*s).granted;
    let grants = &granted.grants;
    let functions: [(bool, (&CStr, lua_CFunction)); 6] = [
        (!granted.directories.is_empty(), (c"read", read)),
        (!grants.write.is_empty(), (c"write", write)),
        (!grants.environment.is_empty(), (c"env", env)),
        (grants.wall_clock, (c"now", now)),
        (grants.monotonic_clock, (c"monotonic", monotonic)),
        (grants.random, (c"random", random)),
    ];
    if functions.iter().all(|(is_granted, _)| !is_granted) {
        return false;
    }
    lua_createtable(l, 0, functions.len() as c_int);
    for (is_granted, function) in functions {
        if is_granted {
            register(l, s, &[function]);
        }
    }
    true
}
