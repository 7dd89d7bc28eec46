// What ends an execution here, not the execution itself.

/** This server is about to end, or another one has the execution by now: nothing is to be undone. */
export class TakenOver extends Error {
  /** Whether this server has it still, and may write how far it is. */
  readonly isHeld: boolean

  constructor(isHeld: boolean) {
    super()
    this.isHeld = isHeld
  }
}
