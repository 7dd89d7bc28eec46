// @ts-check
// Writes down what a process does to the files below POWER_ROOT, in order, to the file POWER_LOG. Loaded by
// `node --import`, which also loads it into threads and child processes. See log.ts for the format.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { threadId } from 'node:worker_threads'

const { POWER_ROOT: ROOT = '', POWER_LOG: LOG = '' } = process.env
const { O_CREAT, O_TRUNC, O_APPEND } = fs.constants
/** Node's functions: each is wrapped once, and the wrappers call these. */
const real = /** @type {any} */ ({ ...fs })
const log = real.openSync(LOG, 'a')
/** The files below ROOT that this thread has open. @type {Map<number, { ino: number, appends: boolean }>} */
const opened = new Map()
let syncs = 0
/** How long a sync beside the thread takes at most, in milliseconds. */
const SLOWNESS_MS = 6
/** More than 0 while Node copies or removes a tree by functions that are wrapped, too: the whole is noted then. */
let nested = 0

/** @param {unknown} path @returns {string | undefined} the path from ROOT when it is there */
function below(path) {
  if (typeof path !== 'string' && !(path instanceof URL)) return undefined
  const whole = resolve(path instanceof URL ? path.pathname : path)
  if (whole === ROOT) return '.'
  return whole.startsWith(`${ROOT}/`) ? whole.slice(ROOT.length + 1) : undefined
}

/** One write to a file that is appended to: records of threads and processes never mix. */
function note(/** @type {object} */ record, /** @type {Uint8Array} */ data = Buffer.alloc(0)) {
  if (nested > 0) return
  const header = Buffer.from(JSON.stringify(record))
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32LE(header.length, 0)
  lengths.writeUInt32LE(data.length, 4)
  real.writeSync(log, Buffer.concat([lengths, header, data]))
}

const inodeOf = (/** @type {string} */ path) => real.lstatSync(join(ROOT, path)).ino
const exists = (/** @type {string} */ path) =>
  real.lstatSync(join(ROOT, path), { throwIfNoEntry: false }) !== undefined

/** @param {number} ino @param {number} position @param {Uint8Array} data */
function noteWrite(ino, position, data) {
  if (data.every((byte) => byte === 0)) note({ op: 'write', ino, position, zeros: data.length })
  else note({ op: 'write', ino, position }, data)
}

/** @param {string | number} flags */
function changes(flags) {
  if (typeof flags === 'number') {
    const has = (/** @type {number} */ flag) => (flags & flag) !== 0
    return { creates: has(O_CREAT), truncates: has(O_TRUNC), appends: has(O_APPEND) }
  }
  return { creates: /[wa]/.test(flags), truncates: flags.startsWith('w'), appends: flags.startsWith('a') }
}

/** What to note when the file is open. @param {string} path @param {string | number} flags */
function beforeOpen(path, flags = 'r') {
  const { creates, truncates, appends } = changes(flags)
  const isNew = creates && !exists(path)
  return (/** @type {number} */ fd) => {
    const { ino } = real.fstatSync(fd)
    opened.set(fd, { ino, appends })
    if (isNew) note({ op: 'create', path, ino, kind: 'file' })
    else if (truncates) note({ op: 'size', ino, size: 0 })
  }
}

/** Notes the begin of a sync. @param {number} ino @returns {() => void} notes its end */
function beginSync(ino) {
  const sync = `${process.pid}.${threadId}.${++syncs}`
  note({ op: 'begin', ino, sync })
  return () => note({ op: 'end', sync })
}

/** @param {string} name */
const syncsWith = (name) => (/** @type {number} */ fd) => {
  const file = opened.get(fd)
  const end = file && beginSync(file.ino)
  real[name](fd)
  end?.()
}

/** @param {string} name */
const syncsLaterWith =
  (name) => (/** @type {number} */ fd, /** @type {(error: Error | null) => void} */ done) => {
    const file = opened.get(fd)
    if (!file) return real[name](fd, done)
    const end = beginSync(file.ino)
    real[name](fd, (/** @type {Error | null} */ error) => {
      // The disk is slow: the thread goes on meanwhile.
      setTimeout(() => {
        if (!error) end()
        done(error)
      }, Math.random() * SLOWNESS_MS)
    })
  }

/** @param {string} path @returns {string[]} what is below a path and the path itself, contents first */
function treeOf(path) {
  const stats = real.lstatSync(join(ROOT, path), { throwIfNoEntry: false })
  if (!stats) return []
  if (!stats.isDirectory()) return [path]
  const names = /** @type {string[]} */ (real.readdirSync(join(ROOT, path)))
  return [...names.flatMap((name) => treeOf(join(path, name))), path]
}

/** @param {() => void} work */
function asOne(work) {
  nested++
  try {
    work()
  } finally {
    nested--
  }
}

/** @param {string} path */
function noteCopy(path) {
  const { ino, size } = real.lstatSync(join(ROOT, path))
  const isFolder = real.lstatSync(join(ROOT, path)).isDirectory()
  note({ op: 'create', path, ino, kind: isFolder ? 'folder' : 'file' })
  if (!isFolder && size > 0) noteWrite(ino, 0, real.readFileSync(join(ROOT, path)))
}

