'use strict'

const assert = require('node:assert')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { Aerospike, ROOT, moduleFile, startHost } = require('./host')

const SET = 'users'
const USERS = 60
const key = id => new Aerospike.Key('test', SET, id)

let host, client

before(async () => {
  host = await startHost()
  client = await Aerospike.connect({
    hosts: `127.0.0.1:${host.port}`,
    modlua: { userPath: path.join(ROOT, 'tests/fixtures') },
    log: { level: Aerospike.log.OFF }
  })
  for (let id = 0; id < USERS; id++) {
    const tier = id % 3 ? 'basic' : 'gold'
    await client.put(key(id), { id, score: id, tier, tags: [id % 7, 100 + id % 2] })
  }
})

after(() => {
  client?.close()
  host?.stop()
  // The client keeps an event loop of its own alive.
  Aerospike.releaseEventLoop()
})

async function register (file) {
  const job = await client.udfRegister(file)
  await job.waitUntilDone(20)
}

const all = query => query.results()
const ids = records => records.map(r => r.bins.id).sort((a, b) => a - b)

for (const runtime of ['lua', 'wasm']) {
  test(`a function is registered, run on a record and in the background, and removed: ${runtime}`, async () => {
    await register(moduleFile(runtime, 'my_module'))
    const call = (funcname, args) => ({ module: 'my_module', funcname, args })
    assert.equal(await client.apply(key(7), call('get_computed_value', [6])), 42)

    const task = await client.query('test', SET)
      .background('my_module', 'transform_record', ['node', runtime])
    await task.waitUntilDone(20)
    const { bins } = await client.get(key(31))
    assert.deepEqual([bins.tag1, bins.tag2], ['node', runtime])

    const batch = await client.batchApply(
      [1, 2, 3].map(key),
      call('get_computed_value', [2])
    )
    assert.deepEqual(batch.map(r => r.record.bins.SUCCESS), [2, 4, 6])

    const removed = await client.udfRemove(path.basename(moduleFile(runtime, 'my_module')))
    await removed.waitUntilDone(20)
    await assert.rejects(client.apply(key(7), call('get_computed_value', [6])),
      e => e.code === Aerospike.status.ERR_UDF)
  })
}

test('the client does the last reduce of an aggregation', async () => {
  await register(path.join(ROOT, 'tests/fixtures/streams.lua'))
  const query = client.query('test', SET)
  assert.equal(await query.apply('streams', 'count', []), USERS)
  assert.equal(await query.apply('streams', 'sum', ['score']), USERS * (USERS - 1) / 2)
  assert.deepEqual(await query.apply('streams', 'by', ['tier']), { basic: 40, gold: 20 })
})

test('an aggregation that fails says why', async () => {
  await register(path.join(ROOT, 'tests/fixtures/streams.lua'))
  await assert.rejects(client.query('test', SET).apply('streams', 'sum', ['absent']),
    /streams\.lua:\d+: attempt to perform arithmetic on a nil value/)
})

test('queries and aggregations go by the range of an index', async () => {
  const filter = Aerospike.filter
  const index = { ns: 'test', set: SET }
  const made = await Promise.all([
    client.createIntegerIndex({ ...index, bin: 'score', index: 'by_score' }),
    client.createStringIndex({ ...index, bin: 'tier', index: 'by_tier' }),
    client.createIndex({
      ...index,
      bin: 'tags',
      index: 'by_tag',
      type: Aerospike.indexType.LIST,
      datatype: Aerospike.indexDataType.NUMERIC
    })
  ])
  await Promise.all(made.map(job => job.wait(20)))

  const where = predicate => {
    const query = client.query('test', SET)
    query.where(predicate)
    return query
  }
  assert.deepEqual(ids(await all(where(filter.range('score', 5, 8)))), [5, 6, 7, 8])
  assert.equal((await all(where(filter.equal('tier', 'gold')))).length, 20)
  const tagged = ids(await all(where(filter.contains('tags', 3, Aerospike.indexType.LIST))))
  assert.deepEqual(tagged, [3, 10, 17, 24, 31, 38, 45, 52, 59])

  await register(path.join(ROOT, 'tests/fixtures/streams.lua'))
  assert.equal(await where(filter.range('score', 10, 19)).apply('streams', 'count', []), 10)

  await client.indexRemove('test', 'by_score')
  await assert.rejects(all(where(filter.range('score', 5, 8))),
    e => e.code === Aerospike.status.ERR_INDEX_NOT_FOUND)
})
