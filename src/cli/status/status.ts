// `crateflow status`: what the database behind a server is, holds and does.
import type { Environment, Flags } from '../../config.ts'
import { MlflowError } from '../../errors.ts'
import { COMMAND } from '../../package.ts'
import { databaseStatus } from '../../platform/database/diagnosis.ts'
import { SLOW_MINUTES } from '../../platform/database/status.ts'
import { describeTarget } from '../../platform/database/uri.ts'
import { withDatabase } from '../db.ts'
import { EXIT } from '../errors.ts'
import { print } from '../print.ts'
import { terminalOf } from '../terminal.ts'
import { visible, visibleJson } from '../visible.ts'
import { statusJson } from './json.ts'
import { statusLines } from './view.ts'

export interface StatusCommand {
  flags: Flags
  env: Environment
  json: boolean
  /** Of each list of statements at most. */
  statements: number
}

/**
 * Changes nothing.
 * @returns the exit code: 1 when a table of the cluster lacks a part
 * @throws Error that names the way when a server has the embedded store open
 */
export async function showDatabaseStatus(command: StatusCommand): Promise<number> {
  try {
    return await showStatus(command)
  } catch (error) {
    if (!(error instanceof MlflowError) || error.code !== 'INVALID_STATE') throw error
    const reason = error.message.split('. ', 1)[0]
    throw new Error(
      `${reason}, and an embedded store is open to one process. "${COMMAND} doctor --tracking-uri <uri>" asks the server that runs on it.`,
      { cause: error },
    )
  }
}

function showStatus({ flags, env, json, statements }: StatusCommand): Promise<number> {
  return withDatabase(flags, env, async ({ engine, target }) => {
    const status = await databaseStatus(engine, statements)
    const place = describeTarget(target)
    if (json) print(visibleJson(JSON.stringify(statusJson(status, place))))
    else {
      const view = { place, schema: engine.schema, slowMinutes: SLOW_MINUTES, terminal: terminalOf(env) }
      for (const line of statusLines(status, view)) print(line)
      for (const notice of status.notices) print(`\n${visible(notice)}`)
    }
    return status.health === 'RED' ? EXIT.failure : EXIT.ok
  })
}
