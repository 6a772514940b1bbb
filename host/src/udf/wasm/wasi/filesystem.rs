//! `wasi:filesystem`: the directories that were granted. No path leads out of them, nothing but
//! regular files is opened, and links are not made.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use cap_std::fs::{Dir, Metadata, MetadataExt, ReadDir};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentNamedList, Lift, Linker, LinkerInstance, Lower, Resource, Val};

use super::super::state::State;
use super::super::wasi_state::{Denial, Wasi};
use super::define::{interface, resource};
use super::descriptor::{
    Descriptor, DescriptorFlags, DirectoryEntry, Kind, MetadataHash, OpenFlags, PathFlags, Stat,
};
use super::error_code::ErrorCode;
use super::failure::Failure;
use super::io::{Error, InputStream, OutputStream, read_at};
use crate::udf::{Opening, open_file};

type Answer<T> = Result<T, Failure<ErrorCode>>;

/// What nobody may do here.
const FORBIDDEN: [&str; 4] = ["link-at", "set-times", "set-times-at", "symlink-at"];

pub(super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut types = interface(linker, "wasi:filesystem/types")?;
    resource::<Descriptor>(&mut types, "descriptor")?;
    resource::<ReadDir>(&mut types, "directory-entry-stream")?;
    types.func_wrap(
        "filesystem-error-code",
        |mut store: StoreContextMut<'_, State>, (error,): (Resource<Error>,)| {
            let error = store.data_mut().wasi()?.resources.get(&error)?;
            Ok((Some(ErrorCode::from(&error.0)),))
        },
    )?;
    for name in FORBIDDEN {
        let code = Val::Enum("not-permitted".into());
        always(&mut types, name, Val::Result(Err(Some(Box::new(code)))))?;
    }
    files(&mut types)?;
    directories(&mut types)?;
    metadata(&mut types)?;
    interface(linker, "wasi:filesystem/preopens")?.func_wrap(
        "get-directories",
        |mut store: StoreContextMut<'_, State>, ()| {
            let wasi = store.data_mut().wasi()?;
            let granted = wasi.outside.granted.clone();
            if granted.directories.is_empty() {
                wasi.tell(Denial::Directories);
            }
            let mut found = Vec::with_capacity(granted.directories.len());
            for directory in &granted.directories {
                let descriptor = Descriptor::Directory {
                    dir: directory.dir.clone(),
                    writable: directory.writable,
                };
                found.push((wasi.resources.push(descriptor)?, directory.name.clone()));
            }
            Ok((found,))
        },
    )
}

fn method_name(name: &str) -> String {
    format!("[method]descriptor.{name}")
}

/// Defines a method that has always the same answer.
fn always(types: &mut LinkerInstance<'_, State>, name: &str, answer: Val) -> wasmtime::Result<()> {
    types.func_new(
        &method_name(name),
        move |mut store, _, arguments, answers| {
            for argument in arguments {
                if let Val::Resource(lent) = argument {
                    lent.resource_drop(&mut store)?;
                }
            }
            answers.fill(answer.clone());
            Ok(())
        },
    )
}

/// Defines a method that answers with a `result`.
fn method<P, T>(
    types: &mut LinkerInstance<'_, State>,
    name: &str,
    answer: impl Fn(&mut Wasi, P) -> Answer<T> + Send + Sync + 'static,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lift + 'static,
    T: Lower + 'static,
    (Result<T, ErrorCode>,): ComponentNamedList + Lower,
{
    types.func_wrap(
        name,
        move |mut store: StoreContextMut<'_, State>, arguments: P| match answer(
            store.data_mut().wasi()?,
            arguments,
        ) {
            Ok(value) => Ok((Ok(value),)),
            Err(Failure::Answer(code)) => Ok((Err(code),)),
            Err(Failure::Fault(e)) => Err(e),
        },
    )
}

type Handle = Resource<Descriptor>;

/// The descriptor that a handle stands for.
fn at(wasi: &Wasi, handle: &Handle) -> Answer<Descriptor> {
    Ok(wasi.resources.get(handle)?.clone())
}