/** @type {Record<string, (...args: any[]) => any>} */
const wrappers = {
  openSync(path, flags, ...rest) {
    const known = below(path)
    const then = known === undefined ? undefined : beforeOpen(known, flags)
    const fd = real.openSync(path, flags, ...rest)
    then?.(fd)
    return fd
  },
  open(path, ...rest) {
    const known = below(path)
    if (known === undefined) return real.open(path, ...rest)
    const [flags, ...modeAndDone] = typeof rest[0] === 'function' ? ['r', ...rest] : rest
    const done = modeAndDone.pop()
    const then = beforeOpen(known, flags)
    real.open(path, flags, ...modeAndDone, (/** @type {Error | null} */ error, /** @type {number} */ fd) => {
      if (!error) then(fd)
      done(error, fd)
    })
  },
  closeSync(fd) {
    opened.delete(fd)
    return real.closeSync(fd)
  },
  close(fd, done) {
    opened.delete(fd)
    return real.close(fd, done)
  },
  writeSync(fd, data, offset, length, position) {
    const written = real.writeSync(fd, data, offset, length, position)
    const file = opened.get(fd)
    if (!file) return written
    if (file.appends) noteWrite(file.ino, real.fstatSync(fd).size - written, Buffer.from(data))
    else if (typeof position === 'number')
      noteWrite(file.ino, position, Buffer.from(data.buffer, data.byteOffset + offset, written))
    else throw new Error('The recorder knows no writing without a position.')
    return written
  },
  writeFileSync(path, data, ...rest) {
    const known = below(path)
    if (known === undefined) return real.writeFileSync(path, data, ...rest)
    const isNew = !exists(known)
    asOne(() => real.writeFileSync(path, data, ...rest))
    const ino = inodeOf(known)
    note(isNew ? { op: 'create', path: known, ino, kind: 'file' } : { op: 'size', ino, size: 0 })
    if (data.length > 0) noteWrite(ino, 0, Buffer.from(data))
  },
  truncateSync(path, size = 0) {
    real.truncateSync(path, size)
    const known = below(path)
    if (known !== undefined) note({ op: 'size', ino: inodeOf(known), size })
  },
  ftruncateSync(fd, size = 0) {
    real.ftruncateSync(fd, size)
    const file = opened.get(fd)
    if (file) note({ op: 'size', ino: file.ino, size })
  },
  renameSync(from, to) {
    real.renameSync(from, to)
    if (below(to) !== undefined) note({ op: 'rename', from: below(from), to: below(to) })
  },
  linkSync(from, to) {
    real.linkSync(from, to)
    if (below(to) !== undefined)
      note({ op: 'link', path: below(to), ino: inodeOf(/** @type {any} */ (below(to))) })
  },
  unlinkSync(path) {
    real.unlinkSync(path)
    if (below(path) !== undefined) note({ op: 'unlink', path: below(path) })
  },
  rmdirSync(path, ...rest) {
    real.rmdirSync(path, ...rest)
    if (below(path) !== undefined) note({ op: 'unlink', path: below(path) })
  },
  rmSync(path, ...rest) {
    const known = below(path)
    if (known === undefined) return real.rmSync(path, ...rest)
    const tree = treeOf(known)
    try {
      asOne(() => real.rmSync(path, ...rest))
    } finally {
      for (const gone of tree) if (!exists(gone)) note({ op: 'unlink', path: gone })
    }
  },
  mkdirSync(path, ...rest) {
    const missing = []
    for (let known = below(path); known && known !== '.' && !exists(known); known = dirname(known))
      missing.unshift(known)
    const made = real.mkdirSync(path, ...rest)
    for (const known of missing) note({ op: 'create', path: known, ino: inodeOf(known), kind: 'folder' })
    return made
  },
  cpSync(from, to, ...rest) {
    asOne(() => real.cpSync(from, to, ...rest))
    const known = below(to)
    if (known !== undefined) for (const path of treeOf(known).reverse()) noteCopy(path)
  },
  mkdtempSync(prefix, ...rest) {
    const made = real.mkdtempSync(prefix, ...rest)
    const known = below(made)
    if (known !== undefined) note({ op: 'create', path: known, ino: inodeOf(known), kind: 'folder' })
    return made
  },
  fsyncSync: syncsWith('fsyncSync'),
  fdatasyncSync: syncsWith('fdatasyncSync'),
  fsync: syncsLaterWith('fsync'),
  fdatasync: syncsLaterWith('fdatasync'),
}

/** What changes files in ways that are not recorded: nobody may do that below ROOT. */
const UNKNOWN = [
  ...['appendFile', 'appendFileSync', 'copyFile', 'copyFileSync', 'cp', 'createWriteStream', 'link'],
  ...[
    'mkdir',
    'mkdtemp',
    'rename',
    'rm',
    'rmdir',
    'symlink',
    'symlinkSync',
    'truncate',
    'unlink',
    'writeFile',
  ],
]

const openHandle = fs.promises.open
fs.promises.open = async (path, flags = 'r', ...rest) => {
  const handle = await openHandle(path, flags, ...rest)
  if (below(path) === undefined) return handle
  if (flags !== 'r') throw new Error('The recorder knows no handles that write.')
  const sync = handle.sync.bind(handle)
  handle.sync = async () => {
    const end = beginSync((await handle.stat()).ino)
    await sync()
    end()
  }
  return handle
}

/** @param {any} functions @param {string} name */
function refuse(functions, name) {
  const original = functions[name]
  functions[name] = (/** @type {unknown[]} */ ...args) => {
    if (nested === 0 && args.some((argument) => below(argument) !== undefined))
      throw new Error(`The recorder knows no ${name}.`)
    return original.apply(functions, args)
  }
}

for (const name of UNKNOWN) refuse(fs, name)
for (const name of UNKNOWN.filter((name) => name in fs.promises)) refuse(fs.promises, name)
Object.assign(fs, wrappers)
syncBuiltinESMExports()
