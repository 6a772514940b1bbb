//! Which module a command is about, and which fixture goes with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::fixture::{Fixture, is_fixture};
use super::watch;
use crate::cli::error::CliError;
use crate::cli::guest_build::{self, GuestBuild, GuestBuildError};

/// What builds a module in a language that `petrel udf build` does not know.
const SCRIPT: &str = "build.sh";

/// The endings of fixture files.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// A module to run here, from a file or a crate, and its fixture file if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    source: Source,
    /// The fixture file.
    pub fixture: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// A module's file.
    File(PathBuf),
    /// The folder of a crate that builds one.
    Crate(PathBuf),
    /// A module that the script `build.sh` of its folder builds.
    Script { folder: PathBuf, module: PathBuf },
}

impl Subject {
    /// What a path means: a module's file, a crate's folder, a folder with a fixture file, or a fixture
    /// file that names its module.
    pub fn find(path: &Path, fixture: Option<&Path>) -> Result<Self, CliError> {
        let fixture = match fixture {
            Some(given) => Some(given.to_owned()),
            None if !path.is_dir() && is_fixture(path) => Some(path.to_owned()),
            None => beside(path),
        };
        if path.is_dir() && path.join("Cargo.toml").is_file() {
            let source = Source::Crate(path.to_owned());
            return Ok(Self { source, fixture });
        }
        if !path.is_dir() && !is_fixture(path) {
            let source = Source::File(path.to_owned());
            return Ok(Self { source, fixture });
        }
        let named = match &fixture {
            Some(file) => read(file)?.module.map(|module| near(file, &module)),
            None => None,
        };
        let module = match named {
            Some(module) => module,
            None => only_module(path)?,
        };
        let folder = folder_of(&module);
        let source = match module.is_dir() {
            true => Source::Crate(module),
            false if folder.join(SCRIPT).is_file() => Source::Script {
                folder: folder.to_owned(),
                module,
            },
            false => Source::File(module),
        };
        Ok(Self { source, fixture })
    }

    /// The module's file, built if it has to be.
    pub fn module(&self) -> Result<PathBuf, CliError> {
        let dir = match &self.source {
            Source::File(file) => return Ok(file.clone()),
            Source::Script { folder, module } => {
                run_script(folder, module)?;
                return Ok(module.clone());
            }
            Source::Crate(dir) => dir,
        };
        let target = dir.join("target/guests");
        let guests = guest_build::build(&GuestBuild {
            source: dir,
            target_dir: &target,
            out_dir: &target,
            locked: false,
            names: true,
        })?;
        match &guests[..] {
            [guest] => Ok(guest.path.clone()),
            several => {
                let names: Vec<_> = several.iter().map(|guest| guest.name.as_str()).collect();
                Err(CliError::Usage(format!(
                    "{} builds {}; name the folder of one of them",
                    dir.display(),
                    names.join(", ")
                )))
            }
        }
    }

    /// The fixture, empty where there is none.
    pub fn read_fixture(&self) -> Result<Fixture, CliError> {
        self.fixture.as_deref().map_or(Ok(Fixture::default()), read)
    }

    /// The modules that the fixture says the module requires.
    pub fn required(&self, fixture: &Fixture) -> Vec<PathBuf> {
        let file = self.fixture.as_deref().unwrap_or(Path::new("."));
        let near = |module: &PathBuf| near(file, module);
        fixture.requires.iter().map(near).collect()
    }

    /// The files that an author saves.
    pub fn watched(&self) -> Vec<PathBuf> {
        let source = match &self.source {
            Source::File(path) | Source::Crate(path) => path.clone(),
            Source::Script { folder, .. } => folder.clone(),
        };
        let fixture = self.read_fixture().unwrap_or_default();
        let required = self.required(&fixture);
        [source]
            .into_iter()
            .chain(self.fixture.clone())
            .chain(required)
            .collect()
    }
}

