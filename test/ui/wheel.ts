// Wheels as tests need them, right and wrong ones, and the outside program that "fetches" them.
import { createHash } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'

export interface WheelEntry {
  name: string
  content: Buffer | string
  /** Unix mode; undefined for a plain file. */
  mode?: number
  /** What RECORD says; undefined for the truth. */
  recorded?: Buffer | string
}

const UTF8_NAMES = 0x800
const DEFLATED = 8
const MADE_BY_UNIX = 0x0314
const BUILD = 'mlflow/server/js/build'

/** The entries of a wheel with a small UI, for tests to add to. */
export const smallUi = (): WheelEntry[] => [
  { name: 'mlflow/__init__.py', content: '' },
  { name: `${BUILD}/index.html`, content: '<p>the UI</p>' },
  { name: `${BUILD}/static/js/main.0123abcd.js`, content: 'x'.repeat(5000) },
  { name: 'mlflow-3.17.9.dist-info/licenses/LICENSE.txt', content: 'the licence' },
]

/** A zip file of the entries and their RECORD. */
export function buildWheel(entries: readonly WheelEntry[]): Buffer {
  const record = entries.map(({ name, content, recorded = content }) => {
    const hash = createHash('sha256').update(recorded).digest('base64url')
    return `${name},sha256=${hash},${Buffer.byteLength(recorded)}`
  })
  const name = 'mlflow-3.17.9.dist-info/RECORD'
  return zip([...entries, { name, content: [...record, `${name},,`].join('\n') }])
}

/** @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
function zip(entries: readonly WheelEntry[]): Buffer {
  const [parts, directory]: [Buffer[], Buffer[]] = [[], []]
  let offset = 0
  for (const { name, content, mode = 0o100644 } of entries) {
    const [bytes, nameBytes] = [Buffer.from(content), Buffer.from(name)]
    const data = deflateRawSync(bytes)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(UTF8_NAMES, 2)
    common.writeUInt16LE(DEFLATED, 4)
    common.writeUInt16LE(0x5c21, 8)
    common.writeUInt32LE(crc32(bytes), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(bytes.length, 18)
    common.writeUInt16LE(nameBytes.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, nameBytes, data])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE((mode << 16) >>> 0, 6)
    rest.writeUInt32LE(offset, 10)
    const madeBy = Buffer.alloc(2)
    madeBy.writeUInt16LE(MADE_BY_UNIX)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), madeBy, common, rest, nameBytes]))
    parts.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}

/**
 * A program that takes the place of a Python with pip: `-m pip download … --dest <folder>` runs the shell commands,
 * with the folder as `$1`.
 */
export async function fakePython(folder: string, commands: string): Promise<string> {
  const path = join(folder, `python-${crypto.randomUUID()}`)
  const lines = [
    '#!/bin/sh',
    'for word; do [ "$word" = --version ] && exit 0; done',
    'while [ "$1" != --dest ]; do shift; done; shift',
    commands,
  ]
  await writeFile(path, `${lines.join('\n')}\n`)
  await chmod(path, 0o755)
  return path
}

/** A Python whose pip "downloads" the wheel. */
export async function pythonWith(folder: string, wheel: Buffer): Promise<string> {
  const file = join(folder, 'mlflow-3.17.9-py3-none-any.whl')
  await writeFile(file, wheel)
  return fakePython(folder, `cp '${file}' "$1"`)
}