fn files(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    let name = method_name;
    method(
        types,
        &name("read-via-stream"),
        |wasi, (file, from): (Handle, u64)| {
            let file = at(wasi, &file)?.file_to_read()?.clone();
            Ok(wasi.resources.push(InputStream::File(file, from))?)
        },
    )?;
    method(
        types,
        &name("write-via-stream"),
        |wasi, (file, to): (Handle, u64)| {
            let file = at(wasi, &file)?.file_to_write()?.clone();
            Ok(wasi.resources.push(OutputStream::File(file, Some(to)))?)
        },
    )?;
    method(
        types,
        &name("append-via-stream"),
        |wasi, (file,): (Handle,)| {
            let file = at(wasi, &file)?.file_to_write()?.clone();
            Ok(wasi.resources.push(OutputStream::File(file, None))?)
        },
    )?;
    method(
        types,
        &name("read"),
        |wasi, (file, len, from): (Handle, u64, u64)| {
            let bytes = read_at(at(wasi, &file)?.file_to_read()?, len, from)?;
            let is_end = bytes.is_empty() && len > 0;
            Ok((bytes, is_end))
        },
    )?;
    method(
        types,
        &name("write"),
        |wasi, (file, bytes, to): (Handle, Vec<u8>, u64)| {
            let written = at(wasi, &file)?.file_to_write()?.write_at(&bytes, to)?;
            Ok(written as u64)
        },
    )?;
    method(
        types,
        &name("set-size"),
        |wasi, (file, size): (Handle, u64)| Ok(at(wasi, &file)?.file_to_write()?.set_len(size)?),
    )?;
    for (sync, is_data) in [("sync", false), ("sync-data", true)] {
        method(types, &name(sync), move |wasi, (file,): (Handle,)| {
            let sync = |file: &File| match is_data {
                true => file.sync_data(),
                false => file.sync_all(),
            };
            match at(wasi, &file)? {
                Descriptor::File { file, .. } => Ok(sync(&file)?),
                Descriptor::Directory { .. } => Ok(()),
            }
        })?;
    }
    always(types, "advise", Val::Result(Ok(None)))
}

fn directories(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    let name = method_name;
    method(
        types,
        &name("open-at"),
        |wasi,
         (dir, follow, path, how, flags): (
            Handle,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            let opened = open_at(&at(wasi, &dir)?, follow, &path, how, flags)?;
            Ok(wasi.resources.push(opened)?)
        },
    )?;
    method(types, &name("read-directory"), |wasi, (dir,): (Handle,)| {
        let entries = at(wasi, &dir)?.dir()?.entries()?;
        Ok(wasi.resources.push(entries)?)
    })?;
    method(
        types,
        "[method]directory-entry-stream.read-directory-entry",
        |wasi, (entries,): (Resource<ReadDir>,)| {
            let Some(entry) = wasi.resources.get_mut(&entries)?.next().transpose()? else {
                return Ok(None);
            };
            let name = entry.file_name().into_string();
            Ok(Some(DirectoryEntry {
                kind: entry.file_type()?.into(),
                name: name.map_err(|_| ErrorCode::IllegalByteSequence)?,
            }))
        },
    )?;
    method(
        types,
        &name("create-directory-at"),
        |wasi, (dir, path): (Handle, String)| {
            Ok(at(wasi, &dir)?.dir_to_change()?.create_dir(path)?)
        },
    )?;
    method(
        types,
        &name("remove-directory-at"),
        |wasi, (dir, path): (Handle, String)| {
            Ok(at(wasi, &dir)?.dir_to_change()?.remove_dir(path)?)
        },
    )?;
    method(
        types,
        &name("unlink-file-at"),
        |wasi, (dir, path): (Handle, String)| {
            Ok(at(wasi, &dir)?.dir_to_change()?.remove_file(path)?)
        },
    )?;
    method(
        types,
        &name("rename-at"),
        |wasi, (dir, from, other, to): (Handle, String, Handle, String)| {
            let (dir, other) = (at(wasi, &dir)?, at(wasi, &other)?);
            let (dir, other) = (dir.dir_to_change()?, other.dir_to_change()?);
            Ok(dir.rename(from, other, to)?)
        },
    )?;
    method(
        types,
        &name("readlink-at"),
        |wasi, (dir, path): (Handle, String)| {
            let target = at(wasi, &dir)?.dir()?.read_link(path)?;
            let target = target.into_os_string().into_string();
            Ok(target.map_err(|_| ErrorCode::IllegalByteSequence)?)
        },
    )
}

