//! What the README and the book tell people to type, typed. Their Rust is compiled and run
//! by the doc tests of `petrel-tests`.

mod commands;
mod page;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use petrel::model::{Grants, Limits};
use petrel::server::Config;
use petrel::session::Session;
use petrel_tests::{Host, guests::root};

use commands::Shell;
use page::{Snippet, pages, read, snippets};

/// The languages of which a wrong snippet fails a test, and `text`, which claims nothing.
const CHECKED: [&str; 8] = [
    "lua",
    "python",
    "rust",
    "rust,no_run",
    "sh",
    "text",
    "toml",
    "yaml",
];

/// Runs a check on every snippet in one language; an error says where the snippet stands.
fn each(language: &str, mut check: impl FnMut(&Snippet) -> Result<()>) -> Result<()> {
    let mut count = 0;
    for page in pages()? {
        let text = read(&page)?;
        let ours = snippets(&text)
            .into_iter()
            .filter(|s| s.language == language);
        for snippet in ours {
            count += 1;
            check(&snippet).with_context(|| place(&page, &snippet))?;
        }
    }
    ensure!(count > 0, "no page has a snippet in {language}");
    Ok(())
}

fn place(page: &Path, snippet: &Snippet) -> String {
    format!("{}:{}", page.display(), snippet.line)
}

#[test]
fn every_snippet_is_in_a_language_that_is_checked() -> Result<()> {
    for page in pages()? {
        let text = read(&page)?;
        for snippet in snippets(&text) {
            ensure!(
                CHECKED.contains(&snippet.language.as_str()),
                "{}: `{}` is none of {CHECKED:?}",
                place(&page, &snippet),
                snippet.language
            );
        }
    }
    Ok(())
}

#[test]
fn every_page_with_rust_is_among_the_doc_tests() -> Result<()> {
    let included = read(&root().join("tests/src/book.rs"))?;
    for page in pages()? {
        let text = read(&page)?;
        let has_rust = snippets(&text)
            .iter()
            .any(|snippet| snippet.language.starts_with("rust"));
        let name = page.strip_prefix(root())?.display().to_string();
        ensure!(
            !has_rust || included.contains(&format!("../../{name}\"")),
            "tests/src/book.rs leaves out {name}"
        );
    }
    Ok(())
}

#[test]
fn configuration_files_are_taken() -> Result<()> {
    each("toml", |snippet| {
        Config::parse(&snippet.text)?;
        Ok(())
    })
}

#[test]
fn fixtures_pass_with_their_module() -> Result<()> {
    let host = Host::memory()?;
    let shell = Shell::new(&host)?;
    each("yaml", |snippet| shell.test(&snippet.text))
}

#[tokio::test]
async fn modules_in_lua_are_registered() -> Result<()> {
    let session = Session::builder().memory().build()?;
    let dir = tempfile::tempdir()?;
    let mut files = Vec::new();
    each("lua", |snippet| {
        let file = dir.path().join(format!("snippet_{}.lua", files.len()));
        std::fs::write(&file, &snippet.text)?;
        files.push(file);
        Ok(())
    })?;
    // One page tells of a file that a module was granted.
    let models = tempfile::tempdir()?;
    std::fs::write(models.path().join("words.txt"), "word\n")?;
    let grants = Grants {
        read: [("models".to_owned(), models.path().to_owned())].into(),
        ..Grants::default()
    };
    for file in files {
        let package = file
            .file_stem()
            .and_then(|name| name.to_str())
            .context("no name")?;
        session.set_grants(package, grants.clone()).await?;
        let module = std::fs::read_to_string(&file)?;
        session
            .info()
            .register_udf(&file)
            .await
            .with_context(|| format!("registering\n{module}"))?;
    }
    Ok(())
}

// A page is read from top to bottom: what it tells to type later leans on what came before.
#[test]
fn commands_and_programs_do_what_their_page_says() -> Result<()> {
    for page in pages()? {
        let host = Host::memory()?;
        let shell = Shell::new(&host)?;
        for snippet in snippets(&read(&page)?) {
            match snippet.language.as_str() {
                "sh" => shell.run(&snippet.text),
                "python" => python(&snippet.text, &host),
                _ => Ok(()),
            }
            .with_context(|| place(&page, &snippet))?;
        }
    }
    Ok(())
}

/// Runs a program against the host, which has another port than those in the book.
fn python(program: &str, host: &Host) -> Result<()> {
    let port = host.address().port().to_string();
    let interpreter = std::env::var_os("PETREL_PYTHON")
        .map_or_else(|| root().join("target/venv/bin/python"), Into::into);
    let output = Command::new(&interpreter)
        .arg("-c")
        .arg(program.replace("3000", &port))
        .output()
        .with_context(|| format!("no {}: run `cargo xtask set-up`", interpreter.display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "python: {errors}");
    // A comment behind a `print` says what is printed.
    let printed = String::from_utf8_lossy(&output.stdout);
    let expected = program
        .lines()
        .filter(|line| line.starts_with("print("))
        .filter_map(|line| Some(line.rsplit_once("  # ")?.1));
    ensure!(
        expected.clone().eq(printed.lines()),
        "the page says {:?}, printed was {printed:?}",
        expected.collect::<Vec<_>>()
    );
    Ok(())
}

#[test]
fn the_table_of_limits_has_every_limit_and_its_default() -> Result<()> {
    let text = read(&root().join("docs/src/limits.md"))?;
    let (_, table) = text
        .split_once("| setting |")
        .context("the page has no table of settings")?;
    let rows: Vec<(&str, &str)> = table
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            Some((cells.next()?.trim_end_matches('`'), cells.next()?))
        })
        .collect();
    let mut config = "[limits]\n".to_owned();
    for (name, default) in &rows {
        let number = match default.split_once(' ') {
            Some((number, "MiB")) => number.parse::<u64>()? << 20,
            Some((number, "KiB")) => number.parse::<u64>()? << 10,
            _ => default.parse()?,
        };
        config.push_str(&format!("{name} = {number}\n"));
    }
    assert_eq!(Config::parse(&config)?.limits, Limits::default());

    // The parser's own list of settings is in what it says about a wrong one.
    let refusal = Config::parse("[limits]\nno-such-limit = 1").unwrap_err();
    let refusal = refusal.to_string();
    let (_, known) = refusal
        .split_once("expected")
        .context("the refusal lists no settings")?;
    let mut known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let mut named: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    named.sort_unstable();
    assert_eq!(named, known);
    Ok(())
}

#[test]
fn links_lead_to_files_that_exist() -> Result<()> {
    for page in pages()? {
        let text = read(&page)?;
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once(')')?.0))
            .filter(|target| !target.contains("://"));
        for target in targets {
            let file = page.with_file_name(target);
            ensure!(file.exists(), "{} links to {target}", page.display());
        }
    }
    Ok(())
}
