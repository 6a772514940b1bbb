//! Compiled code on disk, so that a host is ready soon after a restart.
//!
//! An entry is found by the module's bytes, the version and settings of the engine, and the
//! processor's features, all of which the engine's own hash covers. Compiled code is run as it is, so
//! an entry is trusted only when it carries a code of authentication (HMAC-SHA-256) under a key that
//! this host made: whoever can write to the folder (through a shared volume, a backup that is put
//! back, a broken disk) and cannot read the key, which its owner alone can, cannot have the host run
//! anything. Whoever can read the key is the host's user or root, and could do that anyway.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt, PermissionsExt};
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The name of the key's file.
const KEY: &str = "key";
/// Bytes of the key: a block of the hash.
const KEY_BYTES: usize = 64;
/// Bytes of a code of authentication.
const CODE_BYTES: usize = 32;

/// The most entries, and the most bytes of them together; beyond either the oldest go.
const ENTRIES: usize = 1024;
const BYTES: u64 = 2 << 30;

/// A folder of compiled code.
#[derive(Debug)]
pub struct CodeCache {
    dir: Dir,
    key: [u8; KEY_BYTES],
}

impl CodeCache {
    /// Opens the folder, and makes it and its key if need be.
    ///
    /// # Errors
    /// Those of the file system; [`io::ErrorKind::PermissionDenied`] when others than its owner can
    /// reach the key.
    pub fn open(path: &Path) -> io::Result<Self> {
        let (parent, name) = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => (parent, name),
            _ => (Path::new("."), path.as_os_str()),
        };
        std::fs::create_dir_all(parent)?;
        let parent = Dir::open_ambient_dir(parent, ambient_authority())?;
        match parent.create_dir_with(name, DirBuilder::new().mode(0o700)) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        let dir = parent.open_dir(name)?;
        let key = match read_key(&dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => make_key(&dir)?,
            found => found?,
        };
        Ok(Self { dir, key })
    }

    /// The component of these bytes: from the cache if it is there, else compiled, and then kept.
    ///
    /// # Errors
    /// When the bytes are no component.
    pub(super) fn component(&self, engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
        let name = entry_name(engine, bytes);
        if let Some(component) = self.load(engine, &name) {
            return Ok(component);
        }
        let component = Component::from_binary(engine, bytes)?;
        if let Err(e) = self.store(&name, &component.serialize()?) {
            tracing::warn!("compiled code cannot be kept: {e}");
        }
        Ok(component)
    }

    fn load(&self, engine: &Engine, name: &str) -> Option<Component> {
        let entry = match self.dir.read(name) {
            Ok(entry) => entry,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
            Err(e) => {
                tracing::warn!("compiled code cannot be read, compiling again: {e}");
                return None;
            }
        };
        let (code, compiled) = entry.split_at_checked(CODE_BYTES).unwrap_or_default();
        if self
            .authenticate(name, compiled)
            .verify_slice(code)
            .is_err()
        {
            tracing::warn!("the compiled code {name} was altered, compiling again");
            return None;
        }
        // SAFETY: the bytes are what `Component::serialize` gave a host with this key, for this very
        // engine, as the code of authentication just showed; they are in memory, where nobody alters
        // them between that and now.
        match unsafe { Component::deserialize(engine, compiled) } {
            Ok(component) => Some(component),
            Err(e) => {
                tracing::warn!("compiled code does not load, compiling again: {e:#}");
                None
            }
        }
    }

    /// Keeps an entry: written beside its name and renamed, so that nobody finds half of one.
    fn store(&self, name: &str, compiled: &[u8]) -> io::Result<()> {
        self.make_room(compiled.len() as u64)?;
        let code = self.authenticate(name, compiled).finalize().into_bytes();
        let partial = format!(".{name}.partial");
        let mut file = self.dir.open_with(&partial, &owner_only())?;
        file.set_len(0)?;
        file.write_all(&code)?;
        file.write_all(compiled)?;
        self.dir.rename(&partial, &self.dir, name)
    }

    /// Removes the oldest entries until there is room for one more.
    fn make_room(&self, bytes: u64) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in self.dir.entries()? {
            let entry = entry?;
            if entry.file_name() == KEY {
                continue;
            }
            let metadata = entry.metadata()?;
            let made = metadata.modified().map(cap_std::time::SystemTime::into_std);
            let made = made.unwrap_or(SystemTime::UNIX_EPOCH);
            entries.push((made, metadata.len(), entry.file_name()));
        }
        entries.sort_unstable();
        let mut count = entries.len() + 1;
        let mut total = bytes + entries.iter().map(|(_, len, _)| len).sum::<u64>();
        for (_, len, name) in entries {
            if count <= ENTRIES && total <= BYTES {
                break;
            }
            self.dir.remove_file(name)?;
            count -= 1;
            total -= len;
        }
        Ok(())
    }

    /// The code of authentication of an entry under its name.
    fn authenticate(&self, name: &str, compiled: &[u8]) -> Hmac<Sha256> {
        let mut code = Hmac::<Sha256>::new((&self.key).into());
        code.update(name.as_bytes());
        code.update(compiled);
        code
    }
}

