// The licenses of packages whose code is in the bundles, as a text that lies beside them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`
const APACHE = 'Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0'
const UNLICENSE = `This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or distribute this software, either in source code form or as a compiled binary, for any purpose, commercial or non-commercial, and by any means.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

For more information, please refer to <https://unlicense.org>`
/** For packages that bring no file; the other license of these stands in their sources, and so in the bundle. */
const TEXTS = { MIT, Unlicense: UNLICENSE, 'Apache-2.0': APACHE, '(Apache-2.0 AND BSD-3-Clause)': APACHE }

/**
 * @param {string[]} files of packages and of our own
 * @returns each package with its version, and the text of its license and notice; equal texts are told once
 * @throws Error for a package whose license is unknown
 */
export function licensesOf(files) {
  const folders = new Set(files.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []))
  const packages = new Map()
  for (const folder of [...folders].sort()) {
    const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const text = licenseIn(folder) ?? standardText({ name, license, author })
    packages.set(text, [...(packages.get(text) ?? []), `${name} ${version} (${license})`])
  }
  const parts = [...packages].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`)
  return ['The code of these packages is part of the program.\n', ...parts].join(`\n${'-'.repeat(80)}\n\n`)
}

/** What the package's files of that name say, else the section of its README. */
function licenseIn(folder) {
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)(\.|$)/i.test(name))
  const texts = names.map((name) => readFileSync(join(folder, name), 'utf8').trim())
  if (texts.length > 0) return texts.join('\n\n')
  const readme = join(folder, 'README.md')
  const section = existsSync(readme)
    ? /^#+ *licen[cs]e\s*$([\s\S]*)/im.exec(readFileSync(readme, 'utf8'))?.[1]
    : undefined
  return section?.includes('Permission is hereby granted') ? section.trim() : undefined
}

function standardText({ name, license, author }) {
  const text = TEXTS[license]
  if (text === undefined) throw new Error(`${name} brings no text of its license, ${license}`)
  if (license === 'Unlicense') return text
  const holder = typeof author === 'object' ? author.name : author?.replace(/ *<.*/, '')
  return `Copyright (c) ${holder ?? `the authors of ${name}`}\n\n${text}`
}
