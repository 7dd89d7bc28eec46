// The stock web UI for tests that show it. Use below `describe.skipIf(missing('ui'))`.
import { useService } from './services.ts'

/** The folder of the installed UI, for --ui-dir. */
export async function uiFolder(): Promise<string> {
  return (await useService('ui')).folder
}
