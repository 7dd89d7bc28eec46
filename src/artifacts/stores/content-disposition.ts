// The Content-Disposition of downloads: always an attachment, so that a browser never shows it as our own page.

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const quote = (text: string) => (TOKEN.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`)
const isAscii = (text: string) => /^[\u0020-\u007e]*$/.test(text)

/** Percent-encodes all but RFC 5987's attr-char. */
const encodeExtended = (text: string) =>
  encodeURIComponent(text)
    .replace(/%(23|24|26|2B|5E|60|7C)/g, (kept) => decodeURIComponent(kept))
    .replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * `attachment; filename=…`, with an ASCII fallback beside `filename*` for other names.
 * @see mlflow/server/handlers.py _content_disposition_attachment
 */
export function attachmentDisposition(fileName: string): string {
  if (isAscii(fileName)) return `attachment; filename=${quote(fileName)}`
  const fallback = fileName.normalize('NFKD').replace(/[^\u0020-\u007e]/g, '') || 'download'
  return `attachment; filename=${quote(fallback)}; filename*=UTF-8''${encodeExtended(fileName)}`
}

/**
 * The form that object stores are asked to answer presigned downloads with.
 * @see mlflow/store/artifact/s3_artifact_repo.py _attachment_content_disposition
 */
export function signedAttachmentDisposition(fileName: string): string {
  if (isAscii(fileName)) return `attachment; filename="${fileName.replace(/["\\]/g, '\\$&')}"`
  return `attachment; filename*=UTF-8''${encodeURIComponent(fileName).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`
}
