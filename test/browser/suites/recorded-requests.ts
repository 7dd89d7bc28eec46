// Compares what the UI asked for during all tests with what it asks of stock: kinds of requests and statuses.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ASKED_AT_TIMES, NOT_BUILT } from '../not-built.ts'
import { nameOf, type RecordedRequest } from '../requests.ts'
import type { Ui } from '../ui.ts'

const FILE = join(import.meta.dirname, '../recorded-requests.json')

/** Rewrites the list; the surrounding suite has run on stock. */
export function recordTests(ui: Ui): void {
  it('records the requests', () => {
    const requests = ui.log.requests()
    expect(requests.length).toBeGreaterThan(50)
    writeFileSync(FILE, `[\n${requests.map((kind) => `  ${JSON.stringify(kind)}`).join(',\n')}\n]\n`)
  })
}

/** To be declared last: it judges the requests of all tests before it. */
export function recordedRequestTests(ui: Ui): void {
  it('answers each request of the UI as stock does', () => {
    const ours = new Map(ui.log.requests().map((kind) => [nameOf(kind), kind.statuses]))
    const recorded = JSON.parse(readFileSync(FILE, 'utf8')) as RecordedRequest[]
    const unlike = recorded
      .filter((kind) => ours.has(nameOf(kind)) || !ASKED_AT_TIMES.includes(nameOf(kind)))
      .filter((kind) => !answeredAs(kind.statuses, ours.get(nameOf(kind))))
      .map(nameOf)
    console.log(`${recorded.length - unlike.length} of ${recorded.length} requests answered as stock`)
    const known = new Set(recorded.map(nameOf))
    const unknown = [...ours].filter(
      ([name, statuses]) => !known.has(name) && statuses.some((one) => one >= 400),
    )
    const excepted = NOT_BUILT.flatMap(({ requests }) => requests)
    expect({
      unlike: unlike.filter((name) => !excepted.includes(name)),
      unknown: unknown.map(([name]) => name),
      needless: excepted.filter((name) => !unlike.includes(name)),
    }).toEqual({ unlike: [], unknown: [], needless: [] })
  })
}

/** Every status is one of stock's; a request that was not made at all has none. */
const answeredAs = (stock: readonly number[], ours: readonly number[] = []): boolean =>
  ours.length > 0 && ours.every((status) => stock.includes(status))
