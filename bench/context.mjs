// What contenders need before they start: databases, programs, a folder, names that nobody else has.
import { ON_CRATEDB, ON_POSTGRES, schemaOf } from './contenders.mjs'
import { findFml, findPython } from './python.mjs'
import { dropSchemas, openCratedb, openPostgres } from './services.mjs'

/**
 * Opens what the named contenders need. Those that cannot be had are left out, which is told.
 * @param tools `{ folder, log, defer }`; `withPython` when Python is needed for more than stock
 * @returns the names of the others, and the context that `startContender` takes
 */
export async function openContext(options, { folder, log, defer, withPython = false }) {
  const asked = (names) => options.contenders.some((name) => names.includes(name))
  const cratedb = asked(ON_CRATEDB) ? await openCratedb({ uri: options.cratedb, folder, log }) : undefined
  const postgres = asked(ON_POSTGRES) ? await openPostgres({ uri: options.postgres, folder, log }) : undefined
  for (const service of [cratedb, postgres]) if (service) defer(service.stop)
  const needsPython = withPython || options.contenders.some((name) => name.startsWith('stock'))
  const python = needsPython ? await findPython(options.python, log) : undefined
  const fml = asked(['fasttrackml']) ? findFml(options.fml, python) : undefined
  if (asked(['fasttrackml']) && !fml) log('no FastTrackML: neither --fml nor fml on the PATH')
  const id = process.pid
  if (cratedb)
    defer(() =>
      dropSchemas(
        cratedb.uri,
        ['crateflow', 'peer'].map((name) => schemaOf(name, id)),
      ),
    )
  const names = options.contenders
    .filter((name) => cratedb || !ON_CRATEDB.includes(name))
    .filter((name) => postgres || !ON_POSTGRES.includes(name))
    .filter((name) => fml || name !== 'fasttrackml')
  const { main, peer } = options
  const uris = { cratedbUri: cratedb?.uri, postgresUri: postgres?.uri }
  return { names, context: { folder, id, main, peer, fml, python, log, defer, ...uris } }
}
