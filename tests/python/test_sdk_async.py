"""The guide through aerospike-sdk, async."""

import base64
import tempfile
import unittest

from aerospike_native.exceptions import ServerError
from aerospike_sdk import (
    AerospikeError,
    Behavior,
    ClusterDefinition,
    DataSet,
    Filter,
    IndexType,
    ResultCode,
)

import cases
from petrel_host import RUNTIMES, Host

users = DataSet.of("test", "users")


class SdkAsync(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)
        self.dir = self.enterContext(tempfile.TemporaryDirectory())
        self.packages = set()
        await self.connect()

    async def connect(self):
        cluster = await ClusterDefinition("127.0.0.1", self.host.port).connect()
        self.addAsyncCleanup(cluster.close)
        self.session = cluster.create_session(Behavior.DEFAULT)

    async def load(self):
        for id, bins in cases.USERS.items():
            await self.session.upsert(users.id(id)).put(bins).execute()

    async def stored(self):
        """Every user's record by its bin `id`, read through a query."""
        stream = await self.session.query(users).execute()
        records = [row.record_or_raise() async for row in stream]
        found = {record.bins["id"]: record for record in records}
        self.assertEqual(len(found), len(records), "a user came twice")
        return found

    async def register(self, runtime, name="my_module"):
        path, server_path, package = cases.upload(runtime, name, self.dir)
        if package in self.packages:
            return package
        task = await self.session.register_udf_from_file(str(path), server_path)
        self.assertTrue(await task.wait_till_complete(sleep_time=0.05, timeout=10))
        self.packages.add(package)
        return package

    # Background tasks

    async def test_bulk_delete(self):
        await self.load()
        task = await (
            self.session.background_task().delete(users).where("$.status == 'inactive'").execute()
        )
        await task.wait_till_complete(sleep_time=0.05, timeout=30)
        self.assertEqual(set(await self.stored()), {i for i in cases.USERS if i % 2})

    async def test_bulk_update(self):
        await self.load()
        task = await (
            self.session.background_task()
            .update(users)
            .where("$.tier == 'free'")
            .bin("trial_expired")
            .set_to(True)
            .execute()
        )
        await task.wait_till_complete()
        for id, record in (await self.stored()).items():
            self.assertEqual(record.bins.get("trial_expired"), True if id % 3 == 0 else None)

    async def test_bulk_touch(self):
        await self.load()
        task = await (
            self.session.background_task()
            .touch(users)
            .where("$.active == true")
            .expire_record_after_seconds(5000)
            .execute()
        )
        await task.wait_till_complete()
        for id, record in (await self.stored()).items():
            self.assertEqual(record.generation, 2 if id % 2 else 1)
            if id % 2:
                self.assertTrue(4900 < record.ttl <= 5000, record.ttl)

    async def test_bulk_touch_without_a_ttl(self):
        await self.load()
        task = await (
            self.session.background_task().touch(users).where("$.active == true").execute()
        )
        await task.wait_till_complete()
        for id, record in (await self.stored()).items():
            self.assertEqual(record.generation, 2 if id % 2 else 1)

    async def test_background_udf(self):
        await self.load()
        expected = {id: bins["v"] for id, bins in cases.USERS.items()}
        for runtime in RUNTIMES:
            package = await self.register(runtime, "bench")
            for where in (None, "$.status == 'active'"):
                with self.subTest(runtime=runtime, where=where):
                    builder = (
                        self.session.background_task()
                        .execute_udf(users)
                        .function(package, "bump")
                        .passing(3)
                    )
                    if where:
                        builder = builder.where(where)
                    task = await builder.execute()
                    await task.wait_till_complete(sleep_time=0.05)
                    for id, record in (await self.stored()).items():
                        if where is None or id % 2:
                            expected[id] += 3
                        self.assertEqual(record.bins["v"], expected[id])

    async def test_wait_with_custom_interval(self):
        await self.load()
        task = await (
            self.session.background_task().delete(users).where("$.expired == true").execute()
        )
        self.assertTrue(await task.wait_till_complete(sleep_time=0.02, timeout=20))
        self.assertEqual(set(await self.stored()), {i for i in cases.USERS if i % 4})

    async def test_background_udf_as_in_the_guide(self):
        await self.load()
        for visits, runtime in enumerate(RUNTIMES, start=1):
            with self.subTest(runtime=runtime):
                package = await self.register(runtime)
                task = await (
                    self.session.background_task()
                    .execute_udf(users)
                    .function(package, "transform_record")
                    .passing("arg1", "arg2")
                    .execute()
                )
                await task.wait_till_complete()
                stored = await self.stored()
                self.assertEqual(len(stored), cases.COUNT)
                for record in stored.values():
                    bins = [record.bins.get(name) for name in ("tag1", "tag2", "visits")]
                    self.assertEqual(bins, ["arg1", "arg2", visits])

    async def test_batch_as_in_the_guide(self):
        for runtime in RUNTIMES:
            with self.subTest(runtime=runtime):
                await self.session.delete(*users.ids(1, 2, 3)).execute()
                await self.load()
                package = await self.register(runtime)
                stream = await (
                    self.session.execute_udf(*users.ids(1, 2, 3))
                    .function(package, "process_record")
                    .execute()
                )
                results = {}
                async for result in stream:
                    results[result.key.value] = result.udf_result
                for id in (1, 2, 3):
                    user = cases.USERS[id]
                    summary = {"name": user["name"], "tier": user["tier"], "visits": 0}
                    self.assertEqual(results[id], summary)
                stored = await self.stored()
                self.assertTrue(all(stored[id].bins["processed"] for id in (1, 2, 3)))

    # Foreground functions

    async def test_one_key(self):
        for runtime in RUNTIMES:
            for case in cases.CASES:
                package = await self.register(runtime, case.module)
                with self.subTest(runtime=runtime, function=case.function):
                    key = users.id(7)
                    await self.session.delete(key).execute()
                    await self.session.insert(key).put(cases.USERS[7]).execute()
                    stream = await (
                        self.session.execute_udf(key)
                        .function(package, case.function)
                        .passing(*case.arguments)
                        .execute()
                    )
                    result = await stream.first_or_raise()
                    self.assertEqual(result.udf_result, case.result)
                    row = await (await self.session.query(key).execute()).first_or_raise()
                    self.assertEqual(row.record.bins, cases.USERS[7] | case.changes)
                    self.assertEqual(row.record.generation, 2 if case.changes else 1)

    async def test_batch(self):
        for runtime in RUNTIMES:
            with self.subTest(runtime=runtime):
                await self.load()
                package = await self.register(runtime, "bench")
                stream = await (
                    self.session.execute_udf(*users.ids(1, 2, 3))
                    .function(package, "bump")
                    .passing(1)
                    .execute()
                )
                results = {}
                async for result in stream:
                    results[result.or_raise().key.value] = result.udf_result
                self.assertEqual(results, {1: 11, 2: 21, 3: 31})
                stored = await self.stored()
                self.assertEqual({i: stored[i].bins["v"] for i in results}, results)

    async def test_a_failing_function_tells_why(self):
        await self.load()
        source = b"function fail(rec)\n  rec.v = 0\n  aerospike:update(rec)\n  error('no luck')\nend\n"
        task = await self.session.register_udf(source, "fail.lua")
        await task.wait_till_complete()
        with self.assertRaises(AerospikeError) as caught:
            await self.session.execute_udf(users.id(1)).function("fail", "fail").execute()
        self.assertEqual(caught.exception.result_code, ResultCode.UDF_BAD_RESPONSE)
        self.assertIn("fail.lua:4: no luck", str(caught.exception))
        self.assertEqual((await self.stored())[1].bins["v"], 10)

        stream = await (
            self.session.execute_udf(*users.ids(1, 2)).function("fail", "fail").execute()
        )
        rows = await stream.collect()
        self.assertEqual([r.result_code for r in rows], [ResultCode.UDF_BAD_RESPONSE] * 2)

    # Modules

    async def test_register_list_and_remove(self):
        for runtime in RUNTIMES:
            await self.register(runtime)
        names = {entry["name"] for entry in await self.session.list_udf()}
        self.assertEqual(names, {"my_module_lua.lua", "my_module_wasm.wasm"})
        for name in names:
            task = await self.session.remove_udf(name)
            self.assertTrue(await task.wait_till_complete())
        self.assertEqual(await self.session.list_udf(), [])

    async def test_a_module_that_does_not_compile_is_refused(self):
        # This client gives its native error, and the message in it as base64.
        with self.assertRaises(ServerError) as caught:
            await self.session.register_udf(b"function f(rec)\n  return (1\nend", "broken.lua")
        head, message = str(caught.exception).split("message=")
        text = head + base64.b64decode(message).decode()
        for part in ("broken.lua", "line=3", "')' expected"):
            self.assertIn(part, text)

    # Records

    async def test_values_come_back_unchanged(self):
        for id, value in enumerate(cases.VALUES):
            key = users.id(id)
            await self.session.upsert(key).bin("value").set_to(value).execute()
            row = await (await self.session.query(key).execute()).first_or_raise()
            self.assertEqual(row.record.bins, {"value": value})
            self.assertIs(type(row.record.bins["value"]), type(value))

    async def test_a_filter_selects_reads_and_queries(self):
        await self.load()
        stream = await self.session.query(users).where("$.v > 300 and $.tier == 'free'").execute()
        found = {row.record_or_raise().bins["id"] async for row in stream}
        self.assertEqual(found, {i for i in cases.USERS if i > 30 and i % 3 == 0})

    async def test_a_filter_that_does_not_parse_is_refused(self):
        await self.load()
        with self.assertRaises(AerospikeError) as caught:
            stream = await self.session.query(users.id(1)).where("$.v == ").execute()
            await stream.first_or_raise()
        self.assertEqual(caught.exception.result_code, ResultCode.PARAMETER_ERROR)
        with self.assertRaises(AerospikeError):
            await self.session.background_task().delete(users).where("$.v == ").execute()
        self.assertEqual(len(await self.stored()), cases.COUNT)

    async def test_secondary_indexes(self):
        await self.load()
        task = await self.session.create_index(users, "v_idx", "v", IndexType.NUMERIC)
        self.assertTrue(await task.wait_till_complete(sleep_time=0.05, timeout=10))

        async def found(filter):
            stream = await self.session.query(users).filter(filter).execute()
            return {row.record_or_raise().bins["id"] async for row in stream}

        self.assertEqual(await found(Filter.range("v", 100, 199)), set(range(10, 20)))
        self.assertEqual(await found(Filter.equal("v", 70)), {7})
        await self.session.upsert(users.id(7)).put({"v": 150}).execute()
        self.assertEqual(await found(Filter.range("v", 100, 199)), {7, *range(10, 20)})
        await self.session.drop_index(users, "v_idx")
        with self.assertRaises(AerospikeError) as caught:
            await found(Filter.equal("v", 70))
        self.assertEqual(caught.exception.result_code, ResultCode.INDEX_NOT_FOUND)

    async def test_a_restart_keeps_records_and_modules(self):
        self.host.close()
        self.host = Host(durable=True)
        self.addCleanup(self.host.close)
        await self.connect()
        await self.load()
        packages = [await self.register(runtime, "bench") for runtime in RUNTIMES]
        self.host.restart()
        await self.connect()
        stored = await self.stored()
        self.assertEqual({id: record.bins for id, record in stored.items()}, cases.USERS)
        for added, package in enumerate(packages, start=1):
            stream = await (
                self.session.execute_udf(users.id(1)).function(package, "bump").passing(1).execute()
            )
            self.assertEqual(await stream.first_udf_result(), 10 + added)


if __name__ == "__main__":
    unittest.main()
