// The pages that stand in for the web UI while it is not there. They need nothing but themselves.
import { COMMAND } from '../../package.ts'

/** Seconds after which the page that waits looks again. */
export const REFRESH_SECONDS = 2

/** What to do when the UI could not be fetched; the log says it, too. */
export const HOW_TO_GET_UI = `Run "${COMMAND} ui install" on a machine that has Python with pip and reaches a package index, or start the server with --ui-dir <folder>, such as mlflow/server/js/build of a stock MLflow installation.`

/** Tells that the UI is on its way, and looks again by itself. */
export const fetchingPage = (): string =>
  page({
    head: `<meta http-equiv="refresh" content="${REFRESH_SECONDS}">`,
    title: 'The web UI is being fetched',
    paragraphs: ['This page shows it as soon as it is there, in half a minute or so. The API works already.'],
  })

/** Tells why there is no UI, and how to get it. */
export const unavailablePage = (reason: string): string =>
  page({
    head: '',
    title: 'The web UI is not installed',
    paragraphs: [reason, HOW_TO_GET_UI, 'Then load this page again. The API works without it.'],
  })

function page({ head, title, paragraphs }: { head: string; title: string; paragraphs: string[] }): string {
  const text = paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`).join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${head}
<title>Crateflow: ${escapeHtml(title)}</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 15vh auto; padding: 0 1em }</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${text}
<p><a href="crateflow">Console: what the database holds, and what becomes of old data</a></p>
<p><a href="docs">API documentation</a></p>
</body>
</html>
`
}

const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
