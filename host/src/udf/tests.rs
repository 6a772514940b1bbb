//! Modules of one registry that require each other.

use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::lua::LuaRuntime;
use super::{Budget, CompileError, Instance, Modules, Registry, Settings};
use crate::change::{RecordContext, Scope};
use crate::model::msgpack::pack_list;
use crate::model::{Digest, Value};

fn registry(dir: Option<&Path>) -> Arc<Registry> {
    let modules = Arc::new(Modules::default());
    let dir = dir.map(|path| Dir::open_ambient_dir(path, ambient_authority()).expect("opens"));
    let registry = Registry::new(
        modules.clone(),
        vec![Arc::new(LuaRuntime::new(modules))],
        dir,
        Settings::default(),
    );
    registry.load().expect("loads");
    Arc::new(registry)
}

async fn register(registry: &Arc<Registry>, file: &str, text: &str) -> Result<(), CompileError> {
    registry.register(file, text.to_owned().into()).await
}

fn instance(registry: &Registry, package: &str) -> Box<dyn Instance> {
    let module = registry
        .find(package)
        .expect("is registered")
        .module
        .clone();
    module.instantiate().expect("instantiates")
}

/// What `f` gives for a batch of records, or why it fails.
fn batch(instance: &mut dyn Instance, records: usize) -> Vec<Result<Value, String>> {
    let scope = Scope {
        namespace: "test".into(),
        sets: Arc::new(vec!["".into()]),
        now: 0,
        default_ttl: 0,
    };
    let record = |_| RecordContext::new(Digest([7; 20]), 0, None, None);
    let mut batch: Vec<_> = (0..records).map(record).collect();
    let mut results = Vec::new();
    let open = instance.open("f", &pack_list(vec![])).expect("opens");
    open.each(&mut batch, &scope, &Budget::default(), &mut results);
    results
        .into_iter()
        .map(|r| r.map_err(|e| e.to_string()))
        .collect()
}

fn files(registry: &Registry) -> Vec<String> {
    registry.list().into_iter().map(|m| m.file).collect()
}

#[tokio::test]
async fn a_module_is_refused_while_one_that_it_requires_is_missing() {
    let registry = registry(None);
    let user = "local h = require('helper') function f() return h.v end";
    let e = register(&registry, "user.lua", user)
        .await
        .expect_err("refused");
    assert_eq!((e.file.as_str(), e.line), ("user.lua", 1));
    assert_eq!(
        e.message,
        "module 'helper' not found: none of that name is registered"
    );
    assert!(files(&registry).is_empty());
    register(&registry, "helper.lua", "return {v = 1}")
        .await
        .expect("is good");
    register(&registry, "user.lua", user)
        .await
        .expect("is good");
    assert_eq!(batch(&mut *instance(&registry, "user"), 1), [Ok(1.into())]);
}

/// Each of a row of modules requires the next one, and of another row the one before: whatever
/// order a directory is read in, some come before what they require.
#[tokio::test]
async fn modules_that_require_each_other_load_in_any_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |file: String, text: String| std::fs::write(dir.path().join(file), text);
    for i in 0..6 {
        for (row, next) in [("up", i + 1), ("down", i - 1)] {
            let text = match next {
                0..6 => format!(
                    "local v = require('{row}{next}').v + 1 function f() return v end return {{v = v}}"
                ),
                _ => "function f() return 1 end return {v = 1}".to_owned(),
            };
            write(format!("{row}{i}.lua"), text).expect("is written");
        }
    }
    let broken = "local function";
    write("broken.lua".into(), broken.into()).expect("is written");
    let registry = registry(Some(dir.path()));
    assert_eq!(files(&registry).len(), 12);
    for last in ["up0", "down5"] {
        assert_eq!(batch(&mut *instance(&registry, last), 1), [Ok(6.into())]);
    }
}

#[tokio::test]
async fn a_module_left_out_at_the_start_comes_back_with_what_it_requires() {
    let dir = tempfile::tempdir().expect("a directory");
    let user = dir.path().join("user.lua");
    let text = "local h = require('helper') function f() return h.v end";
    std::fs::write(&user, text).expect("is written");
    let registry = registry(Some(dir.path()));
    assert!(files(&registry).is_empty());
    register(&registry, "other.lua", "").await.expect("is good");
    assert_eq!(files(&registry), ["other.lua"]);
    register(&registry, "helper.lua", "return {v = 1}")
        .await
        .expect("is good");
    assert_eq!(files(&registry), ["helper.lua", "other.lua", "user.lua"]);
    assert_eq!(batch(&mut *instance(&registry, "user"), 1), [Ok(1.into())]);
}

#[tokio::test]
async fn a_module_left_out_at_the_start_can_be_removed_and_replaced() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |file: &str| dir.path().join(file);
    for file in ["removed.lua", "replaced.txt"] {
        std::fs::write(path(file), "local function").expect("is written");
    }
    let registry = registry(Some(dir.path()));
    assert_eq!(registry.remove("removed.lua").await, Ok(true));
    assert!(!path("removed.lua").exists());
    register(&registry, "replaced.lua", "")
        .await
        .expect("is good");
    assert!(path("replaced.lua").exists() && !path("replaced.txt").exists());
}

/// However a module comes by another one: an instance that ran already runs the new code in the
/// next batch after a registration or a removal.
#[tokio::test]
async fn an_instance_follows_the_modules_that_it_requires() {
    let users = [
        "local h = require('helper') function f() return h.v end",
        "function f() return require('helper').v end",
        "local v = require('helper').v function f() return v end",
        "kept = {} local h = require('helper') function f() kept.n = h.v return kept.n end",
        "function f() return require('middle').v end",
        "local m = require('middle') function f() return m.v end",
    ];
    let optional =
        "local found, h = pcall(require, 'helper') function f() return found and h.v or 0 end";
    let missing = "module 'helper' not found: none of that name is registered";
    let registry = registry(None);
    let helper = async |v: i64| {
        let text = format!("return {{v = {v}}}");
        register(&registry, "helper.lua", &text)
            .await
            .expect("is good");
    };
    register(&registry, "optional.lua", optional)
        .await
        .expect("is good");
    let mut optional = instance(&registry, "optional");
    assert_eq!(batch(&mut *optional, 2), [Ok(0.into()), Ok(0.into())]);
    helper(1).await;
    assert_eq!(batch(&mut *optional, 2), [Ok(1.into()), Ok(1.into())]);
    let middle = "local h = require('helper') return {v = h.v}";
    register(&registry, "middle.lua", middle)
        .await
        .expect("is good");
    for text in users {
        helper(1).await;
        register(&registry, "user.lua", text)
            .await
            .expect("is good");
        let mut user = instance(&registry, "user");
        for v in 2..4 {
            assert_eq!(
                batch(&mut *user, 2),
                vec![Ok(Value::Int(v - 1)); 2],
                "{text}"
            );
            helper(v).await;
            assert_eq!(batch(&mut *user, 2), vec![Ok(v.into()); 2], "{text}");
        }
        assert_eq!(registry.remove("helper.lua").await, Ok(true));
        for result in batch(&mut *user, 2) {
            let e = result.expect_err("the module is gone");
            assert!(e.ends_with(missing), "{text}: {e}");
        }
        helper(4).await;
        assert_eq!(batch(&mut *user, 2), vec![Ok(4.into()); 2], "{text}");
    }
}
