// Searches in a large model registry: rows are written by SQL, searches go through REST, in turns.
import { CONTENDERS } from './contenders.mjs'
import { assertEqual, quantile } from './measure.mjs'
import { startSeededOurs, startSeededStock } from './sql-seed.mjs'

const MODELS = 10_000
const VERSIONS = 5
/** Tag → how many values it has; the first three have no common divisor, so that all their pairs come up. */
const TAGS = { team: 10, framework: 7, region: 3, owner: 1000 }
const REQUESTS = 100
const WARM_UP = 10
const REQUESTS_PER_TURN = 10
const PAGE = 100

/** Title → filter of the i-th search, and how many models meet it. */
const SEARCHES = {
  'three tags, equal': (i) => ({
    filter: `tags.team = 'v${i % 10}' and tags.framework = 'v${i % 7}' and tags.region = 'v${i % 3}'`,
    meets: (model) => model % 10 === i % 10 && model % 7 === i % 7 && model % 3 === i % 3,
  }),
  'three tags, LIKE and !=': (i) => ({
    filter: `tags.team = 'v${i % 10}' and tags.framework != 'v${i % 7}' and tags.owner LIKE 'v${i % 10}%'`,
    meets: (model) =>
      model % 10 === i % 10 && model % 7 !== i % 7 && `${model % 1000}`.startsWith(String(i % 10)),
  }),
}

/**
 * Seeds each contender's store and measures the searches.
 * @param context `{ contenders, folder, id, main, python, cratedbUri, log, defer }`
 * @returns title of a search → contender → p50 and p95 in milliseconds
 */
export async function measureRegistry({ contenders, ...context }) {
  const servers = []
  for (const name of contenders) {
    const began = performance.now()
    const server =
      name === 'stock-sqlite'
        ? await startSeededStock(context, stockRows())
        : await startSeededOurs(name, ourRows(), context)
    context.defer(server.stop)
    context.log(`${name}: seeded and started in ${Math.round((performance.now() - began) / 1000)} s`)
    servers.push(server)
  }
  const report = {}
  console.log('| search | server | p50 ms | p95 ms |\n|---|---|---|---|')
  for (const [title, search] of Object.entries(SEARCHES)) {
    report[title] = await measureSearch(servers, search)
    for (const [name, { p50, p95 }] of Object.entries(report[title])) {
      console.log(`| ${title} | ${CONTENDERS[name]} | ${p50.toFixed(1)} | ${p95.toFixed(1)} |`)
    }
  }
  return report
}

async function measureSearch(servers, search) {
  const latencies = new Map(servers.map(({ name }) => [name, []]))
  const ask = async (server, i) => {
    const { filter, meets } = search(i)
    const began = performance.now()
    const answer = await server.get(`registered-models/search?filter=${encodeURIComponent(filter)}`)
    const ms = performance.now() - began
    const expected = Array.from({ length: MODELS }, (_, model) => model).filter(meets).length
    assertEqual(`${server.name}: models`, answer.registered_models.length, Math.min(expected, PAGE))
    return ms
  }
  for (const server of servers) for (let i = 0; i < WARM_UP; i++) await ask(server, i)
  for (let from = 0; from < REQUESTS; from += REQUESTS_PER_TURN) {
    for (const server of servers) {
      for (let i = from; i < from + REQUESTS_PER_TURN; i++)
        latencies.get(server.name).push(await ask(server, i))
    }
  }
  const figures = (ms) => ({ p50: quantile(ms, 0.5), p95: quantile(ms, 0.95) })
  return Object.fromEntries([...latencies].map(([name, ms]) => [name, figures(ms)]))
}

const tagged = (tables) => Object.entries(TAGS).map(([key, values]) => tables(key, values))

function ourRows() {
  const models = `generate_series(0, ${MODELS - 1}) AS m (i)`
  const versions = `${models} CROSS JOIN generate_series(1, ${VERSIONS}) AS v (n)`
  const [uid, versionUid] = ["'m' || i::text", "'m' || i::text || '-' || n::text"]
  return [
    `INSERT INTO name_claims (scope, name, owner_id, fence)
     SELECT 'registered_model', 'model-' || i::text, ${uid}, 0 FROM ${models}`,
    `INSERT INTO registered_models (model_uid, name, name_fence, creation_time, last_updated_time, renamed_time,
       description, is_prompt, last_version)
     SELECT ${uid}, 'model-' || i::text, 0, 1700000000000 + i, 1700000000000 + i, 0, '', false, ${VERSIONS} FROM ${models}`,
    `INSERT INTO model_versions (model_uid, version, version_uid, creation_time, last_updated_time, description,
       current_stage, event_id, source, storage_location, run_id, run_link, status, is_prompt)
     SELECT ${uid}, n, ${versionUid}, 1700000000000 + i, 1700000000000 + i, '', 'None', '', 's3://bucket/model',
       's3://bucket/model', '', '', 'READY', false FROM ${versions}`,
    ...tagged(
      (key, values) => `INSERT INTO registered_model_tags (model_uid, key, value, is_long)
       SELECT ${uid}, '${key}', 'v' || (i % ${values})::text, false FROM ${models}`,
    ),
    ...tagged(
      (key, values) => `INSERT INTO model_version_tags (version_uid, key, value, is_long, model_uid)
       SELECT ${versionUid}, '${key}', 'v' || (i % ${values})::text, false, ${uid} FROM ${versions}`,
    ),
  ]
}

function stockRows() {
  const series = (name, from, to) =>
    `${name}(x) AS (SELECT ${from} UNION ALL SELECT x + 1 FROM ${name} WHERE x < ${to})`
  const rows = `WITH RECURSIVE ${series('m', 0, MODELS - 1)}, ${series('v', 1, VERSIONS)}`
  const [model, time] = ["'model-' || m.x", '1700000000000 + m.x']
  return [
    `INSERT INTO registered_models (name, creation_time, last_updated_time, description)
     ${rows} SELECT ${model}, ${time}, ${time}, '' FROM m`,
    `INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, current_stage, source,
       storage_location, run_id, run_link, status)
     ${rows} SELECT ${model}, v.x, ${time}, ${time}, '', 'None', 's3://bucket/model', 's3://bucket/model', '', '',
       'READY' FROM m, v`,
    ...tagged(
      (key, values) => `INSERT INTO registered_model_tags (key, value, name)
       ${rows} SELECT '${key}', 'v' || (m.x % ${values}), ${model} FROM m`,
    ),
    ...tagged(
      (key, values) => `INSERT INTO model_version_tags (key, value, name, version)
       ${rows} SELECT '${key}', 'v' || (m.x % ${values}), ${model}, v.x FROM m, v`,
    ),
  ]
}
