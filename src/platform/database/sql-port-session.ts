// One client of the SQL port: its prepared statements, portals, cursors and settings, and the state of its transaction, which is a
// promise alone: every statement runs in a read-only transaction of its own, so that nobody holds the database.
import { type Command, readCommand } from './sql-port-commands.ts'
import {
  bindComplete,
  type ClientMessage,
  closeComplete,
  commandComplete,
  createBodyReader,
  emptyQuery,
  noData,
  noParameters,
  ProtocolError,
  parameterStatus,
  parseComplete,
  portalSuspended,
  readBind,
  readyForQuery,
  withFormats,
} from './sql-port-messages.ts'
import {
  type Description,
  type Runner,
  type RunningQuery,
  type RunOptions,
  SqlError,
  WITHOUT_PARAMETERS,
} from './sql-port-runner.ts'
import { readStatements, type SqlText } from './sql-text.ts'

interface Prepared {
  /** Undefined for an empty text. */
  statement: SqlText | undefined
  command: Command | undefined
  description: Description | undefined
}

interface Portal {
  prepared: Prepared
  options: RunOptions
  /** Rows so far, and the query while it runs. */
  sent: number
  query: RunningQuery | undefined
  isDone: boolean
}

/** What a client may keep open; a batch of any driver needs a few. */
const MAX_STATEMENTS = 256
const MAX_PORTALS = 64
const MAX_CURSORS = 16

export interface SessionOptions {
  runner: Runner
  settings: Map<string, string>
  /** Sends messages; resolves when there is room for more. */
  write: (message: Buffer) => Promise<void>
}

/** How settings that clients are told of are spelled. */
const REPORTED: Record<string, string> = {
  application_name: 'application_name',
  datestyle: 'DateStyle',
  intervalstyle: 'IntervalStyle',
  timezone: 'TimeZone',
}

