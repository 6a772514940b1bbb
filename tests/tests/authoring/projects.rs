//! `petrel udf new`. Projects in Rust are built by hand and by whoever releases: the first build compiles
//! the SDK.

use anyhow::{Context, Result, ensure};
use petrel_tests::guests::root;

use super::{text, udf};

#[test]
fn a_new_lua_project_passes_its_cases() -> Result<()> {
    for template in ["record", "aggregate"] {
        let dir = tempfile::tempdir()?;
        let made = ["new", "hits", "--lang", "lua", "--template", template];
        text(dir.path(), &made)?;
        let said = text(dir.path(), &["test", "hits"])?;
        ensure!(
            said.contains("cases passed") && !said.contains("FAIL"),
            "{said}"
        );
        let output = udf(dir.path(), &made)?;
        ensure!(output.status.code() == Some(2), "made over what is there");
    }
    Ok(())
}

#[test]
fn a_new_rust_project_depends_on_the_sdk_of_this_source_tree() -> Result<()> {
    for template in ["record", "aggregate"] {
        let dir = tempfile::tempdir()?;
        text(dir.path(), &["new", "hits", "--template", template])?;
        let manifest = std::fs::read_to_string(dir.path().join("hits/Cargo.toml"))?;
        let manifest: toml::Table = manifest.parse()?;
        let sdk = manifest["dependencies"]["petrel-udf"]["path"].as_str();
        let sdk = std::path::Path::new(sdk.context("no path")?);
        ensure!(sdk == root().join("guest-sdk").canonicalize()?, "{sdk:?}");
        let library = std::fs::read_to_string(dir.path().join("hits/src/lib.rs"))?;
        syn::parse_file(&library)?;
    }
    Ok(())
}

#[test]
fn a_new_project_in_another_language_has_the_contract_and_a_script() -> Result<()> {
    for lang in ["python", "js"] {
        let dir = tempfile::tempdir()?;
        text(dir.path(), &["new", "hits", "--lang", lang])?;
        let read = |file: &str| std::fs::read_to_string(dir.path().join("hits").join(file));
        ensure!(read("build.sh")?.contains("--world") && read("build.sh")?.contains("hits.wasm"));
        ensure!(read("wit/portable.wit")?.contains("portable"), "{lang}");
        ensure!(
            read("fixtures.yaml")?.contains("module: hits.wasm"),
            "{lang}"
        );
        let none = ["new", "sums", "--lang", lang, "--template", "aggregate"];
        ensure!(udf(dir.path(), &none)?.status.code() == Some(2), "{lang}");
    }
    Ok(())
}

#[test]
fn a_name_that_no_module_can_have_is_refused() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for name in ["", "1st", "my-module", "../up", "Upper"] {
        let output = udf(dir.path(), &["new", "--", name])?;
        ensure!(output.status.code() == Some(2), "{name:?}");
    }
    ensure!(std::fs::read_dir(dir.path())?.next().is_none());
    Ok(())
}
