"""Runs every snippet of the UDF guide on a set of users and reports each as a line of JSON.

    python demo.py --host 127.0.0.1:3000 --users 100000 --lua my_module.lua --wasm my_module.wasm

A line is {"snippet", "runtime", "records", "seconds", "problem"}: how many records the snippet
reached, how long it took from the first call to the last answer, and what was not as it should
be (null if all was). The runtime is "lua" or "wasm", or "host" where no function runs.
"""

import argparse
import asyncio
import json
import time

from aerospike_sdk import Behavior, ClusterDefinition, DataSet

USERS = DataSet.of("test", "users")
WINDOW = 500  # puts in flight while loading
KEYS = (1, 2, 3)  # the keys of the guide's foreground calls


def user(i):
    """The user with id i. The remainders fix how many records each snippet reaches."""
    return {
        "name": f"user{i}",
        "status": "inactive" if i % 10 == 0 else "active",
        "tier": "free" if i % 3 == 1 else "paid",
        "active": i % 10 != 0,
        "expired": i % 20 == 5,
        "score": i * 2,
    }


def count(n, wanted):
    return sum(1 for i in range(n) if wanted(i))


class Demo:
    def __init__(self, session, users):
        self.session = session
        self.n = users
        self.left = users  # users that no snippet has deleted yet

    def report(self, snippet, runtime, records, seconds, problem=None):
        row = {
            "snippet": snippet,
            "runtime": runtime,
            "records": records,
            "seconds": round(seconds, 6),
            "problem": problem,
        }
        print(json.dumps(row), flush=True)

    async def load(self):
        start = time.perf_counter()
        for first in range(0, self.n, WINDOW):
            window = range(first, min(first + WINDOW, self.n))
            await asyncio.gather(*(self.session.put(USERS.id(i), user(i)) for i in window))
        self.report("load", "host", self.n, time.perf_counter() - start)

    async def info(self, command):
        reply = await self.session.info().info(command)
        return next(iter(reply.values()), "")

    async def changed(self, task):
        """How many records a finished task changed, and what went wrong, by query-show."""
        fields = dict(
            part.split("=", 1)
            for part in (await self.info(f"query-show:trid={task.task_id}")).split(":")
            if "=" in part
        )
        problem = None
        if fields.get("status") != "done(ok)":
            problem = f"status {fields.get('status')}"
        elif fields.get("recs-failed", "0") != "0":
            problem = f"{fields['recs-failed']} records failed"
        return int(fields.get("recs-succeeded", -1)), problem

    async def background(self, snippet, runtime, builder, expected, wait):
        """Runs one background task to its end and checks how many records it changed."""
        start = time.perf_counter()
        task = await builder.execute()
        await task.wait_till_complete(**wait)
        seconds = time.perf_counter() - start
        records, problem = await self.changed(task)
        if problem is None and records != expected:
            problem = f"{expected} records expected"
        self.report(snippet, runtime, max(records, 0), seconds, problem)

    async def matching(self, expression):
        """How many users there are for which the expression holds."""
        stream = await self.session.query(USERS).where(expression).execute()
        found = 0
        async for _ in stream:
            found += 1
        return found

    async def bulk(self):
        task = self.session.background_task
        inactive = count(self.n, lambda i: i % 10 == 0)
        await self.background(
            "bulk delete",
            "host",
            task().delete(USERS).where("$.status == 'inactive'"),
            inactive,
            {"sleep_time": 0.05, "timeout": 60},
        )
        await self.gone("inactive users after delete", "$.status == 'inactive'")

        free = count(self.n, lambda i: i % 10 and i % 3 == 1)
        await self.background(
            "bulk update",
            "host",
            task().update(USERS).where("$.tier == 'free'").bin("trial_expired").set_to(True),
            free,
            {"sleep_time": 0.05},
        )
        start = time.perf_counter()
        found = await self.matching("$.trial_expired == true")
        self.report(
            "query the updated users",
            "host",
            found,
            time.perf_counter() - start,
            None if found == free else f"{free} users expected",
        )

        await self.background(
            "bulk touch",
            "host",
            task().touch(USERS).where("$.active == true"),
            self.n - inactive,
            {"sleep_time": 0.05},
        )
        expired = count(self.n, lambda i: i % 20 == 5)
        await self.background(
            "wait with poll interval",
            "host",
            task().delete(USERS).where("$.expired == true"),
            expired,
            {"sleep_time": 0.2, "timeout": 20},
        )
        await self.gone("expired users after delete", "$.expired == true")
        self.left = self.n - inactive - expired

    async def gone(self, what, expression):
        found = await self.matching(expression)
        if found:
            self.report(what, "host", found, 0.0, "none expected")

    async def functions(self, runtime, path):
        """The UDF snippets, with the module of one runtime."""
        session = self.session
        server_path = f"my_module.{runtime}"
        start = time.perf_counter()
        registered = await session.register_udf_from_file(path, server_path)
        await registered.wait_till_complete(sleep_time=0.02)
        self.report("register module", runtime, 1, time.perf_counter() - start)

        await self.background(
            "background UDF",
            runtime,
            session.background_task()
            .execute_udf(USERS)
            .function("my_module", "transform_record")
            .passing("arg1", "arg2"),
            self.left,
            {"sleep_time": 0.05},
        )

        start = time.perf_counter()
        stream = await (
            session.execute_udf(USERS.id(1))
            .function("my_module", "get_computed_value")
            .passing(42)
            .execute()
        )
        result = await stream.first_or_raise()
        expected = user(1)["score"] * 42
        problem = None if result.udf_result == expected else f"{expected} expected"
        self.report("UDF on one key", runtime, 1, time.perf_counter() - start, problem)

        start = time.perf_counter()
        stream = await (
            session.execute_udf(*USERS.ids(*KEYS))
            .function("my_module", "process_record")
            .execute()
        )
        results = [row.udf_result async for row in stream if row.is_ok]
        names = [result and result.get("name") for result in results]
        expected = [user(i)["name"] for i in KEYS]
        problem = None if names == expected else f"{expected} expected"
        self.report("UDF on several keys", runtime, len(results), time.perf_counter() - start, problem)

        start = time.perf_counter()
        removed = await session.remove_udf(server_path)
        await removed.wait_till_complete(sleep_time=0.02)
        listed = [module for module in await session.list_udf() if server_path in module.values()]
        problem = f"{server_path} is still listed" if listed else None
        self.report("remove module", runtime, 1, time.perf_counter() - start, problem)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1:3000", metavar="HOST:PORT")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--lua", required=True, metavar="FILE")
    parser.add_argument("--wasm", required=True, metavar="FILE")
    arguments = parser.parse_args()
    host, _, port = arguments.host.rpartition(":")

    async with ClusterDefinition(host, int(port)).connect() as cluster:
        demo = Demo(cluster.create_session(Behavior.DEFAULT), arguments.users)
        await demo.load()
        await demo.bulk()
        await demo.functions("lua", arguments.lua)
        await demo.functions("wasm", arguments.wasm)


if __name__ == "__main__":
    asyncio.run(main())