/// The name of an entry: what is compiled, and for which engine on which processor.
fn entry_name(engine: &Engine, bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let digest = Sha256::digest(bytes);
    let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    format!("{digest}-{:016x}", hasher.finish())
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn read_key(dir: &Dir) -> io::Result<[u8; KEY_BYTES]> {
    let mut file = dir.open(KEY)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        let text = "others than its owner can reach the key of compiled code";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    let mut key = [0; KEY_BYTES];
    file.read_exact(&mut key)?;
    Ok(key)
}

fn make_key(dir: &Dir) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    rand::rng().fill_bytes(&mut key);
    let mut file = dir.open_with(KEY, owner_only().create_new(true))?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(dir: &Path) -> CodeCache {
        CodeCache::open(&dir.join("code")).expect("the cache opens")
    }

    fn entries(dir: &Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(dir.join("code")).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| !path.ends_with(KEY)).collect()
    }

    #[test]
    fn an_entry_is_kept_and_found_by_a_host_that_starts_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = Engine::default();
        let bytes = wat::parse_str("(component)").expect("a component");
        cache(dir.path())
            .component(&engine, &bytes)
            .expect("compiles");
        let again = cache(dir.path());
        let [entry] = &entries(dir.path())[..] else {
            panic!("not one entry");
        };
        let name = entry.file_name().and_then(|n| n.to_str()).expect("a name");
        assert!(again.load(&engine, name).is_some());
    }

    #[test]
    fn an_altered_entry_is_compiled_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = Engine::default();
        let bytes = wat::parse_str("(component)").expect("a component");
        let cache = cache(dir.path());
        cache.component(&engine, &bytes).expect("compiles");
        let path = entries(dir.path()).remove(0);
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        let good = std::fs::read(&path).expect("the entry");
        for at in (0..good.len()).step_by(good.len() / 50) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, bad).expect("writes");
            assert!(cache.load(&engine, name).is_none(), "byte {at}");
        }
        for cut in [0, 1, CODE_BYTES, good.len() - 1] {
            std::fs::write(&path, &good[..cut]).expect("writes");
            assert!(cache.load(&engine, name).is_none(), "cut at {cut}");
        }
        cache.component(&engine, &bytes).expect("compiles");
        assert!(cache.load(&engine, name).is_some());
        // Nor is the code of one module taken for that of another, or of another host.
        let other = entry_name(&engine, b"another");
        std::fs::copy(&path, path.with_file_name(&other)).expect("copies");
        assert!(cache.load(&engine, &other).is_none());
        std::fs::remove_file(dir.path().join("code").join(KEY)).expect("removes");
        assert!(self::cache(dir.path()).load(&engine, name).is_none());
    }

    #[test]
    fn a_key_that_others_can_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().expect("a directory");
        cache(dir.path());
        let key = dir.path().join("code").join(KEY);
        let made = std::fs::metadata(&key).expect("the key").permissions();
        assert_eq!(made.mode() & 0o777, 0o600);
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&key, open).expect("sets");
        let refused = CodeCache::open(&dir.path().join("code")).expect_err("is refused");
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }
}
