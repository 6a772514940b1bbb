"""The guide through the client `aerospike`, whose filters travel packed."""

import concurrent.futures
import tempfile
import time
import unittest

import aerospike
from aerospike import exception, predicates
from aerospike_helpers import expressions as exp
from aerospike_helpers.batch import records as batch
from aerospike_helpers.operations import operations

import cases
from petrel_host import RUNTIMES, Host

SET = "users"

#: The client takes the path of its first instance for all others.
MODULES = tempfile.TemporaryDirectory(prefix="petrel-modules-")


def key(id):
    return ("test", SET, id)


def where(expression):
    return {"expressions": expression.compile()}


class Client(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)
        self.dir = self.enterContext(tempfile.TemporaryDirectory())
        self.packages = set()
        self.connect()

    def connect(self):
        # The client keeps a copy of each module that it registers, where `user_path` says, and runs
        # the last reduce of aggregations from there.
        config = {
            "hosts": [("127.0.0.1", self.host.port)],
            "lua": {"user_path": MODULES.name},
        }
        self.client = aerospike.client(config).connect()
        self.addCleanup(self.client.close)

    def load(self):
        for id, bins in cases.USERS.items():
            self.client.put(key(id), bins)

    def stored(self, policy=None):
        """The bins of every user by the bin `id`, read through a query."""
        rows = self.client.query("test", SET).results(policy or {})
        found = {bins["id"]: (meta, bins) for _, meta, bins in rows}
        self.assertEqual(len(found), len(rows), "a user came twice")
        return found

    def wait(self, job, interval=0.02, attempts=1000):
        """Polls a background job as the guide's tasks do."""
        for _ in range(attempts):
            status = self.client.job_info(job, aerospike.JOB_QUERY)["status"]
            if status == aerospike.JOB_STATUS_COMPLETED:
                return
            time.sleep(interval)
        self.fail(f"job {job} was not done after {attempts} polls")

    def background(self, ops, policy, ttl=None):
        query = self.client.query("test", SET)
        query.add_ops(ops)
        if ttl is not None:
            query.ttl = ttl
        self.wait(query.execute_background(policy))

    def register(self, runtime, name="my_module"):
        path, name, package = cases.upload(runtime, name, self.dir)
        if package in self.packages:
            return package
        self.client.udf_put(str(path))
        self.assertIn(name, [entry["name"] for entry in self.client.udf_list()])
        self.packages.add(package)
        return package

    # Background tasks

    def test_bulk_delete(self):
        self.load()
        inactive = exp.Eq(exp.StrBin("status"), "inactive")
        self.background([operations.delete()], where(inactive))
        self.assertEqual(set(self.stored()), {i for i in cases.USERS if i % 2})

    def test_bulk_update(self):
        self.load()
        free = exp.Eq(exp.StrBin("tier"), "free")
        self.background([operations.write("trial_expired", True)], where(free))
        for id, (_, bins) in self.stored().items():
            self.assertEqual(bins.get("trial_expired"), True if id % 3 == 0 else None)

    def test_bulk_touch(self):
        self.load()
        active = exp.Eq(exp.BoolBin("active"), True)
        self.background([operations.touch(5000)], where(active), ttl=5000)
        for id, (meta, _) in self.stored().items():
            self.assertEqual(meta["gen"], 2 if id % 2 else 1)
            if id % 2:
                self.assertTrue(4900 < meta["ttl"] <= 5000, meta)

    def test_background_udf(self):
        self.load()
        expected = {id: bins["v"] for id, bins in cases.USERS.items()}
        for runtime in RUNTIMES:
            package = self.register(runtime, "bench")
            for condition in (None, exp.Eq(exp.StrBin("status"), "active")):
                with self.subTest(runtime=runtime, filtered=condition is not None):
                    query = self.client.query("test", SET)
                    query.apply(package, "bump", [3])
                    policy = where(condition) if condition is not None else {}
                    self.wait(query.execute_background(policy))
                    for id, (_, bins) in self.stored().items():
                        if condition is None or id % 2:
                            expected[id] += 3
                        self.assertEqual(bins["v"], expected[id])

    # Foreground functions

    def test_one_key(self):
        for runtime in RUNTIMES:
            for case in cases.CASES:
                package = self.register(runtime, case.module)
                with self.subTest(runtime=runtime, function=case.function):
                    policy = {"exists": aerospike.POLICY_EXISTS_CREATE_OR_REPLACE}
                    self.client.put(key(7), cases.USERS[7], policy=policy)
                    result = self.client.apply(key(7), package, case.function, case.arguments)
                    self.assertEqual(result, case.result)
                    _, _, bins = self.client.get(key(7))
                    self.assertEqual(bins, cases.USERS[7] | case.changes)

    def test_batch(self):
        for runtime in RUNTIMES:
            with self.subTest(runtime=runtime):
                self.load()
                package = self.register(runtime, "bench")
                rows = self.client.batch_apply([key(i) for i in (1, 2, 3)], package, "bump", [1])
                results = {row.key[2]: row.record[2]["SUCCESS"] for row in rows.batch_records}
                self.assertEqual(results, {1: 11, 2: 21, 3: 31})
                for id, value in results.items():
                    self.assertEqual(self.client.get(key(id))[2]["v"], value)

    def test_a_failing_function_tells_why(self):
        self.load()
        path = f"{self.dir}/fail.lua"
        with open(path, "w") as file:
            file.write("function fail(rec)\n  rec.v = 0\n  aerospike:update(rec)\n  error('no luck')\nend\n")
        self.client.udf_put(path)
        with self.assertRaises(exception.UDFError) as caught:
            self.client.apply(key(1), "fail", "fail", [])
        self.assertEqual(caught.exception.code, 100)
        self.assertIn("fail.lua:4: no luck", caught.exception.msg)
        self.assertEqual(self.client.get(key(1))[2]["v"], 10)

    # Aggregations, whose last reduce the client does in its own Lua

    def aggregate(self, function, *args, policy=None, set=SET, module="streams_lua"):
        query = self.client.query("test", set) if set else self.client.query("test")
        query.apply(module, function, list(args))
        return query.results(policy or {})

    def test_aggregations(self):
        self.load()
        self.register("lua", "streams")
        free = [user["name"] for user in cases.USERS.values() if user["tier"] == "free"]
        ids = cases.USERS.keys()
        for function, args, expected in [
            ("count", [], [cases.COUNT]),
            ("sum", ["v"], [sum(id * 10 for id in ids)]),
            ("above", ["id", 50], [10]),
            ("above", ["id", 1000], []),
            ("by", ["tier"], [{"free": 20, "paid": 40}]),
            ("grouped", [], [{"free": 20, "paid": 40}]),
            ("mean", ["id"], [30.5]),
            ("names", [], free),
        ]:
            with self.subTest(function=function, args=args):
                results = self.aggregate(function, *args)
                self.assertEqual(sorted(results, key=str), sorted(expected, key=str))
        # Partial values, as many as there are parts.
        self.assertEqual(sum(self.aggregate("aggregate_only")), cases.COUNT)
        seen = []
        query = self.client.query("test", SET)
        query.apply("streams_lua", "count")
        query.foreach(seen.append)
        self.assertEqual(seen, [cases.COUNT])

    def test_values_of_aggregations_come_back_unchanged(self):
        self.load()
        self.register("lua", "streams")
        expected = [
            [id, id / 2, user["active"], user["name"], user["l"], {"a": id}]
            for id, user in cases.USERS.items()
        ]
        self.assertEqual(sorted(self.aggregate("values")), expected)
        large = self.aggregate("large")
        self.assertEqual(sorted(map(len, large))[0], 100_001)
        self.assertEqual(len(large), cases.COUNT)

    def test_aggregations_over_filtered_records_a_namespace_and_nothing(self):
        self.load()
        self.register("lua", "streams")
        few = where(exp.LT(exp.IntBin("id"), 11))
        self.assertEqual(self.aggregate("count", policy=few), [10])
        self.client.put(("test", "others", 1), {"v": 1})
        self.assertEqual(self.aggregate("count", set=None), [cases.COUNT + 1])
        self.assertEqual(self.aggregate("count", set="nobody"), [])

    def test_aggregations_over_a_range_of_an_index(self):
        self.load()
        self.register("lua", "streams")
        self.client.index_integer_create("test", SET, "id", "users_id")
        query = self.client.query("test", SET)
        query.where(predicates.between("id", 11, 40))
        query.apply("streams_lua", "sum", ["v"])
        for _ in range(100):
            try:
                results = query.results()
                break
            except exception.IndexNotReadable:
                time.sleep(0.05)
        self.assertEqual(results, [sum(id * 10 for id in range(11, 41))])

    def test_aggregations_that_fail_tell_why(self):
        self.load()
        self.register("lua", "streams")
        for function, text in [
            ("fail_filter", "in the filter"),
            ("fail_map", "attempt to perform arithmetic on a nil value (field 'nothing')"),
            ("fail_aggregate", "in the aggregate"),
            ("fail_reduce", "in the reduce"),
            ("fail_stream", "in the stream"),
            ("endless", "ran past its time limit"),
            ("missing", "function not found"),
        ]:
            with self.subTest(function=function):
                with self.assertRaises(exception.AerospikeError) as caught:
                    self.aggregate(function)
                self.assertIn("UDF: Execution Error 2", caught.exception.msg)
                self.assertIn(text, caught.exception.msg)
        with self.assertRaises(exception.AerospikeError) as caught:
            self.aggregate("count", module="nowhere")
        self.assertIn("UDF: Execution Error 1", caught.exception.msg)
        # Nothing of it stays behind.
        self.assertEqual(self.aggregate("count"), [cases.COUNT])

    def test_a_hundred_aggregations_at_once(self):
        self.load()
        self.register("lua", "streams")
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            counts = list(pool.map(lambda _: self.aggregate("count"), range(100)))
        self.assertEqual(counts, [[cases.COUNT]] * 100)

    def test_aggregations_of_a_component_are_reduced_by_the_host(self):
        self.load()
        package = self.register("wasm", "aggregate")
        with self.assertRaises(exception.AerospikeError) as caught:
            self.aggregate("count", module=package)
        self.assertIn("UDF: Execution Error 1", caught.exception.msg)
        # The client has to have a Lua file of the name, which passes on what comes.
        passes = "setmetatable(_G, { __index = function() return function(s) return s end end })"
        with open(f"{MODULES.name}/{package}.lua", "w") as file:
            file.write(passes)
        ids = cases.USERS.keys()
        for function, args, expected in [
            ("count", [], cases.COUNT),
            ("sum", ["id"], sum(ids)),
            ("group_sum", ["id", 2], {0: sum(ids) // 2 + 15, 1: sum(ids) // 2 - 15}),
            ("top_k", ["id", 3], [60, 59, 58]),
        ]:
            with self.subTest(function=function):
                self.assertEqual(self.aggregate(function, *args, module=package), [expected])

    # Modules

    def test_register_list_get_and_remove(self):
        for runtime in RUNTIMES:
            package = self.register(runtime)
            self.client.put(key(1), cases.USERS[1])
            self.client.apply(key(1), package, "process_record", [])
        names = {entry["name"] for entry in self.client.udf_list()}
        self.assertEqual(names, {"my_module_lua.lua", "my_module_wasm.wasm"})
        path, name, _ = cases.upload("lua", "my_module", self.dir)
        self.assertEqual(self.client.udf_get(name), path.read_text())
        for name in names:
            self.client.udf_remove(name)
        deadline = time.monotonic() + 5
        while self.client.udf_list() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(self.client.udf_list(), [])

    def test_a_module_that_does_not_compile_is_refused(self):
        path = f"{self.dir}/broken.lua"
        with open(path, "w") as file:
            file.write("function f(rec)\n  return (1\nend\n")
        with self.assertRaises(exception.AerospikeError) as caught:
            self.client.udf_put(path)
        for part in ("broken.lua", "line=3"):
            self.assertIn(part, caught.exception.msg)

    # Records

    def test_values_come_back_unchanged(self):
        values = cases.VALUES + [aerospike.GeoJSON({"type": "Point", "coordinates": [13.4, 52.5]})]
        for id, value in enumerate(values):
            self.client.put(key(id), {"value": value})
            _, _, bins = self.client.get(key(id))
            if isinstance(value, aerospike.GeoJSON):
                self.assertEqual(bins["value"].unwrap(), value.unwrap())
            else:
                self.assertEqual(bins, {"value": value})
                self.assertIs(type(bins["value"]), type(value))

    def test_read_some_or_no_bins(self):
        self.client.put(key(1), {"a": 1, "b": 2, "c": 3})
        self.assertEqual(self.client.select(key(1), ["a", "c"])[2], {"a": 1, "c": 3})
        _, meta = self.client.exists(key(1))
        self.assertEqual(meta["gen"], 1)
        self.assertIsNone(self.client.exists(key(2))[1])
        with self.assertRaises(exception.RecordNotFound):
            self.client.get(key(2))

    def test_scalar_operations(self):
        _, _, bins = self.client.operate(
            key(1),
            [
                operations.write("n", 1),
                operations.increment("n", 2),
                operations.append("s", "b"),
                operations.prepend("s", "a"),
                operations.read("n"),
                operations.read("s"),
            ],
        )
        self.assertEqual(bins, {"n": 3, "s": "ab"})
        self.client.increment(key(1), "n", 7)
        self.client.append(key(1), "s", "c")
        self.client.prepend(key(1), "s", "_")
        self.client.touch(key(1), 1000)
        _, meta, bins = self.client.get(key(1))
        self.assertEqual(bins, {"n": 10, "s": "_abc"})
        self.assertEqual(meta["gen"], 5)
        self.assertTrue(990 <= meta["ttl"] <= 1000)
        self.client.remove_bin(key(1), ["s"])
        self.assertEqual(self.client.get(key(1))[2], {"n": 10})
        with self.assertRaises(exception.BinIncompatibleType):
            self.client.append(key(1), "n", "x")
        self.client.remove(key(1))
        with self.assertRaises(exception.RecordNotFound):
            self.client.remove(key(1))

    def test_policies(self):
        create = {"exists": aerospike.POLICY_EXISTS_CREATE}
        update = {"exists": aerospike.POLICY_EXISTS_UPDATE}
        replace = {"exists": aerospike.POLICY_EXISTS_REPLACE}
        for policy in (update, replace):
            with self.assertRaises(exception.RecordNotFound):
                self.client.put(key(1), {"a": 1}, policy=policy)
        self.client.put(key(1), {"a": 1}, policy=create)
        with self.assertRaises(exception.RecordExistsError):
            self.client.put(key(1), {"a": 1}, policy=create)
        self.client.put(key(1), {"b": 2}, policy=replace)
        self.assertEqual(self.client.get(key(1))[2], {"b": 2})
        expect = {"gen": aerospike.POLICY_GEN_EQ}
        with self.assertRaises(exception.RecordGenerationError):
            self.client.put(key(1), {"b": 3}, meta={"gen": 7}, policy=expect)
        self.client.put(key(1), {"b": 3}, meta={"gen": 2}, policy=expect)

    def test_a_batch_of_several_kinds(self):
        self.load()
        rows = self.client.batch_write(
            batch.BatchRecords(
                [
                    batch.Read(key(1), [operations.read("v")]),
                    batch.Read(key(999), None, read_all_bins=True),
                    batch.Write(key(2), [operations.increment("v", 5), operations.read("v")]),
                    batch.Remove(key(3)),
                    batch.Read(key(4), None, read_all_bins=True),
                ]
            )
        ).batch_records
        self.assertEqual([row.result for row in rows], [0, 2, 0, 0, 0])
        self.assertEqual(rows[0].record[2], {"v": 10})
        self.assertEqual(rows[2].record[2], {"v": 25})
        self.assertEqual(rows[4].record[2], cases.USERS[4])
        self.assertEqual(set(self.stored()), set(cases.USERS) - {3})
        found = self.client.batch_read([key(1), key(3)]).batch_records
        self.assertEqual([row.result for row in found], [0, 2])

    def test_queries(self):
        self.load()
        query = self.client.query("test", SET)
        query.select("id", "v")
        bins = [bins for _, _, bins in query.results()]
        self.assertEqual(
            sorted(bins, key=lambda b: b["id"]), [{"id": i, "v": i * 10} for i in cases.USERS]
        )
        found = self.stored(where(exp.And(exp.GT(exp.IntBin("v"), 300), exp.BoolBin("active"))))
        self.assertEqual(set(found), {i for i in cases.USERS if i > 30 and i % 2})

        pages, query = [], self.client.query("test", SET)
        query.max_records = 25
        query.paginate()
        while not query.is_done() and len(pages) < 10:
            pages.append([bins["id"] for _, _, bins in query.results()])
        self.assertTrue(all(len(page) <= 25 for page in pages), pages)
        self.assertEqual(sorted(sum(pages, [])), list(cases.USERS))

    def test_secondary_indexes(self):
        self.load()
        client, users = self.client, cases.USERS
        client.index_integer_create("test", SET, "v", "v_idx")
        client.index_string_create("test", SET, "tier", "tier_idx")
        client.index_blob_create("test", SET, "raw", "raw_idx")
        client.index_list_create("test", SET, "l", aerospike.INDEX_NUMERIC, "l_idx")
        client.index_map_keys_create("test", SET, "m", aerospike.INDEX_STRING, "keys_idx")
        client.index_map_values_create("test", SET, "m", aerospike.INDEX_NUMERIC, "values_idx")
        for id in users:
            client.put(key(id), {"m": {f"k{id % 5}": id % 7}, "raw": bytes([id % 4])})

        def found(predicate, policy=None):
            query = client.query("test", SET)
            query.where(predicate)
            ids = [bins["id"] for _, _, bins in query.results(policy or {})]
            self.assertEqual(len(set(ids)), len(ids), "a user came twice")
            return set(ids)

        of_list, of_keys, of_values = (
            aerospike.INDEX_TYPE_LIST,
            aerospike.INDEX_TYPE_MAPKEYS,
            aerospike.INDEX_TYPE_MAPVALUES,
        )
        rows = [
            (predicates.equals("v", 70), lambda id: id == 7),
            (predicates.between("v", 100, 199), lambda id: 10 <= id < 20),
            (predicates.equals("tier", "free"), lambda id: id % 3 == 0),
            (predicates.equals("raw", bytes([3])), lambda id: id % 4 == 3),
            (predicates.contains("l", of_list, 31), lambda id: 31 in users[id]["l"]),
            (predicates.range("l", of_list, 0, 40), lambda id: min(users[id]["l"]) <= 40),
            (predicates.contains("m", of_keys, "k2"), lambda id: id % 5 == 2),
            (predicates.range("m", of_values, 5, 9), lambda id: id % 7 >= 5),
        ]
        for number, (predicate, matches) in enumerate(rows):
            with self.subTest(row=number):
                self.assertEqual(found(predicate), {id for id in users if matches(id)})
        active = where(exp.BoolBin("active"))
        self.assertEqual(found(predicates.between("v", 10, 99), active), {1, 3, 5, 7, 9})

        query = client.query("test", SET)
        query.where(predicates.between("v", 10, 49))
        query.add_ops([operations.increment("v", 1000)])
        self.wait(query.execute_background())
        self.assertEqual(found(predicates.between("v", 1000, 2000)), {1, 2, 3, 4})
        self.assertEqual(found(predicates.between("v", 0, 49)), set())

        client.index_remove("test", "v_idx")
        with self.assertRaises(exception.IndexNotFound):
            found(predicates.equals("v", 70))
        with self.assertRaises(exception.UnsupportedFeature):
            client.index_geo2dsphere_create("test", SET, "place", "place_idx")

    def test_a_restart_keeps_records_and_modules(self):
        self.host.close()
        self.host = Host(durable=True)
        self.addCleanup(self.host.close)
        self.connect()
        self.load()
        packages = [self.register(runtime, "bench") for runtime in RUNTIMES]
        self.host.restart()
        self.connect()
        self.assertEqual({id: bins for id, (_, bins) in self.stored().items()}, cases.USERS)
        for added, package in enumerate(packages, start=1):
            self.assertEqual(self.client.apply(key(1), package, "bump", [1]), 10 + added)


if __name__ == "__main__":
    unittest.main()
