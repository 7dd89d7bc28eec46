// Types of what is used of fs-native-extensions, which brings none.
declare module 'fs-native-extensions' {
  /** Locks the whole file for the open file description; false when another one has it. */
  export function tryLock(fd: number): boolean
}