fn metadata(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    let name = method_name;
    method(types, &name("get-flags"), |wasi, (of,): (Handle,)| {
        Ok(at(wasi, &of)?.flags())
    })?;
    method(types, &name("get-type"), |wasi, (of,): (Handle,)| {
        Ok(Kind::from(at(wasi, &of)?.metadata()?.file_type()))
    })?;
    method(types, &name("stat"), |wasi, (of,): (Handle,)| {
        Ok(Stat::from(&at(wasi, &of)?.metadata()?))
    })?;
    method(
        types,
        &name("stat-at"),
        |wasi, (dir, follow, path): (Handle, PathFlags, String)| {
            Ok(Stat::from(&metadata_at(
                at(wasi, &dir)?.dir()?,
                follow,
                &path,
            )?))
        },
    )?;
    method(types, &name("metadata-hash"), |wasi, (of,): (Handle,)| {
        Ok(MetadataHash::from(&at(wasi, &of)?.metadata()?))
    })?;
    method(
        types,
        &name("metadata-hash-at"),
        |wasi, (dir, follow, path): (Handle, PathFlags, String)| {
            let found = metadata_at(at(wasi, &dir)?.dir()?, follow, &path)?;
            Ok(MetadataHash::from(&found))
        },
    )?;
    types.func_wrap(
        &name("is-same-object"),
        |mut store: StoreContextMut<'_, State>, (a, b): (Handle, Handle)| {
            let resources = &store.data_mut().wasi()?.resources;
            let identity = |handle: &Handle| -> wasmtime::Result<_> {
                let found = resources.get(handle)?.metadata()?;
                Ok((found.dev(), found.ino()))
            };
            Ok((identity(&a)? == identity(&b)?,))
        },
    )
}

fn metadata_at(dir: &Dir, follow: PathFlags, path: &str) -> std::io::Result<Metadata> {
    match follow.contains(PathFlags::SYMLINK_FOLLOW) {
        true => dir.metadata(path),
        false => dir.symlink_metadata(path),
    }
}

fn open_at(
    from: &Descriptor,
    follow: PathFlags,
    path: &str,
    how: OpenFlags,
    flags: DescriptorFlags,
) -> Answer<Descriptor> {
    let Descriptor::Directory { dir, writable } = from else {
        return Err(ErrorCode::NotDirectory.into());
    };
    let changes = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE;
    let writes = flags.contains(DescriptorFlags::WRITE);
    if !writable && (writes || how.intersects(changes)) {
        return Err(ErrorCode::ReadOnly.into());
    }
    let found = metadata_at(dir, follow, path);
    if found.as_ref().is_ok_and(|found| found.is_symlink()) {
        return Err(ErrorCode::Loop.into());
    }
    let is_dir = found.is_ok_and(|found| found.is_dir());
    if is_dir && !writes && !how.intersects(changes) || how.contains(OpenFlags::DIRECTORY) {
        return Ok(Descriptor::Directory {
            dir: Arc::new(dir.open_dir(path)?),
            writable: *writable,
        });
    }
    let how = Opening {
        // One that asks for nothing is opened to be looked at.
        read: flags.contains(DescriptorFlags::READ) || !writes,
        write: writes || how.intersects(changes),
        create: how.contains(OpenFlags::CREATE),
        exclusive: how.contains(OpenFlags::EXCLUSIVE),
        truncate: how.contains(OpenFlags::TRUNCATE),
    };
    Ok(Descriptor::File {
        file: Arc::new(open_file(dir, path, how)?),
        readable: flags.contains(DescriptorFlags::READ),
        writable: writes,
    })
}
