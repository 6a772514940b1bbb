//! `petrel udf new`: a project that builds and whose tests pass.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::output::Output;

/// The project.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Its name, which is the module's and the folder's.
    pub name: String,
    /// Its language.
    #[arg(long, value_enum, default_value_t = Lang::Rust)]
    pub lang: Lang,
    /// What to begin with.
    #[arg(long, value_enum, default_value_t = Template::Record)]
    pub template: Template,
    /// The folder to put it in.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// The folder of petrel-udf's sources [default: those that petrel was built with, while they are
    /// there, else the release of petrel's version].
    #[arg(long, value_name = "DIR")]
    pub sdk: Option<PathBuf>,
}

/// The languages of projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// A crate that becomes a Wasm component.
    Rust,
    /// A Lua file.
    Lua,
    /// A Python file that componentize-py makes a component of.
    Python,
    /// A JavaScript file that componentize-js makes a component of.
    Js,
}

/// What a project begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// A function on a record.
    Record,
    /// An aggregation over the records of a query.
    Aggregate,
}

/// A file's path in the project, and its text.
type File = (&'static str, &'static str);

macro_rules! template {
    ($folder:literal: $($path:literal from $file:literal),+) => {
        &[$(($path, include_str!(concat!("../../../templates/", $folder, "/", $file)))),+]
    };
}

/// The contract, and what Python and JavaScript make of its values.
macro_rules! shared {
    ($path:literal) => {
        include_str!(concat!("../../../../", $path))
    };
}

const PYTHON: &[File] = &[
    (
        "{{name}}.py",
        include_str!("../../../templates/python/module.py.in"),
    ),
    ("values.py", shared!("udfs/python/values.py")),
    ("requirements.txt", shared!("udfs/python/requirements.txt")),
    ("wit/petrel-udf.wit", shared!("wit/petrel-udf.wit")),
    ("wit/portable.wit", shared!("wit/portable.wit")),
    (
        "build.sh",
        include_str!("../../../templates/python/build.sh.in"),
    ),
    (
        "fixtures.yaml",
        include_str!("../../../templates/python/fixtures.yaml.in"),
    ),
    (
        "README.md",
        include_str!("../../../templates/python/README.md.in"),
    ),
    (".gitignore", "venv/\n__pycache__/\n*.wasm\n"),
];

const JS: &[File] = &[
    (
        "{{name}}.js",
        include_str!("../../../templates/js/module.js.in"),
    ),
    ("values.js", shared!("udfs/js/values.js")),
    ("package.json", shared!("udfs/js/package.json")),
    ("wit/petrel-udf.wit", shared!("wit/petrel-udf.wit")),
    ("wit/portable.wit", shared!("wit/portable.wit")),
    (
        "build.sh",
        include_str!("../../../templates/js/build.sh.in"),
    ),
    (
        "fixtures.yaml",
        include_str!("../../../templates/js/fixtures.yaml.in"),
    ),
    (
        "README.md",
        include_str!("../../../templates/js/README.md.in"),
    ),
    (".gitignore", "node_modules/\n*.wasm\n"),
];

macro_rules! rust {
    ($folder:literal) => {
        template!($folder:
            "Cargo.toml" from "Cargo.toml.in",
            "src/lib.rs" from "lib.rs.in",
            "fixtures.yaml" from "fixtures.yaml.in",
            "README.md" from "README.md.in",
            ".gitignore" from "gitignore.in")
    };
}

macro_rules! lua {
    ($folder:literal) => {
        template!($folder:
            "{{name}}.lua" from "module.lua.in",
            "fixtures.yaml" from "fixtures.yaml.in",
            "README.md" from "README.md.in",
            ".luarc.json" from "luarc.json.in")
    };
}

/// The files of a project; none where there is no such template.
fn files(lang: Lang, template: Template) -> &'static [File] {
    match (lang, template) {
        (Lang::Python, Template::Record) => PYTHON,
        (Lang::Js, Template::Record) => JS,
        (Lang::Python | Lang::Js, Template::Aggregate) => &[],
        (Lang::Rust, Template::Record) => rust!("rust-record"),
        (Lang::Rust, Template::Aggregate) => rust!("rust-aggregate"),
        (Lang::Lua, Template::Record) => lua!("lua-record"),
        (Lang::Lua, Template::Aggregate) => lua!("lua-aggregate"),
    }
}

impl NewArgs {
    /// Writes the project, and says what to do with it.
    pub fn run(&self, output: Output) -> Result<(), CliError> {
        check_name(&self.name)?;
        let folder = self.out.join(&self.name);
        if folder.exists() {
            return Err(CliError::Usage(format!(
                "{} is there already",
                folder.display()
            )));
        }
        let files = files(self.lang, self.template);
        if files.is_empty() {
            return Err(CliError::Usage(
                "the world `portable` has no aggregations: write them in Rust or Lua".to_owned(),
            ));
        }
        let sdk = self.dependency()?;
        let fill = |text: &str| {
            text.replace("{{name}}", &self.name)
                .replace("{{sdk}}", &sdk)
        };
        let mut written = Vec::new();
        for (path, text) in files {
            let path = folder.join(fill(path));
            let parent = path.parent().unwrap_or(&folder);
            std::fs::create_dir_all(parent).map_err(|source| CliError::file(parent, source))?;
            std::fs::write(&path, fill(text)).map_err(|source| CliError::file(&path, source))?;
            written.push(path);
        }
        output.result(
            || {
                let files = written.iter().map(|path| format!("  {}", path.display()));
                let next = format!("next: petrel udf test {}", folder.display());
                let head = format!("made {}:", folder.display());
                let lines: Vec<_> = [head].into_iter().chain(files).chain([next]).collect();
                lines.join("\n")
            },
            || json!({"folder": folder, "files": written}),
        );
        Ok(())
    }

    /// What Cargo.toml says of petrel-udf.
    fn dependency(&self) -> Result<String, CliError> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk");
        let folder = match &self.sdk {
            Some(given) if !given.join("Cargo.toml").is_file() => {
                return Err(CliError::Usage(format!(
                    "{} is not the folder of petrel-udf: it has no Cargo.toml",
                    given.display()
                )));
            }
            Some(given) => given.clone(),
            None if own.join("Cargo.toml").is_file() => own,
            None => return Ok(format!("\"{}\"", env!("CARGO_PKG_VERSION"))),
        };
        let folder = folder
            .canonicalize()
            .map_err(|source| CliError::file(&folder, source))?;
        let path = toml::Value::String(folder.display().to_string());
        Ok(format!("{{ path = {path} }}"))
    }
}

/// A name that is at once a crate's, a module's and a folder's.
fn check_name(name: &str) -> Result<(), CliError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if starts && name.len() <= 64 && name.chars().all(plain) {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "`{name}` is no module's name: begin with a lower-case letter, go on with letters, digits and _"
    )))
}
