//! Functions that reach for what lies outside of their record, through WASI itself: what a standard
//! library would look at first (whether a path leads out of its directory) goes to the host as it is.

use petrel_udf::{Record, Result, udf};
use wasip2::cli::{environment, exit, stderr, stdin, stdout};
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};
use wasip2::io::poll;
use wasip2::random::{insecure, insecure_seed, random};

/// The value of an environment variable.
#[udf]
pub fn variable(_record: &Record, name: &str) -> Option<String> {
    let found = environment::get_environment();
    found.into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

/// How many environment variables and arguments there are.
#[udf]
pub fn given(_record: &Record) -> i64 {
    (environment::get_environment().len() + environment::get_arguments().len()) as i64
}

/// The wall clock, in seconds since the Unix epoch.
#[udf]
pub fn wall(_record: &Record) -> i64 {
    wall_clock::now().seconds as i64
}

/// Waits, and tells how far the monotonic clock has moved, in milliseconds.
#[udf]
pub fn nap(_record: &Record, ms: i64) -> i64 {
    let before = monotonic_clock::now();
    let pollable = monotonic_clock::subscribe_duration(ms as u64 * 1_000_000);
    poll::poll(&[&pollable]);
    pollable.block();
    ((monotonic_clock::now() - before) / 1_000_000) as i64
}

/// Numbers from each source of random numbers.
#[udf]
pub fn numbers(_record: &Record) -> Vec<i64> {
    let bytes = random::get_random_bytes(3);
    let (low, high) = insecure_seed::insecure_seed();
    let mut numbers = vec![random::get_random_u64(), low, high];
    numbers.push(insecure::get_insecure_random_u64());
    numbers.extend(bytes.iter().map(|b| u64::from(*b)));
    numbers.into_iter().map(|n| n as i64).collect()
}

/// Asks for so many random bytes at once.
#[udf]
pub fn random_bytes(_record: &Record, count: i64) -> i64 {
    random::get_random_bytes(count as u64).len() as i64
}

/// Writes to standard output and standard error, and does not end the last line.
#[udf]
pub fn say(_record: &Record, text: &str) -> Result<()> {
    let out = stdout::get_stdout();
    let written = out.blocking_write_and_flush(format!("{text}\nunended").as_bytes());
    written.map_err(|e| e.to_string())?;
    let written = stderr::get_stderr().blocking_write_and_flush(text.as_bytes());
    Ok(written.map_err(|e| e.to_string())?)
}

/// Writes to standard output without ever ending the line.
#[udf]
pub fn drone(_record: &Record, times: i64) -> Result<()> {
    let out = stdout::get_stdout();
    for _ in 0..times {
        out.write(&[b'x'; 4096]).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Whether standard input is at its end.
#[udf]
pub fn input_is_empty(_record: &Record) -> bool {
    stdin::get_stdin().blocking_read(1).is_err()
}

/// Exits.
#[udf]
pub fn leave(_record: &Record) {
    exit::exit(Ok(()));
}

/// Takes hold of ever more resources.
#[udf]
pub fn hoard(_record: &Record) {
    loop {
        std::mem::forget(stdout::get_stdout());
    }
}

/// The names of the directories.
#[udf]
pub fn directories(_record: &Record) -> Vec<String> {
    get_directories()
        .into_iter()
        .map(|(_, name)| name)
        .collect()
}

fn directory(name: &str) -> Result<Descriptor> {
    let mut found = get_directories().into_iter();
    let (directory, _) = found.find(|(_, n)| n == name).ok_or("no such directory")?;
    Ok(directory)
}

fn named(code: ErrorCode) -> String {
    code.name().to_owned()
}

/// The text of a file in a directory.
#[udf]
pub fn read(_record: &Record, dir: &str, path: &str) -> Result<String> {
    let (follow, flags) = (PathFlags::SYMLINK_FOLLOW, DescriptorFlags::READ);
    let opened = directory(dir)?.open_at(follow, path, OpenFlags::empty(), flags);
    let file = opened.map_err(named)?;
    let mut text = Vec::new();
    loop {
        let (bytes, end) = file.read(1 << 16, text.len() as u64).map_err(named)?;
        text.extend_from_slice(&bytes);
        if end {
            return Ok(String::from_utf8(text).map_err(|_| "not text")?);
        }
    }
}

/// Reads a file through a stream, to its end, and tells how long it is.
#[udf]
pub fn drain(_record: &Record, dir: &str, path: &str) -> Result<i64> {
    let (follow, flags) = (PathFlags::SYMLINK_FOLLOW, DescriptorFlags::READ);
    let opened = directory(dir)?.open_at(follow, path, OpenFlags::empty(), flags);
    let file = opened.map_err(named)?;
    let stream = file.read_via_stream(0).map_err(named)?;
    let mut len = 0;
    while let Ok(bytes) = stream.blocking_read(1 << 20) {
        len += bytes.len();
    }
    Ok(len as i64)
}

/// Replaces a file in a directory.
#[udf]
pub fn write(_record: &Record, dir: &str, path: &str, text: &str) -> Result<()> {
    let open = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let follow = PathFlags::SYMLINK_FOLLOW;
    let opened = directory(dir)?.open_at(follow, path, open, DescriptorFlags::WRITE);
    let file = opened.map_err(named)?;
    let stream = file.write_via_stream(0).map_err(named)?;
    let written = stream.blocking_write_and_flush(text.as_bytes());
    Ok(written.map_err(|e| e.to_string())?)
}

/// Opens a file for reading, and writes to it all the same.
#[udf]
pub fn write_what_is_open_for_reading(_record: &Record, dir: &str, path: &str) -> Result<i64> {
    let (follow, flags) = (PathFlags::SYMLINK_FOLLOW, DescriptorFlags::READ);
    let opened = directory(dir)?.open_at(follow, path, OpenFlags::empty(), flags);
    let file = opened.map_err(named)?;
    Ok(file.write(b"changed", 0).map_err(named)? as i64)
}

/// Makes a file of so many bytes, all but the last of them never written.
#[udf]
pub fn grow(_record: &Record, dir: &str, path: &str, size: i64) -> Result<()> {
    let open = OpenFlags::CREATE;
    let follow = PathFlags::SYMLINK_FOLLOW;
    let opened = directory(dir)?.open_at(follow, path, open, DescriptorFlags::WRITE);
    Ok(opened
        .and_then(|file| file.set_size(size as u64))
        .map_err(named)?)
}

/// The names in a directory, sorted.
#[udf]
pub fn list(_record: &Record, dir: &str, path: &str) -> Result<Vec<String>> {
    let (follow, flags) = (PathFlags::SYMLINK_FOLLOW, DescriptorFlags::READ);
    let opened = directory(dir)?.open_at(follow, path, OpenFlags::DIRECTORY, flags);
    let entries = opened.and_then(|d| d.read_directory()).map_err(named)?;
    let mut names = Vec::new();
    while let Some(entry) = entries.read_directory_entry().map_err(named)? {
        names.push(entry.name);
    }
    names.sort();
    Ok(names)
}

/// The size of what a path names, and what it is.
#[udf]
pub fn stat(_record: &Record, dir: &str, path: &str) -> Result<String> {
    let stat = directory(dir)?.stat_at(PathFlags::empty(), path);
    let stat = stat.map_err(named)?;
    Ok(format!("{:?} {}", stat.type_, stat.size))
}

/// Changes what is in a directory: `mkdir`, `rmdir`, `unlink`, `rename`, `symlink` or `link`.
#[udf]
pub fn change(_record: &Record, dir: &str, what: &str, from: &str, to: &str) -> Result<()> {
    let dir = directory(dir)?;
    let changed = match what {
        "mkdir" => dir.create_directory_at(from),
        "rmdir" => dir.remove_directory_at(from),
        "unlink" => dir.unlink_file_at(from),
        "rename" => dir.rename_at(from, &dir, to),
        "symlink" => dir.symlink_at(from, to),
        _ => dir.link_at(PathFlags::empty(), from, &dir, to),
    };
    Ok(changed.map_err(named)?)
}
