// Which addresses webhooks may reach, compared with stock MLflow's own check.
import { describe, expect, it } from 'vitest'
import { createPublicAddressCheck } from '../../src/registry/webhooks/public-addresses.ts'
import { pythonOutput } from '../support/python.ts'
import { missing } from '../support/services.ts'

const isPublic = createPublicAddressCheck()

const PUBLIC = ['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '192.0.1.1', '2606:4700::1111']
const NOT_PUBLIC = [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255'],
  ...['192.0.0.1', '192.168.1.1', '198.18.0.1', '203.0.113.9', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
  ...[
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
  ],
  ...[
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fe80::1%lo',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
    '100::1',
    '::7f00:1',
  ],
  ...['localhost', '', '1.2.3'],
]
/** Wrapped public addresses are as public as what they wrap. */
const WRAPPED = ['::ffff:8.8.8.8', '64:ff9b::808:808', '2002:808:808::1']

describe('addresses that webhooks may reach', () => {
  it.each([...PUBLIC, ...WRAPPED])('has %s for public', (address) => {
    expect(isPublic(address)).toBe(true)
  })

  it.each(NOT_PUBLIC)('has %j for not public', (address) => {
    expect(isPublic(address)).toBe(false)
  })

  const reason = missing('python')
  it.skipIf(reason)(`are all public to stock MLflow too, in ranges from end to end ${reason}`, async () => {
    const edges = [...Array(256).keys()].flatMap((first) =>
      ['0.0.0', '0.0.1', '18.0.1', '31.255.255', '64.0.0', '168.0.1', '254.1.1', '255.255.255'].flatMap(
        (rest) => [`${first}.${rest}`, `::ffff:${first}.${rest}`],
      ),
    )
    const groups = [...Array(512).keys()].map((n) => `${(n << 7).toString(16)}:808:808::1`)
    const found = [...edges, ...groups].filter(isPublic)
    expect(found.length).toBeGreaterThan(1000)
    const refused = await pythonOutput(`
import ipaddress, json
from mlflow.utils.validation import _is_public_ip
found = json.loads('''${JSON.stringify(found)}''')
print(json.dumps([a for a in found if not _is_public_ip(ipaddress.ip_address(a))]))`)
    expect(JSON.parse(refused)).toEqual([])
  })
})
