// Child processes of the benchmark: start, readiness, what they take of memory and CPU, end.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const READY_LIMIT_MS = 180_000
/** Clock ticks per second in /proc, the same on all Linux platforms of Node.js. */
const TICKS_PER_SECOND = 100

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/**
 * Starts a command in a process group of its own and waits until `ready` answers true.
 * @returns how long that took, and what to call for memory, CPU and the end
 * @throws Error with the end of the log when the command ends or is not ready in time
 */
export async function startProcess({ command, logFile, env = {}, cwd, user, ready }) {
  const log = openSync(logFile, 'a')
  const began = performance.now()
  const options = {
    stdio: ['ignore', log, log],
    detached: true,
    env: { ...process.env, ...env },
    cwd,
    ...user,
  }
  const child = spawn(command[0], command.slice(1), options)
  closeSync(log)
  let failed
  child.once('error', (error) => {
    failed = error
  })
  const stop = () => stopGroup(child)
  groups.add(child.pid)
  while (!(await ready().catch(() => false))) {
    const ended = failed ?? (child.exitCode !== null || child.signalCode !== null)
    if (ended || performance.now() - began > READY_LIMIT_MS) {
      await stop()
      throw new Error(`${command[0]} does not start:\n${readFileSync(logFile, 'utf8').slice(-2000)}`)
    }
    await sleep(20)
  }
  return {
    startMs: performance.now() - began,
    signal: (name) => process.kill(child.pid, name),
    memoryMiB: () => memoryMiB(child.pid),
    cpuSeconds: () => cpuSeconds(child.pid),
    stop,
    kill: () => killGroup(child),
  }
}

/** Processes that only take CPU time, until the benchmark ends. */
export function startBusy(count) {
  for (let i = 0; i < count; i++) {
    const busy = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore', detached: true })
    groups.add(busy.pid)
  }
}

const groups = new Set()

/** Ends what was not stopped; to be called when the process exits, whatever the reason. */
export function killAll() {
  for (const pid of groups) if (pid !== undefined) signalGroup(pid, 'SIGKILL')
}

async function stopGroup(child) {
  if (child.pid === undefined) return
  signalGroup(child.pid, 'SIGTERM')
  for (let waited = 0; waited < 200 && signalGroup(child.pid, 0); waited++) await sleep(50)
  signalGroup(child.pid, 'SIGKILL')
  groups.delete(child.pid)
}

/** Ends a group without a chance to put anything in order, as a crash would. */
async function killGroup(child) {
  signalGroup(child.pid, 'SIGKILL')
  while (signalGroup(child.pid, 0)) await sleep(5)
  groups.delete(child.pid)
}

/** True while the group has a process. */
function signalGroup(pid, signal) {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}

/** Process ids of a process and all that descend from it. */
function family(root) {
  const parents = new Map()
  for (const entry of readdirSync('/proc')) {
    if (/^\d+$/.test(entry)) parents.set(Number(entry), Number(statOf(entry)?.[1]))
  }
  const members = new Set([root])
  for (let size = 0; size !== members.size; ) {
    size = members.size
    for (const [pid, parent] of parents) if (members.has(parent)) members.add(pid)
  }
  return [...members]
}

/** Fields of /proc/<pid>/stat from the state on; undefined when the process is gone. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Memory of a process and its descendants; what they share counts once (PSS). */
function memoryMiB(root) {
  let kib = 0
  for (const pid of family(root)) {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
      kib += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
    } catch {
      // It ended meanwhile.
    }
  }
  return Math.round(kib / 1024)
}

/** CPU time that a process and its living descendants have taken. */
function cpuSeconds(root) {
  const ticks = family(root).map((pid) => {
    const stat = statOf(pid)
    return stat ? Number(stat[11]) + Number(stat[12]) : 0
  })
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_PER_SECOND
}
