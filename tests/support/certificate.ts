/** A certificate that nobody trusts until he is told to: for 127.0.0.1 and localhost, made anew for every test run. */
import { generateKeyPairSync, sign } from 'node:crypto'

/** PEM, both. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** Self-signed, valid from yesterday to tomorrow. */
export function selfSigned(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const day = 86_400_000
  const name = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from('a test of thampi')))))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    sequence(ecdsaWithSha256),
    name,
    sequence(time(Date.now() - day), time(Date.now() + day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(alternativeNames, der(0x04, hosts)),
        sequence(basicConstraints, der(0x04, isAuthority)),
      ),
    ),
  )
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)])
  const whole = sequence(body, sequence(ecdsaWithSha256), der(0x03, signature))
  const base64 = whole.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  }
}

/** Tag, length, value: all there is to DER. */
function der(tag: number, value: Uint8Array): Buffer {
  const { length } = value
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), value])
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

function time(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))
}

function identifier(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

const ecdsaWithSha256 = identifier('2a8648ce3d040302')
const commonName = identifier('550403')
const alternativeNames = identifier('551d11')
const basicConstraints = identifier('551d13')
const hosts = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))
const isAuthority = sequence(der(0x01, Buffer.from([0xff])))
