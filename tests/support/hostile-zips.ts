/** Archives that want to do harm where they are unpacked, one for each way that is known. */
import { deflateRawSync } from 'node:zlib'
import { type RawEntry, rawEnd64, rawZip, wide } from './raw-zip.ts'

export interface Hostile {
  /** What it tries. */
  readonly name: string
  readonly bytes: Buffer
}

const LINK = 0o120777
const DEVICE = 0o020666
const PIPE = 0o010666
const ENCRYPTED = 0x801
const MiB = 1024 * 1024

/**
 * @param outside an absolute path where nothing may be written
 * @param sibling name of a directory beside the one that is unpacked into, and which begins with the same letters
 */
export function hostileZips(outside: string, sibling: string): Hostile[] {
  const evil = 'evil'
  const zeros = deflateRawSync(Buffer.alloc(64 * MiB))
  const one = (name: string, entry: Partial<RawEntry> = {}): Buffer =>
    rawZip([{ content: evil, ...entry, name }])
  const whole = rawZip([{ name: 'a', content: 'x'.repeat(1000), method: 0 }])
  return [
    { name: 'a way up', bytes: one('../evil') },
    { name: 'a way up and further', bytes: one('../../../../../../evil') },
    { name: 'a way down and further up', bytes: one('a/../../evil') },
    { name: 'a way up at the end', bytes: one('a/b/../../..') },
    { name: 'a sibling with the same beginning', bytes: one(`../${sibling}/evil`) },
    { name: 'an absolute path', bytes: one(`${outside}/evil`) },
    { name: 'a drive', bytes: one('C:/evil') },
    { name: 'a drive without a slash', bytes: one('C:evil') },
    { name: 'a network share', bytes: one('\\\\host\\share\\evil') },
    { name: 'a way up with backslashes', bytes: one('a\\..\\..\\evil') },
    { name: 'a NUL in the name', bytes: one('harmless.txt\0/../../evil') },
    { name: 'a line end in the name', bytes: one('a\nb') },
    { name: 'no name', bytes: one('') },
    { name: 'a name of dots', bytes: one('./evil') },
    { name: 'a directory without a name', bytes: one('a//evil') },
    { name: 'a name that no file system holds', bytes: one('n'.repeat(256)) },
    {
      name: 'a name that is not UTF-8',
      bytes: rawZip([{ name: Buffer.from([0x61, 0xff, 0xfe]), content: evil }]),
    },
    { name: 'the same name twice', bytes: rawZip(['a', 'a'].map(name => ({ name, content: evil }))) },
    {
      name: 'names that differ in case',
      bytes: rawZip(['dir/A', 'DIR/a'].map(name => ({ name, content: evil }))),
    },
    {
      name: 'names that differ in how an accent is written',
      bytes: rawZip(['caf\u00e9', 'cafe\u0301'].map(name => ({ name, content: evil }))),
    },
    {
      name: 'a file that is a directory as well',
      bytes: rawZip(['a', 'a/b'].map(name => ({ name, content: evil }))),
    },
    { name: 'a link', bytes: one('link', { content: outside, mode: LINK }) },
    {
      name: 'a link and a file through it',
      bytes: rawZip([
        { name: 'link', content: outside, mode: LINK, method: 0 },
        { name: 'link/evil', content: evil },
      ]),
    },
    { name: 'a device', bytes: one('null', { mode: DEVICE }) },
    { name: 'a pipe', bytes: one('pipe', { mode: PIPE }) },
    { name: 'a directory with content', bytes: one('a/') },
    { name: 'encrypted', bytes: one('a', { flags: ENCRYPTED }) },
    { name: 'a method that nobody asked for', bytes: one('a', { method: 12 }) },
    {
      name: 'a thousand times its size',
      bytes: one('bomb', { packed: zeros, central: { bytes: 64 * MiB }, local: { bytes: 64 * MiB } }),
    },
    {
      name: 'more than it says, big',
      bytes: rawZip([
        { name: 'bomb', packed: zeros, central: { bytes: 5 * MiB }, local: { bytes: 5 * MiB } },
      ]),
    },
    { name: 'more than it says, small', bytes: one('bomb', { packed: zeros }) },
    {
      name: 'more entries than anybody needs',
      bytes: rawZip(Array.from({ length: 20_001 }, (_, i) => ({ name: `${i}`, method: 0 }))),
    },
    {
      name: 'more bytes than anybody needs',
      bytes: rawZip(
        ['a', 'b', 'c'].map(name => ({
          name,
          packed: Buffer.alloc(3 * MiB),
          central: { bytes: 512 * MiB },
          local: { bytes: 512 * MiB },
        })),
      ),
    },
    {
      name: 'two entries with the same bytes',
      bytes: rawZip([
        { name: 'a', content: 'x'.repeat(100) },
        { name: 'b', content: 'x'.repeat(100), sharesWith: 0 },
      ]),
    },
    {
      name: 'an entry inside another',
      bytes: rawZip([
        { name: 'a', content: one('inner'), method: 0 },
        { name: 'inner', content: evil, central: { offset: 31 } },
      ]),
    },
    { name: 'two names for one entry', bytes: one('a', { local: { name: 'b' } }) },
    { name: 'two sizes for one entry', bytes: one('a', { local: { bytes: 5 } }) },
    { name: 'two packings for one entry', bytes: one('a', { local: { method: 0 } }) },
    { name: 'two sizes where nothing is packed', bytes: one('a', { method: 0, central: { bytes: 400 } }) },
    { name: 'another checksum', bytes: one('a', { central: { crc32: 1 }, local: { crc32: 1 } }) },
    { name: 'an entry that is not there', bytes: one('a', { central: { offset: 10_000 } }) },
    { name: 'a directory that is not there', bytes: rawZip([{ name: 'a' }], { offset: 10_000 }) },
    { name: 'a directory that is too short', bytes: rawZip([{ name: 'a' }], { count: 9 }) },
    {
      name: 'a directory before the one that is seen first',
      bytes: rawZip([{ name: 'a' }], { before: () => rawZip([{ name: 'b' }]) }),
    },
    {
      name: 'two ends',
      bytes: Buffer.concat([
        rawZip([{ name: 'a' }]).subarray(0, -2),
        Buffer.from([22, 0]),
        rawZip([]).subarray(0, 18),
        Buffer.alloc(4, 1),
      ]),
    },
    { name: 'one of several disks', bytes: rawZip([{ name: 'a' }], { disk: 3 }) },
    { name: 'cut off', bytes: whole.subarray(0, whole.length - 30) },
    { name: 'cut in two', bytes: Buffer.concat([whole.subarray(0, 500), whole.subarray(900)]) },
    {
      name: 'a number beyond all disks',
      bytes: one('a', { central: { bytes: 0xffffffff }, extra: wide(2n ** 63n) }),
    },
    { name: 'a 64 bit number that is missing', bytes: one('a', { central: { bytes: 0xffffffff } }) },
    {
      name: 'two directories that contradict each other',
      bytes: rawZip([{ name: 'a' }, { name: 'b' }], {
        before: (offset, size) =>
          rawEnd64(offset + size, { count: 1n, size: BigInt(size), offset: BigInt(offset) }),
      }),
    },
    { name: 'no archive at all', bytes: Buffer.from('#!/bin/sh\necho evil\n') },
    { name: 'nothing', bytes: Buffer.alloc(0) },
  ]
}
