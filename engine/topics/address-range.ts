/** Ranges of IP addresses in the form `address/bits` (CIDR), of IPv4 and IPv6. */
import { BlockList, isIP } from 'node:net';

/** Whether a text is an address in the range. Throws Error for a range that is not valid. */
export function compileAddressRange(range: string): (text: string) => boolean {
  const [address = '', bits = '', ...rest] = range.split('/');
  const family = isAddress(address);
  if (family === 0 || rest.length > 0) throw new Error('must be an IP address and a number of bits, such as "10.0.0.0/24"');
  const bitsMax = family === 4 ? 32 : 128;
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > bitsMax) throw new Error(`must have 0 to ${bitsMax} bits after the "/"`);
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const addresses = new BlockList();
  addresses.addSubnet(address, Number(bits), type);
  return (text) => isAddress(text) === family && addresses.check(text, type);
}

/** 4, 6, or 0 for a text that is not an address. Addresses with a zone, such as `fe80::1%eth0`, are not compared. */
function isAddress(text: string): number {
  return text.includes('%') ? 0 : isIP(text);
}
