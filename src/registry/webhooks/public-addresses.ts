// Which IP addresses are public: a webhook must not reach into the network that the server stands in.
import { BlockList, isIP, isIPv6 } from 'node:net'

/**
 * IPv4 networks that are not public, after the registries of special addresses at IANA.
 * @see Python's ipaddress IPv4Address.is_global; multicast and all of 192.0.0.0/24 go beyond it
 */
const IPV4: [network: string, bits: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** @see Python's ipaddress IPv6Address.is_global; multicast, site-local and newer networks go beyond it */
const IPV6: [network: string, bits: number][] = [
  // Also the outdated IPv4-compatible addresses.
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]

/** Makes the check once; it is cheap to call. */
export function createPublicAddressCheck(): (address: string) => boolean {
  const special = new BlockList()
  for (const [network, bits] of IPV4) {
    special.addSubnet(network, bits, 'ipv4')
    const hex = network.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
    const halves = `${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`
    // An IPv4 address inside IPv6: mapped, 6to4 and NAT64.
    special.addSubnet(`::ffff:${halves}`, 96 + bits, 'ipv6')
    special.addSubnet(`2002:${halves}::`, 16 + bits, 'ipv6')
    special.addSubnet(`64:ff9b::${halves}`, 96 + bits, 'ipv6')
  }
  for (const [network, bits] of IPV6) special.addSubnet(network, bits, 'ipv6')
  return (address) => {
    // A zone, as in fe80::1%eth0, is only there for addresses of the local link.
    if (!isIP(address) || address.includes('%')) return false
    return !special.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }
}
