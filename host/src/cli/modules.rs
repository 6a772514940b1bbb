//! The modules of a server, as it lists them.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::connect::{Server, field, reply_error};
use super::error::CliError;

/// One line of `udf-list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    pub filename: String,
    pub kind: String,
    pub hash: String,
}

/// The registered modules of one node; `udf-list` is the same on all once they agree.
pub async fn modules(server: &Server) -> Result<Vec<Module>, CliError> {
    let reply = server.info_all("udf-list").await?.pop().unwrap_or_default();
    Ok(parse_list(&reply))
}

/// Finds a module by its file name, or by its name without extension.
pub async fn find(server: &Server, name: &str) -> Result<Module, CliError> {
    modules(server)
        .await?
        .into_iter()
        .find(|module| {
            module.filename == name
                || Path::new(&module.filename)
                    .file_stem()
                    .is_some_and(|stem| stem == name)
        })
        .ok_or_else(|| CliError::NotFound {
            what: format!("module {name}"),
            next: "`petrel udf list` shows the modules, `petrel udf register FILE` adds one"
                .to_owned(),
        })
}

/// The bytes of a registered module.
pub async fn content(server: &Server, module: &Module) -> Result<Vec<u8>, CliError> {
    let command = format!("udf-get:filename={}", module.filename);
    let reply = server.info_all(&command).await?.pop().unwrap_or_default();
    let failed = |message: String| CliError::Server {
        context: format!("read {}", module.filename),
        message,
        next: None,
    };
    if let Some((_, message)) = reply_error(&reply) {
        return Err(failed(message));
    }
    let content = field(&reply, ';', "content").unwrap_or_default();
    STANDARD
        .decode(content)
        .map_err(|error| failed(format!("the server's reply is no base64: {error}")))
}

/// Reads `filename=NAME,hash=SHA1,type=LUA;…`.
pub fn parse_list(reply: &str) -> Vec<Module> {
    reply
        .split(';')
        .filter_map(|entry| {
            let text = |name| field(entry, ',', name).unwrap_or_default().to_owned();
            Some(Module {
                filename: field(entry, ',', "filename")?.to_owned(),
                kind: text("type"),
                hash: text("hash"),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_modules_is_read() {
        let modules =
            parse_list("filename=a.lua,hash=12,type=LUA;filename=b.wasm,hash=34,type=WASM;");
        assert_eq!(modules.len(), 2);
        assert_eq!(modules[1].filename, "b.wasm");
        assert_eq!(modules[1].kind, "WASM");
        assert_eq!(parse_list(""), []);
    }
}
