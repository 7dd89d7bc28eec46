// Lists of things, page by page: as a table, as CSV, or as the JSON that the API answers.
import { isJsonObject } from '../../platform/wire/int64.ts'
import { UsageError } from '../errors.ts'
import { write } from '../print.ts'
import { headerOf, layOut, lineOf } from '../table.ts'
import type { Asked } from './asked.ts'
import { cellOf, columnOf, csvLine, exactly, type Field, jsonText } from './fields.ts'

export interface Listing<Item> {
  /** As in `No runs.` */
  things: string
  /** Name of the list in the API's answer. */
  key: string
  fields: readonly Field<Item>[]
  /** A field that some things have, by its name, such as `metrics.loss`; undefined when no name reads like this. */
  fieldFor?: (name: string) => Field<Item> | undefined
  /** Names of such fields that these things have, in the order in which they shall be shown. */
  namesIn?: (items: readonly Item[]) => string[]
  /** Asks for a page. */
  page: (request: PageRequest) => Promise<Answer>
}

export interface PageRequest {
  max_results: number
  page_token?: string
}

export type Answer = Record<string, unknown> & { next_page_token?: string }

/** What every endpoint takes. */
const LARGEST_PAGE = 500

/** Takes pages as they come, and writes them. Each answers false once nobody reads any more. */
interface Writer<Item> {
  add: (items: Item[]) => Promise<boolean>
  end: (nextPageToken: string | undefined) => Promise<boolean>
}

/** Prints things until there are no more, or as many as were asked for. One page is in memory at a time. */
export async function printListing<Item>(listing: Listing<Item>, asked: Asked): Promise<void> {
  let left = asked.limit
  let token = asked.pageToken
  let writer: Writer<Item> | undefined
  do {
    const page = { max_results: Math.min(left, LARGEST_PAGE), ...(token && { page_token: token }) }
    const answer = await listing.page(page)
    const items = itemsOf(answer, listing)
    left -= items.length
    token = answer.next_page_token
    // A page may be empty and not the last one; the first things tell how wide columns are.
    if (items.length === 0 && token) continue
    writer ??= openWriter(listing, asked, items)
    if (!(await writer.add(items))) return
  } while (token && left > 0)
  await writer?.end(token)
}

/** @throws Error for what no server of MLflow answers */
function itemsOf<Item>(answer: unknown, { key, things }: Listing<Item>): Item[] {
  const items = isJsonObject(answer) ? (answer[key] ?? []) : undefined
  if (Array.isArray(items) && items.every(isJsonObject)) return items as Item[]
  throw new Error(`The server answered something else than a list of ${things}.`)
}

function openWriter<Item>(listing: Listing<Item>, asked: Asked, first: readonly Item[]): Writer<Item> {
  if (asked.format === 'json') return jsonWriter(listing.key)
  const names = listing.namesIn?.(first) ?? []
  const fields = asked.columns
    ? asked.columns.map((name) => fieldNamed(listing, name))
    : [...listing.fields, ...names.flatMap((name) => listing.fieldFor?.(name) ?? [])]
  if (asked.format === 'csv') return csvWriter(listing, fields, asked)
  const shown = asked.columns ? fields : fields.filter(({ hidden }) => !hidden)
  return tableWriter(listing, shown, { asked, first })
}

function fieldNamed<Item>({ fields, fieldFor }: Listing<Item>, name: string): Field<Item> {
  const field = fields.find((one) => one.name === name) ?? fieldFor?.(name)
  if (field) return field
  const known = [
    ...fields.map((one) => one.name),
    ...(fieldFor ? ['metrics.<key>, params.<key>, tags.<key>'] : []),
  ]
  throw new UsageError(`There is no column ${name}; there are ${known.join(', ')}.`)
}

/** The API's answer, with the things of all pages in its list, one a line. */
function jsonWriter<Item>(key: string): Writer<Item> {
  let before = `{"${key}":[\n`
  return {
    async add(items) {
      const text = items.map((item, index) => (index > 0 ? ',\n' : before) + jsonText(item)).join('')
      if (items.length > 0) before = ',\n'
      return write(text)
    },
    end(token) {
      const opening = before.startsWith('{') ? before : '\n'
      return write(`${opening}]${token ? `,"next_page_token":${JSON.stringify(token)}` : ''}}\n`)
    },
  }
}

function csvWriter<Item>(
  listing: Listing<Item>,
  fields: readonly Field<Item>[],
  { columns, terminal }: Asked,
): Writer<Item> {
  let header = csvLine(
    fields.map(({ name }) => name),
    terminal,
  )
  const told = new Set(fields.map(({ name }) => name))
  const untold = new Set<string>()
  return {
    add(items) {
      if (!columns) for (const name of listing.namesIn?.(items) ?? []) if (!told.has(name)) untold.add(name)
      const lines = items.map((item) =>
        csvLine(
          fields.map(({ read, kind }) => exactly(read(item), kind)),
          terminal,
        ),
      )
      const text = header + lines.join('')
      header = ''
      return write(text)
    },
    async end() {
      // The header is written before later pages are known.
      if (untold.size === 0) return true
      note(
        `Columns that only later ones have were left out; name with --columns what you need of ${list(untold)}.`,
      )
      return true
    },
  }
}

const list = (names: Set<string>) =>
  [...names].slice(0, 10).join(', ') + (names.size > 10 ? ` and ${names.size - 10} more` : '')

function tableWriter<Item>(
  { things }: Listing<Item>,
  fields: readonly Field<Item>[],
  { asked, first }: { asked: Asked; first: readonly Item[] },
): Writer<Item> {
  const columns = fields.map(columnOf)
  const cellsOf = (item: Item) => fields.map(({ read, kind }) => cellOf(read(item), kind, asked))
  // Named columns are all wanted, and in that order.
  const kept = asked.columns ? columns.map(({ rank: _rank, ...column }) => column) : columns
  const layout = layOut(kept, first.map(cellsOf), asked.terminal.width)
  const table = { columns: kept, layout, terminal: asked.terminal }
  let count = 0
  return {
    add(items) {
      const lines = items.map((item) => `${lineOf(cellsOf(item), table)}\n`)
      const header = count === 0 && items.length > 0 ? `${headerOf(table)}\n` : ''
      count += items.length
      return write(header + lines.join(''))
    },
    async end(token) {
      if (count === 0) note(`No ${things}.`)
      else if (token) note(`There are more than these ${count}: see --limit and --filter.`)
      return true
    },
  }
}

/** For people beside the output, which programs may read. */
const note = (text: string) => void process.stderr.write(`${text}\n`)
