// The command line of the benchmark.
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** Which contenders `--against` names beside this server. */
const AGAINST = { mlflow: ['stock-sqlite', 'stock-postgres', 'fasttrackml'], none: [] }

/**
 * Reads the arguments; see bench/README.md for their meaning.
 * @param known names of all contenders
 * @throws Error that names an option that cannot be
 */
export function readOptions(known) {
  const { values } = parseArgs({
    options: {
      against: { type: 'string', default: 'mlflow' },
      contenders: { type: 'string' },
      works: { type: 'string', default: '' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      runs: { type: 'string' },
      points: { type: 'string' },
      tags: { type: 'string', default: '200000' },
      models: { type: 'string', default: '10000' },
      json: { type: 'string' },
      python: { type: 'string', default: process.env.MLFLOW_PYTHON },
      peer: { type: 'string' },
      fml: { type: 'string' },
      load: { type: 'string', default: '0' },
      warm: { type: 'string', default: '20' },
      cratedb: { type: 'string', default: process.env.CRATEDB_URL },
      postgres: { type: 'string', default: process.env.POSTGRES_URL },
      main: { type: 'string', default: join(import.meta.dirname, '../dist/main.js') },
      'no-floor': { type: 'boolean', default: false },
      ceiling: { type: 'boolean', default: false },
      registry: { type: 'boolean', default: false },
      ui: { type: 'boolean', default: false },
      reads: { type: 'string' },
      traces: { type: 'string' },
      churn: { type: 'boolean', default: false },
      'embedded-floor': { type: 'boolean', default: false },
      scale: { type: 'string' },
      downsample: { type: 'string' },
      'seed-seconds': { type: 'string', default: '3600' },
      docs: { type: 'string' },
      drop: { type: 'boolean', default: false },
    },
  })
  const { works, rounds, seconds, runs, scale, load, 'no-floor': noFloor } = values
  return {
    ...values,
    contenders: contendersOf(values, known),
    works: new RegExp(works),
    rounds: positive('rounds', rounds),
    seconds: positive('seconds', seconds),
    warm: positive('warm', values.warm),
    seedSeconds: positive('seed-seconds', values['seed-seconds']),
    runs: positive('runs', runs ?? (values.churn || values.ui ? 10_000 : 2000)),
    points: positive('points', values.points ?? (values.churn ? 5_000_000 : 100_000)),
    tags: positive('tags', values.tags),
    models: positive('models', values.models),
    reads: values.reads?.split(',').map((size) => positive('reads', size)),
    traces: values.traces?.split(',').map((size) => positive('traces', size)),
    floor: !noFloor,
    load: Number(load),
    cratedb: values.cratedb && withoutSchema(values.cratedb),
    scale: scale?.split(',').map(pointsOf),
    downsample: values.downsample && pointsOf(values.downsample).points,
  }
}

/** The contenders of a mode that has not all of them. */
const CONTENDERS_OF = {
  churn: ['embedded'],
  reads: ['stock-sqlite', 'fasttrackml', 'embedded', 'cratedb', 'postgres'],
  registry: ['stock-sqlite', 'embedded', 'cratedb'],
  traces: ['stock-sqlite', 'embedded', 'cratedb'],
  ui: ['stock-sqlite', 'embedded', 'cratedb'],
}

function contendersOf({ against, contenders, peer, ...modes }, known) {
  if (!contenders) {
    const others = AGAINST[against]
    if (!others) throw new Error(`--against takes ${Object.keys(AGAINST).join(' or ')}`)
    const mode = Object.keys(CONTENDERS_OF).find((name) => modes[name])
    if (mode) return CONTENDERS_OF[mode]
    return [...others, ...(peer ? ['peer'] : []), 'embedded', 'embedded-nosync', 'cratedb', 'postgres']
  }
  const names = contenders.split(',')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown) throw new Error(`--contenders takes ${known.join(', ')}, not ${unknown}`)
  if (names.includes('peer') && !peer) throw new Error('the contender peer needs --peer <python>')
  return names
}

function positive(name, text) {
  const number = Number(text)
  if (!(number > 0)) throw new Error(`--${name} takes a positive number`)
  return number
}

/** Schemas are made by the benchmark. */
const withoutSchema = (uri) => `${uri.replace(/\?.*$/, '').replace(/\/$/, '')}/`

/** `10M` as a number. */
function pointsOf(text) {
  const match = /^(\d+)(k|M|G)$/.exec(text)
  if (!match) throw new Error('--scale and --downsample take sizes such as 1M, 10M or 50M')
  return { label: text, points: Number(match[1]) * { k: 1e3, M: 1e6, G: 1e9 }[match[2]] }
}
