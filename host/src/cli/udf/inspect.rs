//! `petrel udf inspect`: what a module offers, wants and weighs.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::anatomy::interfaces;
use super::config::ConfigArgs;
use super::local::LocalModule;
use super::subject::Subject;
use super::units::{size, time};
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::global::GlobalArgs;
use crate::cli::modules::{content, find};
use crate::cli::output::Output;
use crate::cli::show::print_functions;

/// The module.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// A module's file, a Rust crate's folder, or the name of a registered module.
    #[arg(value_name = "FILE|DIR|NAME")]
    pub module: PathBuf,
    /// Limits and grants.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// What is known of a module beside its functions.
struct Inspected {
    module: LocalModule,
    imports: Vec<String>,
    exports: Vec<String>,
    /// What a fresh instance holds, in bytes.
    memory: usize,
    from: String,
}

impl InspectArgs {
    /// Loads the module here, and prints what it is.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        let local = self.config.local()?;
        let (name, bytes, from) = self.read(global).await?;
        let (imports, exports) = match bytes.starts_with(b"\0asm") {
            true => interfaces(&bytes).unwrap_or_default(),
            false => Default::default(),
        };
        let mut module = local.load_bytes(&name, bytes.into()).await?;
        let memory = module.start();
        let inspected = Inspected {
            module,
            imports,
            exports,
            memory,
            from,
        };
        inspected.print(output);
        Ok(())
    }

    /// The module's file name and bytes, and where they are from.
    async fn read(&self, global: &GlobalArgs) -> Result<(String, Vec<u8>, String), CliError> {
        if self.module.exists() {
            let file = Subject::find(&self.module, None)?.module()?;
            let bytes = std::fs::read(&file).map_err(|source| CliError::file(&file, source))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            return Ok((name.into_owned(), bytes, file.display().to_string()));
        }
        let looks_like_a_file = self.module.parent().is_some_and(|dir| dir != Path::new(""));
        if looks_like_a_file {
            return Err(CliError::file(
                &self.module,
                std::io::ErrorKind::NotFound.into(),
            ));
        }
        let server = Server::connect(global).await?;
        let module = find(&server, &self.module.to_string_lossy()).await?;
        let bytes = content(&server, &module).await?;
        Ok((module.filename, bytes, global.address()))
    }
}

impl Inspected {
    fn print(&self, output: Output) {
        let module = &self.module;
        let functions = module.functions();
        let built_with = module.built_with();
        let lines = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => names.join("\n"),
        };
        let mut about = vec![
            ["module", module.file()].map(str::to_owned),
            ["from", &self.from].map(str::to_owned),
            ["runtime".to_owned(), self.runtime()],
            ["size".to_owned(), size(module.size())],
            ["compiled in".to_owned(), time(module.compiled_in)],
            ["memory, fresh".to_owned(), size(self.memory)],
        ];
        if let Some(sdk) = built_with {
            about.push(["built with", sdk].map(str::to_owned));
        }
        if module.runtime() == "WASM" {
            about.push(["exports".to_owned(), lines(&self.exports)]);
            about.push(["imports".to_owned(), lines(&self.imports)]);
            about.push(["may want grants".to_owned(), lines(&wanted(&self.imports))]);
        }
        let about = about.into_iter().map(Vec::from).collect();
        output.table(&[], about, "", || {
            json!({
                "module": module.file(),
                "from": self.from,
                "runtime": module.runtime(),
                "engine": engine(module.runtime()),
                "bytes": module.size(),
                "compile_nanoseconds": module.compiled_in.as_nanos() as u64,
                "memory_bytes": self.memory,
                "built_with": built_with,
                "exports": self.exports,
                "imports": self.imports,
                "may_want_grants": wanted(&self.imports),
                "functions": functions,
            })
        });
        if output == Output::People {
            print_functions(&functions);
        }
    }

    fn runtime(&self) -> String {
        let runtime = self.module.runtime();
        match engine(runtime) {
            Some(engine) => format!("{runtime}, {engine}"),
            None => runtime.to_owned(),
        }
    }
}

/// Interfaces, by how their names begin, and the grants behind them. Without its grant an interface is
/// there all the same, and gives nothing.
const GRANTS: [(&str, &str); 5] = [
    ("wasi:filesystem/", "read, write"),
    ("wasi:cli/environment", "environment"),
    ("wasi:clocks/wall-clock", "wall-clock"),
    ("wasi:clocks/monotonic-clock", "monotonic-clock"),
    ("wasi:random/", "random"),
];

/// The grants that a component of these imports may ask for.
fn wanted(imports: &[String]) -> Vec<String> {
    GRANTS
        .iter()
        .filter(|(interface, _)| imports.iter().any(|name| name.starts_with(interface)))
        .map(|(_, grant)| (*grant).to_owned())
        .collect()
}

/// The engine behind a runtime of this program.
fn engine(runtime: &str) -> Option<&'static str> {
    match runtime {
        "WASM" => Some("wasmtime 48"),
        "LUA" => Some("Lua 5.4"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_is_the_one_that_is_built_in() {
        let lock: toml::Table = include_str!("../../../../Cargo.lock").parse().unwrap();
        let packages = lock["package"].as_array().unwrap();
        let version = packages
            .iter()
            .filter(|package| package["name"].as_str() == Some("wasmtime"))
            .find_map(|package| package["version"].as_str()?.split('.').next());
        assert_eq!(
            engine("WASM"),
            version.map(|v| format!("wasmtime {v}")).as_deref()
        );
    }

    #[test]
    fn what_a_component_imports_tells_which_grants_it_may_want() {
        let imports = [
            "petrel:udf/host@0.2.2",
            "wasi:random/random@0.2.3",
            "wasi:cli/exit@0.2.3",
        ];
        assert_eq!(wanted(&imports.map(str::to_owned)), ["random"]);
    }
}
