//! `petrel udf grants`: what a module may reach beside its record.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::connect::{Server, field};
use super::error::CliError;
use super::modules::find;
use super::output::Output;
use crate::model::Grants;
use crate::udf::package_of;

/// Prints what a module was granted, as the lines of a configuration file.
pub async fn grants(server: &Server, name: &str, output: Output) -> Result<(), CliError> {
    let module = find(server, name).await?;
    let command = format!("udf-grants:filename={}", module.filename);
    let reply = server.info_all(&command).await?.pop().unwrap_or_default();
    let granted = field(&reply, ';', "grants")
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|text| toml::from_slice::<Grants>(&text).ok())
        .ok_or_else(|| CliError::Server {
            context: format!("show what {} was granted", module.filename),
            message: format!("the server's answer is not understood: {reply}"),
            next: None,
        })?;
    let package = package_of(&module.filename);
    output.result(
        || match granted == Grants::default() {
            true => format!("{package} was granted nothing"),
            false => {
                let lines = toml::to_string(&granted).unwrap_or_default();
                format!("[module.{package}.grants]\n{}", lines.trim_end())
            }
        },
        || json!({"name": module.filename, "grants": granted}),
    );
    Ok(())
}
