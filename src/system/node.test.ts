import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../tests/support/python.ts'
import { findNode } from './node.ts'
import { realSystem, type System } from './system.ts'

const systemWith = (chosen: string | undefined): System => ({
  ...realSystem(),
  env: { ...process.env, THAMPI_NODE: chosen },
})

/** A program that says it is Node of some version. */
function nodeThatSays(version: string): string {
  const file = join(temporaryDirectory(), 'node')
  writeFileSync(file, `#!/bin/sh\necho ${version}\n`)
  chmodSync(file, 0o755)
  return file
}

describe('the Node that runs models', () => {
  it('is the one that runs us, unless THAMPI_NODE names another', async () => {
    expect(await findNode(systemWith(undefined))).toMatchObject({
      path: process.execPath,
      version: process.versions.node,
    })
    const other = nodeThatSays('v24.1.0')
    expect(await findNode(systemWith(other))).toEqual({ path: other, version: '24.1.0', major: '24' })
  })

  it.each([
    ['/nowhere/node', /"\/nowhere\/node", which does not start as Node/],
    [nodeThatSays('hello'), /which does not start as Node/],
    [nodeThatSays('v16.20.2'), /which is Node 16\.20\.2; models need Node 20 or newer/],
  ])('is refused by name when it cannot be: %s', async (chosen, message) => {
    await expect(findNode(systemWith(chosen))).rejects.toMatchObject({
      code: 'NODE_MISSING',
      message: expect.stringMatching(message),
    })
  })
})
