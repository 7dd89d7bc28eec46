// Joins what the parts of one query ask for one by one.

/**
 * Returns `load(key)`: keys that are asked for in one turn of the event loop are read together, each key once.
 * Lives as long as one query, since it remembers what it read.
 */
export function loadTogether<Value>(
  read: (keys: string[]) => Promise<Map<string, Value>>,
): (key: string) => Promise<Value | undefined> {
  const known = new Map<string, Promise<Value | undefined>>()
  let waiting: string[] = []
  let together: Promise<Map<string, Value>> | undefined

  async function readWaiting(): Promise<Map<string, Value>> {
    // The list whose items ask is gone through without a pause, so all of them have asked by then.
    await new Promise((resolve) => setImmediate(resolve))
    const keys = waiting
    waiting = []
    together = undefined
    return read(keys)
  }

  return (key) => {
    let value = known.get(key)
    if (!value) {
      waiting.push(key)
      together ??= readWaiting()
      value = together.then((values) => values.get(key))
      known.set(key, value)
    }
    return value
  }
}
