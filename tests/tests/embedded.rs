//! The guide's snippets through the embedded API: each checked by reading the records back,
//! and those with functions on Lua and on Wasm.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use petrel::{
    dispatch::Threads,
    model::{ResultCode, Value},
    session::{DataSet, Filter, Record, Session, SessionError, Wait},
};
use petrel_tests::Runtime;

/// The guide's set.
fn users() -> DataSet {
    DataSet::of("test", "users")
}

/// A session in memory with users 1 to `count`.
async fn with_users(count: i64) -> Result<Session> {
    let session = Session::builder().memory().build()?;
    load(&session, count).await?;
    Ok(session)
}

/// Writes users 1 to `count`. Every other one is inactive, every third one has the free tier.
async fn load(session: &Session, count: i64) -> Result<()> {
    for id in 1..=count {
        let active = id % 2 != 0;
        session
            .replace(users().id(id))
            .bin("id")
            .set_to(id)
            .bin("name")
            .set_to(format!("user {id}"))
            .bin("status")
            .set_to(if active { "active" } else { "inactive" })
            .bin("tier")
            .set_to(if id % 3 == 0 { "free" } else { "paid" })
            .bin("active")
            .set_to(active)
            .bin("score")
            .set_to(id * 10)
            .execute()
            .await?;
    }
    Ok(())
}

/// Every user by id, read back through a query.
async fn read_all(session: &Session) -> Result<BTreeMap<i64, Record>> {
    let mut found = BTreeMap::new();
    let mut stream = session.query(users()).execute().await?;
    while let Some(result) = stream.try_next().await? {
        let Some(Value::Int(id)) = result.record.key.user_key else {
            anyhow::bail!("a user whose key is {:?}", result.record.key);
        };
        let again = found.insert(id, result.record);
        ensure!(again.is_none(), "user {id} came twice");
    }
    Ok(found)
}

/// Registers the module for a runtime and gives its package name.
async fn register(session: &Session, runtime: Runtime, module: &str) -> Result<String> {
    let file = runtime.file_name(module);
    let bytes = runtime.module(module)?;
    session.info().register_udf_bytes(&file, bytes).await?;
    let (package, _) = file.rsplit_once('.').context("a file name with a dot")?;
    Ok(package.to_owned())
}

