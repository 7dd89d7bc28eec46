// Records of JSON: an object a line, or a list of objects, read piece by piece.
import { isJsonObject, parseJson } from '../../platform/wire/int64.ts'
import { createColumns, type Records, type Row, UnreadableFile } from './records.ts'

/** Characters of an object. */
const LONGEST_RECORD = 16 * 1024 * 1024

interface Piece {
  text: string
  line: number
}

/** An object a line; empty lines are passed over. */
export const readJsonLines = (text: AsyncIterable<string>): Records => readPieces(linesOf(text))

/** One list of objects. */
export const readJsonList = (text: AsyncIterable<string>): Records => readPieces(elementsOf(text))

function readPieces(pieces: AsyncIterable<Piece>): Records {
  const { columns, cellsOf } = createColumns()
  async function* rows(): AsyncGenerator<Row> {
    for await (const { text, line } of pieces) yield { line, cells: cellsOf(objectOf(text, line)) }
  }
  return { columns, isText: false, unit: 'line', rows: rows() }
}

function objectOf(text: string, line: number): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    throw new UnreadableFile(`line ${line}: ${(error as Error).message}`)
  }
  if (!isJsonObject(value)) throw new UnreadableFile(`line ${line}: an object is expected there.`)
  return value
}

const tooLong = (line: number) =>
  new UnreadableFile(`line ${line}: the record has more than ${LONGEST_RECORD} characters.`)

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<Piece> {
  let line = 0
  let rest = ''
  for await (const chunk of chunks) {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > LONGEST_RECORD) throw tooLong(line + parts.length + 1)
    for (const text of parts) {
      line++
      if (text.trim() !== '') yield { text, line }
    }
  }
  if (rest.trim() !== '') yield { text: rest, line: line + 1 }
}

/** Cuts a list into its elements, which must be objects. */
async function* elementsOf(chunks: AsyncIterable<string>): AsyncGenerator<Piece> {
  let line = 1
  /** 0 outside of the list, 1 between its elements. */
  let depth = 0
  let isEnded = false
  let isInText = false
  let isEscaped = false
  let wantsComma = false
  let kept = ''
  let begun = 1
  for await (const chunk of chunks) {
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const sign = chunk[i] as string
      if (sign === '\n') line++
      if (isInText) {
        if (isEscaped) isEscaped = false
        else if (sign === '\\') isEscaped = true
        else if (sign === '"') isInText = false
      } else if (depth >= 2) {
        if (sign === '"') isInText = true
        else if (sign === '{' || sign === '[') depth++
        else if ((sign === '}' || sign === ']') && --depth === 1) {
          yield { text: kept + chunk.slice(from, i + 1), line: begun }
          kept = ''
          wantsComma = true
        }
      } else if (sign.trim() !== '') {
        if (depth === 0 && sign === '[' && !isEnded) depth = 1
        else if (depth === 1 && sign === '{' && !wantsComma) {
          ;[depth, from, begun] = [2, i, line]
        } else if (depth === 1 && sign === ',' && wantsComma) wantsComma = false
        else if (depth === 1 && sign === ']') [depth, isEnded] = [0, true]
        else throw unexpected(sign, { line, depth })
      }
    }
    if (depth >= 2) {
      kept += chunk.slice(from)
      if (kept.length > LONGEST_RECORD) throw tooLong(begun)
    }
  }
  if (!isEnded) throw new UnreadableFile(`line ${line}: the file ends before its list does.`)
}

function unexpected(sign: string, { line, depth }: { line: number; depth: number }): UnreadableFile {
  const what =
    depth === 0
      ? 'a list of objects is expected; for an object a line, say --format jsonl.'
      : `an object is expected there, not ${JSON.stringify(sign)}.`
  return new UnreadableFile(`line ${line}: ${what}`)
}
