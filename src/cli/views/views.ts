// The commands of `crateflow views`, which ask a server or a store.
import { reasonOf } from '../../errors.ts'
import type { View } from '../../lifecycle/views/schema.ts'
import { type Ask, type Where, withAsk } from '../asking.ts'
import { EXIT, errorLine } from '../errors.ts'
import { duration, isoTime } from '../humane.ts'
import { print, printTable } from '../print.ts'
import { visible } from '../visible.ts'

export interface Asked {
  where: Where
  /** Print answers as JSON. */
  json: boolean
}

/** As commander reads them. */
export interface ViewOptions {
  as?: string
  key?: string[]
  incremental?: string
  cron?: string
  every?: string
  full?: boolean
}

const PATH = 'api/crateflow/1.0/views'
/** The server itself ends a refresh that takes an hour. */
const TIMEOUT_MS = 65 * 60_000

const post = <T>(ask: Ask, verb: string, body: object) =>
  ask<T>({ method: 'POST', path: `${PATH}/${verb}`, body, timeoutMs: TIMEOUT_MS })

export const create = (asked: Asked, name: string, options: ViewOptions): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    const { as: statement, key = [], incremental, cron, every } = options
    const { view } = await post<{ view: View }>(ask, 'create', {
      ...{ name, statement, key },
      ...(incremental !== undefined && { incremental }),
      ...(cron !== undefined && { cron }),
      ...(every !== undefined && { every }),
    })
    report(asked, view)
    return EXIT.ok
  })

/** @returns 1 when one of them failed; the others are refreshed all the same */
export const refresh = (asked: Asked, names: readonly string[], options: ViewOptions): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    let code: number = EXIT.ok
    for (const name of names) {
      try {
        report(
          asked,
          (await post<{ view: View }>(ask, 'refresh', { name, full: options.full === true })).view,
        )
      } catch (error) {
        code = EXIT.failure
        process.stderr.write(`${errorLine(new Error(`${name}: ${reasonOf(error)}`, { cause: error }))}\n`)
      }
    }
    return code
  })

function report({ json }: Asked, view: View): void {
  if (json) print(JSON.stringify(view))
  else
    print(
      visible(
        `${view.name}: ${view.rows ?? 0} rows in ${duration(view.refresh_duration_ms ?? 0)}, version ${view.version}`,
      ),
    )
}

async function allViews(ask: Ask): Promise<View[]> {
  const all: View[] = []
  for (let token = ''; ; ) {
    const page = await ask<{ views: View[]; next_page_token?: string }>({
      method: 'GET',
      path: `${PATH}/list?${new URLSearchParams({ max_results: '1000', page_token: token })}`,
    })
    all.push(...page.views)
    token = page.next_page_token ?? ''
    if (!token) return all
  }
}

export const list = (asked: Asked): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    const all = await allViews(ask)
    if (asked.json) for (const view of all) print(JSON.stringify(view))
    else if (all.length === 0) print('There are no materialized views.')
    else
      printTable([
        ['NAME', 'ROWS', 'REFRESHED', 'TOOK', 'SCHEDULE', 'NEXT', 'STATE'],
        ...all.map((view) => [
          view.name,
          view.rows === undefined ? '-' : String(view.rows),
          view.refreshed_at === undefined ? 'never' : isoTime(view.refreshed_at),
          view.refresh_duration_ms === undefined ? '-' : duration(view.refresh_duration_ms),
          view.cron ?? (view.every ? `every ${view.every}` : '-'),
          view.next_due_at === undefined ? '-' : isoTime(view.next_due_at),
          view.message === undefined ? 'ok' : `failed: ${view.message}`,
        ]),
      ])
    return EXIT.ok
  })

const TIMES = ['created_at', 'refreshed_at', 'failed_at', 'next_due_at']

export const show = (asked: Asked, name: string): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    const path = `${PATH}/get?${new URLSearchParams({ name })}`
    const { view } = await ask<{ view: View }>({ method: 'GET', path })
    if (asked.json) {
      print(JSON.stringify(view))
      return EXIT.ok
    }
    const { key, refresh_duration_ms: took, ...plain } = view
    const more = {
      ...(key.length > 0 && { key: key.join(', ') }),
      ...(took !== undefined && { refresh_duration: duration(took) }),
    }
    printTable(
      Object.entries({ ...plain, ...more }).map(([field, value]) => [
        field,
        TIMES.includes(field) ? isoTime(Number(value)) : String(value),
      ]),
    )
    return EXIT.ok
  })

export const drop = (asked: Asked, names: readonly string[]): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    for (const name of names) {
      await post(ask, 'drop', { name })
      if (!asked.json) print(visible(`Materialized view ${name} is dropped.`))
    }
    return EXIT.ok
  })
