// Spellings of paths that lead, or might lead, out of the artifact folder.

/** As they stand behind the endpoint in a request's URL; each is refused by MLflow 3.17.2 and by us. */
export const HOSTILE_URL_PATHS = [
  '..',
  '../x',
  'x/..',
  'x/../y',
  'a/../../b',
  '../',
  'x/../',
  '%2e%2e/x',
  '%2E%2E%2Fx',
  '..%2fx',
  '.%2e/x',
  '%2e./x',
  'x/%2e%2e%2f%2e%2e',
  '%252e%252e/x',
  '%252e%252e%252fx',
  '%25252e%25252e%25252fx',
  '%2525252525252525252e%2e/x',
  '%252fetc%252fpasswd',
  'C:/x',
  'C:%5Cx',
  '%43%3a/x',
  'a:/b',
  '%5c%5chost%5cshare',
  'file:///etc/passwd',
  'file:/etc/passwd',
  'file:etc/passwd',
  'file%3a///etc/passwd',
  'file://host/etc/passwd',
  'FILE:///etc/passwd',
  'file:..%2f..%2fetc',
  'http://e/..%2fx',
  'x%23y',
  '%09..',
  '..%09',
  '.%0d./x',
  '%20../x',
  '%01../x',
]

/** Refused too, but MLflow redirects some methods of them instead. */
export const ABSOLUTE_URL_PATHS = [
  '/etc/passwd',
  '//etc/passwd',
  '%2fetc/passwd',
  '//host/share',
  '%2f%2fhost%2fx',
]

/** MLflow takes these as odd file names or fails with an internal error; we refuse them. */
export const REFUSED_BY_US_ALONE = [
  '..%5cx',
  'x%5c..%5cy',
  '%255c..%255cx',
  '%5cx',
  '%00',
  'x%00.txt',
  'x%2500',
  '..%00/x',
  '%e2%80%a5/x',
  '%ef%bc%8e%ef%bc%8e/x',
  'x/%ef%bc%8e%ef%bc%8e',
  '..%20/x',
  '%25c0%25ae%25c0%25ae/x',
  'x'.repeat(5000),
]