/// Runs the script of a folder, unless the module is newer than every source. What it says goes to
/// stderr.
fn run_script(folder: &Path, module: &Path) -> Result<(), CliError> {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified());
    if let (Ok(built), Some(source)) = (modified(module), watch::newest(folder))
        && source <= built
    {
        return Ok(());
    }
    let script = folder.join(SCRIPT);
    let status = Command::new("sh")
        .arg(SCRIPT)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(|source| CliError::file(&script, source))?;
    match status.success() && module.is_file() {
        true => Ok(()),
        false => Err(GuestBuildError::Script(script).into()),
    }
}

/// Reads a fixture file.
fn read(file: &Path) -> Result<Fixture, CliError> {
    let text = std::fs::read_to_string(file).map_err(|source| CliError::file(file, source))?;
    Fixture::parse(&text).map_err(|reason| CliError::fixture(file, reason))
}

/// A path that a file names, which is relative to the file.
fn near(file: &Path, named: &Path) -> PathBuf {
    folder_of(file).join(named)
}

/// The folder that a file lies in.
fn folder_of(file: &Path) -> &Path {
    let parent = file.parent().filter(|dir| *dir != Path::new(""));
    parent.unwrap_or(Path::new("."))
}

/// The fixture file beside a module's, or in a folder.
fn beside(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let (folder, names) = match path.is_dir() {
        true => (path, vec!["fixtures".to_owned()]),
        false => (
            folder_of(path),
            vec![format!("{stem}.fixtures"), "fixtures".to_owned()],
        ),
    };
    names
        .iter()
        .flat_map(|name| ENDINGS.map(|ending| folder.join(format!("{name}.{ending}"))))
        .find(|file| file.is_file())
}

/// The only module in a folder.
fn only_module(path: &Path) -> Result<PathBuf, CliError> {
    let folder = match path.is_dir() {
        true => path,
        false => folder_of(path),
    };
    let entries = std::fs::read_dir(folder).map_err(|source| CliError::file(folder, source))?;
    let is_module = |file: &PathBuf| {
        file.extension()
            .is_some_and(|ext| ext == "lua" || ext == "wasm")
    };
    let mut modules: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(is_module)
        .collect();
    match modules.len() {
        1 => Ok(modules.remove(0)),
        n => Err(CliError::Usage(format!(
            "{} has {n} modules: name a module's file, a crate's folder, or a fixture file with a line \
             `module: FILE`",
            folder.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_and_its_fixture_are_found_from_either_and_from_their_folder() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let module = file("m.lua", "");
        let fixture = file("fixtures.yaml", "module: m.lua\n");
        let expected = Subject {
            source: Source::File(module.clone()),
            fixture: Some(fixture.clone()),
        };
        for path in [&module, &fixture, &dir.path().to_owned()] {
            assert_eq!(Subject::find(path, None).unwrap(), expected, "{path:?}");
        }
        let own = file("m.fixtures.json", "{}");
        let found = Subject::find(&module, None).unwrap();
        assert_eq!(found.fixture, Some(own));
        file("Cargo.toml", "");
        let found = Subject::find(dir.path(), None).unwrap();
        assert_eq!(found.source, Source::Crate(dir.path().to_owned()));
    }

    #[test]
    fn a_script_builds_when_a_source_is_newer() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        file("fixtures.yaml", "module: m.wasm\n");
        file("build.sh", "echo built >> m.wasm\n");
        let built = || {
            let subject = Subject::find(dir.path(), None).unwrap();
            let module = subject.module().unwrap();
            std::fs::read_to_string(module).unwrap().lines().count()
        };
        // Times of files are some milliseconds coarse.
        let later = || std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!((built(), built()), (1, 1));
        later();
        file("m.py", "");
        assert_eq!((built(), built()), (2, 2));
        later();
        file("build.sh", "exit 3\n");
        assert!(Subject::find(dir.path(), None).unwrap().module().is_err());
    }
}