/// The result code of a call that should have failed.
fn code<T>(outcome: petrel::session::Result<T>) -> Option<ResultCode> {
    outcome.err().map(|e| e.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_delete_deletes_what_matches() -> Result<()> {
    let session = with_users(40).await?;
    let users = users();
    let task = session
        .background_task()
        .delete(&users)
        .where_("$.status == 'inactive'")
        .execute()
        .await?;
    let wait = Wait::default()
        .every(Duration::from_millis(500))
        .attempts(60);
    let report = task.wait_till_complete(wait).await?;
    assert_eq!((report.succeeded, report.filtered), (20, 20));
    let left: Vec<_> = read_all(&session).await?.into_keys().collect();
    assert_eq!(left, (1..=40).step_by(2).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_update_writes_to_what_matches() -> Result<()> {
    let session = with_users(30).await?;
    let task = session
        .background_task()
        .update(users())
        .where_("$.tier == 'free'")
        .bin("trial_expired")
        .set_to(true)
        .execute()
        .await?;
    let report = task.wait_till_complete(Wait::default()).await?;
    assert_eq!((report.succeeded, report.failed), (10, 0));
    for (id, record) in read_all(&session).await? {
        let expected = (id % 3 == 0).then_some(Value::Bool(true));
        assert_eq!(record.bin("trial_expired"), expected.as_ref(), "{id}");
        assert_eq!(record.bin("id"), Some(&Value::Int(id)));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_touch_renews_the_expiry_of_what_matches() -> Result<()> {
    let session = with_users(10).await?;
    let task = session
        .background_task()
        .touch(users())
        .where_("$.active == true")
        .expire_after(Duration::from_secs(1_000))
        .execute()
        .await?;
    task.wait_till_complete(Wait::default()).await?;
    for (id, record) in read_all(&session).await? {
        let touched = id % 2 != 0;
        assert_eq!(record.generation, if touched { 2 } else { 1 }, "{id}");
        match record.ttl() {
            Some(ttl) => assert!(touched && (990..=1_000).contains(&ttl.as_secs()), "{id}"),
            None => assert!(!touched, "{id}"),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn background_udf_runs_on_what_matches_in_both_runtimes() -> Result<()> {
    for runtime in Runtime::ALL {
        let session = with_users(20).await?;
        let package = register(&session, runtime, "my_module").await?;
        let task = session
            .background_task()
            .execute_udf(users())
            .where_("$.active == true")
            .function(&package, "transform_record")
            .passing(("arg1", "arg2"))
            .execute()
            .await?;
        let report = task.wait_till_complete(Wait::default()).await?;
        assert_eq!(report.first_failure, None, "{runtime:?}");
        assert_eq!((report.succeeded, report.filtered), (10, 10), "{runtime:?}");
        for (id, record) in read_all(&session).await? {
            let ran = id % 2 != 0;
            for (name, value) in [
                ("tag1", Value::from("arg1")),
                ("tag2", Value::from("arg2")),
                ("visits", Value::Int(1)),
            ] {
                let expected = ran.then_some(value);
                assert_eq!(record.bin(name), expected.as_ref(), "{runtime:?} {id}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_finds_records_for_queries_and_tasks() -> Result<()> {
    let session = with_users(300).await?;
    let index = || session.index(users()).on_bin("id").named("id_idx");
    let untyped = index().create().await;
    assert_eq!(code(untyped), Some(ResultCode::ParameterError));
    let task = index().numeric().create().await?;
    task.wait_till_complete(Wait::default()).await?;
    let listed = session.info().secondary_indexes("test")?;
    assert_eq!(listed[0].statistics().entries, 300);

    let stream = session
        .query(users())
        .filter(Filter::range("id", 100, 119))
        .where_("$.status == 'active'")
        .execute()
        .await?;
    let found = stream.all().await?;
    assert_eq!(found.len(), 10);

    let tasks = session.background_task();
    let some = Filter::equal("id", 7).by_name("id_idx");
    let task = tasks.delete(users()).filter(some).execute().await?;
    let report = task.wait_till_complete(Wait::default()).await?;
    assert_eq!(
        (report.succeeded, report.filtered, report.failed),
        (1, 0, 0)
    );
    assert_eq!(read_all(&session).await?.len(), 299);
    assert_eq!(session.truncate(users()).await?, 299);
    assert_eq!(listed[0].statistics().entries, 0);

    assert!(index().drop().await?);
    let gone = session.query(users()).filter(Filter::equal("id", 1));
    assert_eq!(code(gone.execute().await), Some(ResultCode::IndexNotFound));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_udf_gives_its_result_in_both_runtimes() -> Result<()> {
    let session = with_users(3).await?;
    for runtime in Runtime::ALL {
        let package = register(&session, runtime, "my_module").await?;
        let stream = session
            .execute_udf(users().id(1))
            .function(&package, "get_computed_value")
            .passing(42)
            .execute()
            .await?;
        let result = stream.first_or_raise().await?;
        assert_eq!(result.udf_result, Some(Value::Int(420)), "{runtime:?}");
    }
    assert_eq!(read_all(&session).await?[&1].generation, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_udf_gives_a_result_for_each_key_in_both_runtimes() -> Result<()> {
    for runtime in Runtime::ALL {
        let session = with_users(3).await?;
        let package = register(&session, runtime, "my_module").await?;
        let mut stream = session
            .execute_udf(users().ids([1, 2, 3]))
            .function(&package, "process_record")
            .execute()
            .await?;
        for id in 1..=3 {
            let result = stream.next().await.context("a result for each key")??;
            assert_eq!(result.record.key.user_key, Some(Value::Int(id)));
            let summary = Value::map([
                ("name".into(), format!("user {id}").into()),
                ("tier".into(), if id == 3 { "free" } else { "paid" }.into()),
                ("visits".into(), Value::Int(0)),
            ]);
            assert_eq!(result.udf_result, Some(summary), "{runtime:?} {id}");
        }
        assert!(stream.next().await.is_none());
        for (id, record) in read_all(&session).await? {
            let processed = record.bin("processed");
            assert_eq!(processed, Some(&Value::Bool(true)), "{runtime:?} {id}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_see_the_new_code_of_what_a_module_requires() -> Result<()> {
    let session = with_users(3).await?;
    let info = session.info();
    let user = "local h = require('helper') function f(rec) return h.v end";
    for v in 0..20 {
        let helper = format!("return {{v = {v}}}");
        info.register_udf_bytes("helper.lua", helper).await?;
        if v == 0 {
            info.register_udf_bytes("user.lua", user).await?;
        }
        for keys in [vec![1], vec![1, 2, 3]] {
            let count = keys.len();
            let stream = session
                .execute_udf(users().ids(keys))
                .function("user", "f")
                .execute()
                .await?;
            let results: Vec<_> = stream.map_ok(|r| r.udf_result).try_collect().await?;
            assert_eq!(results, vec![Some(Value::Int(v)); count], "at {v}");
        }
    }
    assert!(info.remove_udf("helper.lua").await?);
    let call = session.execute_udf(users().id(1)).function("user", "f");
    let error = call.execute().await.err().context("the helper is gone")?;
    let text = error.to_string();
    ensure!(text.contains("'helper' not found"), "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_are_registered_from_files_listed_and_removed() -> Result<()> {
    let session = with_users(1).await?;
    let dir = tempfile::tempdir()?;
    for runtime in Runtime::ALL {
        let file = runtime.file_name("my_module");
        let path = dir.path().join(&file);
        std::fs::write(&path, runtime.module("my_module")?)?;

        let info = session.info();
        info.register_udf(&path).await?;
        let files: Vec<_> = info.list_udfs().into_iter().map(|m| m.file).collect();
        assert_eq!(files, std::slice::from_ref(&file));
        assert!(info.remove_udf(&file).await?);
        assert!(!info.remove_udf(&file).await?);
        assert_eq!(info.list_udfs(), []);

        let (package, _) = file.rsplit_once('.').context("an extension")?;
        let call = session.execute_udf(users().id(1));
        let call = call.function(package, "get_computed_value").passing(1);
        assert_eq!(code(call.execute().await), Some(ResultCode::UdfExecution));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_does_not_compile_is_refused_with_its_line() -> Result<()> {
    let session = Session::builder().memory().build()?;
    let source = "function f(rec)\n  return (\nend\n";
    let refused = session
        .info()
        .register_udf_bytes("broken.lua", source)
        .await;
    let Err(SessionError::Module(e)) = refused else {
        anyhow::bail!("it was not refused: {refused:?}");
    };
    assert_eq!((e.file.as_str(), e.line), ("broken.lua", 3), "{e}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_waited_for_too_briefly_still_runs_and_can_be_aborted() -> Result<()> {
    let session = with_users(1_000).await?;
    let task = session
        .background_task()
        .touch(users())
        .records_per_second(100)
        .execute()
        .await?;
    let wait = Wait::default().every(Duration::from_millis(20)).attempts(2);
    let waited = task.wait_till_complete(wait).await;
    assert!(
        matches!(waited, Err(SessionError::StillRunning { .. })),
        "{waited:?}"
    );
    task.abort();
    let ended = task.wait_till_complete(Wait::default()).await;
    assert!(
        matches!(ended, Err(SessionError::TaskEnded { .. })),
        "{ended:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_does_not_parse_is_refused_before_anything_runs() -> Result<()> {
    let session = with_users(2).await?;
    let refused = session
        .background_task()
        .delete(users())
        .where_("$.status == ")
        .execute()
        .await;
    assert!(
        matches!(refused, Err(SessionError::Filter { .. })),
        "{refused:?}"
    );
    assert_eq!(read_all(&session).await?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_no_condition_is_refused_by_calls_queries_and_tasks() -> Result<()> {
    let session = with_users(1).await?;
    let refused = Some(ResultCode::ParameterError);
    let filter = "$.score + 1";
    let call = session.get(users().id(1)).where_(filter).execute().await;
    assert_eq!(code(call), refused);
    let query = session.query(users()).where_(filter).execute().await;
    assert_eq!(code(query), refused);
    let tasks = session.background_task();
    let task = tasks.delete(users()).where_(filter).execute().await;
    assert_eq!(code(task), refused);
    assert_eq!(read_all(&session).await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn truncation_removes_a_sets_records_and_no_others() -> Result<()> {
    let session = with_users(300).await?;
    let others = DataSet::of("test", "others");
    session
        .upsert(others.id(1))
        .bin("a")
        .set_to(1)
        .execute()
        .await?;
    assert_eq!(session.truncate(users()).await?, 300);
    assert!(read_all(&session).await?.is_empty());
    assert_eq!(session.exists(others.id(1)).execute().await?, [true]);
    assert_eq!(session.truncate(DataSet::of("test", "")).await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_many_cores_runs_a_hundred_components() -> Result<()> {
    let cores = Threads {
        callers: 64,
        foreground: 64,
        background: 64,
    };
    let session = Session::builder().memory().threads(cores).build()?;
    load(&session, 2).await?;
    let component = Runtime::Wasm.module("my_module")?;
    for n in 0..100 {
        let file = format!("m{n}.wasm");
        let bytes = component.clone();
        session.info().register_udf_bytes(&file, bytes).await?;
    }
    for n in 0..100 {
        let package = format!("m{n}");
        // Batches go to the function threads, and more of them at once than there are threads.
        let calls = (0..128).map(|_| {
            session
                .execute_udf(users().ids([1, 2]))
                .function(&package, "get_computed_value")
                .passing(1)
                .execute()
        });
        for results in futures::future::try_join_all(calls).await? {
            for result in results.all().await? {
                result.or_raise().context(package.clone())?;
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_records_and_modules() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut packages = Vec::new();
    {
        let session = Session::builder().data(dir.path()).build()?;
        load(&session, 10).await?;
        for runtime in Runtime::ALL {
            packages.push(register(&session, runtime, "my_module").await?);
        }
    }
    let session = Session::builder().data(dir.path()).build()?;
    assert_eq!(read_all(&session).await?.len(), 10);
    for package in packages {
        let call = session.execute_udf(users().id(7));
        let call = call.function(&package, "get_computed_value").passing(2);
        let result = call.execute().await?.first_or_raise().await?;
        assert_eq!(result.udf_result, Some(Value::Int(140)), "{package}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_records_are_written_read_and_deleted() -> Result<()> {
    let session = Session::builder().memory().build()?;
    let user = users().id("ann");
    session.insert(&user).bin("n").set_to(1).execute().await?;
    let again = session.insert(&user).bin("n").set_to(2).execute().await;
    assert_eq!(code(again), Some(ResultCode::RecordExists));

    session
        .upsert(&user)
        .bin("n")
        .add(41)
        .bin("s")
        .set_to("b")
        .bin("s")
        .prepend("a")
        .bin("s")
        .append("c")
        .ensure_generation_is(1)
        .execute()
        .await?;
    let stale = session.update(&user).bin("n").set_to(0);
    let stale = stale.ensure_generation_is(1).execute().await;
    assert_eq!(code(stale), Some(ResultCode::Generation));

    let read = session.get(&user).bins(["s", "n", "nothing"]).execute();
    let record = read.await?.first_or_raise().await?.record;
    assert_eq!(record.bin("n"), Some(&Value::Int(42)));
    assert_eq!(record.bin("s"), Some(&"abc".into()));
    assert_eq!((record.bins.len(), record.generation), (2, 2));

    let both = [user.clone(), users().id("bob")];
    assert_eq!(session.exists(&both).execute().await?, [true, false]);
    assert_eq!(session.delete(&user).existed().await?, [true]);
    assert_eq!(session.delete(&user).existed().await?, [false]);
    let missing = session.get(&user).execute().await;
    assert_eq!(code(missing), Some(ResultCode::NotFound));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_tells_each_records_failure_in_its_stream() -> Result<()> {
    let session = with_users(2).await?;
    let results = session.get(users().ids([1, 9, 2])).execute().await?;
    let codes: Vec<_> = results.all().await?.iter().map(|r| r.code).collect();
    assert_eq!(
        codes,
        [ResultCode::Ok, ResultCode::NotFound, ResultCode::Ok]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_filters_limits_and_selects() -> Result<()> {
    let session = with_users(50).await?;
    let query = session.query(users()).where_("$.score > 250").bins(["id"]);
    let found = query.execute().await?.all().await?;
    assert_eq!(found.len(), 25);
    assert!(found.iter().all(|r| r.record.bins.len() == 1));

    let limited = session.query(users()).no_bins().limit(7).execute().await?;
    let limited = limited.all().await?;
    assert_eq!(limited.len(), 7);
    assert!(limited.iter().all(|r| r.record.bins.is_empty()));

    let nobody = DataSet::of("test", "nobody");
    let elsewhere = session.query(&nobody).execute().await?;
    assert_eq!(elsewhere.all().await?.len(), 0);
    let nowhere = DataSet::of("nowhere", "users");
    let unknown = session.query(&nowhere).execute().await;
    assert_eq!(code(unknown), Some(ResultCode::InvalidNamespace));
    Ok(())
}