export function createSession({ runner, settings, write }: SessionOptions) {
  const statements = new Map<string, Prepared>()
  const portals = new Map<string, Portal>()
  const cursors = new Map<string, RunningQuery>()
  let status: 'I' | 'T' | 'E' = 'I'
  let isSkipping = false

  /** @throws SqlError in a transaction that failed, for all but its end */
  function requireSound(command: Command | undefined): void {
    if (status !== 'E' || ['commit', 'rollback', 'rollback to'].includes(command?.kind ?? '')) return
    throw new SqlError(
      '25P02',
      'current transaction is aborted, commands ignored until end of transaction block',
    )
  }

  async function prepare(text: SqlText | undefined, types: readonly number[]): Promise<Prepared> {
    const command = text && readCommand(text)
    requireSound(command)
    if (!text || (command && command.kind !== 'fetch'))
      return { statement: text, command, description: undefined }
    if (command?.kind === 'fetch') {
      const rows = cursorOf(command.cursor).rows
      return { statement: text, command, description: { parameters: noParameters, rows, types: [] } }
    }
    await runner.check(text)
    return { statement: text, command, description: await runner.describe(text, types) }
  }

  function cursorOf(name: string): RunningQuery {
    const cursor = cursors.get(name)
    if (!cursor) throw new SqlError('34000', `cursor "${name}" does not exist`)
    return cursor
  }

  async function closeAll(open: Map<string, RunningQuery>): Promise<void> {
    const queries = [...open.values()]
    open.clear()
    for (const query of queries) await query.close()
  }

  async function closePortal(name: string): Promise<void> {
    const portal = portals.get(name)
    portals.delete(name)
    await portal?.query?.close()
  }

  async function endTransaction(): Promise<void> {
    status = 'I'
    await closeAll(cursors)
    for (const name of [...portals.keys()]) await closePortal(name)
  }

  /** @returns the tag that tells the client what was done */
  async function obey(command: Command): Promise<string> {
    switch (command.kind) {
      case 'begin':
        if (status === 'I') status = 'T'
        return command.tag
      case 'commit':
      case 'rollback': {
        const tag = status === 'E' ? 'ROLLBACK' : command.tag
        await endTransaction()
        return tag
      }
      case 'rollback to':
        if (status === 'E') status = 'T'
        return command.tag
      case 'set':
        await set(command.name, command.value)
        return 'SET'
      case 'reset':
        if (command.name === undefined) settings.clear()
        else settings.delete(command.name)
        if (command.tag === 'DISCARD ALL') statements.clear()
        return command.tag
      case 'deallocate':
        if (command.name === undefined) statements.clear()
        else statements.delete(command.name)
        return 'DEALLOCATE'
      case 'declare':
        await declare(command.cursor, command.query)
        return 'DECLARE CURSOR'
      case 'close': {
        if (command.cursor === undefined) await closeAll(cursors)
        else {
          const cursor = cursorOf(command.cursor)
          cursors.delete(command.cursor)
          await cursor.close()
        }
        return 'CLOSE CURSOR'
      }
      case 'fetch': {
        const count = await sendRows(cursorOf(command.cursor), command.rows)
        return `FETCH ${count}`
      }
      case 'nothing':
        return command.tag
    }
  }

  /** Settings hold from the next statement on; one that the database does not take is forgotten. */
  async function set(name: string, value: string | undefined): Promise<void> {
    const before = settings.get(name)
    if (value === undefined) settings.delete(name)
    else settings.set(name, value)
    try {
      if (value !== undefined)
        await runner.describe({ text: 'SELECT 1', words: ['SELECT'], calls: new Set(), names: new Set() }, [])
    } catch (error) {
      if (before === undefined) settings.delete(name)
      else settings.set(name, before)
      throw error
    }
    const reported = REPORTED[name]
    if (reported && value !== undefined) await write(parameterStatus(reported, value))
  }

  async function declare(name: string, query: string): Promise<void> {
    if (cursors.has(name)) throw new SqlError('42P03', `cursor "${name}" already exists`)
    if (cursors.size >= MAX_CURSORS) throw new SqlError('53400', 'too many cursors are open')
    const [statement] = readStatements(query)
    if (!statement) throw new SqlError('42601', 'The cursor has no query.')
    await runner.check(statement)
    cursors.set(name, await runner.start(statement, WITHOUT_PARAMETERS))
  }

  /** Sends rows, at most so many. @returns how many there were */
  async function sendRows(query: RunningQuery, most: number): Promise<number> {
    let sent = 0
    while (sent < most) {
      const rows = await query.next(most - sent)
      if (rows.length === 0) break
      sent += rows.length
      await write(Buffer.concat(rows))
    }
    return sent
  }

  async function runSimply(statement: SqlText): Promise<void> {
    const command = readCommand(statement)
    requireSound(command)
    if (command) {
      const { rows } = command.kind === 'fetch' ? cursorOf(command.cursor) : { rows: undefined }
      if (rows) await write(rows)
      return write(commandComplete(await obey(command)))
    }
    await runner.check(statement)
    const query = await runner.start(statement, WITHOUT_PARAMETERS)
    try {
      if (query.rows) await write(query.rows)
      const count = await sendRows(query, Number.POSITIVE_INFINITY)
      await write(commandComplete(tagOf(statement, count)))
    } finally {
      await query.close()
    }
  }

  async function execute(name: string, most: number): Promise<void> {
    const portal = portals.get(name)
    if (!portal) throw new SqlError('34000', `portal "${name}" does not exist`)
    const { statement, command } = portal.prepared
    if (!statement) return write(emptyQuery)
    requireSound(command)
    if (command) return write(commandComplete(await obey(command)))
    const limit = most > 0 ? most : Number.POSITIVE_INFINITY
    if (!portal.isDone) portal.query ??= await runner.start(statement, portal.options)
    const count = portal.query ? await sendRows(portal.query, limit) : 0
    portal.sent += count
    if (count === limit) return write(portalSuspended)
    await portal.query?.close()
    portal.query = undefined
    portal.isDone = true
    await write(commandComplete(tagOf(statement, portal.sent)))
  }

  const handlers: Record<string, (body: Buffer) => Promise<void>> = {
    /** Parse */
    async P(body) {
      const reader = createBodyReader(body)
      const [name, sql] = [reader.text(), reader.text()]
      const types = Array.from({ length: reader.int16() }, () => reader.int32() >>> 0)
      const texts = readStatements(sql)
      if (texts.length > 1)
        throw new SqlError('42601', 'cannot insert multiple commands into a prepared statement')
      if (name !== '' && statements.has(name))
        throw new SqlError('42P05', `prepared statement "${name}" already exists`)
      if (statements.size >= MAX_STATEMENTS) throw new SqlError('53400', 'too many statements are prepared')
      statements.set(name, await prepare(texts[0], types))
      await write(parseComplete)
    },
    /** Bind */
    async B(body) {
      const { portal, statement, parameters, formats } = readBind(body)
      const prepared = statements.get(statement)
      if (!prepared) throw new SqlError('26000', `prepared statement "${statement}" does not exist`)
      requireSound(prepared.command)
      await closePortal(portal)
      if (portals.size >= MAX_PORTALS) throw new SqlError('53400', 'too many portals are open')
      const options = { types: prepared.description?.types ?? [], parameters, formats }
      portals.set(portal, { prepared, options, sent: 0, query: undefined, isDone: false })
      await write(bindComplete)
    },
    /** Describe */
    async D(body) {
      const [kind, name] = [body.toString('latin1', 0, 1), createBodyReader(body.subarray(1)).text()]
      if (kind === 'S') {
        const prepared = statements.get(name)
        if (!prepared) throw new SqlError('26000', `prepared statement "${name}" does not exist`)
        await write(prepared.description?.parameters ?? noParameters)
        return write(prepared.description?.rows ?? noData)
      }
      const portal = portals.get(name)
      // Cursors are portals by another name; their rows come as text.
      if (!portal) return write(cursorOf(name).rows ?? noData)
      const { command, description } = portal.prepared
      const rows = description?.rows
      await write(rows ? (command ? rows : withFormats(rows, portal.options.formats)) : noData)
    },
    /** Execute */
    async E(body) {
      const reader = createBodyReader(body)
      await execute(reader.text(), reader.int32())
    },
    /** Close */
    async C(body) {
      const name = createBodyReader(body.subarray(1)).text()
      if (body.toString('latin1', 0, 1) === 'P') await closePortal(name)
      else statements.delete(name)
      await write(closeComplete)
    },
    /** Flush: everything is sent at once anyway. */
    async H() {},
    /** Query */
    async Q(body) {
      const texts = readStatements(createBodyReader(body).text())
      statements.delete('')
      await closePortal('')
      if (texts.length === 0) await write(emptyQuery)
      for (const text of texts) await runSimply(text)
    },
  }

  async function ready(): Promise<void> {
    // Outside of a transaction, portals end with what ran.
    if (status !== 'T') for (const name of [...portals.keys()]) await closePortal(name)
    await write(readyForQuery(status))
  }

  async function fail(error: unknown): Promise<void> {
    if (error instanceof ProtocolError) throw error
    if (status === 'T') status = 'E'
    const { message } = error as Error
    const shown = error instanceof SqlError ? error : new SqlError(codeOf(error), message)
    await write(shown.toMessage())
  }

  return {
    /** @throws ProtocolError for what is no message of the protocol */
    async handle({ type, body }: ClientMessage): Promise<void> {
      if (type === 'S') {
        isSkipping = false
        return ready()
      }
      if (isSkipping) return
      const handler = handlers[type]
      try {
        if (!handler) throw new SqlError('0A000', 'this kind of message is not taken')
        await handler(body)
      } catch (error) {
        await fail(error)
        // Behind an error, an extended exchange goes on with its Sync.
        isSkipping = type !== 'Q'
      }
      if (type === 'Q') await ready()
    },
    async close(): Promise<void> {
      runner.cancel()
      await endTransaction()
    },
  }
}

/** Texts that are not taken as SQL at all are refused in words for people. */
const codeOf = (error: unknown): string =>
  (error as { code?: string }).code === 'INVALID_PARAMETER_VALUE' ? '42601' : 'XX000'

const tagOf = ({ words: [first = 'SELECT'] }: SqlText, count: number): string =>
  first === 'SHOW' || first === 'EXPLAIN' ? first : `SELECT ${count}`
